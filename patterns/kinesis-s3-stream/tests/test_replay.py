"""The command for the person on call: which failed batches it replays, and with which function."""

import io
import json
from types import SimpleNamespace

import pytest
from replay import failed_batches

from blueprints_shared.replay import replay


def failed(*numbers):
    """What Lambda writes when it gives a batch up."""
    records = [{"kinesis": {"sequenceNumber": str(number)}} for number in numbers]
    about = {"startSequenceNumber": str(numbers[0]), "batchSize": len(numbers)}
    return json.dumps({"KinesisBatchInfo": about, "payload": json.dumps({"Records": records})}).encode()


class Function:
    """Stands in for Lambda: keeps what it is sent, and stops once at `stops_at`."""

    def __init__(self, stops_at=None):
        self.stops_at, self.sent = stops_at, []

    def invoke(self, *, FunctionName, Payload):
        numbers = [record["kinesis"]["sequenceNumber"] for record in json.loads(Payload)["Records"]]
        self.sent.append((FunctionName, numbers))
        stops, self.stops_at = [number for number in numbers if number == self.stops_at], None
        answer = {"batchItemFailures": [{"itemIdentifier": number} for number in stops]}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def play(s3):
    s3.put_object(Bucket="failed", Key="aws/lambda/1/a", Body=failed(1, 2, 3))
    s3.put_object(Bucket="failed", Key="aws/lambda/1/b", Body=failed(7))

    def played(function, prefix=""):
        outputs = {"Function": "store:live", "FailedBatchesBucket": "failed"}
        stack = SimpleNamespace(outputs=outputs, client={"s3": s3, "lambda": function}.__getitem__)
        outcome = replay(failed_batches(stack, SimpleNamespace(prefix=prefix)), print)
        return outcome, [item["Key"] for item in s3.list_objects_v2(Bucket="failed").get("Contents", ())]

    return played


def test_every_failed_batch_goes_whole_to_the_function_and_is_removed(play):
    function = Function()
    outcome, keys = play(function)
    assert (outcome.replayed, outcome.left, outcome.held, keys) == (2, 0, 4, [])
    assert function.sent == [("store:live", ["1", "2", "3"]), ("store:live", ["7"])]


def test_a_function_that_stops_is_sent_the_rest(play):
    function = Function(stops_at="2")
    outcome, keys = play(function)
    assert (outcome.left, keys) == (0, [])
    assert [numbers for _, numbers in function.sent] == [["1", "2", "3"], ["2", "3"], ["7"]]


def test_a_prefix_chooses(play):
    function = Function()
    assert play(function, prefix="aws/lambda/1/b")[1] == ["aws/lambda/1/a"]
    assert [numbers for _, numbers in function.sent] == [["7"]]


def test_an_object_that_lambda_did_not_write_is_left(play, s3):
    s3.put_object(Bucket="failed", Key="a note", Body=b"about the outage")
    outcome, keys = play(Function())
    assert (outcome.replayed, outcome.left, keys) == (2, 1, ["a note"])
