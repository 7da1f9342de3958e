"""Loads the plugin that lets the tests of several patterns run in one process; says how many processes run tests."""

import os

pytest_plugins = ("tests.patterns.active_pattern",)

_MOST_WORKERS = 12  # each takes about 400 MB with the processes that its tests start


def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `-n auto`: two per CPU, as many tests wait for other processes."""
    return min(2 * _cpus(), _MOST_WORKERS)


def _cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
