"""Metrics of services take bounded memory, and no value is lost of what is kept."""

import threading
import time
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


class Metrics:
    """The points of every metric, as the base emulator holds them."""

    def __init__(self):
        self.points = {}

    def bucket(self, key):
        return self.points.setdefault(key, [])

    def all_items(self):
        return [(("account", "region", key), points) for key, points in self.points.items()]

    def pop_scoped(self, _account, _region, key, default):
        return self.points.pop(key, default)


def test_all_metrics_together_keep_their_latest_points(monkeypatch):
    metrics = Metrics()
    monkeypatch.setattr(recording, "MOST_POINTS_OF_ALL", 100)
    monkeypatch.setattr(recording.BUCKET.holder(), "_metric_bucket", metrics.bucket)
    monkeypatch.setattr(recording.METRICS.holder(), "_metrics", metrics)
    recorder = Recording(Clock(1))
    for number in range(1000):
        recorder.record("Shop", f"of order {number % 250}", number, "Count", {})
        recorder.store("Shop", "Prices", {}, time.time(), "None", None, [number], [2], None)

    kept = [each for points in metrics.points.values() for each in points]
    assert len(kept) <= 100
    assert all(metrics.points.values())
    assert metrics.points["Shop", "of order 249", ""][-1]["Value"] == 999
    assert metrics.points["Shop", "Prices", ""][-1] == {
        "Timestamp": metrics.points["Shop", "Prices", ""][-1]["Timestamp"],
        "Unit": "None",
        "Dimensions": {},
        "Value": 999.0,
        "Count": 2.0,
    }
