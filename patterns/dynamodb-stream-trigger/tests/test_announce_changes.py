"""The handler Announce: it announces changes in order, stops at the first that fails, and skips or loses none."""

import json
import threading
import time
from types import SimpleNamespace

import event_bus
import pytest
import webhook
from clients_in_memory import Events, Secrets
from receiver import OK, Receiver
from streamed import StreamedTable
from webhook import signature

from blueprints_shared.settings import SettingsError

REFUSED = b"HTTP/1.1 422 No\r\nContent-Length: 4\r\n\r\nnope"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    """The modules alone do not pause: other threads of this process may sleep."""
    clock = SimpleNamespace(time=time.time, monotonic=time.monotonic, sleep=lambda _: None)
    monkeypatch.setattr(webhook, "time", clock)
    monkeypatch.setattr(event_bus, "time", clock)


@pytest.fixture
def announce(load, context):
    """Import the handler with environment variables, and invoke it."""

    def handle(*records, given=None, event=None, **environment):
        handler = load("Announce", given=given, **environment).handler
        return handler(event or {"Records": list(records)}, context)

    return handle


def to_webhook(receiver):
    return {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET_ARN": "arn", "ALLOW_PRIVATE_ADDRESSES": "true"}


def test_on_the_bus_a_change_is_an_event(announce, events):
    table = StreamedTable()
    records = [table.put("a", n={"N": "1.50"}), table.put("a", n={"N": "2"}), table.delete("a"), table.put("b")]
    records.append(table.expire("b"))

    assert announce(*records) == {"batchItemFailures": []}

    assert [entry["DetailType"] for entry in events.taken] == [
        "item.created",
        "item.modified",
        "item.deleted",
        "item.created",
        "item.expired",
    ]
    entry, detail = events.taken[1], json.loads(events.taken[1]["Detail"])
    assert entry["Source"] == "serverless-blueprints.dynamodb-stream-trigger"
    assert entry["Resources"] == ["arn:aws:dynamodb:eu-west-1:123456789012:table/shop"]
    assert detail["id"] == records[1]["eventID"]
    assert detail["data"] == {
        "table": "shop",
        "sequence_number": records[1]["dynamodb"]["SequenceNumber"],
        "keys": {"pk": "a", "sk": "order"},
        "new": {"pk": "a", "sk": "order", "n": 2},
        "old": {"pk": "a", "sk": "order", "n": 1.5},
    }
    assert '"n":1.50' in entry["Detail"]


def test_events_that_failed_are_put_again_without_the_others(announce):
    events = Events([[None, "ThrottlingException", None, "InternalFailure"], ["InternalException", None]])
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(4)]

    assert announce(*records, given={"events": events}) == {"batchItemFailures": []}

    assert [len(call) for call in events.calls] == [4, 2, 1]
    assert sorted(events.ids()) == sorted(record["eventID"] for record in records)


def test_events_that_keep_failing_are_reported_to_lambda(announce):
    events = Events([[None] * 10, *[["ThrottlingException"] * 5] * 4])
    records = [StreamedTable(start=number).put(str(number)) for number in range(1, 16)]

    answer = announce(*records, given={"events": events})

    assert answer == {"batchItemFailures": [{"itemIdentifier": records[10]["dynamodb"]["SequenceNumber"]}]}


def test_the_invocation_fails_if_the_first_group_fails(announce):
    with pytest.raises(Exception, match="EventBridge refused 1 events"):
        announce(StreamedTable().put("a"), given={"events": Events([["ThrottlingException"]] * 4)})


def test_an_event_that_eventbridge_refuses_permanently_is_stored(announce, s3):
    events, table = Events([[None, "NotAuthorizedForSourceException"]]), StreamedTable()
    records = [table.put("a"), table.put("b")]

    assert announce(*records, given={"events": events}) == {"batchItemFailures": []}

    (kept,) = s3.contents()
    assert (kept["code"], kept["record"]) == ("refused-by-event-bus", records[1])


def test_a_change_too_large_for_an_event_is_announced_by_its_key(announce, events):
    announce(StreamedTable().put("a", text={"S": "x" * 390_000}))

    data = json.loads(events.taken[0]["Detail"])["data"]
    assert data["images_left_out"] is True
    assert data["keys"] == {"pk": "a", "sk": "order"}
    assert "new" not in data


def test_large_events_are_put_in_several_requests(announce, events):
    table = StreamedTable()
    announce(*[table.put(str(number), text={"S": "x" * 100_000}) for number in range(10)])

    assert len(events.calls) == 5
    assert len(events.taken) == 10


def test_a_webhook_gets_changes_one_by_one_in_order_and_signed(announce):
    table = StreamedTable()
    records = [table.put("a", n={"N": str(number)}) for number in range(5)]
    with Receiver() as receiver:
        assert announce(*records, **to_webhook(receiver)) == {"batchItemFailures": []}

    assert [request.headers["webhook-id"] for request in receiver.requests] == [each["eventID"] for each in records]
    for request in receiver.requests:
        sent_at = int(request.headers["webhook-timestamp"])
        signed = signature(b"ABC" * 8, request.headers["webhook-id"], sent_at, request.body)
        assert request.headers["webhook-signature"] == signed
    assert json.loads(receiver.requests[1].body)["type"] == "item.modified"


