"""The ordered checkpoint: no record behind one that failed is handled, and Lambda goes on from there."""

from types import SimpleNamespace
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints_shared.streams import checkpoint, handle_in_order, sequence_number

PLENTY = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)


def kinesis(number):
    return {"kinesis": {"sequenceNumber": str(number)}}


def dynamodb(number):
    return {"dynamodb": {"SequenceNumber": str(number)}}


@pytest.mark.parametrize("record", [kinesis, dynamodb])
def test_a_failed_record_is_reported_and_nothing_behind_it_is_handled(record):
    handled = []

    def handle(each):
        if sequence_number(each) in ("2", "4"):
            raise KeyError("customer")
        handled.append(sequence_number(each))

    progress = handle_in_order([record(number) for number in range(6)], handle, PLENTY)
    assert handled == ["0", "1"]
    assert (progress.handled, progress.stopped_at) == (2, "2")
    assert isinstance(progress.error, KeyError)
    assert progress.response() == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_all_handled_is_an_empty_report():
    progress = handle_in_order([kinesis(1), kinesis(2)], lambda _: None, PLENTY)
    assert (progress.handled, progress.stopped_at, progress.error) == (2, None, None)
    assert progress.response() == {"batchItemFailures": []}
    assert handle_in_order([], lambda _: None, PLENTY).response() == {"batchItemFailures": []}


def test_time_that_runs_short_stops_before_the_next_record():
    clock = SimpleNamespace(now=100.0)

    def handle(_):
        clock.now += 3

    short = SimpleNamespace(get_remaining_time_in_millis=lambda: 13_000)
    with mock.patch.object(checkpoint, "time", SimpleNamespace(monotonic=lambda: clock.now)):
        progress = handle_in_order([kinesis(number) for number in range(9)], handle, short, reserve=5)
    assert (progress.handled, progress.stopped_at, progress.error) == (3, "3", None)


def test_the_first_record_is_tried_however_little_time_is_left():
    none_left = SimpleNamespace(get_remaining_time_in_millis=lambda: 0)
    assert handle_in_order([kinesis(1), kinesis(2)], lambda _: None, none_left).handled == 1


def test_what_ends_the_process_is_not_held_up():
    def handle(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handle_in_order([kinesis(1)], handle, PLENTY)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.integers(1, 30), st.sets(st.tuples(st.integers(0, 29), st.integers(0, 3))))
def test_replayed_as_lambda_does_every_record_is_handled_once_and_in_order(count, failures):
    """(record, attempt) pairs fail; Lambda goes on from what is reported."""
    handled, attempts, at = [], {}, 0

    def handle(record):
        number = int(sequence_number(record))
        attempts[number] = attempts.get(number, -1) + 1
        if (number, attempts[number]) in failures:
            raise RuntimeError
        handled.append(number)

    while at < count:
        reported = handle_in_order([kinesis(n) for n in range(at, count)], handle, PLENTY).response()
        at = int(reported["batchItemFailures"][0]["itemIdentifier"]) if reported["batchItemFailures"] else count
    assert handled == list(range(count))
