"""Replaying failures: what is handed in, what is left and removed, what is shown, and how it ends."""

import hashlib
import io
import json
import re
import sys
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints_shared.replay import DeadLetters, NotReplayed, StoredBatches, invoke, main, replay
from blueprints_shared.stack_command import CommandFailed, Outputs

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:store-1A:live"


def aws_error(code, operation="Call"):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class S3:
    """A bucket in memory, with conditional writes and deletions."""

    def __init__(self, **objects):
        self.objects = objects

    def get_paginator(self, operation):
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket, Prefix):
        found = [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]
        return [{"Contents": found[:1]}, {"Contents": found[1:]}, {}]

    def get_object(self, *, Bucket, Key):
        self._check(Key, None)
        return {"Body": io.BytesIO(self.objects[Key]), "ETag": self._etag(Key)}

    def put_object(self, *, Bucket, Key, Body, IfMatch):
        self._check(Key, IfMatch)
        self.objects[Key] = Body
        return {"ETag": self._etag(Key)}

    def delete_object(self, *, Bucket, Key, IfMatch):
        self._check(Key, IfMatch)
        del self.objects[Key]

    def _check(self, key, etag):
        if key not in self.objects:
            raise aws_error("NoSuchKey")
        if etag and etag != self._etag(key):
            raise aws_error("PreconditionFailed")

    def _etag(self, key):
        return hashlib.sha256(self.objects[key]).hexdigest()


class Function:
    """Stands in for Lambda: handles records, stops at some, and keeps the numbers of those it was sent."""

    def __init__(self, stops_at=(), error=None):
        self.stops_at, self.error, self.sent = set(stops_at), error, []

    def invoke(self, *, FunctionName, Payload):
        numbers = [int(record["kinesis"]["sequenceNumber"]) for record in json.loads(Payload)["Records"]]
        self.sent.append(numbers)
        if self.error:
            answer = {"errorType": "ClientError", "errorMessage": self.error}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(answer).encode())}
        stops = [number for number in numbers if number in self.stops_at][:1]
        self.stops_at -= set(stops)
        return answering({"batchItemFailures": [{"itemIdentifier": str(number)} for number in stops]})


def answering(answer):
    return {"Payload": io.BytesIO(json.dumps(answer).encode())}


def failed(*numbers, **more):
    records = [{"kinesis": {"sequenceNumber": str(number), **more}} for number in numbers]
    about = {
        "shardId": "shardId-000000000006",
        "startSequenceNumber": str(numbers[0]),
        "batchSize": len(numbers),
        "approximateArrivalOfFirstRecord": "2026-11-12T09:11:12Z",
    }
    request = {"requestContext": {"condition": "RetryAttemptsExhausted"}}
    return json.dumps({**request, "KinesisBatchInfo": about, "payload": json.dumps({"Records": records})}).encode()


@pytest.fixture
def s3():
    return S3(**{"aws/lambda/1/a": failed(1, 2, 3), "aws/lambda/1/b": failed(7)})


@pytest.fixture
def play(s3):
    def played(function, said=None, *, dry_run=False, **options):
        said = [] if said is None else said
        outcome = replay(StoredBatches(s3, function, "failed", ARN, **options), said.append, dry_run=dry_run)
        return outcome.left, said, sorted(s3.objects)

    return played


