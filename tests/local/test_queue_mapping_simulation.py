"""A mapping of a queue on random schedules: it loses no message, and doubles none that was deleted in time.

The queue is the base emulator's, the function's results are made up, and time passes only where the schedule says so.
"""

import json
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ministack.services import sqs

from blueprints.local.base.clock import Clock
from blueprints.local.services.lambda_.event_source_mappings import queue_mapping, queue_work
from blueprints.local.services.lambda_.event_source_mappings.gathering import payload
from blueprints.local.services.lambda_.event_source_mappings.lane import Wait
from blueprints.local.services.lambda_.event_source_mappings.mapping import WorkContext
from blueprints.local.services.lambda_.event_source_mappings.queue_mapping import QueueMapping
from blueprints.local.services.sqs import QueueSource, queue_source

VISIBILITY, MOST_RECEIPTS, CONCURRENCY = 30, 4, 2
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Simulation:
    """A queue with dead letters, its mapping, and the batches that a worker would carry out."""

    def __init__(self, *, fifo=False, **settings_of_mapping):
        self.now = 1_000_000.0
        self.fifo = fifo
        self.processed = []
        """The bodies of deleted messages, in the order of their deletion."""
        self.queue, self.dead = self._queue("q"), self._queue("dead")
        redrive = {"deadLetterTargetArn": self.dead["attributes"]["QueueArn"], "maxReceiveCount": MOST_RECEIPTS}
        self.queue["attributes"] |= {"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": str(VISIBILITY)}
        self.stored = {
            "UUID": "1",
            "FunctionArn": FUNCTION_ARN,
            "Enabled": True,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": CONCURRENCY},
            **settings_of_mapping,
        }
        self.pending = []
        self.sent = []
        self.mapping = self.new_mapping()

    def _queue(self, name):
        name += ".fifo" if self.fifo else ""
        created = sqs._act_create_queue({"QueueName": name}, "")
        return sqs._queues[created["QueueUrl"]]

    def new_mapping(self):
        return QueueMapping(self.stored, QueueSource(self.queue["attributes"]["QueueArn"]), Clock())

    def send(self, group=0):
        body = f"{group}-{len(self.sent)}"
        request = {"MessageBody": body}
        if self.fifo:
            request |= {"MessageGroupId": str(group), "MessageDeduplicationId": body}
        sqs._act_send_message(request, self.queue["url"])
        self.sent.append(body)

    def advance(self):
        """Let the poller look once; returns until when it waits, if it does."""
        steps = list(self.mapping.advance(self.now))
        self.pending += [each for each in steps if not isinstance(each, Wait)]
        assert len([each for each in self.pending if each.mapping is self.mapping]) <= CONCURRENCY
        return [each.until for each in steps if isinstance(each, Wait) and each.until]

    def carry_out(self, work, outcome, duration=0.0):
        """Let a worker carry out a batch; `outcome` makes the function's result from the records of the batch.

        What the function processed is deleted, unless its receipt is void by then, and nothing else.
        """
        self.pending.remove(work)
        deletable = set()

        def deliver(_record, delivery):
            self.now += duration
            result, succeeded = outcome(json.loads(delivery.payload)["Records"])
            deletable.update(self._bodies(lambda each: each["receipt_handle"] in succeeded and self._is_valid(each)))
            return result

        before = self._bodies()
        work.carry_out(WorkContext(SimpleNamespace(deliver=deliver), "", Clock(), threading.RLock()))
        deleted = [body for body in before if body not in self._bodies()]
        assert set(deleted) == deletable
        self.processed += deleted

    def _bodies(self, wanted=lambda _message: True):
        return [each["body"] for each in self.queue["messages"] if wanted(each)]

    def _is_valid(self, message):
        return not self.fifo or message["visible_at"] > self.now

    def drain(self):
        """Go on with a function that succeeds until the queue is empty."""
        self.stored["Enabled"] = True
        for _ in range(20 + 10 * len(self.sent)):
            waits = self.advance()
            for work in list(self.pending):
                self.carry_out(work, all_succeed)
            if not self.queue["messages"]:
                return
            self.now = max(self.now + 0.001, min(waits, default=self.now + VISIBILITY))
        raise AssertionError(f"still in the queue: {self.queue['messages']}")

    @property
    def dead_letters(self):
        return [each["body"] for each in self.dead["messages"]]


