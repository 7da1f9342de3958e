"""The command for the person on call: what it settles, what it leaves, what it says."""

import io
import json
import re
import sys
from types import SimpleNamespace

import pytest
import replay
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from replay import NothingToLookAt, Replay, invoker, outputs_of


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

    def played(function, said=None, **options):
        said = [] if said is None else said
        left = Replay(s3, "failed", invoker(function, "f:live"), said.append).run(**options)
        return left, said, [item["Key"] for item in s3.list_objects_v2(Bucket="failed").get("Contents", ())]

    return played


def test_every_batch_is_handed_over_whole_and_removed(play):
    function = Function()
    left, said, keys = play(function)
    assert (left, function.asked, keys) == (0, [[1, 2, 3], [7]], [])
    assert [re.sub(r"\d\.\d s", "a moment", line) for line in said] == [
        "1 of 2: shardId-000000000006 from 1: 3 records of 2026-11-12T09:11:12Z (RetryAttemptsExhausted)",
        "  settled in a moment",
        "2 of 2: shardId-000000000006 from 7: 1 records of 2026-11-12T09:11:12Z (RetryAttemptsExhausted)",
        "  settled in a moment",
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
    assert said[1] == "  left aws/lambda/1/a: the function failed with ClientError: AccessDenied"


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


@pytest.mark.parametrize(
    "body",
    [
        b'{"KinesisBatchInfo": null}',
        b'{"requestContext": "text"}',
        b"no JSON",
        b"\xff",
        b"",
        b"[]",
        b"{}",
        b'{"payload": "[]"}',
        b'{"payload": "{\\"Records\\": []}"}',
        b'{"payload": "{\\"Records\\": [1]}"}',
        b'{"payload": 7}',
        b"[" * 100_000,
        json.dumps({"payload": "[" * 100_000}).encode(),
    ],
)
def test_what_lambda_did_not_write_is_left_and_stops_no_other(play, s3, body):
    s3.put_object(Bucket="failed", Key="a note", Body=body)
    function = Function()
    left, said, keys = play(function)
    assert (left, keys, function.asked) == (1, ["a note"], [[1, 2, 3], [7]])
    assert "holds no payload" in said[1]


def test_a_key_with_half_a_surrogate_is_handed_over_as_it_came(s3):
    record = {"kinesis": {"sequenceNumber": "1", "partitionKey": "\ud83d"}}
    s3.put_object(Bucket="failed", Key="a", Body=json.dumps({"payload": json.dumps({"Records": [record]})}).encode())
    handed = []

    def invoke(*, FunctionName, Payload):
        handed.extend(json.loads(Payload)["Records"])
        return {"Payload": io.BytesIO(b'{"batchItemFailures": []}')}

    assert Replay(s3, "failed", invoker(SimpleNamespace(invoke=invoke), "f:live"), lambda line: None).run() == 0
    assert handed == [record]


def test_what_cannot_be_read_or_removed_stops_no_other(play, s3, monkeypatch):
    get, delete = s3.get_object, s3.delete_object

    def refused(operation):
        return ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)

    def get_some(**given):
        if given["Key"].endswith("/a"):
            raise refused("GetObject")
        return get(**given)

    def delete_none(**given):
        raise ReadTimeoutError(endpoint_url="s3")

    monkeypatch.setattr(s3, "get_object", get_some)
    left, said, keys = play(Function())
    assert (left, keys) == (1, ["aws/lambda/1/a"])
    assert "left aws/lambda/1/a: An error occurred (AccessDenied) when calling the GetObject operation" in said[0]
    monkeypatch.setattr(s3, "get_object", get)
    monkeypatch.setattr(s3, "delete_object", delete_none)
    left, said, keys = play(Function())
    assert (left, keys) == (1, ["aws/lambda/1/a"])
    assert "Read timeout" in said[1]
    monkeypatch.setattr(s3, "delete_object", delete)
    assert play(Function())[0] == 0


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"batchItemFailures": [{}]}, {"batchItemFailures": [{"itemIdentifier": "99"}]}]
)
def test_an_answer_that_says_nothing_of_the_batch_settles_nothing(s3, answer):
    s3.put_object(Bucket="failed", Key="a", Body=failed(1, 2))
    said = []
    assert Replay(s3, "failed", lambda event: answer, said.append).run() == 1
    assert re.search("the function (answered|stopped at 99)", said[1])
    assert s3.list_objects_v2(Bucket="failed")["KeyCount"] == 1