class TestStoredBatches:
    def test_every_batch_is_handed_over_whole_and_removed(self, play):
        function = Function()
        left, said, keys = play(function)
        assert (left, function.sent, keys) == (0, [[1, 2, 3], [7]], [])
        assert [re.sub(r"\d\.\d s", "a moment", line) for line in said] == [
            "1 of 2: aws/lambda/1/a: 3 records from 1 of 2026-11-12T09:11:12Z for store-1A (RetryAttemptsExhausted)",
            "  replayed in a moment",
            "2 of 2: aws/lambda/1/b: 1 record from 7 of 2026-11-12T09:11:12Z for store-1A (RetryAttemptsExhausted)",
            "  replayed in a moment",
            "2 replayed (4 records), 0 left",
        ]
        assert play(function)[1] == ["0 replayed (0 records), 0 left"]
        assert len(function.sent) == 2

    def test_a_dry_run_changes_nothing(self, play, s3):
        before = dict(s3.objects)
        function = Function()
        left, said, _ = play(function, dry_run=True)
        assert (left, function.sent, s3.objects) == (0, [], before)
        assert said[1] == "  would be replayed"
        assert said[-1] == "2 would be replayed (4 records), 0 left"

    def test_a_prefix_chooses(self, play):
        function = Function()
        assert play(function, prefix="aws/lambda/1/b")[2] == ["aws/lambda/1/a"]
        assert function.sent == [[7]]

    def test_batches_go_oldest_first_and_those_of_one_second_in_the_order_of_their_records(self, s3):
        s3.objects = {
            "aws/2/2026-11-12T00.38.00-z": failed(3),
            "aws/1/2026-11-12T00.38.00-y": failed(10),
            "aws/1/2026-11-12T00.39.00-a": failed(2),
            "aws/3/2026-11-12T00.37.59-b": failed(8),
        }
        function = Function()
        replay(StoredBatches(s3, function, "failed", ARN), print)
        assert function.sent == [[8], [3], [10], [2]]

    def test_a_function_that_fails_again_leaves_the_batch_with_its_reason(self, play):
        left, said, keys = play(Function(error="AccessDenied"))
        assert (left, len(keys)) == (2, 2)
        assert said[1] == "  left: the function failed with ClientError: AccessDenied"

    def test_a_function_that_stops_is_sent_the_rest(self, play):
        function = Function(stops_at=[2])
        left, _, keys = play(function)
        assert (left, function.sent, keys) == (0, [[1, 2, 3], [2, 3], [7]], [])

    def test_of_several_failures_the_first_record_counts_in_whatever_order_they_are_named(self, play, s3):
        s3.objects, sent = {"a": failed(1, 2, 3, 4)}, []

        def answer_first(*, FunctionName, Payload):
            sent.append([record["kinesis"]["sequenceNumber"] for record in json.loads(Payload)["Records"]])
            names = ["4", "2", "3"] if len(sent) == 1 else []
            return answering({"batchItemFailures": [{"itemIdentifier": name} for name in names]})

        assert play(SimpleNamespace(invoke=answer_first))[0] == 0
        assert sent == [["1", "2", "3", "4"], ["2", "3", "4"]]

    @pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "[]", "null"])
    def test_a_start_that_is_no_number_stops_no_other_batch(self, play, s3, number):
        odd = failed(1).replace(b'"startSequenceNumber": "1"', b'"startSequenceNumber": ' + number.encode())
        s3.objects = {"a": odd, "b": failed(2)}
        function = Function()
        assert (play(function)[0], function.sent, s3.objects) == (0, [[1], [2]], {})

    def test_a_function_that_makes_no_progress_is_not_invoked_again(self, play):
        function = Function(stops_at=[7])
        left, said, keys = play(function)
        assert (left, keys, function.sent) == (1, ["aws/lambda/1/b"], [[1, 2, 3], [7]])
        assert said[-2] == "  left: the function stopped at its first record, 7; its log says why"

    @pytest.mark.parametrize("info", ["KinesisBatchInfo", "DDBStreamBatchInfo"])
    def test_the_rest_takes_the_batchs_place_before_it_is_tried(self, play, s3, info):
        s3.objects["aws/lambda/1/a"] = failed(1, 2, 3).replace(b"KinesisBatchInfo", info.encode())
        function = Function(stops_at=[2])
        answer, function.invoke = function.invoke, lambda **call: answer(**call) if not function.sent else 1 / 0
        with pytest.raises(ZeroDivisionError):
            play(function)
        stored = json.loads(s3.objects["aws/lambda/1/a"])
        records = json.loads(stored["payload"])["Records"]
        assert [record["kinesis"]["sequenceNumber"] for record in records] == ["2", "3"]
        assert (stored[info]["startSequenceNumber"], stored[info]["batchSize"]) == ("2", 2)

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
            b'{"payload": "{\\"Records\\": {\\"1\\": 2}}"}',
            b'{"payload": "{\\"Records\\": [1]}"}',
            b'{"payload": 7}',
            b"[" * 100_000,
            json.dumps({"payload": "[" * 100_000}).encode(),
        ],
    )
    def test_an_object_that_lambda_did_not_write_is_left_and_stops_no_other(self, play, s3, body):
        s3.objects["0 note"] = body
        function = Function()
        left, said, keys = play(function)
        assert (left, keys, function.sent) == (1, ["0 note"], [[1, 2, 3], [7]])
        assert said[:2] == [
            "1 of 3: 0 note",
            "  left: it holds no records, so neither Lambda nor a function of the stack wrote it; look at it",
        ]

    def test_a_batch_that_no_function_handles_is_left(self, s3):
        def no_function(batch):
            raise NotReplayed(f"no function handles {batch.name}")

        said = []
        assert replay(StoredBatches(s3, Function(), "failed", no_function), said.append).left == 2
        assert said[1] == "  left: no function handles aws/lambda/1/a"
        assert len(s3.objects) == 2

    def test_a_text_with_half_a_surrogate_pair_is_handed_over_as_it_came(self, s3):
        record = {"kinesis": {"sequenceNumber": "1", "partitionKey": "\ud83d"}}
        s3.objects = {"a": json.dumps({"payload": json.dumps({"Records": [record]})}).encode()}
        handed = []

        def take(*, FunctionName, Payload):
            handed.extend(json.loads(Payload)["Records"])
            return answering({"batchItemFailures": []})

        assert replay(StoredBatches(s3, SimpleNamespace(invoke=take), "failed", ARN), print).left == 0
        assert handed == [record]

    def test_a_payload_is_never_longer_than_it_came(self, s3):
        came = '{"Records":[{"kinesis":{"sequenceNumber":"1","partitionKey":"ключ"}}]}'
        s3.objects = {"a": json.dumps({"payload": came}).encode()}
        handed = []

        def take(*, FunctionName, Payload):
            handed.append((FunctionName, Payload))
            return answering({"batchItemFailures": []})

        assert replay(StoredBatches(s3, SimpleNamespace(invoke=take), "failed", ARN), print).left == 0
        assert handed == [(ARN, came.encode())]

    def test_a_batch_that_is_too_large_for_one_invocation_goes_in_portions(self, s3):
        s3.objects = {"a": failed(*range(100, 125), data="é" * 300_000)}
        sizes, numbers, waiting = [], [], []

        def take(*, FunctionName, Payload):
            sizes.append(len(Payload))
            numbers.append([int(each["kinesis"]["sequenceNumber"]) for each in json.loads(Payload)["Records"]])
            waiting.append(len(json.loads(json.loads(s3.objects["a"])["payload"])["Records"]))
            return answering({"batchItemFailures": []})

        assert replay(StoredBatches(s3, SimpleNamespace(invoke=take), "failed", ARN), print).held == 25
        assert (len(numbers), [number for some in numbers for number in some]) == (3, list(range(100, 125)))
        assert max(sizes) < 6 * 1024 * 1024 < sizes[0] + sizes[0] // 10
        assert waiting == [25, 15, 5]

    def test_an_object_that_cannot_be_read_or_removed_stops_no_other(self, play, s3, monkeypatch):
        get, delete = s3.get_object, s3.delete_object

        def get_some(**given):
            if given["Key"].endswith("/a"):
                raise aws_error("AccessDenied", "GetObject")
            return get(**given)

        def delete_none(**given):
            raise ReadTimeoutError(endpoint_url="s3")

        monkeypatch.setattr(s3, "get_object", get_some)
        left, said, keys = play(Function())
        assert (left, keys) == (1, ["aws/lambda/1/a"])
        assert said[0] == "1 of 2: aws/lambda/1/a"
        assert "left: An error occurred (AccessDenied) when calling the GetObject operation" in said[1]
        monkeypatch.setattr(s3, "get_object", get)
        monkeypatch.setattr(s3, "delete_object", delete_none)
        left, said, keys = play(Function())
        assert (left, keys) == (1, ["aws/lambda/1/a"])
        assert "handled, but not removed: Read timeout" in said[1]
        monkeypatch.setattr(s3, "delete_object", delete)
        assert play(Function())[0] == 0

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            [],
            {},
            {"announced": 1},
            {"batchItemFailures": [{}]},
            {"batchItemFailures": [{"itemIdentifier": "99"}]},
        ],
    )
    def test_an_answer_that_says_nothing_of_the_batch_settles_nothing(self, s3, answer):
        s3.objects = {"a": failed(1, 2)}
        said = []
        function = SimpleNamespace(invoke=lambda **_: answering(answer))
        assert replay(StoredBatches(s3, function, "failed", ARN), said.append).left == 1
        assert re.search("left: the function (answered|stopped at 99)", said[1])
        assert list(s3.objects) == ["a"]

    def test_a_function_that_gives_no_answer_has_handled_nothing(self, play):
        function = Function()
        answer = function.invoke

        def silent(**call):
            if not function.sent:
                function.sent.append("lost")
                raise ReadTimeoutError(endpoint_url="https://lambda")
            return answer(**call)

        function.invoke = silent
        left, said, keys = play(function)
        assert (left, keys, function.sent) == (1, ["aws/lambda/1/a"], ["lost", [7]])
        assert "left: ReadTimeoutError: " in said[1]

    def test_several_people_at_once_replay_everything_and_none_complains(self, play, s3):
        """Another replay handles everything while the first is at its first batch."""
        function, others = Function(), []
        answer = function.invoke

        def meanwhile(**call):
            if not others:
                others.append(None)
                others.append(play(function))
            return answer(**call)

        left, said, keys = play(SimpleNamespace(invoke=meanwhile))
        assert (left, others[1][0], keys) == (0, 0, [])
        assert function.sent == [[1, 2, 3], [7], [1, 2, 3]]
        assert said[-1] == "1 replayed (3 records), 0 left"

    def test_a_rest_that_cannot_be_stored_is_not_tried(self, play, s3, monkeypatch):
        def refuse(**_):
            raise aws_error("AccessDenied", "PutObject")

        monkeypatch.setattr(s3, "put_object", refuse)
        function, before = Function(stops_at=[2]), s3.objects["aws/lambda/1/a"]
        left, said, keys = play(function)
        assert (left, keys, function.sent) == (1, ["aws/lambda/1/a"], [[1, 2, 3], [7]])
        assert said[1].startswith("  left: handled in part, and the rest not stored: An error occurred (AccessDenied)")
        assert s3.objects["aws/lambda/1/a"] == before

    def test_a_batch_that_another_replay_has_removed_is_not_put_back(self, play, s3):
        function = Function(stops_at=[2])
        answer = function.invoke

        def meanwhile(**call):
            given = answer(**call)
            s3.objects.pop("aws/lambda/1/a", None)
            return given

        left, _, keys = play(SimpleNamespace(invoke=meanwhile))
        assert (left, keys, function.sent) == (0, [], [[1, 2, 3], [7]])

    def test_an_object_that_was_written_again_meanwhile_stays(self, play, s3):
        function = Function()
        answer = function.invoke

        def rejecting(**call):
            s3.objects["aws/lambda/1/a"] += b" "
            return answer(**call)

        left, said, keys = play(SimpleNamespace(invoke=rejecting))
        assert (left, keys) == (1, ["aws/lambda/1/a"])
        assert said[1] == "  left: it was written again meanwhile; the object says why"

    def test_a_rejected_record_is_replayed_as_it_is(self, s3):
        record = {"dynamodb": {"SequenceNumber": "5"}}
        s3.objects = {"rejected/a": json.dumps({"reason": "why", "record": record}).encode()}
        sent, said = [], []

        def take(*, FunctionName, Payload):
            sent.append(json.loads(Payload))
            return answering({"batchItemFailures": []})

        outcome = replay(StoredBatches(s3, SimpleNamespace(invoke=take), "failed", ARN), said.append)
        assert (outcome.replayed, sent, s3.objects) == (1, [{"Records": [record]}], {})
        assert said[0] == "1 of 1: rejected/a: 1 record for store-1A (why)"

    def test_interrupted_it_says_how_far_it_came_and_continues_the_next_time(self, play):
        function = Function()
        answer = function.invoke

        def interrupted(**call):
            if function.sent:
                raise KeyboardInterrupt
            return answer(**call)

        function.invoke = interrupted
        said = []
        with pytest.raises(KeyboardInterrupt):
            play(function, said)
        assert said[-1] == "1 replayed (3 records), 0 left, 1 not reached"
        again = Function()
        assert play(again)[2] == []
        assert again.sent == [[7]]


