"""The promises of the README, on random schedules of what Lambda, AWS, receivers and people do."""

from collections import Counter
from unittest import mock

import pytest
from announcement_life import Announcing
from change_simulation import FAULTS
from handler_versions import handlers
from hypothesis import given, settings
from hypothesis import strategies as st
from model_database import UNGUARDED, ModelDatabase
from rejected_records import RejectedRecords
from replica_life import Replicating, row_of
from webhook import Webhook

from blueprints_shared.replay import StoredBatch
from blueprints_shared.streams import Progress, handle_in_order, sequence_number

SCHEDULES = settings(max_examples=300, derandomize=True, deadline=None, database=None)
SEEDS = st.integers(0, 2**32)


class TestTheReplicaConverges:
    """Each row ends at the newest change of its key; deleted items stay deleted, and no row goes back.

    With kills, time-outs, errors 500, throttling, lost responses, bisected batches, canaries, resharding, 1 to 10 lanes
    and a new stream. Before the failures are replayed, each change is in the replica or in the bucket; afterwards, the
    result is the same as without faults, and repeated changes have no effect.
    """

    @SCHEDULES
    @given(seed=SEEDS)
    def test_when_the_failures_are_replayed(self, seed):
        Replicating(seed).play()

    @SCHEDULES
    @given(seed=SEEDS)
    def test_when_requests_of_killed_attempts_arrive_late(self, seed):
        Replicating(seed, late=True).play()

    @SCHEDULES
    @given(seed=SEEDS)
    def test_when_the_stream_is_read_again_from_an_earlier_position(self, seed):
        Replicating(seed, rewound=True).play()


class TestEveryChangeIsAnnounced:
    """Each change is announced at least once, with its own id and equal content; to a webhook in the order of its key.

    Changes that were given up or refused are in the failures bucket, and come late, when they are replayed.
    """

    @SCHEDULES
    @given(seed=SEEDS)
    def test_when_the_failures_are_replayed(self, seed):
        Announcing(seed).play()

    @SCHEDULES
    @given(seed=SEEDS)
    def test_when_requests_of_killed_attempts_arrive_late(self, seed):
        Announcing(seed, late=True).play()

    @SCHEDULES
    @given(seed=SEEDS)
    def test_when_the_stream_is_read_again_from_an_earlier_position(self, seed):
        Announcing(seed, rewound=True).play()

    @SCHEDULES
    @given(seed=SEEDS)
    def test_on_the_event_bus(self, seed):
        Announcing(seed, bus=True, late=True).play()


def fails(life, count=300, **kind):
    """Whether a check fails in one of `count` schedules."""
    for seed in range(count):
        try:
            life(seed, **kind).play()
        except AssertionError:
            return True
    return False


def run_past_failures(report):
    """A wrong checkpoint that goes on after a failure, and reports the first one only with `report`."""

    def handle(records, handle_one, context, **_):
        failed = []
        for index, record in enumerate(records):
            try:
                handle_one(record)
            except Exception as error:  # noqa: BLE001
                failed.append(Progress(index, sequence_number(record), error))
        return failed[0] if failed and report else Progress(len(records))

    return handle


def deleting_first(self):
    """Replay that removes the object before the function has handled it."""
    self._place.s3.objects.pop(self.name, None)
    return replay_one(self)


replay_one = StoredBatch.replay


