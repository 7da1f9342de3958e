"""What is promised of the lake, tried on random schedules of what Lambda, S3 and people do (stream_simulation)."""

from unittest import mock

import lake
import pytest
import settle_batch
from hypothesis import given, settings
from hypothesis import strategies as st
from replay import Replay
from stream_simulation import Life

SCHEDULES = settings(max_examples=800, derandomize=True, deadline=None, database=None)


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_each_record_is_in_the_lake_once_when_the_failed_batches_are_drained(seed):
    """Kills, time-outs, 500s, lost answers, bisects, batches cut anew, canaries, re-sharding, 1 to 10 lanes.

    Before they are drained, each is in the lake or among the failed batches.
    """
    Life(seed).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_nothing_is_lost_by_requests_that_land_late(seed):
    """A request of a killed attempt lands after those that followed: at least once, exactly once by number."""
    Life(seed, late=True).play()


@SCHEDULES
@given(seed=st.integers(0, 2**32))
def test_nothing_is_lost_by_reading_again_from_further_back(seed):
    """The checkpoint is rewound, after draining: at least once, exactly once by number."""
    Life(seed, rewound=True).play()


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

        def replace_some(self, key, content):
            if content:
                replace(self, key, content)

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
        def replace(self, key, content):
            if content is not None:
                self._s3.put_object(Bucket=self.bucket, Key=key, Body=content)
            else:
                self._s3.delete_object(Bucket=self.bucket, Key=key)

        with mock.patch.object(lake.Lake, "_replace", replace):
            assert fails(1500, late=True)

    def test_replaying_the_rest_before_it_is_stored(self):
        with mock.patch.object(Replay, "put"):
            assert fails(600)


@pytest.mark.parametrize("kind", [{}, {"late": True}, {"rewound": True}])
def test_a_quiet_stream_needs_no_luck(kind):
    for seed in range(20):
        life = Life(seed, **kind)
        life.trouble, life.versions = 0, (1,)
        life.play()
