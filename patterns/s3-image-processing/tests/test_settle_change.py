"""However changes and attempts interleave, the renditions become those of the newest object, or none if it is gone."""

import random
import re
import threading
from datetime import UTC, datetime
from functools import partial
from unittest import mock

import pytest
import rendition_store
from hypothesis import given, settings
from hypothesis import strategies as st
from image_rejections import Rejected
from image_renditions import Rendered, Rendition
from rendition_store import KEY_LIMIT, CommitContended, Manifest, RenditionStore, longest_key, manifest_key
from s3_in_turns import Bucket, InMemoryS3, s3_error
from settle_change import Settler

from blueprints_shared.s3_events import ObjectChange

NO_IMAGE = b"no image"
IMAGES = (b"one image", b"another image")


def paint(data, version=b"1"):
    """Stands in for the image work: two renditions that show what they were made from, by which version of the code."""
    if data == NO_IMAGE:
        raise Rejected("not-an-image", "these are words")
    made = data + b" by version " + version
    return Rendered("jpeg", 30, 20, tuple(Rendition(name, 3, 2, made) for name in ("small", "large")))


def settler(s3, version=b"1"):
    return Settler(s3, RenditionStore(s3, "renditions"), partial(paint, version=version), "webp", max_bytes=100)


def change(kind, key, number, etag=None, deletion_type=None):
    # S3's sequencers are of differing length; cutting zeros off the right must change nothing.
    sequencer = f"{number:06X}".rstrip("0") or "0"
    return ObjectChange(
        kind, "originals", key, sequencer, etag, None, None, None, deletion_type, datetime(2026, 11, 12, tzinfo=UTC)
    )


class Died(BaseException):
    """The process was killed: nothing of it runs on."""


class Attempt(threading.Thread):
    """One invocation, run in a thread of its own that waits before every call to S3 until it is told what happens."""

    def __init__(self, buckets, event, rank, version):
        super().__init__(daemon=True)
        self.buckets, self.event, self.rank, self.version = buckets, event, rank, version
        self.waiting, self.told = threading.Semaphore(0), threading.Semaphore(0)
        self.fate, self.call, self.settled, self.failure = "go", None, False, None
        self.start()
        self.waiting.acquire()

    def run(self):
        s3 = InMemoryS3(self.turn)
        s3.buckets = self.buckets
        try:
            settler(s3, self.version).settle(self.event)
            self.settled = True
        except Died:
            pass  # it reports nothing: Lambda sees a time-out, and the play goes on
        except Exception as failure:  # noqa: BLE001 - Lambda would report it and retry
            self.failure = failure
        self.call = None
        self.waiting.release()

    def turn(self, call, effect):
        self.call = call
        self.waiting.release()
        self.told.acquire()
        if self.fate == "die before":
            raise Died
        if self.fate == "fail":
            raise s3_error("InternalError", 500)
        if self.fate == "conflict" and call == "put if":
            raise s3_error("ConditionalRequestConflict", 409)
        answer = effect()
        if self.fate == "die after":
            raise Died
        if self.fate == "answer lost":
            raise s3_error("RequestTimeout", 400)
        return answer

    def step(self, fate="go"):
        """Let the call it waits for happen, as `fate` has it; returns whether it goes on."""
        self.fate = fate
        self.told.release()
        self.waiting.acquire()
        return self.call is not None


# The second key lies where the first one keeps its sets.
KEYS = ("k", f"k/{Bucket().put('', IMAGES[0]).etag}")
CHANGES = st.tuples(
    st.sampled_from(("put", "put", "put", "delete", "delete a version", "expire")),
    st.sampled_from(KEYS[:1] * 3 + KEYS[1:]),
    st.sampled_from([*IMAGES, *IMAGES, NO_IMAGE]),
)
FATES = ("conflict", "die before", "die after", "fail", "answer lost")


