"""How a function's response decides about a batch, by the cases in Lambda's developer guide."""

import base64
import json

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.base.stream_records import Batch, InvocationResult, Record
from blueprints.local.base.stream_source import Shard, open_shards
from blueprints.local.services.kinesis.stream_source import KinesisSource
from blueprints.local.services.lambda_.event_source_mappings.answers import Failed, NotInvoked, Succeeded, outcome_of
from blueprints.local.services.lambda_.event_source_mappings.decisions import after
from blueprints.local.services.lambda_.event_source_mappings.filters import keeps
from blueprints.local.services.lambda_.event_source_mappings.lane import TOO_OLD, GiveUp, Lane, Send, Wait
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy, policy_of
from blueprints.local.services.lambda_.event_source_mappings.poller import Poller
from blueprints.local.services.lambda_.event_source_mappings.stream_mapping import StreamMapping

ANSWER = InvocationResult("request", "1", "Unhandled")


def record(number, key="k", arrived=0.0, size=100):
    return Record(number, str(number), key, arrived, size, {"n": number})


def batch(*numbers, **history):
    return Batch(tuple(record(number) for number in numbers), **history)


def numbers(records):
    return [each.position for each in records]


def failing(*identifiers):
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        # complete success
        (None, Succeeded()),
        ({}, Succeeded()),
        ("", Succeeded()),
        ({"batchItemFailures": []}, Succeeded()),
        ({"batchItemFailures": None}, Succeeded()),
        ({"statusCode": 200}, Succeeded()),
        # a checkpoint
        (failing("1"), Failed(0)),
        (failing("2"), Failed(1)),
        (failing("3", "2"), Failed(1)),
        (failing("3", "3"), Failed(2)),
        # complete failure
        (failing(""), Failed()),
        (failing(None), Failed()),
        (failing(2), Failed()),
        (failing("2", "99"), Failed()),
        ({"batchItemFailures": [{"itemIdentifer": "2"}]}, Failed()),
        ({"batchItemFailures": ["2"]}, Failed()),
        ({"batchItemFailures": "2"}, Failed()),
        ({"batchItemFailures": {"itemIdentifier": "2"}}, Failed()),
    ],
)
def test_a_partial_response_is_read_as_the_guide_says(body, outcome):
    assert outcome_of({"body": body}, ["1", "2", "3"], partial_responses=True) == outcome


@pytest.mark.parametrize(
    ("result", "partial_responses", "outcome"),
    [
        ({"body": failing("2")}, False, Succeeded()),
        ({"body": {"errorType": "ValueError"}, "error": True}, False, Failed()),
        ({"body": failing("2"), "error": True}, True, Failed()),
        ({"body": {}, "error": True, "throttle": True}, True, NotInvoked()),
    ],
)
def test_errors_and_throttles_take_precedence_over_the_response(result, partial_responses, outcome):
    assert outcome_of(result, ["1", "2", "3"], partial_responses=partial_responses) == outcome


PLAIN, BISECT = Policy(max_retries=2), Policy(max_retries=2, bisect=True)


@pytest.mark.parametrize(
    ("policy", "failures", "outcome", "done", "again", "given_up"),
    [
        # policy, failures so far, outcome of 1 to 4: what is done, what is sent next, what is given up
        (PLAIN, 0, Succeeded(), [1, 2, 3, 4], [], []),
        (PLAIN, 0, Failed(0), [], [[1, 2, 3, 4]], []),
        (PLAIN, 1, Failed(0), [], [[1, 2, 3, 4]], []),
        (PLAIN, 2, Failed(0), [], [], [1, 2, 3, 4]),
        (PLAIN, 0, Failed(2), [1, 2], [[3, 4]], []),
        (PLAIN, 2, Failed(2), [1, 2], [], [3, 4]),
        (PLAIN, 2, NotInvoked(), [], [[1, 2, 3, 4]], []),
        (BISECT, 0, Succeeded(), [1, 2, 3, 4], [], []),
        (BISECT, 0, Failed(0), [], [[1, 2], [3, 4]], []),
        (BISECT, 2, Failed(0), [], [[1, 2], [3, 4]], []),
        (BISECT, 2, Failed(1), [1], [[2, 3, 4]], []),
        (BISECT, 2, Failed(3), [1, 2, 3], [[4]], []),
        (Policy(max_retries=0), 0, Failed(0), [], [], [1, 2, 3, 4]),
        (Policy(max_retries=0), 0, NotInvoked(), [], [[1, 2, 3, 4]], []),
        (Policy(max_retries=None), 999, Failed(0), [], [[1, 2, 3, 4]], []),
    ],
)
def test_the_decision_about_a_batch(policy, failures, outcome, done, again, given_up):
    decision = after(batch(1, 2, 3, 4, failures=failures), outcome, ANSWER, policy)

    assert numbers(decision.done) == done
    assert [numbers(each.records) for each in decision.again] == again
    assert (numbers(decision.given_up.records) if decision.given_up else []) == given_up


