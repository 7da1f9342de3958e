"""How many failed items are too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.stepfunctions.distributed_map.tolerances import Tolerance


def tolerance(count: int | None = None, percentage: float | None = None) -> Tolerance:
    return Tolerance().with_limits(count, percentage)


def test_without_limits_the_first_failure_is_too_many():
    assert not Tolerance().is_exceeded(0, 10)
    assert Tolerance().is_exceeded(1, 10)


@pytest.mark.parametrize(
    ("count", "percentage", "failed", "total", "exceeded"),
    [
        (2, None, 2, 10, False),
        (2, None, 3, 10, True),
        (None, 10, 1, 10, False),
        (None, 10, 2, 10, True),
        (None, 9.9, 1, 10, True),
        (None, 100, 10, 10, False),
        (None, 0, 1, 10, True),
        (5, 10, 2, 10, True),
        (1, 50, 2, 10, True),
        (5, 50, 5, 10, False),
        # 0.1 has no exact binary form: a tenth of a percent of a thousand is one.
        (None, 0.1, 1, 1000, False),
        (None, 5, 0, 0, False),
    ],
)
def test_limits(count: int | None, percentage: float | None, failed: int, total: int, exceeded: bool):
    assert tolerance(count, percentage).is_exceeded(failed, total) is exceeded


@given(count=st.integers(0, 50), percentage=st.integers(0, 100), failed=st.integers(0, 50), total=st.integers(50, 90))
def test_both_limits_hold(count: int, percentage: int, failed: int, total: int):
    exceeded = failed > count or failed * 100 > percentage * total
    assert tolerance(count, percentage).is_exceeded(failed, total) is exceeded


def test_a_limit_that_is_not_given_stays():
    changed = tolerance(3, 50).with_limits(None, 10)
    assert (changed.count, changed.percentage) == (3, 10)