def receipts(records):
    return {each["receiptHandle"] for each in records}


def all_succeed(records):
    return {"body": None}, receipts(records)


def must_not_run(records):
    raise AssertionError(f"the function got {records}")


def raises(_records):
    return {"error": True, "body": {"errorType": "ValueError"}}, set()


def throttled(_records):
    return {"error": True, "throttle": True}, set()


def answers_nonsense(records):
    return {"body": {"batchItemFailures": [{"itemIdentifier": "nonsense"}]}}, set()


def fails_from(first):
    """A function that stops at its first failure, and reports what it did not process, as the guide says."""

    def outcome(records):
        named = [{"itemIdentifier": each["messageId"]} for each in records[first:]]
        return {"body": {"batchItemFailures": named}}, receipts(records[:first])

    return outcome


def play_and_drain(steps, **settings_of_mapping):
    simulation = start(**settings_of_mapping)
    play(simulation, steps)
    simulation.drain()
    return simulation


OUTCOMES = st.sampled_from([all_succeed, raises, throttled, answers_nonsense, fails_from(0), fails_from(1)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.integers(0, 2)),
        st.tuples(st.just("carry out"), st.integers(0, 9), OUTCOMES, st.sampled_from([0.0, 1.0, VISIBILITY + 1.0])),
        st.tuples(st.just("wait"), st.sampled_from([1.0, VISIBILITY / 2, VISIBILITY + 1.0])),
        st.tuples(st.just("enable"), st.booleans()),
        st.tuples(st.just("replace")),
    ),
    max_size=30,
)


PRESENT = SimpleNamespace(simulation=None)


@pytest.fixture(autouse=True, scope="module")
def _simulated():
    """Hold the time of the queue and of the mapping, and let the function exist and its role do everything."""
    clock = SimpleNamespace(time=lambda: PRESENT.simulation.now if PRESENT.simulation else 1_000_000.0)
    function = SimpleNamespace(record={"config": {}})
    with pytest.MonkeyPatch.context() as patch:
        for module in (sqs, queue_source, queue_work):
            patch.setattr(module, "time", clock)
        for module in (queue_mapping, queue_work):
            patch.setattr(module, "FunctionAsInvoked", SimpleNamespace(named=lambda _arn: function))
        patch.setattr(queue_mapping, "denied", lambda _config, _permissions: None)
        yield
        sqs.reset()


def start(**settings_of_mapping):
    sqs.reset()
    PRESENT.simulation = None
    PRESENT.simulation = Simulation(**settings_of_mapping)
    return PRESENT.simulation


def play(simulation, steps):
    for kind, *arguments in steps:
        if kind == "send":
            simulation.send(*arguments)
        elif kind == "carry out" and simulation.pending:
            number, outcome, duration = arguments
            simulation.carry_out(simulation.pending[number % len(simulation.pending)], outcome, duration)
        elif kind == "wait":
            simulation.now += arguments[0]
        elif kind == "enable":
            simulation.stored["Enabled"] = arguments[0]
        elif kind == "replace":
            simulation.mapping.remove()
            simulation.mapping = simulation.new_mapping()
        simulation.advance()


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, fifo=st.booleans(), batch_size=st.integers(1, 12), window=st.sampled_from([0, 5]))
def test_no_schedule_loses_or_doubles_a_message(steps, fifo, batch_size, window):
    """A message comes again only if the function failed, was throttled, or outlasted the visibility timeout."""
    window = 0 if fifo else window
    simulation = play_and_drain(steps, fifo=fifo, BatchSize=batch_size, MaximumBatchingWindowInSeconds=window)

    assert sorted(simulation.processed + simulation.dead_letters) == sorted(simulation.sent)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, batch_size=st.integers(1, 10))