class Play:
    """Users change the source; events come late, twice and out of order; attempts interleave, fail and die.

    The schedule gives every attempt a random rank and lets the highest go on, until chance ranks it last: two attempts
    that meet at just the wrong steps are found far more often than by drawing lots for each step.
    """

    def __init__(self, versioned, changes, seed):
        self.random = random.Random(seed)
        self.buckets = {"originals": Bucket(versioned), "renditions": Bucket()}
        self.originals = self.buckets["originals"]
        self.changes, self.clock = list(changes), 0
        self.unsettled, self.settled, self.running = [], [], []

    def run(self):
        try:
            while self.changes or self.unsettled or self.running:
                self.advance()
                self.check_that_what_a_manifest_names_is_there()
            for key in KEYS:
                self.check_the_end(key)
        finally:
            for attempt in self.running:
                attempt.step("die before")

    def advance(self):
        chance = self.random.random()
        if self.changes and (chance < 0.12 or not self.running):
            self.change(*self.changes.pop(0))
        elif self.unsettled and len(self.running) < 4 and (chance < 0.25 or not self.running):
            self.begin(self.unsettled.pop(self.random.randrange(len(self.unsettled))))
        elif self.settled and len(self.running) < 4 and chance < 0.28:
            self.begin(self.random.choice(self.settled))
        elif self.running:
            self.step(max(self.running, key=lambda attempt: attempt.rank))

    def step(self, attempt):
        attempt.step("go" if self.random.random() < 0.95 else self.random.choice(FATES))
        if self.random.random() < 0.1:
            attempt.rank = min(other.rank for other in self.running) - 1
        self.look_at(attempt)

    def begin(self, event):
        # While a deployment shifts traffic, two versions of the code are at work; their names differ in length.
        attempt = Attempt(self.buckets, event, self.random.random(), self.random.choice((b"1", b"ten")))
        self.running.append(attempt)
        self.look_at(attempt)

    def look_at(self, attempt):
        if attempt.call is not None:
            return
        self.running.remove(attempt)
        if attempt.settled:
            self.settled.append(attempt.event)
        else:
            self.unsettled.append(attempt.event)  # Lambda retries what failed, then a person does

    def change(self, kind, key, data):
        """Change the source, with the events that S3 sends of it."""
        versions, versioned = self.originals.keys.get(key), self.originals.versioned
        if kind == "expire the other":
            # A lifecycle rule expires two versions at one moment: the events share a sequencer.
            self.originals.delete(key)
            self.send(change("deleted", key, data, deletion_type="Delete Marker Created"))
            return
        self.clock += 7
        if kind == "put":
            stored = self.originals.put(key, data)
            self.send(change("created", key, self.clock, stored.etag))
        elif kind == "delete" or not versioned:
            self.originals.delete(key)
            deletion_type = "Delete Marker Created" if versioned else "Permanently Deleted"
            self.send(change("deleted", key, self.clock, deletion_type=deletion_type))
        elif versions:
            versions.pop(self.random.randrange(len(versions)) if kind == "delete a version" else 0)
            self.send(change("deleted", key, self.clock, deletion_type="Permanently Deleted"))
            if kind == "expire":
                self.changes.insert(0, ("expire the other", key, self.clock))

    def send(self, event):
        self.unsettled += [event] * self.random.choice((1, 1, 2))

    def manifest(self, key):
        stored = self.buckets["renditions"].current(manifest_key(key))
        return Manifest.from_json(stored.data) if stored else None

    def entries(self, key):
        manifest = self.manifest(key)
        return manifest.renditions if manifest else ()

    def check_that_what_a_manifest_names_is_there(self):
        for key in KEYS:
            for entry in self.entries(key):
                stored = self.buckets["renditions"].current(entry.key)
                assert stored, f"{entry.key} is gone, and the manifest names it"
                assert len(stored.data) == entry.bytes, f"{entry.key} was overwritten after it was committed"
                image = stored.data.split(b" by version ")[0]
                assert Bucket().put("", image).etag == self.manifest(key).source.etag

    def check_the_end(self, key):
        stored, manifest = self.originals.current(key), self.manifest(key)
        shown = {entry.key for entry in self.entries(key)}
        elsewhere = {entry.key for other in KEYS if other != key for entry in self.entries(other)}
        kept = {name for name in self.buckets["renditions"].keys if re.match(rf"{key}/.*\.webp", name)}
        assert kept - elsewhere == shown, "renditions are left that no manifest names"
        if stored is None:
            assert manifest is None or manifest.state == "deleted"
        else:
            assert manifest.state == ("rejected" if stored.data == NO_IMAGE else "ready")
            assert manifest.source.etag == stored.etag


@settings(max_examples=1000, deadline=None)
@given(
    versioned=st.booleans(),
    changes=st.lists(CHANGES, min_size=2, max_size=7),
    seed=st.integers(0, 2**32),
)
def test_any_interleaving_ends_with_the_newest_object(versioned, changes, seed):
    with mock.patch.object(rendition_store.time, "sleep"):
        Play(versioned, changes, seed).run()


