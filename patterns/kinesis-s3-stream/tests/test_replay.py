"""The command for the person on call: what it settles, what it leaves, what it says."""

import io
import json

import pytest
from replay import Replay, invoker


def failed(*numbers):
    records = [{"kinesis": {"sequenceNumber": str(number)}} for number in numbers]
    about = {
        "shardId": "shardId-000000000006",
        "startSequenceNumber": str(numbers[0]),
        "batchSize": len(numbers),
        "approximateArrivalOfFirstRecord": "2026-11-12T09:11:12Z",
    }
    request = {"requestContext": {"condition": "RetryAttemptsExhausted"}}
    return json.dumps({**request, "KinesisBatchInfo": about, "payload": json.dumps({"Records": records})}).encode()


class Function:
    """Stands in for Lambda: settles records, stops at some, and keeps what it was asked."""

    def __init__(self, stops_at=(), error=None):
        self.stops_at, self.error, self.asked = set(stops_at), error, []

    def invoke(self, *, FunctionName, Payload):
        numbers = [int(record["kinesis"]["sequenceNumber"]) for record in json.loads(Payload)["Records"]]
        self.asked.append(numbers)
        if self.error:
            said = {"errorType": "ClientError", "errorMessage": self.error}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}
        stops = [number for number in numbers if number in self.stops_at][:1]
        self.stops_at -= set(stops)
        said = {"batchItemFailures": [{"itemIdentifier": str(number)} for number in stops]}
        return {"Payload": io.BytesIO(json.dumps(said).encode())}


@pytest.fixture
def play(s3):
    s3.put_object(Bucket="failed", Key="aws/lambda/1/a", Body=failed(1, 2, 3))
    s3.put_object(Bucket="failed", Key="aws/lambda/1/b", Body=failed(7))

    def played(function, **options):
        said = []
        left = Replay(s3, "failed", invoker(function, "f:live"), said.append).run(**options)
        return left, said, [item["Key"] for item in s3.list_objects_v2(Bucket="failed").get("Contents", ())]

    return played


def test_every_batch_is_handed_over_whole_and_removed(play):
    function = Function()
    left, said, keys = play(function)
    assert (left, function.asked, keys) == (0, [[1, 2, 3], [7]], [])
    assert said == [
        "shardId-000000000006 from 1: 3 records of 2026-11-12T09:11:12Z (RetryAttemptsExhausted)",
        "  settled",
        "shardId-000000000006 from 7: 1 records of 2026-11-12T09:11:12Z (RetryAttemptsExhausted)",
        "  settled",
        "2 batches (4 records) settled, 0 left",
    ]
    assert play(function)[1] == ["0 batches (0 records) settled, 0 left"]
    assert len(function.asked) == 2


def test_a_dry_run_changes_nothing(play):
    function = Function()
    left, said, keys = play(function, dry_run=True)
    assert (left, function.asked, len(keys)) == (0, [], 2)
    assert said[-1] == "2 batches (4 records) would be settled, 0 left"


def test_a_prefix_chooses(play):
    function = Function()
    assert play(function, prefix="aws/lambda/1/b")[2] == ["aws/lambda/1/a"]
    assert function.asked == [[7]]


def test_what_fails_again_is_left_with_its_reason(play):
    left, said, keys = play(Function(error="AccessDenied"))
    assert (left, len(keys)) == (2, 2)
    assert said[1] == "  left: the function failed with ClientError: AccessDenied"


def test_a_function_that_stops_is_asked_again_for_the_rest(play):
    function = Function(stops_at=[2])
    left, _, keys = play(function)
    assert (left, function.asked, keys) == (0, [[1, 2, 3], [2, 3], [7]], [])


def test_the_rest_takes_the_batchs_place_before_it_is_tried(play, s3):
    function = Function(stops_at=[2])
    answer, function.invoke = function.invoke, lambda **call: answer(**call) if not function.asked else 1 / 0
    with pytest.raises(ZeroDivisionError):
        play(function)
    stored = json.loads(s3.get_object(Bucket="failed", Key="aws/lambda/1/a")["Body"].read())
    assert [record["kinesis"]["sequenceNumber"] for record in json.loads(stored["payload"])["Records"]] == ["2", "3"]
    assert stored["KinesisBatchInfo"]["startSequenceNumber"] == "2"


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}", b'{"payload": "[]"}'])
def test_what_lambda_did_not_write_is_left(play, s3, body):
    s3.put_object(Bucket="failed", Key="notes", Body=body)
    left, said, keys = play(Function())
    assert (left, keys) == (1, ["notes"])
    assert "holds no payload" in said[-2]


def test_no_progress_is_no_endless_loop(play):
    left, said, _ = play(Function(stops_at=[7]))
    assert left == 1
    assert "makes no progress" in said[-2]