def test_nothing_is_sent_after_a_change_that_the_receiver_cannot_accept_yet(announce):
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(4)]
    with Receiver([OK, OK, BUSY, BUSY, BUSY]) as receiver:
        answer = announce(*records, **to_webhook(receiver))

    assert answer == {"batchItemFailures": [{"itemIdentifier": records[2]["dynamodb"]["SequenceNumber"]}]}
    assert {request.headers["webhook-id"] for request in receiver.requests} == {
        record["eventID"] for record in records[:3]
    }


def test_a_change_the_receiver_refuses_is_stored_with_the_response_and_blocks_nothing(announce, s3):
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(3)]
    with Receiver([OK, REFUSED]) as receiver:
        assert announce(*records, **to_webhook(receiver)) == {"batchItemFailures": []}

    (kept,) = s3.contents()
    assert kept["record"] == records[1]
    assert kept["detail"] == {"status": 422, "body": "nope"}
    assert len(receiver.requests) == 3


def test_interim_responses_are_no_refusals(announce, s3):
    table = StreamedTable()
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    with Receiver([hints + OK, b"HTTP/1.1 102 Processing\r\n\r\n" + hints + REFUSED, hints * 3 + OK]) as receiver:
        answer = announce(*(table.put(name) for name in "abc"), **to_webhook(receiver))

    assert answer == {"batchItemFailures": []}
    assert [json.loads(request.body)["data"]["keys"]["pk"] for request in receiver.requests] == ["a", "b", "c"]
    (kept,) = s3.contents()
    assert (kept["detail"]["status"], kept["record"]["dynamodb"]["Keys"]["pk"]) == (422, {"S": "b"})


def test_a_change_that_cannot_be_stored_is_not_skipped(announce, s3):
    s3.broken = True
    table = StreamedTable()
    with Receiver([OK, REFUSED]) as receiver:
        answer = announce(*[table.put(str(number)) for number in range(3)], **to_webhook(receiver))

    assert len(answer["batchItemFailures"]) == 1
    assert len(receiver.requests) == 2


@pytest.mark.parametrize("bus", [True, False])
def test_a_record_without_a_sequence_number_that_cannot_be_stored_is_not_skipped_either(announce, s3, events, bus):
    """Lambda goes on at the last record with a sequence number, or repeats the whole batch."""
    s3.broken = True
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(11 if bus else 2)]
    last = {"batchItemFailures": [{"itemIdentifier": records[9 if bus else 1]["dynamodb"]["SequenceNumber"]}]}
    with Receiver() as receiver:
        settings = {} if bus else to_webhook(receiver)
        assert announce(*records[: 10 if bus else 2], {}, records[-1], **settings) == last
        with pytest.raises(Exception, match="SlowDown"):
            announce({}, records[0], **settings)


def test_the_batch_fails_if_time_runs_short_among_records_without_sequence_numbers(announce, context, s3):
    context.left = 5.0  # all of it is kept for the answer
    with Receiver() as receiver, pytest.raises(TimeoutError, match="without a sequence number"):
        announce({}, {}, StreamedTable().put("a"), **to_webhook(receiver))

    assert receiver.requests == []


def test_a_malformed_record_is_stored_once_however_often_it_comes(announce, s3, events):
    poison = {**StreamedTable().put("a"), "eventName": "GUESS"}
    for _ in range(2):
        assert announce(poison, StreamedTable().put("b")) == {"batchItemFailures": []}

    assert [kept["code"] for kept in s3.contents()] == ["malformed-record"]
    assert len(events.taken) == 2


def test_it_stops_when_time_runs_short(announce, context):
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(4)]
    answered = threading.Event()
    with Receiver([OK, OK, lambda _: answered.wait(60)]) as receiver:
        context.left = 7.0  # five of which are kept for the answer
        answer = announce(*records, **to_webhook(receiver))
        answered.set()

    assert len(receiver.requests) == 3
    assert answer == {"batchItemFailures": [{"itemIdentifier": records[2]["dynamodb"]["SequenceNumber"]}]}


def test_text_that_no_database_can_store_is_announced_unchanged(announce, events):
    announce(StreamedTable().put("a", text={"S": "before\0after"}))

    assert json.loads(events.taken[0]["Detail"])["data"]["new"]["text"] == "before\0after"


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"WEBHOOK_URL": "https://receiver.example/"}, "every message has to be signed"),
        ({"WEBHOOK_URL": "http://receiver.example/", "WEBHOOK_SECRET_ARN": "arn"}, "must be https"),
    ],
)
def test_settings_that_cannot_work_fail_at_start(load, environment, complaint):
    with pytest.raises(SettingsError, match=complaint):
        load("Announce", **environment)


def test_a_private_receiver_is_refused_and_the_changes_wait(announce):
    with Receiver() as receiver, pytest.raises(Exception, match="not public: refused"):
        announce(
            StreamedTable().put("a"),
            WEBHOOK_URL=f"https://127.0.0.1:{receiver.port}/",
            WEBHOOK_SECRET_ARN="arn",
        )

    assert receiver.requests == []


def test_the_secret_is_read_once(announce):
    secrets, table = Secrets("whsec_" + "QUJD" * 8), StreamedTable()
    with Receiver() as receiver:
        announce(table.put("a"), table.put("b"), given={"secretsmanager": secrets}, **to_webhook(receiver))

    assert secrets.reads == 1
