"""The guarantees of the lake hold on random schedules of Lambda, S3 and people (see stream_simulation)."""

from collections import Counter
from types import SimpleNamespace
from unittest import mock

import batch_lines
import commit_batch
import gzipped_lines
import lake
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedules import KINDS
from stream_simulation import Life

from blueprints_shared.replay import StoredBatch

SCHEDULES = settings(max_examples=300, derandomize=True, deadline=None, database=None)


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_each_record_is_in_the_lake_once_after_a_replay(seed):
    """With kills, time-outs, errors, lost responses, bisected batches, canaries, re-sharding and 1 to 10 lanes.

    Before the replay, each record is in the lake or in the failed batches.
    """
    Life(seed).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_a_late_request_changes_no_object_of_the_last_attempt(seed):
    """A killed attempt's late request takes effect only where later attempts had nothing to write.

    So each record is there at least once, and exactly once by position.
    """
    Life(seed, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_an_overtaken_attempt_changes_no_object_of_the_last_attempt(seed):
    """A batch is delivered twice at the same time, cut differently."""
    Life(seed, overtaken=True).play()
    Life(seed, overtaken=True, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_a_redelivered_batch_loses_nothing(seed):
    """A longer or shorter batch comes long after it was done or given up, and its successors do not.

    Each record is at least once in the lake or in the copies of replaced objects; exactly once by position.
    """
    Life(seed, redelivered=True).play()
    Life(seed, redelivered=True, overtaken=True, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_another_parallelization_while_records_are_under_way_loses_nothing(seed):
    """Lanes take over each other's records, and batches that the old lanes gave up are replayed beside the new ones.

    Each record is at least once in the lake or in the copies of replaced objects; exactly once by position.
    """
    Life(seed, reparallelized=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_reading_again_from_an_earlier_record_loses_nothing(seed):
    """After a replay, each record is there at least once, and exactly once by position."""
    Life(seed, rewound=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_each_record_is_in_the_lake_once_while_shards_split_and_merge(seed):
    """Once by position: the KPL puts some records again, and other aggregators put records into other shards."""
    life = Life(seed, resharded=True)
    life.play()

    received = Counter(each for record in life.records for each in record.ids)
    assert set(received) == set(life.stream.ids)
    Life(seed, resharded=True, overtaken=True, late=True, redelivered=True).play()


def fails(count=150, **kind):
    for seed in range(count):
        try:
            Life(seed, **kind).play()
        except AssertionError:
            return True
    return False


class TestTheSimulationFindsFaults:
    """Without any one step of committing a batch, some schedule breaks a guarantee."""

    def test_not_deleting_what_an_earlier_attempt_wrote(self):
        replace = lake.Lake._replace

        def replace_some(self, key, etag, content):
            if content:
                replace(self, key, etag, content)

        with mock.patch.object(lake.Lake, "_replace", replace_some):
            assert fails()

    def test_a_key_of_the_last_record(self):
        keys = lake.batch_keys
        commit = commit_batch.commit_batch

        def commit_by_last(lake, check, transform, records, context):
            with mock.patch.object(commit_batch, "batch_keys", lambda first, *more: keys(records[-1], *more)):
                return commit(lake, check, transform, records, context)

        with mock.patch.object(commit_batch, "commit_batch", commit_by_last):
            assert fails()

    def test_writing_without_a_condition(self):
        def replace(self, key, etag, content):
            if content is not None:
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=content)
            else:
                self._s3.delete_object(Bucket=self.bucket, Key=key)

        with mock.patch.object(lake.Lake, "_replace", replace):
            assert fails(late=True)
            assert fails(overtaken=True)

    def test_reading_etags_only_before_writing(self):
        commit = lake.Lake.commit

        def commit_with_current_etags(self, keys, etags, *contents):
            return commit(self, keys, self.etags(keys), *contents)

        with mock.patch.object(lake.Lake, "commit", commit_with_current_etags):
            assert fails(overtaken=True)

    def test_writing_the_same_bytes_twice(self):
        with mock.patch.object(gzipped_lines, "os", SimpleNamespace(urandom=bytes)):
            assert fails(600, overtaken=True)

    def test_replacing_without_a_copy(self):
        with mock.patch.object(lake.Lake, "_copy"):
            assert fails(redelivered=True)
            assert fails(600, reparallelized=True)
            assert not fails()

    def test_dropping_records_of_other_shards(self):
        """The Kinesis Client Library does this, and loses what other aggregators than the KPL put."""
        lines = batch_lines.BatchLines._user_record_lines

        def loses(seed):
            life = Life(seed, resharded=True)

            def drop(self, whole):
                shard = life.stream.shards[int(whole.shard_id[-12:])]
                found = zip(lines(self, whole), batch_lines.deaggregate(whole.data), strict=True)
                return [line for line, each in found if shard.holds(each.partition_key)]

            with mock.patch.object(batch_lines.BatchLines, "_user_record_lines", drop):
                try:
                    life.play()
                except AssertionError:
                    return True
            return False

        assert any(loses(seed) for seed in range(20))

    def test_replaying_the_rest_of_a_batch_before_it_is_stored(self):
        with mock.patch.object(StoredBatch, "_keep"):
            assert fails(600)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_without_faults_keeps_the_guarantees(kind):
    for seed in range(20):
        life = Life(seed, **kind)
        life.trouble, life.versions = 0, (1,)
        life.play()