class Queue:
    """A queue whose messages are hidden for a while once received, and come back before others."""

    def __init__(self, *bodies, attributes=None):
        self.messages = {str(number): body for number, body in enumerate(bodies)}
        self.attributes = attributes
        self.hidden_until = dict.fromkeys(self.messages, 0)
        self.seconds, self.receipts = 0, {}

    def receive_message(self, *, QueueUrl, MaxNumberOfMessages, VisibilityTimeout, **_):
        visible = [one for one in self.messages if self.hidden_until[one] <= self.seconds][:MaxNumberOfMessages]
        self.hidden_until |= dict.fromkeys(visible, self.seconds + VisibilityTimeout)
        self.receipts |= {one: f"{one} at {self.seconds}" for one in visible}
        given = [
            {"MessageId": one, "Body": self.messages[one], "ReceiptHandle": self.receipts[one]}
            | ({"MessageAttributes": self.attributes} if self.attributes else {})
            for one in visible
        ]
        return {"Messages": given} if given else {}

    def delete_message(self, *, QueueUrl, ReceiptHandle):
        del self.messages[ReceiptHandle.split()[0]]

    def get_queue_attributes(self, *, QueueUrl, AttributeNames):
        assert AttributeNames == ["ApproximateNumberOfMessagesNotVisible"]
        hidden = sum(self.hidden_until[one] > self.seconds for one in self.messages)
        return {"Attributes": {"ApproximateNumberOfMessagesNotVisible": str(hidden)}}

    def change_message_visibility_batch(self, *, QueueUrl, Entries):
        assert len(Entries) <= 10
        assert len({each["Id"] for each in Entries}) == len(Entries)
        for each in Entries:
            name = each["ReceiptHandle"].split()[0]
            assert each["ReceiptHandle"] == self.receipts[name], "an outdated receipt"
            self.hidden_until[name] = self.seconds + each["VisibilityTimeout"]


