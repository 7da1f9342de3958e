"""The steps in which traffic shifts to a new version, whatever the schedule."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.base.clock import Clock
from blueprints.local.base.traffic_shifting import Schedule, shift

FAST = Clock(scale=1e9)
SCHEDULES = st.builds(Schedule, percentage=st.integers(1, 99), minutes=st.integers(1, 2880), is_linear=st.booleans())


class Stopped(Exception):
    pass


def moves(schedule, check=lambda: None):
    """The percentages that the new version got, one after the other."""
    seen = []
    shift(schedule, FAST, seen.append, check)
    return seen


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(), [100]),
        (Schedule(10, 5), [10, 100]),
        (Schedule(10, 1, is_linear=True), [*range(10, 101, 10)]),
        (Schedule(40, 1, is_linear=True), [40, 80, 100]),
    ],
    ids=["all at once", "canary", "linear", "linear that does not divide"],
)
def test_the_steps_of_each_kind(schedule, expected):
    assert moves(schedule) == expected


@given(SCHEDULES)
def test_steps_grow_and_end_with_all_of_the_traffic(schedule):
    seen = moves(schedule)

    assert seen == sorted(set(seen))
    assert seen[0] == schedule.percentage
    assert seen[-1] == 100
    assert all(step == schedule.percentage for step in (after - before for before, after in pairwise(seen[:-1])))


@given(SCHEDULES)
def test_a_check_that_raises_ends_the_shift_before_the_last_step(schedule):
    seen = []

    def check():
        raise Stopped

    with pytest.raises(Stopped):
        shift(schedule, FAST, seen.append, check)

    assert 100 not in seen
