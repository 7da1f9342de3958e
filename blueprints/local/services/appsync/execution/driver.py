"""Runs resolvers: makes the calls that they yield, concurrently or in batches, and sends back the outcomes.

The thread of the request runs the handlers of resolvers; calls of data sources run on worker threads.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from blueprints.local.services.appsync.data_sources import Call, Outcome, SourceError
from blueprints.local.services.appsync.execution.resolvers import Steps
from blueprints.local.services.appsync.requests import GraphqlError

Key = TypeVar("Key")

MakeCalls = Callable[[Sequence[Call], float], list[Outcome]]
"""Makes a call, or several that are sent together, within so many seconds; blocks."""

_GRACE_SECONDS = 1.0
"""Data sources end by themselves at the deadline; this lets them say why."""


@dataclass(frozen=True)
class Ended:
    """The result of a resolver: a value or an error."""

    value: Any = None
    error: GraphqlError | None = None


@dataclass(frozen=True)
class _Waiting(Generic[Key]):
    """A resolver that waits for the outcome of its call."""

    key: Key
    steps: Steps
    call: Call


class Driver:
    """Runs the resolvers of one request."""

    def __init__(self, make_calls: MakeCalls, workers: Executor, deadline: float) -> None:
        """`deadline` is a moment of `time.monotonic()`, after which calls count as timed out."""
        self._make_calls = make_calls
        self._workers = workers
        self._deadline = deadline

    def run(self, resolvers: Iterable[tuple[Key, Steps]]) -> Iterator[tuple[Key, Ended]]:
        """Run resolvers concurrently; yields each with how it ended.

        Calls that may be sent together wait until nothing else is under way, so that siblings share a batch.
        """
        ready: deque[tuple[Key, Steps, Outcome | None]] = deque((key, steps, None) for key, steps in resolvers)
        batches: dict[str, list[_Waiting[Key]]] = {}
        under_way: dict[Future[list[Outcome]], list[_Waiting[Key]]] = {}
        while ready or batches or under_way:
            to_send: list[list[_Waiting[Key]]] = []
            while ready:
                key, steps, outcome = ready.popleft()
                step = _step(steps, outcome)
                if isinstance(step, Ended):
                    yield key, step
                elif step.source["type"] == "NONE":
                    ready.append((key, steps, self._outcomes([step])[0]))
                elif step.batch is None:
                    to_send.append([_Waiting(key, steps, step)])
                else:
                    batches.setdefault(step.batch, []).append(_Waiting(key, steps, step))
            if not to_send and not under_way:
                to_send = [part for each in batches.values() for part in _parts(each)]
                batches = {}
            if len(to_send) == 1 and not under_way:
                ready.extend(_answered(to_send[0], self._send(to_send[0])))
                continue
            for each in to_send:
                under_way[self._workers.submit(copy_context().run, self._send, each)] = each
            if under_way:
                ready.extend(self._next_answers(under_way))

    def _send(self, waiting: list[_Waiting[Key]]) -> list[Outcome]:
        return self._outcomes([each.call for each in waiting])

    def _outcomes(self, calls: Sequence[Call]) -> list[Outcome]:
        seconds = self._deadline - time.monotonic()
        return self._make_calls(calls, seconds) if seconds > 0 else [_timed_out()] * len(calls)

    def _next_answers(
        self, under_way: dict[Future[list[Outcome]], list[_Waiting[Key]]]
    ) -> list[tuple[Key, Steps, Outcome]]:
        """Wait until a call has ended; at the deadline, all have failed."""
        seconds = max(0.0, self._deadline - time.monotonic()) + _GRACE_SECONDS
        done, _ = wait(under_way, seconds, FIRST_COMPLETED)
        answers = []
        for each in done or list(under_way):
            waiting = under_way.pop(each)
            answers += _answered(waiting, each.result() if each in done else [_timed_out()] * len(waiting))
        return answers


def _step(steps: Steps, outcome: Outcome | None) -> Call | Ended:
    """Continue a resolver; returns its next call, or how it ended."""
    try:
        return next(steps) if outcome is None else steps.send(outcome)
    except StopIteration as ended:
        return Ended(ended.value)
    except GraphqlError as error:
        return Ended(error=error)


def _answered(waiting: list[_Waiting[Key]], outcomes: list[Outcome]) -> list[tuple[Key, Steps, Outcome]]:
    return [(each.key, each.steps, outcome) for each, outcome in zip(waiting, outcomes, strict=True)]


def _parts(waiting: list[_Waiting[Key]]) -> Iterable[list[_Waiting[Key]]]:
    size = max(1, waiting[0].call.batch_size)
    return (waiting[start : start + size] for start in range(0, len(waiting), size))


def _timed_out() -> Outcome:
    return Outcome(error=SourceError("Execution timed out.", "ExecutionTimeout"))