def test_interrupted_it_says_how_far_it_came_and_goes_on_the_next_time(play):
    function = Function()
    answer = function.invoke

    def interrupted(**call):
        if function.asked:
            raise KeyboardInterrupt
        return answer(**call)

    function.invoke = interrupted
    said = []
    with pytest.raises(KeyboardInterrupt):
        play(function, said=said)
    assert said[-1] == "1 batches (3 records) settled, 0 left, 1 not looked at"
    again = Function()
    assert play(again)[2] == []
    assert again.asked == [[7]]


def test_a_payload_is_never_longer_than_it_came(s3):
    handed = []

    class Lambda:
        def invoke(self, *, FunctionName, Payload):
            handed.append(Payload)
            return {"Payload": io.BytesIO(b'{"batchItemFailures": []}')}

    came = '{"Records":[{"kinesis":{"sequenceNumber":"1","partitionKey":"ключ"}}]}'
    s3.put_object(Bucket="failed", Key="a", Body=json.dumps({"payload": came}).encode())
    assert Replay(s3, "failed", invoker(Lambda(), "f:live"), print).run() == 0
    assert handed == [came.encode()]


class Stacks:
    def __init__(self, **outputs):
        self.outputs = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]

    def describe_stacks(self, *, StackName):
        if StackName == "gone":
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": "gone does not exist"}}, "DescribeStacks"
            )
        return {"Stacks": [{"Outputs": self.outputs}]}


def test_a_stack_that_is_none_of_this_template_is_named():
    wanted = {"Function": "f", "FailedBatchesBucket": "b"}
    assert outputs_of(Stacks(**wanted), "stream-dev") == wanted
    with pytest.raises(
        NothingToLookAt, match="other has no output FailedBatchesBucket; is it a stack of this template"
    ):
        outputs_of(Stacks(Function="f"), "other")
    with pytest.raises(NothingToLookAt, match=r"gone cannot be looked up: .*does not exist"):
        outputs_of(Stacks(), "gone")


def test_no_progress_is_no_endless_loop(play):
    left, said, _ = play(Function(stops_at=[7]))
    assert left == 1
    assert "makes no progress" in said[-2]


class Account:
    """Stands in for boto3: a stack, and failed batches that answer as they are told."""

    def __init__(self, list_pages):
        self.list_pages = list_pages

    def client(self, service, **_):
        if service == "cloudformation":
            return Stacks(Function="f:live", FailedBatchesBucket="failed")
        return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=lambda **_: self.list_pages()))


def raising(error):
    def list_pages():
        raise error

    return list_pages


@pytest.mark.parametrize(
    ("list_pages", "status", "said"),
    [
        (lambda: [{}], 0, "0 batches (0 records) settled, 0 left\n"),
        (raising(KeyboardInterrupt()), 130, "interrupted; run it again\n"),
        (
            raising(EndpointConnectionError(endpoint_url="s3")),
            2,
            'replay.py: Could not connect to the endpoint URL: "s3"\n',
        ),
    ],
)
def test_the_exit_status_says_what_became_of_it(monkeypatch, capsys, list_pages, status, said):
    monkeypatch.setitem(sys.modules, "boto3", Account(list_pages))
    monkeypatch.setattr(sys, "argv", ["replay.py", "stream-dev"])
    assert replay.main() == status
    heard = capsys.readouterr()
    assert heard.out + heard.err == said