class Handling:
    """Handles events, except for some, and keeps the ids of all."""

    def __init__(self, failing=()):
        self.failing, self.events = failing, []

    def invoke(self, *, FunctionName, Payload):
        event = json.loads(Payload)
        self.events.append(event["id"])
        if event["id"] in self.failing:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "AccessDenied"}')}
        return answering({})


def replayed(queue, functions, *, dry_run=False):
    said = []
    letters = DeadLetters(queue, "url", lambda event: invoke(functions, "function", event))
    return replay(letters, said.append, dry_run=dry_run), said


class TestDeadLetters:
    @pytest.mark.parametrize("count", [0, 1, 25])
    def test_events_of_both_kinds_of_message_are_replayed(self, count):
        bare = [json.dumps({"id": number}) for number in range(count)]
        wrapped = [
            json.dumps({"requestContext": {}, "requestPayload": {"id": 100 + number}}) for number in range(count)
        ]
        queue, functions = Queue(*bare, *wrapped), Handling()
        outcome, said = replayed(queue, functions)
        assert (outcome.replayed, outcome.left) == (2 * count, 0)
        assert functions.events == [*range(count), *range(100, 100 + count)]
        assert not queue.messages
        assert said[-1] == f"{2 * count} replayed ({2 * count} events), 0 left"

    def test_an_event_that_fails_again_stays(self):
        queue, functions = Queue('{"id": 1}', '{"id": 2}'), Handling(failing=[1])
        outcome, said = replayed(queue, functions)
        assert (outcome.replayed, outcome.left) == (1, 1)
        assert said[1] == "  left: the function failed with AccessDenied"
        assert list(queue.messages.values()) == ['{"id": 1}']

    def test_an_event_that_is_left_can_be_replayed_again_at_once(self):
        queue = Queue(*(json.dumps({"id": number}) for number in range(25)))
        assert replayed(queue, Handling(failing=range(25)))[0].left == 25
        assert replayed(queue, Handling())[0].replayed == 25

    def test_a_dry_run_changes_nothing(self):
        event = {"id": 1, "detail-type": "Object Created", "source": "aws.s3", "time": "2026-11-12T09:11:12Z"}
        queue, functions = Queue(json.dumps(event), json.dumps({**event, "id": 2})), Handling()
        outcome, said = replayed(queue, functions, dry_run=True)
        assert (outcome.left, functions.events, len(queue.messages)) == (0, [], 2)
        assert set(queue.hidden_until.values()) == {0}
        assert said == [
            "1: 0: Object Created of aws.s3 at 2026-11-12T09:11:12Z (no reason given)",
            "  would be replayed",
            "2: 1: Object Created of aws.s3 at 2026-11-12T09:11:12Z (no reason given)",
            "  would be replayed",
            "2 would be replayed (2 events), 0 left",
        ]

    def test_the_reason_is_shown(self):
        record = {
            "requestContext": {"condition": "RetriesExhausted"},
            "requestPayload": {"id": 1},
            "responsePayload": {"errorMessage": "AccessDenied"},
        }
        assert replayed(Queue(json.dumps(record)), Handling())[1][0].endswith("(RetriesExhausted: AccessDenied)")
        attributes = {"ERROR_CODE": {"StringValue": "NO_PERMISSIONS"}, "ERROR_MESSAGE": {"StringValue": "not allowed"}}
        said = replayed(Queue('{"id": 1}', attributes=attributes), Handling())[1]
        assert said[0] == "1: 0: event of an unknown source (NO_PERMISSIONS: not allowed)"

    @pytest.mark.parametrize("body", ["no JSON", "", "[]", "7", "[" * 100_000, '{"requestPayload": 7}'])
    def test_a_message_that_is_no_event_is_left_and_stops_no_other(self, body):
        queue, functions = Queue(body, '{"id": 2}'), Handling()
        outcome, said = replayed(queue, functions)
        assert (outcome.replayed, outcome.left, functions.events) == (1, 1, [2])
        assert list(queue.messages.values()) == [body]
        assert "so neither EventBridge nor Lambda wrote it" in said[1]

    @pytest.mark.parametrize("seconds", [0, 50, 130])
    def test_an_event_that_fails_slowly_comes_back_and_is_not_handled_again(self, seconds):
        queue, functions = Queue(*(json.dumps({"id": number}) for number in range(25))), Handling(failing=range(25))
        handle = functions.invoke

        def slow(**request):
            queue.seconds += seconds
            return handle(**request)

        functions.invoke = slow
        outcome, _ = replayed(queue, functions)

        assert (outcome.replayed, outcome.left) == (0, 25)
        assert functions.events == list(range(25))

    def test_a_queue_whose_messages_someone_else_reads_is_not_called_empty(self):
        queue, functions = Queue('{"id": 1}', '{"id": 2}'), Handling()
        someone_else = iter(DeadLetters(queue, "url", functions.invoke))
        next(someone_else)
        with pytest.raises(CommandFailed, match=r"^about 2 messages .* start again in 2 minutes$"):
            replayed(queue, functions)

        someone_else.close()
        assert replayed(queue, functions)[0].replayed == 2

    def test_a_person_who_may_not_count_hidden_messages_may_replay(self, monkeypatch):
        queue = Queue()

        def refuse(**_):
            raise aws_error("AccessDenied", "GetQueueAttributes")

        monkeypatch.setattr(queue, "get_queue_attributes", refuse)
        assert replayed(queue, Handling())[0].left == 0

    def test_a_queue_that_hides_nothing_is_left_once_all_failed(self):
        queue, functions = Queue('{"id": 1}', '{"id": 2}'), Handling(failing=[1, 2])
        queue.seconds = float("inf")
        assert replayed(queue, functions)[0].replayed == 0
        assert functions.events == [1, 2]

    def test_an_event_that_cannot_be_removed_is_left_and_stops_no_other(self, monkeypatch):
        queue = Queue('{"id": 1}', '{"id": 2}')
        delete = queue.delete_message

        def refuse_first(**request):
            if request["ReceiptHandle"].startswith("0"):
                raise aws_error("AccessDenied", "DeleteMessage")
            delete(**request)

        monkeypatch.setattr(queue, "delete_message", refuse_first)
        outcome, said = replayed(queue, Handling())
        assert (outcome.replayed, outcome.left, list(queue.messages)) == (1, 1, ["0"])
        assert "left: handled, but not removed: An error occurred (AccessDenied)" in said[1]

    def test_interrupted_it_leaves_the_rest_to_be_replayed_at_once(self):
        queue, functions = Queue(*(json.dumps({"id": number}) for number in range(5))), Handling()
        handle = functions.invoke

        def interrupted(**request):
            if len(functions.events) == 2:
                raise KeyboardInterrupt
            return handle(**request)

        functions.invoke = interrupted
        with pytest.raises(KeyboardInterrupt):
            replayed(queue, functions)
        assert sorted(queue.messages) == ["2", "3", "4"]
        assert replayed(queue, Handling())[0].replayed == 3


