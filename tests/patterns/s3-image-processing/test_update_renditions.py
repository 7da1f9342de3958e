"""Updates of one key, step by step, on an S3 in memory: overwrites, deletions, races, failures and retries."""

from types import SimpleNamespace
from unittest import mock

import pytest
import rendition_store
from in_memory import IMAGES, NO_IMAGE, Bucket, InMemoryS3, change, s3_error, updater
from rendition_store import KEY_LIMIT, LONGEST_KEY, CommitContended, Manifest, manifest_key


@pytest.fixture
def s3():
    return InMemoryS3()


def put(s3, key, data, number):
    return change("created", key, number, s3.buckets["originals"].put(key, data).etag)


def test_an_older_event_that_comes_late_changes_nothing(s3):
    first = put(s3, "k", IMAGES[0], 1)
    second = put(s3, "k", IMAGES[1], 2)
    assert updater(s3).update(second).result == "rendered"
    before = dict(s3.buckets["renditions"].keys)
    assert updater(s3).update(first).result == "superseded"
    assert s3.buckets["renditions"].keys == before


def test_a_repeated_event_renders_nothing(s3):
    event = put(s3, "k", IMAGES[0], 1)
    updater(s3).update(event)
    calls = []
    s3.turn = lambda call, effect: (calls.append(call), effect())[1]
    assert updater(s3).update(event).result == "unchanged"
    assert calls == ["get", "list"]


def test_a_replaced_object_is_left_to_its_own_event(s3):
    event = put(s3, "k", IMAGES[0], 1)
    put(s3, "k", IMAGES[1], 2)
    assert updater(s3).update(event).result == "superseded"
    assert not s3.buckets["renditions"].keys


def test_renditions_in_a_former_output_format_are_deleted_too(s3):
    updater(s3).update(put(s3, "k", IMAGES[0], 1))
    keys = s3.buckets["renditions"].keys
    for key in [key for key in keys if key.endswith(".webp")]:
        keys[key.removesuffix(".webp") + ".gif"] = keys.pop(key)
    updater(s3).update(put(s3, "k", IMAGES[1], 2))
    assert sorted(key.rpartition(".")[2] for key in keys) == ["json", "webp", "webp"]


def test_a_rejected_image_replaces_the_renditions_of_the_one_before(s3):
    updater(s3).update(put(s3, "k", IMAGES[0], 1))
    outcome = updater(s3).update(put(s3, "k", NO_IMAGE, 2))
    assert (outcome.result, outcome.manifest.reason) == ("rejected", "these are words")
    assert list(s3.buckets["renditions"].keys) == ["k/manifest.json"]


def test_too_many_bytes_are_not_downloaded(s3):
    event = put(s3, "k", b"x" * 101, 1)
    with mock.patch("in_memory.io") as io:
        io.BytesIO.return_value.read.side_effect = AssertionError("downloaded")
        outcome = updater(s3).update(event)
    assert outcome.manifest.code == "too-many-bytes"


def test_an_old_version_back_in_place_gets_its_renditions_back(s3):
    originals = s3.buckets["originals"] = Bucket(versioned=True)
    first = put(s3, "k", IMAGES[0], 1)
    second = put(s3, "k", IMAGES[1], 2)
    for event in (first, second):
        updater(s3).update(event)
    originals.keys["k"].pop()
    outcome = updater(s3).update(change("deleted", "k", 3))
    assert (outcome.result, outcome.manifest.source.etag) == ("rendered", first.etag)


def test_deleting_an_old_version_renders_nothing(s3):
    originals = s3.buckets["originals"] = Bucket(versioned=True)
    put(s3, "k", IMAGES[0], 1)
    updater(s3).update(put(s3, "k", IMAGES[1], 2))
    originals.keys["k"].pop(0)
    calls = []
    s3.turn = lambda call, effect: (calls.append(call), effect())[1]
    outcome = updater(s3).update(change("deleted", "k", 3))
    assert outcome.result == "unchanged"
    assert "put" not in calls


