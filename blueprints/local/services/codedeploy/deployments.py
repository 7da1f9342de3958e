"""Runs deployments: hooks before and after, traffic that shifts step by step, alarms that stop it, and the way back.

Source: AWS CodeDeploy User Guide, "Deployments on an AWS Lambda compute platform".
"""

import logging
import threading
import time
import uuid
from contextvars import copy_context
from functools import partial

from blueprints.local.base.clock import Clock
from blueprints.local.services.codedeploy.lambda_calls import DeploymentFailed, LambdaCalls
from blueprints.local.services.codedeploy.records import (
    AFTER,
    BEFORE,
    FAILED,
    IN_PROGRESS,
    ON_ALARM,
    ON_FAILURE,
    ON_REQUEST,
    SHIFT,
    STOPPED,
    SUCCEEDED,
    Deployment,
    LifecycleEvent,
    new_id,
)

_HOOK_SECONDS = 3600
_SECONDS_BETWEEN_LOOKS = 0.05
"""Real seconds between two looks at the alarms."""

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """The deployment was stopped by a request."""


class DeploymentRunner:
    """Runs each deployment on a thread of its own."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock

    def start(self, deployment: Deployment) -> None:
        """Begin a deployment; returns at once."""
        context = copy_context()
        name = f"deployment {deployment.deployment_id}"
        threading.Thread(target=lambda: context.run(self._run, deployment), name=name, daemon=True).start()

    def wait(self, deployment: Deployment) -> None:
        """Return when a deployment has ended, with its rollback, or the account was emptied."""
        begun = time.monotonic()
        with deployment.changed:
            while deployment.completed is None and not self._clock.was_reset_since(begun):
                deployment.changed.wait(_SECONDS_BETWEEN_LOOKS)

    def _run(self, deployment: Deployment) -> None:
        deployment.status, begun = IN_PROGRESS, time.monotonic()
        try:
            calls = LambdaCalls(deployment.group.role_arn, deployment.arn_scope[1], self._endpoint)
        except DeploymentFailed as failure:
            self._end(deployment, FAILED, failure)
            return
        try:
            self._go_through(deployment, calls, begun)
        except DeploymentFailed as failure:
            if not self._clock.was_reset_since(begun):
                self._roll_back(deployment, calls, failure)
        except _Stopped:
            self._roll_back(deployment, calls, DeploymentFailed("MANUAL_STOP", "The deployment was stopped by a user"))
        except Exception as error:
            log.exception("the deployment %s failed inside the embedded AWS", deployment.deployment_id)
            self._end(deployment, FAILED, DeploymentFailed("INTERNAL_ERROR", str(error)))
        else:
            deployment.group.last_succeeded = deployment
            self._end(deployment, SUCCEEDED, None)

    def _go_through(self, deployment: Deployment, calls: LambdaCalls, begun: float) -> None:
        calls.check(deployment.target)
        self._look(deployment, calls, begun)
        self._hook(deployment, calls, BEFORE, begun)
        event = _begin(deployment, SHIFT)
        try:
            for share in deployment.config.shares:
                self._shift(deployment, calls, share)
                self._watch(deployment, calls, deployment.config.minutes * 60, begun)
            self._look(deployment, calls, begun)
            self._shift(deployment, calls, 100)
        except BaseException as error:
            event.end("Failed", str(error))
            raise
        event.end("Succeeded")
        self._hook(deployment, calls, AFTER, begun)
        self._look(deployment, calls, begun)

    def _hook(self, deployment: Deployment, calls: LambdaCalls, name: str, begun: float) -> None:
        """Run a hook and wait for the result that it reports, an hour at most after its function has ended."""
        function = deployment.target.hooks.get(name)
        event = deployment.event(name)
        if function is None:
            event.status = "Skipped"
            return
        event.execution_id = str(uuid.uuid4())
        _begin(deployment, name)
        invocation = _Invocation(calls, function, deployment, event)
        while event.status == IN_PROGRESS:
            try:
                self._look(deployment, calls, begun)
                invocation.check(self._clock.real(_HOOK_SECONDS))
            except (DeploymentFailed, _Stopped) as error:
                event.end("Failed", str(error) or "the deployment was stopped")
                raise
            with deployment.changed:
                if event.status == IN_PROGRESS:
                    deployment.changed.wait(_SECONDS_BETWEEN_LOOKS)
        if event.status != "Succeeded":
            reason = event.message or f"{function} reported {event.status}"
            raise DeploymentFailed("HOOK_EXECUTION_FAILURE", f"The hook {name} failed: {reason}")

    def _shift(self, deployment: Deployment, calls: LambdaCalls, percentage: int) -> None:
        calls.shift(deployment.target, percentage)
        deployment.weight = percentage

    def _watch(self, deployment: Deployment, calls: LambdaCalls, seconds: float, begun: float) -> None:
        end = time.monotonic() + self._clock.real(seconds)
        while (left := end - time.monotonic()) > 0:
            self._look(deployment, calls, begun)
            time.sleep(min(left, _SECONDS_BETWEEN_LOOKS))

    def _look(self, deployment: Deployment, calls: LambdaCalls, begun: float) -> None:
        """Raise if the deployment must not go on."""
        if self._clock.was_reset_since(begun):
            raise DeploymentFailed("INTERNAL_ERROR", "The account was emptied during the deployment")
        if deployment.stop_requested:
            raise _Stopped
        ringing = calls.ringing(deployment.group.alarms(), begun)
        if ringing:
            raise DeploymentFailed(
                "ALARM_ACTIVE",
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, "
                f"and the affected deployments have been stopped. Activated alarms: <{', '.join(ringing)}>",
            )

    def _roll_back(self, deployment: Deployment, calls: LambdaCalls, failure: DeploymentFailed) -> None:
        """Give the old version all of the traffic again, if the deployment group says so."""
        cause = {"ALARM_ACTIVE": ON_ALARM, "MANUAL_STOP": ON_REQUEST}.get(failure.code, ON_FAILURE)
        wanted = deployment.group.rolls_back_on(cause)
        if cause == ON_REQUEST and deployment.rolls_back_when_stopped is not None:
            wanted = deployment.rolls_back_when_stopped
        if wanted and deployment.weight:
            try:
                self._shift(deployment, calls, 0)
            except DeploymentFailed as second:
                failure = DeploymentFailed(failure.code, f"{failure}. The rollback failed too: {second}")
            else:
                deployment.rollback = {
                    "rollbackDeploymentId": new_id(),
                    "rollbackMessage": f"Version {deployment.target.current_version} has all of the traffic again",
                }
        self._end(deployment, FAILED if cause == ON_FAILURE else STOPPED, failure)

    @staticmethod
    def _end(deployment: Deployment, status: str, failure: DeploymentFailed | None) -> None:
        for event in deployment.events:
            if event.status == "Pending":
                event.status = "Skipped"
        with deployment.changed:
            deployment.status = status
            deployment.error = (failure.code, str(failure)) if failure else None
            deployment.completed = time.time()
            deployment.changed.notify_all()


class _Invocation:
    """A hook's function at work, on a thread of its own, so that the alarms are watched meanwhile."""

    def __init__(self, calls: LambdaCalls, function: str, deployment: Deployment, event: LifecycleEvent) -> None:
        self._function = function
        self._failure: DeploymentFailed | None = None
        self._ended: float | None = None
        context = copy_context()
        work = partial(context.run, self._run, calls, deployment.deployment_id, str(event.execution_id))
        threading.Thread(target=work, name=f"hook {event.name}", daemon=True).start()

    def check(self, patience: float) -> None:
        """Raise DeploymentFailed if the function could not be invoked, or ended `patience` real seconds ago."""
        if self._failure is not None:
            raise self._failure
        if self._ended is not None and time.monotonic() > self._ended + patience:
            message = f"{self._function} reported no result within an hour"
            raise DeploymentFailed("HOOK_EXECUTION_FAILURE", message)

    def _run(self, calls: LambdaCalls, deployment_id: str, execution_id: str) -> None:
        try:
            calls.run_hook(self._function, deployment_id, execution_id)
        except DeploymentFailed as failure:
            self._failure = failure
        self._ended = time.monotonic()


def _begin(deployment: Deployment, name: str) -> LifecycleEvent:
    event = deployment.event(name)
    event.status, event.started = IN_PROGRESS, time.time()
    return event
