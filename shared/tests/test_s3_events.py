"""Events of S3 are parsed exactly, or rejected with the name of the field."""

import copy
import functools
import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints_shared.s3_events import MalformedEvent, ObjectChange, is_newer, parse

CREATED = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "123456789012",
    "time": "2026-11-12T00:00:00Z",
    "region": "eu-west-1",
    "resources": ["arn:aws:s3:::originals"],
    "detail": {
        "version": "0",
        "bucket": {"name": "originals"},
        "object": {
            "key": "a b+c%2Fd/写真.jpg",
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "192.0.2.1",
        "reason": "PutObject",
    },
}
DELETED = {
    **CREATED,
    "detail-type": "Object Deleted",
    "detail": {
        "version": "0",
        "bucket": {"name": "originals"},
        "object": {"key": "k", "sequencer": "617b398000000000"},
        "request-id": "20EB74C14654DC47",
        "requester": "s3.amazonaws.com",
        "reason": "Lifecycle Expiration",
        "deletion-type": "Permanently Deleted",
    },
}
HEXADECIMAL = st.text("0123456789abcdefABCDEF", min_size=1, max_size=20)


def changed(event, path, value):
    event = copy.deepcopy(event)
    *parents, last = path.split(".")
    target = functools.reduce(dict.__getitem__, parents, event)
    if value is None:
        del target[last]
    else:
        target[last] = value
    return event


def test_a_creation_is_read():
    assert parse(CREATED) == ObjectChange(
        kind="created",
        bucket="originals",
        key="a b+c%2Fd/写真.jpg",
        sequencer="617f08299329d189",
        etag="b1946ac92492d2347c6235b4d2611184",
        size=5,
        version_id="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        reason="PutObject",
        deletion_type=None,
        time=datetime(2026, 11, 12, tzinfo=UTC),
    )


def test_a_deletion_is_read():
    change = parse(DELETED)
    assert (change.kind, change.etag, change.size, change.version_id) == ("deleted", None, None, None)
    assert (change.reason, change.deletion_type) == ("Lifecycle Expiration", "Permanently Deleted")


@given(st.text(min_size=1))
def test_a_key_is_not_decoded(key):
    assert parse(changed(CREATED, "detail.object.key", key)).key == key


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("detail-type", None, "detail-type"),
        ("detail-type", "Object Restore Completed", "Object Restore Completed"),
        ("detail", None, "detail"),
        ("detail", [], "detail"),
        ("detail.bucket", None, "bucket"),
        ("detail.bucket.name", "", "name"),
        ("detail.object", "k", "object"),
        ("detail.object.key", None, "key"),
        ("detail.object.key", 7, "key"),
        ("detail.object.etag", None, "etag"),
        ("detail.object.etag", "a/../b", "etag"),
        ("detail.object.size", None, "size"),
        ("detail.object.size", -1, "size"),
        ("detail.object.size", True, "size"),
        ("detail.object.size", "5", "size"),
        ("detail.object.sequencer", None, "sequencer"),
        ("detail.object.sequencer", "0x1", "sequencer"),
        ("time", None, "time"),
        ("time", "yesterday", "time"),
        ("time", "2026-11-12T00:00:00", "time zone"),
    ],
)
def test_an_error_names_the_malformed_field(path, value, named):
    with pytest.raises(MalformedEvent, match=named):
        parse(changed(CREATED, path, value))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.dictionaries(st.text(), inner, max_size=5),
        max_leaves=12,
    )
)
def test_anything_else_is_rejected(event):
    with pytest.raises(MalformedEvent):
        parse(event)


class TestSequencers:
    @pytest.mark.parametrize(
        ("later", "earlier"),
        [("0055AED6DCD90281E5", "0055AED6DCD90281E4"), ("0B", "0A99"), ("0A1", "0A"), ("f0", "E0"), ("00b", "00A")],
    )
    def test_the_later_is_newer(self, later, earlier):
        assert is_newer(later, earlier)
        assert not is_newer(earlier, later)

    @given(HEXADECIMAL, st.integers(0, 5))
    def test_trailing_zeros_and_case_make_no_difference(self, sequencer, zeros):
        same = sequencer.lower() + "0" * zeros
        assert not is_newer(sequencer, same)
        assert not is_newer(same, sequencer)

    @given(st.lists(HEXADECIMAL, min_size=3, max_size=3))
    def test_sequencers_have_a_total_order(self, three):
        for a, b, c in itertools.permutations(three):
            assert not (is_newer(a, b) and is_newer(b, a))
            if is_newer(a, b) and is_newer(b, c):
                assert is_newer(a, c)
