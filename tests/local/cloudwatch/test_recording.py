"""Metrics of services take bounded memory, and no value is lost of what is kept."""

import threading
from types import SimpleNamespace

import pytest

from blueprints.local.base.clock import Clock
from blueprints.local.services.cloudwatch import recording
from blueprints.local.services.cloudwatch.recording import MOST_POINTS, Recording


@pytest.fixture
def points(monkeypatch):
    """The points of one metric."""
    held = []
    monkeypatch.setattr(recording.BUCKET.holder(), "_metric_bucket", lambda key: held)
    return held


def values(points):
    return sum(each["Value"] * each.get("Count", 1.0) for each in points)


def test_equal_values_of_a_moment_are_one_point(points):
    record = Recording(Clock(1)).record
    for _ in range(500):
        record("AWS/Lambda", "Invocations", 1, "Count", {"FunctionName": "f"})
    record("AWS/Lambda", "Invocations", 2, "Count", {"FunctionName": "f"})

    assert len(points) <= 4
    assert values(points) == 502


def test_values_of_different_moments_are_apart(points, monkeypatch):
    """Else a minute of scaled time would have the values of the next one."""
    now = [100.0]
    monkeypatch.setattr(recording, "time", SimpleNamespace(time=lambda: now[0]))
    record = Recording(Clock(600)).record
    for now[0] in (100.0, 100.005, 100.02, 100.2):
        record("AWS/Lambda", "Errors", 1, "Count", {})

    assert [(each["Timestamp"], each.get("Count", 1.0)) for each in points] == [
        (100.0, 2.0),
        (100.02, 1.0),
        (100.2, 1.0),
    ]


def test_a_metric_keeps_its_latest_points(points):
    record = Recording(Clock(1)).record
    for number in range(2 * MOST_POINTS):
        record("AWS/Lambda", "Duration", number, "Milliseconds", {})

    assert len(points) <= MOST_POINTS
    assert points[-1]["Value"] == 2 * MOST_POINTS - 1


def test_threads_lose_no_value(points):
    record = Recording(Clock(1)).record
    threads = [
        threading.Thread(target=lambda: [record("AWS/Lambda", "Invocations", 1, "Count", {}) for _ in range(2000)])
        for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert values(points) == 8000
