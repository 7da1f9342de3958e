"""A stream keeps its records for its retention period, and reads of a long stream stay fast."""

import time

import pytest

from blueprints.local.services.kinesis import retention as stream_retention


@pytest.fixture
def expire(monkeypatch):
    """What looks for expired records, in the base emulator's place for the time of a test."""
    monkeypatch.setattr(
        stream_retention.EXPIRE.holder(), stream_retention.EXPIRE.name, stream_retention.EXPIRE.current()
    )
    stream_retention.install()
    return stream_retention.EXPIRE.current()


def stream(*shards):
    """A stream that keeps records for a day; each shard is a list of its records' ages in hours."""
    now = time.time()
    records = [[{"ApproximateArrivalTimestamp": now - 3600 * age} for age in ages] for ages in shards]
    return {"RetentionPeriodHours": 24, "shards": {f"shard-{at}": {"records": each} for at, each in enumerate(records)}}


def left(found):
    return [len(shard["records"]) for shard in found["shards"].values()]


def test_records_go_when_their_time_is_over_in_whichever_shard_they_lie(expire):
    found = stream([30, 25, 23, 1], [], [2, 1], [48])
    expire(found)
    assert left(found) == [2, 0, 2, 0]


def test_records_that_may_stay_are_not_gone_through(expire):
    class Unread(list):
        def __iter__(self):
            raise AssertionError("every record was looked at")

    found = stream([23, 1], [], [2])
    for shard in found["shards"].values():
        shard["records"] = Unread(shard["records"])
    expire(found)
    assert left(found) == [2, 0, 1]