class TestTheSimulationFindsMissingSteps:
    """Each step of the design is needed: without it, a check fails in some schedule."""

    def test_rows_without_a_guard(self):
        with mock.patch("replica._WRITE", UNGUARDED.replace("replica.items", "{schema}.items")):
            assert fails(Replicating)

    @pytest.mark.parametrize(
        "is_later",
        [
            lambda stored, new: stored.number < new.number,
            lambda stored, new: stored.place < new.place,
            lambda stored, new: stored.place <= new.place,
        ],
        ids=["by the number alone", "a rejected row never", "the same change again"],
    )
    def test_rows_with_another_guard(self, is_later):
        with mock.patch.object(ModelDatabase, "_is_later", staticmethod(is_later)):
            assert fails(Replicating, rewound=True)

    def test_rows_without_tombstones(self):
        """A missing row is allowed here; a row that comes back is not."""

        class Forgetful(ModelDatabase):
            def _write(self, *given):
                answer = super()._write(*given)
                self.rows = {each: row for each, row in self.rows.items() if row.state not in ("deleted", "expired")}
                return answer

        def check(life):
            for name, change in life._newest().items():
                row = life.database.rows.get(row_of(name))
                gone = row is None or row.state in ("deleted", "expired")
                assert gone or change.kind not in ("delete", "expire"), f"{name} was resurrected"

        with (
            mock.patch.object(Replicating, "arrived", return_value=True),
            mock.patch.object(Replicating, "check_what_is_there", check),
        ):
            assert not fails(Replicating, count=50)
            assert fails(Replicating, database=Forgetful)

    # Going on and reporting it does no harm to rows, which only later changes overwrite.
    @pytest.mark.parametrize(
        ("life", "report"),
        [
            (Replicating, False),
            (Announcing, False),
            (Announcing, True),
        ],
        ids=["rows", "announcements", "announcements, and reporting it"],
    )
    def test_going_on_after_a_failure(self, life, report):
        with mock.patch.object(handlers()[life.function], "handle_in_order", run_past_failures(report)):
            assert fails(life)

    @pytest.mark.parametrize("life", [Replicating, Announcing])
    def test_a_checkpoint_one_record_too_far(self, life):
        def too_far(records, *rest, **options):
            progress = handle_in_order(records, *rest, **options)
            if progress.stopped_at and progress.handled + 1 < len(records):
                return Progress(progress.handled, sequence_number(records[progress.handled + 1]), progress.error)
            return progress

        with mock.patch.object(handlers()[life.function], "handle_in_order", too_far):
            assert fails(life)

    def test_a_new_id_for_each_attempt(self):
        headers = Webhook._headers

        def with_another_id(self, announcement):
            return headers(self, type(announcement)("another-" + announcement.id, *announcement.__reduce__()[1][1:]))

        with mock.patch.object(Webhook, "_headers", with_another_id):
            assert fails(Announcing)

    @pytest.mark.parametrize("life", [Replicating, Announcing])
    def test_storing_no_rejected_records(self, life):
        with mock.patch.object(RejectedRecords, "put", return_value="nowhere"):
            assert fails(life)

    @pytest.mark.parametrize("life", [Replicating, Announcing])
    def test_replaying_after_removal(self, life):
        with mock.patch.object(StoredBatch, "replay", deleting_first):
            assert fails(life)

    @pytest.mark.parametrize("life", [Replicating, Announcing])
    def test_removing_a_newer_rejection(self, life):
        def remove(self):
            self._place.s3.objects.pop(self.name, None)

        with mock.patch.object(StoredBatch, "_remove", remove):
            assert fails(life)

    def test_every_kind_of_fault_occurs(self):
        happened = Counter()
        for seed in range(60):
            for life in (Replicating(seed, late=True), Announcing(seed, late=True), Announcing(seed, bus=True)):
                life.play()
                happened += life.happened
        wanted = {*FAULTS, "late", "answered in part", "cut anew", "bisected", "given up", "rejected"}
        assert wanted | {"replayed meanwhile"} <= {name for name, count in happened.items() if count > 10}, happened


@pytest.mark.parametrize("kind", [{}, {"late": True}, {"rewound": True}])
@pytest.mark.parametrize("life", [Replicating, Announcing])
def test_schedules_without_faults(life, kind):
    for seed in range(10):
        quiet = life(seed, **kind)
        quiet.trouble, quiet.versions = 0, quiet.versions[:1]
        quiet.play()
