"""Runs one attempt of a Task state: records its events, makes the call, waits for the answer, keeps the limits.

A call takes real time, and counts as much in TimeoutSeconds; the wait for a token, a job or an activity's worker counts
by the clock, which passes faster.
"""

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import nullcontext
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import RoleNotAssumed
from blueprints.local.services.stepfunctions.execution.elapsed_time import in_real_time
from blueprints.local.services.stepfunctions.tasks import calls, lambda_tasks
from blueprints.local.services.stepfunctions.tasks.activities import Activities, ActivityTask
from blueprints.local.services.stepfunctions.tasks.attempt import TaskAttempt
from blueprints.local.services.stepfunctions.tasks.attempt_under_way import NOT_TRUNCATED, AttemptUnderWay
from blueprints.local.services.stepfunctions.tasks.function_slots import FunctionSlots
from blueprints.local.services.stepfunctions.tasks.integrations import (
    CALLBACK,
    REQUEST_RESPONSE,
    Integration,
    integration_of,
    is_activity,
    is_function,
)
from blueprints.local.services.stepfunctions.tasks.jobs import Job, Started, job_of
from blueprints.local.services.stepfunctions.tasks.optimized import OptimizedService
from blueprints.local.services.stepfunctions.tasks.role_sessions import RoleSession, RoleSessions
from blueprints.local.services.stepfunctions.tasks.task_tokens import TaskTokens, TimedOut
from blueprints.local.services.stepfunctions.tasks.workers import Workers
from blueprints.states_language.failures import RUNTIME, TASK_FAILED, StateFailed
from blueprints.states_language.json_text import dump

log = logging.getLogger(__name__)

SET_ACCOUNT = Internal("core.responses", "set_request_account_id", ("access_key_id",))

_FIRST_PAUSE = 0.01
"""Real seconds between two looks at a job, which grow."""
_SHORT_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
"""Scaled seconds."""


