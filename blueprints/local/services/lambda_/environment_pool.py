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
        self._changed = threading.Condition()
        self._busy: Counter[str] = Counter()
        self._idle: dict[str, list[ExecutionEnvironment]] = defaultdict(list)
        self._all: set[ExecutionEnvironment] = set()
        self._generation = 0
        self._starting = 0
        threading.Thread(target=self._reap_forever, name="idle-reaper", daemon=True).start()

    def acquire(self, key: str, launch: Callable[[], Launch]) -> ExecutionEnvironment:
        """An environment for one invocation: a warm one, else a new one. Raises what initialisation raised."""
        with self._changed:
            generation = self._generation
            warm = self._warm_or_turn(key, generation)
            self._busy[key] += 1
            if warm:
                return warm
            self._starting += 1
        try:
            return self._started(launch(), generation)
        except BaseException:
            with self._changed:
                self._busy[key] -= 1
            raise
        finally:
            with self._changed:
                self._starting -= 1
                self._changed.notify_all()

    def release(self, key: str, environment: ExecutionEnvironment) -> None:
        """Take an environment back; one that can serve again stays warm."""
        with self._changed:
            self._busy[key] -= 1
            keep = environment.alive and environment in self._all
            if keep:
                self._idle[key].append(environment)
                self._changed.notify_all()
            else:
                self._all.discard(environment)
        if not keep:
            environment.close()

    def reap(self, older_than: float) -> int:
        """End environments idle for longer than that many seconds; returns how many."""
        limit = time.monotonic() - older_than
        with self._changed:
            old = [each for idle in self._idle.values() for each in idle if each.idle_since <= limit]
            for key in self._idle:
                self._idle[key] = [each for each in self._idle[key] if each not in old]
            self._all.difference_update(old)
        for environment in old:
            environment.close()
        return len(old)

    def close(self) -> None:
        """End every environment, busy ones too; the pool can be used again."""
        with self._changed:
            self._generation += 1
            environments, self._all = self._all, set()
            self._idle.clear()
        for environment in environments:
            environment.close()

    def _warm_or_turn(self, key: str, generation: int) -> ExecutionEnvironment | None:
        """A warm environment, or None when it is time to start one.

        Of many calls at once, short ones are served by the few environments that have started first. After the pool was
        closed it is None: a warm environment may be that of another account's function with the same key.
        """
        deadline = time.monotonic() + _TURN_SECONDS
        while True:
            if self._busy[key]:
                self._changed.wait_for(lambda: self._idle[key], _HAND_OVER_SECONDS)
            if generation != self._generation:
                return None
            warm = self._warm(key)
            if warm or self._starting < _STARTS_AT_ONCE or time.monotonic() >= deadline:
                return warm
            self._changed.wait_for(
                lambda: self._idle[key] or self._starting < _STARTS_AT_ONCE, deadline - time.monotonic()
            )

    def _warm(self, key: str) -> ExecutionEnvironment | None:
        while self._idle[key]:
            environment = self._idle[key].pop()
            if environment.alive:
                return environment
        return None

    def _started(self, launch: Launch, generation: int) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(launch, self._folder / uuid.uuid4().hex)
        with self._changed:
            closed_meanwhile = generation != self._generation
            if not closed_meanwhile:
                self._all.add(environment)
        if closed_meanwhile:
            environment.close()
        environment.initialise()
        return environment

    def _reap_forever(self) -> None:
        while True:
            time.sleep(min(_REAP_SECONDS, self._idle_seconds))
            self.reap(self._idle_seconds)