OUTCOMES = st.sampled_from(["handled", "handled", "fails", "not removed", "interrupted"])


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(outcomes=st.lists(OUTCOMES, max_size=35), seconds=st.sampled_from([0, 1, 15, 130]))
def test_whatever_happens_no_event_is_lost_and_none_is_handled_twice_in_a_replay(outcomes, seconds):
    """And a later replay, with all mended, handles what is left: an event is removed only after it was handled."""
    queue = Queue(*(json.dumps({"id": number}) for number in range(len(outcomes))))
    handled, delete = [], queue.delete_message

    def handle(event):
        queue.seconds += seconds
        outcome = outcomes[event["id"]]
        if outcome == "interrupted":
            raise KeyboardInterrupt
        if outcome == "fails":
            raise NotReplayed("it failed")
        handled.append(event["id"])

    def remove(**request):
        if outcomes[int(request["ReceiptHandle"].split()[0])] == "not removed":
            raise aws_error("InternalError")
        delete(**request)

    queue.delete_message = remove
    try:
        outcome = replay(DeadLetters(queue, "url", handle), lambda line: None)
        assert (outcome.replayed, outcome.left) == (outcomes.count("handled"), len(queue.messages))
    except KeyboardInterrupt:
        assert "interrupted" in outcomes
    assert len(handled) == len(set(handled))
    removed = {number for number in range(len(outcomes)) if str(number) not in queue.messages}
    assert removed == {number for number in handled if outcomes[number] == "handled"}

    left, queue.delete_message, again = set(queue.messages), delete, []
    replay(DeadLetters(queue, "url", lambda event: again.append(str(event["id"]))), lambda line: None)
    assert (queue.messages, sorted(again)) == ({}, sorted(left))