def test_an_odd_batch_is_split_into_neighbours():
    decision = after(batch(1, 2, 3), Failed(), ANSWER, BISECT)

    assert [numbers(each.records) for each in decision.again] == [[1, 2], [3]]


def test_a_single_record_cannot_be_split_so_its_failures_count():
    last = batch(1, failures=2)

    assert after(batch(1, failures=1), Failed(), ANSWER, BISECT).again[0].failures == 2
    assert after(last, Failed(), ANSWER, BISECT).given_up is not None


@pytest.mark.parametrize(
    ("outcome", "invocations", "failures", "throttles"),
    [(Failed(), 4, 3, 0), (Failed(1), 4, 3, 0), (NotInvoked(), 3, 2, 2)],
)
def test_throttles_are_no_tries(outcome, invocations, failures, throttles):
    tried = batch(1, 2, invocations=3, failures=2, throttles=1)

    (again,) = after(tried, outcome, ANSWER, Policy()).again

    assert (again.invocations, again.failures, again.throttles) == (invocations, failures, throttles)
    assert again.last is ANSWER


@pytest.mark.parametrize(("failures", "wait"), [(0, 1.0), (1, 2.0), (2, 4.0), (5, 32.0), (6, 60.0), (10_000, 60.0)])
def test_waits_double_up_to_a_minute(failures, wait):
    assert after(batch(1, failures=failures), Failed(), ANSWER, Policy()).wait == wait


def test_the_halves_of_a_batch_do_not_wait():
    assert after(batch(1, 2), Failed(), ANSWER, BISECT).wait == 0
    assert after(batch(1, 2), Failed(1), ANSWER, BISECT).wait == 0


def lane_with(*records, now=0.0):
    lane = Lane()
    lane.add(records, now)
    return lane


@pytest.mark.parametrize(
    ("policy", "sizes", "now", "sent"),
    [
        # policy, sizes of the records that came at 10 s, the time: what is sent, or until when the lane waits
        (Policy(), [1, 1, 1], 10.0, [1, 2, 3]),
        (Policy(batch_size=2), [1, 1, 1], 10.0, [1, 2]),
        (Policy(window=5.0), [1, 1], 10.0, 15.0),
        (Policy(window=5.0), [1, 1], 14.9, 15.0),
        (Policy(window=5.0), [1, 1], 15.0, [1, 2]),
        (Policy(window=5.0, batch_size=2), [1, 1, 1], 10.0, [1, 2]),
        (Policy(window=5.0, max_payload=1000), [400, 400, 400], 10.0, [1, 2]),
        (Policy(max_payload=1000), [400, 400, 400], 10.0, [1, 2]),
        (Policy(max_payload=1000), [2000, 1], 10.0, [1]),
        (Policy(), [], 10.0, None),
    ],
)
def test_a_batch_is_cut_when_it_is_full_or_its_window_is_over(policy, sizes, now, sent):
    lane = lane_with(*(record(number, size=size) for number, size in enumerate(sizes, 1)), now=10.0)

    step = lane.next(now, policy)

    assert (numbers(step.batch.records) if isinstance(step, Send) else step.until) == sent


