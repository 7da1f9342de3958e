"""What is promised of the lake, tried on random schedules of what Lambda, S3 and people do (stream_simulation)."""

from collections import Counter
from unittest import mock

import batch_lines
import gzipped_lines
import lake
import pytest
import settle_batch
from hypothesis import given, settings
from hypothesis import strategies as st
from schedules import KINDS
from stream_simulation import Life

from blueprints_shared.replay import StoredBatch

SCHEDULES = settings(max_examples=300, derandomize=True, deadline=None, database=None)


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_each_record_is_in_the_lake_once_when_the_failed_batches_are_drained(seed):
    """Kills, time-outs, 500s, lost answers, bisects, batches cut anew, canaries, re-sharding, 1 to 10 lanes.

    Before they are drained, each is in the lake or among the failed batches.
    """
    Life(seed).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_a_request_that_lands_late_harms_no_object_that_counts(seed):
    """A killed attempt's request lands after those that followed: only where these had nothing to write.

    So at least once, exactly once by number.
    """
    Life(seed, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_an_attempt_that_is_overtaken_harms_no_object_that_counts(seed):
    """A batch delivered twice at once, cut differently, request by request: as with what lands late."""
    Life(seed, overtaken=True).play()
    Life(seed, overtaken=True, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_nothing_is_lost_by_a_batch_that_is_delivered_again(seed):
    """Longer or shorter, long after it was done with, or though it was given up; and what should follow does not.

    At least once in the lake or in the copies of what was replaced; exactly once by number.
    """
    Life(seed, again=True).play()
    Life(seed, again=True, overtaken=True, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_nothing_is_lost_by_another_parallelization_while_records_are_under_way(seed):
    """Lanes take over each other's records, and batches given up by the old ones are replayed among the new ones'.

    At least once in the lake or in the copies of what was replaced; exactly once by number.
    """
    Life(seed, relaned=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_nothing_is_lost_by_reading_again_from_further_back(seed):
    """The checkpoint is rewound, after draining: at least once, exactly once by number."""
    Life(seed, rewound=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_each_record_is_in_the_lake_once_when_shards_split_and_merge_amid_aggregates(seed):
    """Once by its position. What the KPL put again has several, and other aggregators put what belongs elsewhere."""
    life = Life(seed, resharded=True)
    life.play()

    received = Counter(each for record in life.records for each in record.ids)
    assert set(received) == set(life.stream.ids)
    Life(seed, resharded=True, overtaken=True, late=True, again=True).play()


def fails(count=150, **kind):
    for seed in range(count):
        try:
            Life(seed, **kind).play()
        except AssertionError:
            return True
    return False


class TestTheSimulationFindsWhatItIsFor:
    """Each step of settling is there for a reason: without it, a schedule goes wrong."""

    def test_writing_only_what_there_is(self):
        replace = lake.Lake._replace

        def replace_some(self, key, found, content):
            if content:
                replace(self, key, found, content)

        with mock.patch.object(lake.Lake, "_replace", replace_some):
            assert fails()

    def test_a_key_of_the_last_record(self):
        keys = lake.batch_keys
        settle = settle_batch.Settler.settle

        def settle_by_last(self, records, *rest):
            with mock.patch.object(settle_batch, "batch_keys", lambda first, *more: keys(records[-1], *more)):
                return settle(self, records, *rest)

        with mock.patch.object(settle_batch.Settler, "settle", settle_by_last):
            assert fails()

    def test_writing_whatever_is_there(self):
        def replace(self, key, found, content):
            if content is not None:
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=content)
            else:
                self._s3.delete_object(Bucket=self.bucket, Key=key)

        with mock.patch.object(lake.Lake, "_replace", replace):
            assert fails(late=True)
            assert fails(overtaken=True)

    def test_looking_only_before_writing(self):
        settle = lake.Lake.settle

        def settle_what_is_there_now(self, keys, found, *contents):
            return settle(self, keys, self.look(keys), *contents)

        with mock.patch.object(lake.Lake, "settle", settle_what_is_there_now):
            assert fails(overtaken=True)

    def test_writing_the_same_bytes_twice(self):
        with mock.patch.object(gzipped_lines.os, "urandom", lambda count: bytes(count)):
            assert fails(600, overtaken=True)

    def test_keeping_no_copy_of_what_is_replaced(self):
        with mock.patch.object(lake.Lake, "_keep"):
            assert fails(again=True)
            assert fails(600, relaned=True)
            assert not fails()

    def test_dropping_what_belongs_to_another_shard(self):
        """As the Kinesis Client Library does: what other aggregators put there is nowhere else."""
        aggregated = batch_lines.BatchLines._aggregated

        def loses(seed):
            life = Life(seed, resharded=True)

            def drop(self, whole):
                shard = life.stream.shards[int(whole.shard_id[-12:])]
                found = zip(aggregated(self, whole), batch_lines.deaggregate(whole.data), strict=True)
                return [line for line, each in found if shard.holds(each.partition_key)]

            with mock.patch.object(batch_lines.BatchLines, "_aggregated", drop):
                try:
                    life.play()
                except AssertionError:
                    return True
            return False

        assert any(loses(seed) for seed in range(20))

    def test_replaying_the_rest_before_it_is_stored(self):
        with mock.patch.object(StoredBatch, "_keep"):
            assert fails(600)


@pytest.mark.parametrize("kind", KINDS)
def test_a_quiet_stream_needs_no_luck(kind):
    for seed in range(20):
        life = Life(seed, **kind)
        life.trouble, life.versions = 0, (1,)
        life.play()