def test_an_older_attempt_that_read_a_version_since_deleted_cannot_commit_it(s3):
    originals = s3.buckets["originals"] = Bucket(versioned=True)
    first = put(s3, "k", IMAGES[0], 1)
    updater(s3).update(first)
    second = put(s3, "k", IMAGES[1], 2)
    meanwhile = [change("deleted", "k", 3)]

    def turn(call, effect):
        if call == "put" and meanwhile:
            originals.keys["k"].pop()
            updater(s3).update(meanwhile.pop())
        return effect()

    s3.turn = turn
    outcome = updater(s3).update(second)
    assert (outcome.result, outcome.manifest.source.etag) == ("superseded", first.etag)
    assert len(s3.buckets["renditions"].keys) == 3


def test_of_two_deletions_with_one_sequencer_the_one_that_finds_no_object_wins(s3):
    originals = s3.buckets["originals"] = Bucket(versioned=True)
    put(s3, "k", IMAGES[0], 1)
    updater(s3).update(put(s3, "k", IMAGES[1], 2))
    originals.keys["k"].pop(0)
    assert updater(s3).update(change("deleted", "k", 3)).result == "unchanged"
    originals.delete("k")
    assert updater(s3).update(change("deleted", "k", 3)).result == "deleted"
    assert list(s3.buckets["renditions"].keys) == ["k/manifest.json"]


def test_a_conflicting_write_is_repeated(s3):
    event, conflicts = put(s3, "k", IMAGES[0], 1), [s3_error("ConditionalRequestConflict", 409)]

    def turn(call, effect):
        if call == "put if" and conflicts:
            raise conflicts.pop()
        return effect()

    s3.turn = turn
    assert updater(s3).update(event).result == "rendered"


def test_too_many_conflicting_writes_fail_the_invocation(s3, monkeypatch):
    monkeypatch.setattr(rendition_store, "time", SimpleNamespace(sleep=lambda seconds: None))
    event = put(s3, "k", IMAGES[0], 1)

    def turn(call, effect):
        if call == "put if":
            raise s3_error("ConditionalRequestConflict", 409)
        return effect()

    s3.turn = turn
    with pytest.raises(CommitContended):
        updater(s3).update(event)


@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"])
def test_the_longest_key_fits_and_a_longer_one_is_rejected(s3, letter):
    key = letter * (LONGEST_KEY // len(letter.encode()))
    key += "x" * (LONGEST_KEY - len(key.encode()))
    updater(s3).update(put(s3, key, IMAGES[0], 0xFFFFFF))
    assert max(len(name.encode()) for name in s3.buckets["renditions"].keys) <= KEY_LIMIT
    for longer in (key + "x", letter * (KEY_LIMIT // len(letter.encode()))):
        outcome = updater(s3).update(put(s3, longer, IMAGES[0], 1))
        assert outcome.manifest.code == "key-too-long"
        assert len(manifest_key(longer).encode()) <= KEY_LIMIT
        s3.buckets["originals"].delete(longer)
        assert updater(s3).update(change("deleted", longer, 2)).result == "deleted"


def test_a_failure_of_s3_is_raised_to_be_retried(s3):
    event = put(s3, "k", IMAGES[0], 1)
    denied = s3_error("AccessDenied", 403)

    def turn(call, effect):
        raise denied

    s3.turn = turn
    with pytest.raises(type(denied)):
        updater(s3).update(event)


def test_a_rendition_that_cannot_be_deleted_is_an_error(s3):
    updater(s3).update(put(s3, "k", IMAGES[0], 1))
    event = put(s3, "k", IMAGES[1], 2)
    s3.turn = lambda call, effect: {"Errors": [{"Key": "k"}]} if call == "delete" else effect()
    with pytest.raises(RuntimeError, match="remain"):
        updater(s3).update(event)
    s3.turn = lambda call, effect: effect()
    updater(s3).update(event)
    assert len(s3.buckets["renditions"].keys) == 3


def test_a_tombstone_carries_the_tag_that_lets_it_expire(s3):
    updater(s3).update(change("deleted", "k", 1))
    assert s3.buckets["renditions"].current("k/manifest.json").tagging == "state=deleted"
    updater(s3).update(put(s3, "k", IMAGES[0], 2))
    assert s3.buckets["renditions"].current("k/manifest.json").tagging is None


def test_a_manifest_is_read_as_it_was_written():
    manifest = Manifest("k", "rejected", "0A", None, code="empty", reason="zażółć 写真")
    assert Manifest.from_json(manifest.to_json()) == manifest