class Account:
    """Stands in for boto3: an account with one stack."""

    def __init__(self, outputs, error=None):
        self.outputs, self.error, self.sessions = outputs, error, []

    def Session(self, **given):
        self.sessions.append(given)
        return self

    def client(self, service, **_):
        if self.error:
            raise self.error
        return self

    def describe_stacks(self, StackName):
        if StackName != "stream-dev":
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}},
                "DescribeStacks",
            )
        return {
            "Stacks": [{"Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]}]
        }


class TestTheCommand:
    @pytest.fixture
    def command(self, monkeypatch, s3):
        def run(*arguments, function=None, error=None, outputs=None, find=None, **options):
            account = Account({"Function": ARN, "Bucket": "failed"} if outputs is None else outputs, error)
            monkeypatch.setitem(sys.modules, "boto3", account)
            monkeypatch.setattr(sys, "argv", ["replay.py", *arguments])

            def batches(stack, given):
                self.given = given
                return StoredBatches(s3, function or Function(), stack.outputs["Bucket"], stack.outputs["Function"])

            self.account = account
            return main("Replay.", find or batches, **options)

        return run

    def test_it_ends_with_0_when_nothing_is_left_and_with_1_when_something_is(self, command, capsys):
        assert command("stream-dev", function=Function(error="not yet")) == 1
        assert capsys.readouterr().out.endswith("0 replayed (0 records), 2 left\n")
        assert command("stream-dev", "--dry-run") == 0
        assert command("stream-dev") == 0
        assert capsys.readouterr().out.endswith("2 replayed (4 records), 0 left\n")
        assert command("stream-dev") == 0

    def test_interrupted_it_ends_with_130_and_says_how_far_it_came(self, command, s3, capsys):
        def interrupted(**_):
            raise KeyboardInterrupt

        assert command("stream-dev", function=SimpleNamespace(invoke=interrupted)) == 130
        said = capsys.readouterr()
        assert "0 replayed (0 records), 0 left, 2 not reached" in said.out
        assert said.err == (
            "replay.py: interrupted; what is not shown as replayed waits where it was, so start again to continue\n"
        )
        assert len(s3.objects) == 2

    def test_a_stack_that_does_not_exist_ends_it_with_2(self, command, capsys):
        assert command("gone") == 2
        said = capsys.readouterr().err
        assert said.startswith("replay.py: gone cannot be looked up: ")
        assert "does not exist" in said

    def test_a_stack_of_another_template_ends_it_with_2(self, command, capsys):
        assert command("stream-dev", outputs={"Bucket": "b"}) == 2
        said = capsys.readouterr().err
        assert said == "replay.py: stream-dev has no output Function; is it a stack of this template?\n"

    @pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="aws"), aws_error("ExpiredToken")])
    def test_aws_out_of_reach_ends_it_with_2(self, command, capsys, error):
        assert command("stream-dev", error=error) == 2
        assert str(error) in capsys.readouterr().err

    @pytest.mark.parametrize("error", [EndpointConnectionError(endpoint_url="s3"), aws_error("AccessDenied")])
    def test_failures_that_cannot_be_listed_end_it_with_2(self, command, s3, monkeypatch, capsys, error):
        def refuse(**_):
            raise error

        monkeypatch.setattr(s3, "paginate", refuse)
        assert command("stream-dev") == 2
        assert capsys.readouterr().err == f"replay.py: {error}\n"

    def test_profile_and_region_choose_the_account(self, command):
        assert command("stream-dev", "--profile", "ops", "--region", "eu-west-3") == 0
        assert self.account.sessions == [{"profile_name": "ops", "region_name": "eu-west-3"}]

    def test_a_pattern_may_add_a_prefix_and_switches(self, command, capsys):
        options = {"prefix": "which keys", "switches": {"rejected": "the rejected ones"}}
        assert command("stream-dev", "--rejected", "--prefix", "x/", **options) == 0
        assert (self.given.rejected, self.given.prefix) == (True, "x/")
        for arguments, status in ((["--help"], 0), ([], 2), (["a", "b"], 2), (["a", "--prefix", "x"], 2)):
            with pytest.raises(SystemExit) as ended:
                command(*arguments)
            assert ended.value.code == status
        said = " ".join(capsys.readouterr().out.split())
        assert "--dry-run" in said
        assert "Ends with 0 when nothing is left, 1 when something is, 2 when" in said
        assert "130 when interrupted" in said


def test_an_output_that_is_missing_is_named():
    outputs = Outputs("stream-dev", {"Function": "f"})
    assert outputs["Function"] == "f"
    assert outputs.get("Bucket") is None
    with pytest.raises(CommandFailed, match="stream-dev has no output Bucket; is it a stack of this template"):
        outputs["Bucket"]
