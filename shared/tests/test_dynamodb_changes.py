"""Stream records are read as changes, and anything else is refused."""

import pytest

from blueprints_shared.streams.dynamodb_changes import MalformedRecord, parse

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/shop/stream/2026-11-01T10:00:00.000"
KEY = {"pk": {"S": "a"}}
BY_TIME_TO_LIVE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def record(name="INSERT", **fields):
    """A stream record; fields of `dynamodb` too, and None removes a field."""
    data = {"Keys": KEY, "SequenceNumber": "42", "ApproximateCreationDateTime": 5, "NewImage": {**KEY, "n": {"N": "1"}}}
    if name == "REMOVE":
        data["OldImage"] = data.pop("NewImage")
    whole = {"eventID": "e-1", "eventName": name, "eventSourceARN": STREAM, "dynamodb": data}
    for field, value in fields.items():
        place = whole if field in ("eventID", "eventName", "eventSourceARN", "userIdentity", "dynamodb") else data
        place[field] = value
        if value is None:
            del place[field]
    return whole


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (record("INSERT"), "created"),
        (record("MODIFY"), "modified"),
        (record("REMOVE"), "deleted"),
        (record("REMOVE", userIdentity=BY_TIME_TO_LIVE), "expired"),
        (record("REMOVE", userIdentity={"type": "Service", "principalId": "else"}), "deleted"),
    ],
)
def test_each_kind_of_change_is_told_apart(given, kind):
    change = parse(given)

    assert (change.kind, change.event_id, change.table, change.changed_at) == (kind, "e-1", "shop", 5.0)
    assert change.position == ("2026-11-01T10:00:00.000", 42)
    assert (change.keys, change.new is None, change.old is None) == (
        KEY,
        kind in ("deleted", "expired"),
        change.new is not None,
    )


def test_the_time_of_a_change_may_be_missing():
    assert parse(record(ApproximateCreationDateTime=None)).changed_at is None


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        [],
        record("GUESS"),
        record(NewImage=None),
        record("REMOVE", NewImage=KEY),
        record(Keys={}),
        record(Keys=[KEY]),
        record(SequenceNumber="x"),
        record(SequenceNumber="9" * 65),
        record(eventID="a\r\nb: c"),
        record(eventID=5),
        record(eventSourceARN="arn:aws:kinesis:::stream/x"),
        record(ApproximateCreationDateTime="now"),
        record(ApproximateCreationDateTime=float("nan")),
        record(ApproximateCreationDateTime=1e12),
        record(dynamodb=None),
    ],
)
def test_a_malformed_record_is_refused(given):
    with pytest.raises(MalformedRecord):
        parse(given)
