"""Keeps execution environments warm, and starts another when all of a function's are busy."""

import os
import threading
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from blueprints.local.services.lambda_.execution_environment import ExecutionEnvironment, Launch

IDLE_SECONDS = 300.0
_REAP_SECONDS = 5.0
# Processes that start at the same time slow each other down until each misses its limit; they take turns instead.
_STARTS_AT_ONCE = max(2, os.cpu_count() or 2)
# A function that calls another while it initialises must not wait for itself for ever.
_TURN_SECONDS = 5.0
# The next event often comes while the last environment is being released; waiting for it is cheaper than a cold start.
_HAND_OVER_SECONDS = 0.03


class EnvironmentPool:
    """All execution environments of the embedded AWS, by the key of the function version they serve."""

    def __init__(self, folder: Path, idle_seconds: float = IDLE_SECONDS) -> None:
        self._folder = folder
        self._idle_seconds = idle_seconds
        self._released = threading.Condition()
        self._busy: Counter[str] = Counter()
        self._idle: dict[str, list[ExecutionEnvironment]] = defaultdict(list)
        self._all: set[ExecutionEnvironment] = set()
        self._generation = 0
        self._turns = threading.Semaphore(_STARTS_AT_ONCE)
        threading.Thread(target=self._reap_forever, name="idle-reaper", daemon=True).start()

    def acquire(self, key: str, launch: Callable[[], Launch]) -> ExecutionEnvironment:
        """An environment for one invocation: a warm one, else a new one. Raises what initialisation raised."""
        with self._released:
            generation = self._generation
            warm = self._warm(key)
            if warm is None and self._busy[key]:
                self._released.wait_for(lambda: self._idle[key], _HAND_OVER_SECONDS)
                warm = self._warm(key)
            self._busy[key] += 1
        if warm:
            return warm
        try:
            return self._started(launch(), generation)
        except BaseException:
            with self._released:
                self._busy[key] -= 1
            raise

    def release(self, key: str, environment: ExecutionEnvironment) -> None:
        """Take an environment back; one that can serve again stays warm."""
        with self._released:
            self._busy[key] -= 1
            keep = environment.alive and environment in self._all
            if keep:
                self._idle[key].append(environment)
                self._released.notify_all()
            else:
                self._all.discard(environment)
        if not keep:
            environment.close()

    def reap(self, older_than: float) -> int:
        """End environments idle for longer than that many seconds; returns how many."""
        limit = time.monotonic() - older_than
        with self._released:
            old = [each for idle in self._idle.values() for each in idle if each.idle_since <= limit]
            for key in self._idle:
                self._idle[key] = [each for each in self._idle[key] if each not in old]
            self._all.difference_update(old)
        for environment in old:
            environment.close()
        return len(old)

    def close(self) -> None:
        """End every environment, busy ones too; the pool can be used again."""
        with self._released:
            self._generation += 1
            environments, self._all = self._all, set()
            self._idle.clear()
        for environment in environments:
            environment.close()

    def _warm(self, key: str) -> ExecutionEnvironment | None:
        while self._idle[key]:
            environment = self._idle[key].pop()
            if environment.alive:
                return environment
        return None

    def _started(self, launch: Launch, generation: int) -> ExecutionEnvironment:
        took_turn = self._turns.acquire(timeout=_TURN_SECONDS)
        try:
            environment = ExecutionEnvironment(launch, self._folder / uuid.uuid4().hex)
            with self._released:
                closed_meanwhile = generation != self._generation
                if not closed_meanwhile:
                    self._all.add(environment)
            if closed_meanwhile:
                environment.close()
            environment.initialise()
        finally:
            if took_turn:
                self._turns.release()
        return environment

    def _reap_forever(self) -> None:
        while True:
            time.sleep(min(_REAP_SECONDS, self._idle_seconds))
            self.reap(self._idle_seconds)