def test_no_schedule_changes_the_order_of_a_group(steps, batch_size):
    """A dead letter leaves the order of its group."""
    simulation = play_and_drain(steps, fifo=True, BatchSize=batch_size)

    for group in "012":
        processed = [body for body in simulation.processed if body[0] == group]
        alive = [body for body in simulation.sent if body[0] == group and body not in simulation.dead_letters]
        assert processed == alive


def test_a_throttled_batch_is_sent_again_without_another_receipt():
    simulation = start()
    simulation.send()
    simulation.advance()
    simulation.carry_out(simulation.pending[0], throttled)

    (again,) = simulation.advance()[:1]
    simulation.now = again
    simulation.advance()
    simulation.carry_out(simulation.pending[0], all_succeed)

    assert again - 1_000_000.0 == 1.0
    assert simulation.processed == ["0-0"]
    assert simulation.queue["messages"] == []


def test_a_batch_that_stays_throttled_is_received_again_until_it_is_a_dead_letter():
    simulation = start()
    simulation.send()
    for _ in range(40):
        waits = simulation.advance()
        for work in list(simulation.pending):
            simulation.carry_out(work, throttled)
        simulation.now = min(waits, default=simulation.now + 1.0)

    assert simulation.dead_letters == ["0-0"]
    assert simulation.dead["messages"][0]["receive_count"] == MOST_RECEIPTS
    assert simulation.now < 1_000_000.0 + 40 * VISIBILITY


def test_a_mapping_disabled_while_a_throttled_batch_waits_becomes_disabled():
    simulation = start()
    simulation.send()
    simulation.advance()
    simulation.stored["Enabled"] = False
    simulation.advance()
    assert simulation.stored["State"] == "Disabling"
    simulation.carry_out(simulation.pending[0], throttled)

    simulation.advance()

    assert simulation.stored["State"] == "Disabled"
    simulation.now += VISIBILITY + 1.0
    simulation.drain()
    assert simulation.processed == ["0-0"]


def test_a_message_that_no_function_was_given_counts_no_receipt_when_the_mapping_stops():
    simulation = start(BatchSize=10, MaximumBatchingWindowInSeconds=20)
    for stop in ("disable", "remove"):
        simulation.send()
        simulation.advance()
        assert simulation.queue["messages"][0]["visible_at"] > simulation.now
        if stop == "disable":
            simulation.stored["Enabled"] = False
            simulation.advance()
            simulation.stored["Enabled"] = True
        else:
            simulation.mapping.remove()
        assert all(each["visible_at"] <= simulation.now for each in simulation.queue["messages"])
        assert {each["receive_count"] for each in simulation.queue["messages"]} == {0}


def test_a_batch_that_no_worker_has_begun_goes_back_when_its_mapping_is_removed():
    simulation = start()
    simulation.send()
    simulation.advance()
    simulation.mapping.remove()

    simulation.carry_out(simulation.pending[0], must_not_run)

    (message,) = simulation.queue["messages"]
    assert (message["receive_count"], message["visible_at"]) == (0, simulation.now)


def test_a_mapping_names_a_queue_that_is_gone():
    simulation = start()
    sqs._act_delete_queue({}, simulation.queue["url"])

    simulation.advance()

    assert simulation.stored["LastProcessingResult"].startswith("PROBLEM: The specified queue does not exist: arn:")


def test_a_window_gathers_messages_of_several_receipts():
    simulation = start(BatchSize=40, MaximumBatchingWindowInSeconds=20)
    for _ in range(25):
        simulation.send()
    (until,) = simulation.advance()
    assert (until, simulation.pending) == (simulation.now + 20, [])
    simulation.now = until

    simulation.advance()

    (batch,) = simulation.pending
    assert len(batch.messages) == 25


