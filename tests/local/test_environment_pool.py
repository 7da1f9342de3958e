"""The pool of execution environments, with environments that run nothing."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.local.services.lambda_ import environment_pool
from blueprints.local.services.lambda_.environment_pool import EnvironmentPool


class Environment:
    """An environment that takes a while to start."""

    started = 0

    def __init__(self, launch, folder):
        self.alive = True
        self.idle_since = 0.0

    def initialise(self):
        time.sleep(0.05)
        Environment.started += 1

    def close(self):
        self.alive = False


@pytest.fixture
def pool(monkeypatch, tmp_path):
    monkeypatch.setattr(environment_pool, "ExecutionEnvironment", Environment)
    monkeypatch.setattr(Environment, "started", 0)
    return EnvironmentPool(tmp_path)


def test_many_short_calls_at_once_are_served_by_a_few_environments(pool):
    def call(_):
        environment = pool.acquire("function", lambda: None)
        pool.release("function", environment)

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(call, range(200)))

    assert Environment.started < 20


def test_long_calls_at_once_have_an_environment_each(pool):
    together = threading.Barrier(6, timeout=20)

    def call(_):
        environment = pool.acquire("function", lambda: None)
        together.wait()
        pool.release("function", environment)
        return environment

    with ThreadPoolExecutor(6) as threads:
        used = list(threads.map(call, range(6)))

    assert len(set(map(id, used))) == Environment.started == 6


def test_a_start_that_fails_leaves_room_for_others(pool):
    def refuse():
        raise RuntimeError("no code")

    for _ in range(5):
        with pytest.raises(RuntimeError, match="no code"):
            pool.acquire("function", refuse)

    assert pool.acquire("function", lambda: None).alive
