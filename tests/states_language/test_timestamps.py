from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.states_language import timestamps
from tests.states_language.machines import in_any_time


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T22:30:00-01:30", 0),
        ("1970-01-01T00:01Z", 60_000_000_000),
    ],
)
def test_a_timestamp_is_an_instant(text, nanoseconds):
    assert timestamps.nanoseconds(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "1970-01-01 00:00:00Z",
        "1970-01-01T00:00:00",
        "1970-01-01T25:00:00Z",
        "1970-02-30T00:00:00Z",
        "1970-01-01t00:00:00z",
        "1970-01-01",
        "70-01-01T00:00:00Z",
        " 1970-01-01T00:00:00Z",
        "",
    ],
)
def test_other_texts_are_no_timestamps(text):
    assert timestamps.nanoseconds(text) is None
    assert timestamps.seconds(text) is None


@in_any_time
@given(st.datetimes(timezones=st.just(UTC)))
def test_isoformat_is_read_back(moment: datetime):
    assert timestamps.seconds(moment.isoformat()) == pytest.approx(moment.timestamp())
