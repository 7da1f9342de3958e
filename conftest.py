"""Loads the plugin that lets the tests of several patterns run in one process; says how many processes run tests."""

import os

import pytest

pytest_plugins = ("tests.patterns.active_pattern",)

_MOST_WORKERS = 12  # each takes about 400 MB with the processes that its tests start


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`: two per CPU, as many tests wait for other processes."""
    return min(2 * _cpus(), _MOST_WORKERS)


_LONG = (
    "test_sam_validates_and_builds_each_copy",
    "test_the_demo_plays_on_the_embedded_aws",
    "test_lake_on_the_embedded_aws",
)
"""Tests that take longest. They begin first, so that no process is left with one of them when the others have ended."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first; the others keep their order."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in _LONG))


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