class Tasks:
    """Runs attempts; all of them share the sessions of roles, the tokens and the activities' queues."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self.tokens = TaskTokens(clock)
        self.activities = Activities()
        self._clock = clock
        self.roles = RoleSessions(endpoint)
        self._workers = Workers()
        self._function_slots = FunctionSlots()
        self._slots_of_awaited = FunctionSlots()
        """For executions whose starter waits: it may be a function that has a slot, and would keep it."""
        self._resets = 0

    def new_token(self) -> str:
        """A task token for the next attempt."""
        return self.tokens.make()

    async def attempt(self, task: TaskAttempt) -> Any:
        """Run one attempt and return its raw result. Raises StateFailed."""
        SET_ACCOUNT.current()(task.account)
        slots = self._slots_of_awaited if task.is_awaited else self._function_slots
        if is_function(task.resource):
            async with slots.take():
                return await self._run_function(AttemptUnderWay(task, "LambdaFunction"))
        if is_activity(task.resource):
            return await self._run_activity(AttemptUnderWay(task, "Activity"))
        integration = integration_of(task.resource)
        if integration is None:
            raise StateFailed(RUNTIME, task.message(f"The resource {task.resource} is not known."))
        if integration.service == "lambda" and integration.pattern == REQUEST_RESPONSE:
            async with slots.take():
                return await self._run_integration(AttemptUnderWay(task, "Task", integration.names), integration)
        return await self._run_integration(AttemptUnderWay(task, "Task", integration.names), integration)

    def reset(self) -> None:
        """Forget tokens, queues and sessions. Attempts that are cancelled afterwards leave the jobs they wait for."""
        self._resets += 1
        self.tokens.reset()
        self.activities.reset()
        self.roles.reset()

    def close(self) -> None:
        """Make no more calls."""
        self._workers.close()

    async def _run_function(self, attempt: AttemptUnderWay) -> Any:
        task = attempt.task
        scheduled = {"input": dump(task.arguments), "inputDetails": NOT_TRUNCATED, "resource": task.resource}
        attempt.record_scheduled(scheduled, heartbeat=False)
        session = await self._session(attempt)
        attempt.record("Started")
        calling = lambda_tasks.call_function(session.caller, task.resource, task.arguments, task.trace_header)
        return await attempt.recorded(attempt.in_time(calling))

    async def _run_activity(self, attempt: AttemptUnderWay) -> Any:
        task, loop = attempt.task, asyncio.get_running_loop()
        text = dump(task.arguments)
        scheduled = {"input": text, "inputDetails": NOT_TRUNCATED, "resource": task.resource}
        attempt.record_scheduled(scheduled)
        waiting = self.tokens.open(self.tokens.make(), task.resource)

        def record_start(worker_name: str | None) -> None:
            if not has_ended:
                attempt.record("Started", {"workerName": worker_name} if worker_name else {})

        def started(worker_name: str | None) -> None:
            waiting.last_heartbeat = self._clock.now()
            loop.call_soon_threadsafe(record_start, worker_name)

        has_ended = False
        offered = ActivityTask(waiting.token, text, started)
        try:
            self._schedule(attempt, offered)
            until = self._until(task.timeout_seconds)
            return await attempt.recorded(self.tokens.wait(waiting, until, task.heartbeat_seconds))
        finally:
            has_ended = True
            self.activities.withdraw(task.resource, offered)
            self.tokens.close(waiting)

    def _schedule(self, attempt: AttemptUnderWay, offered: ActivityTask) -> None:
        resource = attempt.task.resource
        try:
            self.activities.schedule(resource, offered)
        except LookupError:
            failure = StateFailed("ActivityDoesNotExist", f"Activity Does Not Exist: '{resource}'")
            attempt.record_failure("ScheduleFailed", failure)
            raise failure from None

    async def _run_integration(self, attempt: AttemptUnderWay, integration: Integration) -> Any:
        task = attempt.task
        call = calls.prepare(task, integration, self._workers)
        attempt.record_scheduled({"parameters": dump(task.arguments), "region": task.region})
        session = await self._session(attempt)
        attempt.record("Started")
        if integration.pattern == CALLBACK:
            return await self._call_back(attempt, call(session))
        if integration.is_job:
            return await self._run_job(attempt, integration, call(session), session)
        return await attempt.recorded(attempt.in_time(call(session)))

    async def _call_back(self, attempt: AttemptUnderWay, calling: Awaitable[Any]) -> Any:
        """Make the call that hands out the token, and wait for the answer to it."""
        task = attempt.task
        waiting = self.tokens.open(task.token or self.tokens.make(), task.machine_arn)
        try:
            await attempt.recorded(attempt.in_time(calling), success="Submitted", failure="SubmitFailed")
            until = self._until(attempt.seconds_left)
            return await attempt.recorded(self.tokens.wait(waiting, until, task.heartbeat_seconds))
        finally:
            self.tokens.close(waiting)

    async def _run_job(
        self, attempt: AttemptUnderWay, integration: Integration, calling: Awaitable[Any], session: RoleSession
    ) -> Any:
        """Start a job and wait for its end, or for an answer to the task's token."""
        task, (service, job) = attempt.task, job_of(integration)
        waiting = self.tokens.open(task.token or self.tokens.make(), task.machine_arn)
        owner = self.roles.of_owner(task.account, task.region)
        resets = self._resets
        try:
            result = await attempt.recorded(attempt.in_time(calling), success="Submitted", failure="SubmitFailed")
            started = {**task.arguments, **result}
            observer = owner if job.rule else session
            ending = self._end_of(job, service, observer, started)
            scale = self._clock.scale if job.is_real_work else 1
            until, heartbeat = (
                None if each is None else each * scale for each in (attempt.seconds_left, task.heartbeat_seconds)
            )
            answer = self.tokens.wait(waiting, self._until(until), heartbeat)
            try:
                with in_real_time() if job.is_real_work else nullcontext():
                    return await attempt.recorded(_first_of(ending, answer))
            except (TimedOut, asyncio.CancelledError):
                if self._resets == resets:  # else the job is gone, and another may have its name
                    self._workers.start(lambda: _stop(job, service, session, started))
                raise
        finally:
            self.tokens.close(waiting)

    async def _end_of(self, job: Job, service: OptimizedService, session: RoleSession, started: Started) -> Any:
        """The result of a job, when it is done. Raises StateFailed."""
        pause = _FIRST_PAUSE
        while True:
            description = await self._workers.run(lambda: job.look(service, session.client(service.botocore), started))
            is_done, result = job.result(description)
            if is_done:
                return result
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, max(self._clock.real(_LONGEST_PAUSE), _SHORT_PAUSE))

    async def _session(self, attempt: AttemptUnderWay) -> RoleSession:
        """A session of the role in which the call is made."""
        task, roles = attempt.task, self.roles
        try:
            session = roles.of_role(task.role_arn, task.region)
            other = task.credentials_role
            if other is None:
                return session
            return await self._workers.run(lambda: roles.of_credentials(session, task.role_arn, other))
        except RoleNotAssumed as error:
            failure = StateFailed(TASK_FAILED, str(error))
            attempt.record_failure("StartFailed", failure)
            raise failure from None

    def _until(self, seconds: float | None) -> float | None:
        return None if seconds is None else self._clock.now() + seconds


async def _first_of(*awaited: Awaitable[Any]) -> Any:
    """The result of what ends first. Raises what it raises; the others are cancelled."""
    running = [asyncio.ensure_future(each) for each in awaited]
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        return next(each for each in running if each.done()).result()
    finally:
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _stop(job: Job, service: OptimizedService, session: RoleSession, started: Started) -> None:
    """End a job whose task ended before it, if the role may."""
    try:
        job.end(service, session.client(service.botocore), started)
    except StateFailed as failure:
        log.warning("a job of a task that ended was not stopped: %s", failure)
