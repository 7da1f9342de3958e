"""An attempt under way: its events, and the time that it has left."""

import asyncio
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.services.stepfunctions.execution.data_flow import check_size
from blueprints.local.services.stepfunctions.execution.elapsed_time import in_real_time
from blueprints.local.services.stepfunctions.tasks.attempt import TaskAttempt
from blueprints.local.services.stepfunctions.tasks.task_tokens import TimedOut
from blueprints.states_language.failures import HEARTBEAT_TIMEOUT, TIMEOUT, StateFailed
from blueprints.states_language.json_text import dump

NOT_TRUNCATED = {"truncated": False}


@dataclass(frozen=True)
class AttemptUnderWay:
    """An attempt, and how its events are called."""

    task: TaskAttempt
    prefix: str
    names: Mapping[str, str] = field(default_factory=dict)
    """What each of its events says about the integration."""
    begun: float = field(default_factory=time.monotonic)

    def record(self, kind: str, details: Mapping[str, Any] | None = None) -> None:
        """Add an event such as `TaskStarted`."""
        described = {**self.names, **(details or {})}
        self.task.record(f"{self.prefix}{kind}", described or None)

    def record_scheduled(self, details: Mapping[str, Any], *, heartbeat: bool = True) -> None:
        """Add the event with which an attempt begins."""
        limits = {"timeoutInSeconds": self.task.timeout_seconds}
        if heartbeat:
            limits["heartbeatInSeconds"] = self.task.heartbeat_seconds
        given = {name: int(value) for name, value in limits.items() if value is not None}
        role = self.task.credentials_role
        credentials = {"taskCredentials": {"roleArn": role}} if role else {}
        self.record("Scheduled", {**details, **given, **credentials})

    def record_output(self, kind: str, result: Any) -> None:
        """Add an event with a result. Raises StateFailed for one that is too large."""
        text = dump(result)
        check_size(text, self.names.get("resourceType", self.task.resource))
        self.record(kind, {"output": text, "outputDetails": NOT_TRUNCATED})

    def record_failure(self, kind: str, failure: StateFailed) -> None:
        """Add an event with an error."""
        kind = "TimedOut" if isinstance(failure, TimedOut) else kind
        self.record(kind, {name.lower(): part for name, part in failure.output.items()})

    @property
    def seconds(self) -> float:
        """The real seconds since it began."""
        return time.monotonic() - self.begun

    @property
    def seconds_left(self) -> float | None:
        """What is left of TimeoutSeconds; None if there is no limit."""
        limit = self.task.timeout_seconds
        return None if limit is None else max(limit - self.seconds, 0)

    async def in_time(self, calling: Awaitable[Any]) -> Any:
        """The result of a call, within the time that the state allows, in real seconds. Raises TimedOut."""
        limits = {TIMEOUT: self.seconds_left, HEARTBEAT_TIMEOUT: self.task.heartbeat_seconds}
        given = {error: seconds for error, seconds in limits.items() if seconds is not None}
        error = min(given, key=lambda each: given[each], default=TIMEOUT)
        try:
            async with asyncio.timeout(given.get(error)) as limit:
                with in_real_time():
                    return await calling
        except TimeoutError:
            if limit.expired():
                raise TimedOut(error) from None
            raise

    async def recorded(self, result: Awaitable[Any], *, success: str = "Succeeded", failure: str = "Failed") -> Any:
        """The result, after an event for it. Raises StateFailed, after an event for that."""
        try:
            returned = await result
            self.record_output(success, returned)
        except StateFailed as failed:
            self.record_failure(failure, failed)
            raise
        return returned
