"""The clock makes calls when they are due, whatever other calls do."""

import threading
import time
from contextvars import ContextVar

import pytest

from blueprints.local.base.clock import Clock
from tests.local.waiting import until

WHO = ContextVar("WHO", default="nobody")


def test_a_repeated_call_goes_on_after_an_error_and_after_a_reset():
    clock, made = Clock(1000), []

    def fail():
        made.append(1)
        raise ValueError("now and then")

    clock.every(1, fail)
    until(lambda: len(made) > 2)
    clock.reset()

    before = len(made)
    until(lambda: len(made) > before + 2)
    clock.scale = 1e-9  # nothing else ends it


@pytest.fixture
def held(monkeypatch):
    """A clock whose only worker is busy until `go_on` is set, so that no call is made before."""
    monkeypatch.setattr("blueprints.local.base.clock._AT_ONCE", 1)
    clock, begun, go_on = Clock(1000), threading.Event(), threading.Event()
    clock.after(0, lambda: (begun.set(), go_on.wait(30)))
    assert begun.wait(30)
    yield clock, go_on
    go_on.set()


@pytest.mark.parametrize("waits_for", ["its time", "a worker"])
def test_a_cancelled_call_and_one_from_before_a_reset_are_not_made(held, waits_for):
    (clock, go_on), made = held, []
    cancelled = clock.after(10, lambda: made.append("cancelled"))
    clock.after(10, lambda: made.append("of the old account"))
    if waits_for == "a worker":
        until(lambda: not clock._due)

    cancelled.cancel()
    clock.reset()
    clock.after(20, lambda: made.append("of the new one"))
    until(lambda: not clock._due)
    go_on.set()

    assert until(lambda: made) == ["of the new one"]


def test_a_call_sees_the_context_in_which_it_was_arranged():
    clock, seen = Clock(1000), []
    token = WHO.set("the account")
    clock.after(1, lambda: seen.append(WHO.get()))
    WHO.reset(token)

    assert until(lambda: seen) == ["the account"]


def test_a_moment_is_before_or_after_a_reset():
    clock = Clock()
    before = time.monotonic()
    assert not clock.was_reset_since(before)

    clock.reset()

    assert clock.was_reset_since(before)
    assert not clock.was_reset_since(time.monotonic())