def test_a_payload_is_as_large_as_the_event_that_is_sent():
    events = [{"kinesis": {"data": "x" * size}} for size in (10, 20, 30)]
    records = [Record(n, str(n), "k", 0.0, len(json.dumps(each)), each) for n, each in enumerate(events)]
    exact = len(json.dumps({"Records": events}))

    assert len(lane_with(*records).next(0, Policy(max_payload=exact)).batch.records) == 3
    assert len(lane_with(*records).next(0, Policy(max_payload=exact - 1)).batch.records) == 2


@pytest.mark.parametrize("key", ["a", "räksmörgås", 'quo"ted\n\x01', "写真 😀"])
@pytest.mark.parametrize("arrived", [1.0, 1732390000.123, 1732390000.1])
def test_a_records_size_is_its_length_in_the_event(monkeypatch, key, arrived):
    raw = {
        "SequenceNumber": "007",
        "PartitionKey": key,
        "Data": "eA==",
        "ApproximateArrivalTimestamp": arrived,
    }
    stream = {"shards": {"shardId-0": {"records": [raw]}}}
    monkeypatch.setattr(KinesisSource, "_stream", lambda self: stream)
    source = KinesisSource("arn:aws:kinesis:eu-west-1:000000000000:stream/orders")

    (read,) = source.read("shardId-0", 0, 10, "arn:aws:iam::000000000000:role/reader")

    assert read.size == len(json.dumps(read.event))
    assert source.read("shardId-0", 7, 10, "role") == []


@pytest.mark.parametrize(
    ("now", "given_up", "sent"), [(59, [], [1, 2, 3]), (65, [1], [2, 3]), (75, [1, 2], [3]), (99, [1, 2, 3], [])]
)
def test_records_that_are_too_old_are_given_up_before_the_rest_is_sent(now, given_up, sent):
    lane = lane_with(record(1, arrived=0.0), record(2, arrived=10.0), record(3, arrived=20.0))
    policy = Policy(max_age=60.0)

    step = lane.next(now, policy)
    if given_up:
        assert isinstance(step, GiveUp)
        assert (numbers(step.batch.records), step.condition) == (given_up, TOO_OLD)
        lane.discarded()
        step = lane.next(now, policy)

    assert (numbers(step.batch.records) if isinstance(step, Send) else []) == sent


def test_a_busy_lane_sends_nothing_and_a_failed_one_waits():
    lane = lane_with(record(1))
    sent = lane.next(0.0, PLAIN).batch

    assert lane.next(0.0, PLAIN) == Wait()
    lane.settle(sent, Failed(), ANSWER, 5.0, PLAIN)
    assert lane.next(5.5, PLAIN) == Wait(6.0)
    assert numbers(lane.next(6.0, PLAIN).batch.records) == [1]


def test_a_lane_continues_only_after_a_failed_batch_reached_its_destination():
    policy = Policy(max_retries=0, batch_size=1)
    lane = lane_with(record(1), record(2))

    decision = lane.settle(lane.next(0.0, policy).batch, Failed(), ANSWER, 0.0, policy)

    assert numbers(decision.given_up.records) == [1]
    assert lane.next(0.0, policy) == Wait()
    lane.discarded()
    assert numbers(lane.next(0.0, policy).batch.records) == [2]


SPLIT = [Shard("0", closed=True), Shard("1", ("0",)), Shard("2", ("0",))]
MERGED = [Shard("0", closed=True), Shard("1", closed=True), Shard("2", ("0", "1"))]
TWICE = [Shard("0", closed=True), Shard("1", ("0",), closed=True), Shard("2", ("0",)), Shard("3", ("1",))]