class TestSteps:
    """Single cases, spelled out."""

    @pytest.fixture
    def s3(self):
        s3 = InMemoryS3()
        s3.buckets = {"originals": Bucket(), "renditions": Bucket()}
        return s3

    def put(self, s3, key, data, number):
        return change("created", key, number, s3.buckets["originals"].put(key, data).etag)

    def test_an_older_event_that_comes_late_changes_nothing(self, s3):
        first = self.put(s3, "k", IMAGES[0], 1)
        second = self.put(s3, "k", IMAGES[1], 2)
        assert settler(s3).settle(second).verdict == "rendered"
        before = dict(s3.buckets["renditions"].keys)
        assert settler(s3).settle(first).verdict == "superseded"
        assert s3.buckets["renditions"].keys == before

    def test_a_repeated_event_renders_nothing(self, s3):
        event = self.put(s3, "k", IMAGES[0], 1)
        settler(s3).settle(event)
        calls = []
        s3.turn = lambda call, effect: (calls.append(call), effect())[1]
        assert settler(s3).settle(event).verdict == "unchanged"
        assert calls == ["get", "list"]

    def test_an_event_whose_object_was_replaced_waits_for_the_next(self, s3):
        event = self.put(s3, "k", IMAGES[0], 1)
        self.put(s3, "k", IMAGES[1], 2)
        assert settler(s3).settle(event).verdict == "superseded"
        assert not s3.buckets["renditions"].keys

    def test_renditions_of_a_format_that_is_written_no_more_are_removed_too(self, s3):
        settler(s3).settle(self.put(s3, "k", IMAGES[0], 1))
        keys = s3.buckets["renditions"].keys
        for key in [key for key in keys if key.endswith(".webp")]:
            keys[key.removesuffix(".webp") + ".gif"] = keys.pop(key)
        settler(s3).settle(self.put(s3, "k", IMAGES[1], 2))
        assert sorted(key.rpartition(".")[2] for key in keys) == ["json", "webp", "webp"]

    def test_a_rejected_successor_takes_the_renditions_away(self, s3):
        settler(s3).settle(self.put(s3, "k", IMAGES[0], 1))
        outcome = settler(s3).settle(self.put(s3, "k", NO_IMAGE, 2))
        assert (outcome.verdict, outcome.manifest.reason) == ("rejected", "these are words")
        assert list(s3.buckets["renditions"].keys) == ["k/manifest.json"]

    def test_too_many_bytes_are_not_downloaded(self, s3):
        event = self.put(s3, "k", b"x" * 101, 1)
        with mock.patch("s3_in_turns.io.BytesIO") as body:
            body.return_value.read.side_effect = AssertionError("downloaded")
            outcome = settler(s3).settle(event)
        assert outcome.manifest.code == "too-many-bytes"

    def test_an_old_version_back_in_place_gets_its_renditions_back(self, s3):
        originals = s3.buckets["originals"] = Bucket(versioned=True)
        first = self.put(s3, "k", IMAGES[0], 1)
        second = self.put(s3, "k", IMAGES[1], 2)
        for event in (first, second):
            settler(s3).settle(event)
        originals.keys["k"].pop()
        outcome = settler(s3).settle(change("deleted", "k", 3, deletion_type="Permanently Deleted"))
        assert (outcome.verdict, outcome.manifest.source.etag) == ("rendered", first.etag)

    def test_an_old_version_that_goes_costs_no_rendering(self, s3):
        originals = s3.buckets["originals"] = Bucket(versioned=True)
        self.put(s3, "k", IMAGES[0], 1)
        settler(s3).settle(self.put(s3, "k", IMAGES[1], 2))
        originals.keys["k"].pop(0)
        calls = []
        s3.turn = lambda call, effect: (calls.append(call), effect())[1]
        outcome = settler(s3).settle(change("deleted", "k", 3, deletion_type="Permanently Deleted"))
        assert outcome.verdict == "unchanged"
        assert "put" not in calls

    def test_an_older_attempt_that_read_a_version_since_deleted_cannot_commit_it(self, s3):
        originals = s3.buckets["originals"] = Bucket(versioned=True)
        first = self.put(s3, "k", IMAGES[0], 1)
        settler(s3).settle(first)
        second = self.put(s3, "k", IMAGES[1], 2)
        meanwhile = [change("deleted", "k", 3, deletion_type="Permanently Deleted")]

        def turn(call, effect):
            if call == "put" and meanwhile:
                originals.keys["k"].pop()
                settler(s3).settle(meanwhile.pop())
            return effect()

        s3.turn = turn
        outcome = settler(s3).settle(second)
        assert (outcome.verdict, outcome.manifest.source.etag) == ("superseded", first.etag)
        assert len(s3.buckets["renditions"].keys) == 3

    def test_of_two_deletions_at_one_moment_the_one_that_finds_nothing_is_last(self, s3):
        originals = s3.buckets["originals"] = Bucket(versioned=True)
        self.put(s3, "k", IMAGES[0], 1)
        settler(s3).settle(self.put(s3, "k", IMAGES[1], 2))
        originals.keys["k"].pop(0)
        assert settler(s3).settle(change("deleted", "k", 3)).verdict == "unchanged"
        originals.delete("k")
        assert settler(s3).settle(change("deleted", "k", 3)).verdict == "deleted"
        assert list(s3.buckets["renditions"].keys) == ["k/manifest.json"]

    def test_a_write_at_the_same_moment_is_tried_again_at_once(self, s3):
        event, conflicts = self.put(s3, "k", IMAGES[0], 1), [s3_error("ConditionalRequestConflict", 409)]

        def turn(call, effect):
            if call == "put if" and conflicts:
                raise conflicts.pop()
            return effect()

        s3.turn = turn
        assert settler(s3).settle(event).verdict == "rendered"

    def test_a_manifest_that_others_keep_writing_is_given_up(self, s3, monkeypatch):
        monkeypatch.setattr(rendition_store.time, "sleep", lambda seconds: None)
        event = self.put(s3, "k", IMAGES[0], 1)

        def turn(call, effect):
            if call == "put if":
                raise s3_error("ConditionalRequestConflict", 409)
            return effect()

        s3.turn = turn
        with pytest.raises(CommitContended):
            settler(s3).settle(event)

    @pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"])
    def test_the_longest_key_fits_and_a_longer_one_is_rejected(self, s3, letter):
        key = letter * (longest_key() // len(letter.encode()))
        key += "x" * (longest_key() - len(key.encode()))
        settler(s3).settle(self.put(s3, key, IMAGES[0], 0xFFFFFF))
        assert max(len(name.encode()) for name in s3.buckets["renditions"].keys) <= KEY_LIMIT
        for longer in (key + "x", letter * (KEY_LIMIT // len(letter.encode()))):
            outcome = settler(s3).settle(self.put(s3, longer, IMAGES[0], 1))
            assert outcome.manifest.code == "key-too-long"
            assert len(manifest_key(longer).encode()) <= KEY_LIMIT
            s3.buckets["originals"].delete(longer)
            assert settler(s3).settle(change("deleted", longer, 2)).verdict == "deleted"

    def test_a_failure_of_s3_is_raised_to_be_retried(self, s3):
        event = self.put(s3, "k", IMAGES[0], 1)
        denied = s3_error("AccessDenied", 403)

        def turn(call, effect):
            raise denied

        s3.turn = turn
        with pytest.raises(type(denied)):
            settler(s3).settle(event)

    def test_what_could_not_be_removed_is_an_error(self, s3):
        settler(s3).settle(self.put(s3, "k", IMAGES[0], 1))
        event = self.put(s3, "k", IMAGES[1], 2)
        s3.turn = lambda call, effect: {"Errors": [{"Key": "k"}]} if call == "delete" else effect()
        with pytest.raises(RuntimeError, match="remain"):
            settler(s3).settle(event)
        s3.turn = lambda call, effect: effect()
        settler(s3).settle(event)
        assert len(s3.buckets["renditions"].keys) == 3

    def test_a_tombstone_carries_the_tag_that_lets_it_expire(self, s3):
        settler(s3).settle(change("deleted", "k", 1))
        assert s3.buckets["renditions"].current("k/manifest.json").tagging == "state=deleted"
        settler(s3).settle(self.put(s3, "k", IMAGES[0], 2))
        assert s3.buckets["renditions"].current("k/manifest.json").tagging is None


def test_a_manifest_survives_being_stored():
    manifest = Manifest("k", "rejected", "0A", None, code="empty", reason="zażółć 写真")
    assert Manifest.from_json(manifest.to_json()) == manifest