def test_a_message_that_became_visible_in_the_window_is_received_again_and_sent_once():
    simulation = start(BatchSize=10, MaximumBatchingWindowInSeconds=VISIBILITY + 5)
    simulation.send()
    simulation.advance()
    simulation.now += VISIBILITY + 1.0
    simulation.advance()
    simulation.now += 4.0
    simulation.advance()

    (batch,) = simulation.pending
    assert [each.event["attributes"]["ApproximateReceiveCount"] for each in batch.messages] == ["2"]


def test_a_full_batch_does_not_wait_for_its_window():
    simulation = start(BatchSize=20, MaximumBatchingWindowInSeconds=20)
    for _ in range(25):
        simulation.send()

    simulation.advance()

    assert [len(each.messages) for each in simulation.pending] == [20]


def test_a_batch_has_at_most_six_megabytes():
    simulation = start(BatchSize=10)
    for number in range(8):
        body = f"{number}-" + "x" * 1_000_000
        sqs._act_send_message({"MessageBody": body}, simulation.queue["url"])

    simulation.advance()

    assert [len(each.messages) for each in simulation.pending] == [6, 2]
    assert all(len(payload(each.messages)) <= 6 * 1024 * 1024 for each in simulation.pending)
    assert len(json.loads(payload(simulation.pending[0].messages))["Records"]) == 6


def test_messages_that_the_filters_exclude_are_deleted_and_take_no_place_in_a_batch():
    pattern = json.dumps({"body": {"kind": ["wanted"]}})
    simulation = start(BatchSize=2, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    for kind in ("other", "wanted", "other", "other", "wanted"):
        sqs._act_send_message({"MessageBody": json.dumps({"kind": kind})}, simulation.queue["url"])

    simulation.advance()

    assert [len(each.messages) for each in simulation.pending] == [2]
    assert [json.loads(each["body"])["kind"] for each in simulation.queue["messages"]] == ["wanted", "wanted"]


def test_a_fifo_queue_is_read_by_groups_at_the_same_time():
    """A batch under way holds up its own group only; a failed one does until it was tried again."""
    simulation = start(fifo=True, BatchSize=1)
    for group in (0, 0, 1):
        simulation.send(group)
    simulation.advance()
    assert [each.messages[0].event["body"] for each in simulation.pending] == ["0-0", "1-2"]

    simulation.carry_out(simulation.pending[0], raises)
    simulation.carry_out(simulation.pending[0], all_succeed)
    simulation.advance()
    assert simulation.pending == []
    simulation.drain()

    assert simulation.processed == ["1-2", "0-0", "0-1"]


def test_a_function_that_outlasts_the_visibility_timeout_gets_a_fifo_message_again():
    """In FIFO queues, a receipt handle is void after the visibility timeout."""
    simulation = start(fifo=True)
    simulation.send()
    simulation.advance()

    simulation.carry_out(simulation.pending[0], all_succeed, duration=VISIBILITY + 1.0)

    assert simulation.processed == []
    simulation.drain()
    assert simulation.processed == ["0-0"]


def test_the_event_has_what_lambda_passes_on():
    simulation = start()
    attribute = {"DataType": "String", "StringValue": "blue"}
    request = {
        "MessageBody": "hello",
        "MessageAttributes": {"colour": attribute},
        "MessageSystemAttributes": {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-2-3"}},
    }
    sent = sqs._act_send_message(request, simulation.queue["url"])
    simulation.advance()

    (record,) = (each.event for each in simulation.pending[0].messages)

    milliseconds = str(1_000_000_000)
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "attributes": {
            "ApproximateFirstReceiveTimestamp": milliseconds,
            "ApproximateReceiveCount": "1",
            "AWSTraceHeader": "Root=1-2-3",
            "SenderId": "000000000000",
            "SentTimestamp": milliseconds,
        },
        "messageAttributes": {
            "colour": {"dataType": "String", "stringValue": "blue", "stringListValues": [], "binaryListValues": []}
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
        "awsRegion": "us-east-1",
    }