@pytest.mark.parametrize(
    ("shards", "finished", "read"),
    [
        # shards, parents first; those processed to their end; those that may be read
        (SPLIT, "", "0"),
        (SPLIT, "0", "012"),
        (MERGED, "", "01"),
        (MERGED, "0", "01"),
        (MERGED, "01", "012"),
        (TWICE, "", "0"),
        (TWICE, "0", "012"),
        (TWICE, "01", "0123"),
        (SPLIT[1:], "", "12"),  # the parent's records expired
    ],
)
def test_children_are_read_after_their_parents(shards, finished, read):
    assert "".join(each.shard_id for each in open_shards(shards, lambda shard: shard.shard_id in finished)) == read


def test_settings_are_scaled_and_read_from_text_too():
    policy = policy_of(
        {
            "BatchSize": "10",
            "MaximumBatchingWindowInSeconds": 30,
            "MaximumRecordAgeInSeconds": "60",
            "MaximumRetryAttempts": 0,
            "BisectBatchOnFunctionError": "true",
            "ParallelizationFactor": 3,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
        clock=Clock(60),
    )

    assert policy == Policy(10, 0.5, 3, 0, 1.0, True, True, 1 / 60, 1.0)


@pytest.mark.parametrize("unlimited", [{}, {"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1}])
def test_minus_one_is_no_limit(unlimited):
    policy = policy_of(unlimited, Clock())

    assert (policy.max_retries, policy.max_age, policy.batch_size) == (None, None, 100)


@pytest.mark.parametrize(
    ("pattern", "data", "kept"),
    [
        ({"kind": [{"exists": False}]}, b"{}", True),
        ({"kind": [{"exists": False}]}, b"no JSON", False),
        ({"kind": [{"exists": False}]}, b"NaN", False),
        ({"kind": [{"exists": False}]}, '{"a": 1}'.encode("utf-16"), False),
        ({"kind": [{"exists": False}]}, b'{"a": "\xff"}', False),
        ({"kind": [{"exists": False}]}, b"[" * 100_000, False),
        ({"kind": ["order"]}, b'{"kind": ' + b"[" * 900 + b"]" * 900 + b"}", False),
        ({"kind": [{"anything-but": "order"}]}, b'{"kind": "refund"}', True),
        ({"amount": [{"numeric": [">", 10]}]}, b'{"amount": "11"}', False),
        ({"amount": [{"numeric": [">", 10]}]}, b'{"amount": 10.5}', True),
    ],
    ids=lambda value: str(value)[:40],
)
def test_data_that_is_not_json_matches_no_pattern_of_data(pattern, data, kept):
    event = {"kinesis": {"partitionKey": "k", "data": base64.b64encode(data).decode()}}
    keep = keeps({"Filters": [{"Pattern": json.dumps({"data": pattern})}]})
    assert keep(Record(1, "1", "k", 0.0, 1, event)) is kept


class BrokenMapping(StreamMapping):
    """One that fails as soon as it is looked at."""

    def advance(self, now):
        raise RuntimeError(f"broken at {now}")


class IdleMapping(StreamMapping):
    """One that counts how often it is looked at."""

    looked = 0

    def advance(self, now):
        self.looked += 1
        return iter([Wait(now)])


def test_a_mapping_that_was_cleared_is_not_taken_in_again(monkeypatch):
    """A reset clears the mappings before the base emulator forgets them."""
    stored = {"UUID": "1", "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "FunctionArn": "f"}
    monkeypatch.setattr("ministack.services.lambda_svc._iter_all_esms", lambda: [("000000000000", "us-east-1", stored)])
    poller = Poller(None, "http://127.0.0.1:1", Clock())
    assert len(poller._known()) == 1

    poller.clear()

    assert poller._known() == []


def test_a_mapping_that_fails_inside_stops_no_other():
    source = KinesisSource("arn:aws:kinesis:us-east-1:000000000000:stream/s")
    broken, idle = (each({"FunctionArn": "f"}, source, {}, Clock()) for each in (BrokenMapping, IdleMapping))

    class Both(Poller):
        def _known(self):
            return [("000000000000", "us-east-1", each) for each in (broken, idle)]

    Both(None, "http://127.0.0.1:1", Clock())._advance()
    assert idle.looked == 1
    assert broken.stored["LastProcessingResult"].startswith("PROBLEM: the embedded AWS failed")
