"""Runs deployments: the hooks before and after, the traffic that shifts step by step, and the rollback.

Source: AWS CodeDeploy User Guide, "Deployments on an AWS Lambda compute platform", "Redeploy and roll back a
deployment with CodeDeploy" and "AppSpec 'hooks' section for an AWS Lambda deployment".
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from blueprints.local.base.clock import Clock
from blueprints.local.base.traffic_shifting import ALL, SECONDS_BETWEEN_CHECKS, shift
from blueprints.local.services.codedeploy.lambda_calls import DeploymentFailed, LambdaCalls
from blueprints.local.services.codedeploy.records import (
    AFTER,
    BEFORE,
    BY_ROLLBACK,
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
    Target,
    new_id,
)

_HOOK_SECONDS = 3600
"""Scaled seconds after the end of a hook's function in which its result has to come."""

log = logging.getLogger(__name__)


class _Stopped(Exception):
    """StopDeployment was called."""


class _AccountEmptied(Exception):
    """The account was emptied during the deployment."""


class DeploymentRunner:
    """Runs each deployment on a thread of its own. `keep` stores the deployments that rollbacks are."""

    def __init__(self, endpoint: str, clock: Clock, keep: Callable[[Deployment], None]) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._keep = keep

    def start(self, deployment: Deployment) -> None:
        """Start a deployment and return at once."""
        context = copy_context()
        name = f"deployment {deployment.deployment_id}"
        threading.Thread(target=lambda: context.run(self._run, deployment), name=name, daemon=True).start()

    def wait(self, deployment: Deployment, is_cancelled: Callable[[], bool]) -> None:
        """Return when a deployment has ended, with its rollback, or the account was emptied.

        When `is_cancelled` becomes true, the deployment is stopped and rolled back.
        """
        begun = time.monotonic()
        with deployment.changed:
            while deployment.completed is None and not self._clock.was_reset_since(begun):
                if is_cancelled():
                    deployment.request_stop(rolls_back=True)
                deployment.changed.wait(SECONDS_BETWEEN_CHECKS)

    def _run(self, deployment: Deployment) -> None:
        deployment.status, begun = IN_PROGRESS, time.monotonic()
        calls: LambdaCalls | None = None
        try:
            calls = LambdaCalls(deployment.group.role_arn, deployment.arn_scope[1], self._endpoint)
            self._deploy(deployment, calls, begun)
        except _AccountEmptied:
            return
        except DeploymentFailed as failure:
            if not self._clock.was_reset_since(begun):
                self._fail(deployment, calls, failure)
        except _Stopped:
            self._fail(deployment, calls, DeploymentFailed("MANUAL_STOP", "The deployment was stopped by a user"))
        except Exception as error:
            if not self._clock.was_reset_since(begun):
                log.exception("the deployment %s failed inside the embedded AWS", deployment.deployment_id)
                self._fail(deployment, calls, DeploymentFailed("INTERNAL_ERROR", str(error)))
        else:
            deployment.group.last_succeeded = deployment
            _end(deployment, SUCCEEDED, None)

    def _deploy(self, deployment: Deployment, calls: LambdaCalls, begun: float) -> None:
        check = partial(self._check, deployment, calls, begun)
        has_traffic = calls.check(deployment.target)
        check()
        self._run_hook(deployment, calls, BEFORE, check)
        event = _begin(deployment, SHIFT)
        try:
            if not has_traffic:
                shift(deployment.config.schedule, self._clock, partial(_move, deployment, calls), check)
            deployment.weight = ALL
        except BaseException as error:
            event.end("Failed", str(error) or "The deployment was stopped")
            raise
        event.end("Succeeded")
        self._run_hook(deployment, calls, AFTER, check)
        check()

    def _run_hook(self, deployment: Deployment, calls: LambdaCalls, name: str, check: Callable[[], None]) -> None:
        """Run a hook and wait for the result that it reports, at most an hour after its function has ended."""
        function = deployment.target.hooks.get(name)
        event = deployment.event(name)
        if function is None:
            event.status = "Skipped"
            return
        event.execution_id = str(uuid.uuid4())
        _begin(deployment, name)
        invocation = _HookInvocation(calls, function, deployment, event)
        while event.status == IN_PROGRESS:
            try:
                check()
                invocation.check(self._clock.real(_HOOK_SECONDS))
            except (DeploymentFailed, _Stopped) as error:
                if deployment.end_event(event, "Failed", str(error) or "The deployment was stopped"):
                    raise
            with deployment.changed:
                if event.status == IN_PROGRESS:
                    deployment.changed.wait(SECONDS_BETWEEN_CHECKS)
        if event.status != "Succeeded":
            reason = event.message or f"{function} reported {event.status}"
            raise DeploymentFailed("HOOK_EXECUTION_FAILURE", f"The hook {name} failed: {reason}")

    def _check(self, deployment: Deployment, calls: LambdaCalls, begun: float) -> None:
        """Raise an exception if the deployment must not go on."""
        if self._clock.was_reset_since(begun):
            raise _AccountEmptied
        if deployment.stop_requested:
            raise _Stopped
        ringing = calls.ringing(deployment.group, begun)
        if ringing:
            raise DeploymentFailed(
                "ALARM_ACTIVE",
                "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, "
                f"and the affected deployments have been stopped. Activated alarms: <{', '.join(ringing)}>",
            )

    def _fail(self, deployment: Deployment, calls: LambdaCalls | None, failure: DeploymentFailed) -> None:
        """End a deployment; roll it back before, if the deployment group or StopDeployment says so."""
        cause = {"ALARM_ACTIVE": ON_ALARM, "MANUAL_STOP": ON_REQUEST}.get(failure.code, ON_FAILURE)
        wanted = deployment.group.rolls_back_on(cause)
        if cause == ON_REQUEST and deployment.rolls_back_when_stopped is not None:
            wanted = deployment.rolls_back_when_stopped
        if wanted and deployment.weight and calls:
            failure = self._roll_back(deployment, calls, failure)
        _end(deployment, FAILED if cause == ON_FAILURE else STOPPED, failure)

    def _roll_back(self, deployment: Deployment, calls: LambdaCalls, failure: DeploymentFailed) -> DeploymentFailed:
        """Give the old version all of the traffic, in a deployment of its own; returns the failure to report."""
        rollback = _rollback_of(deployment)
        self._keep(rollback)
        deployment.rollback = {
            "rollbackDeploymentId": rollback.deployment_id,
            "rollbackMessage": f"Version {rollback.target.target_version} gets all of the traffic again",
        }
        event = _begin(rollback, SHIFT)
        try:
            _move(deployment, calls, 0)
        except DeploymentFailed as second:
            event.end("Failed", str(second))
            _end(rollback, FAILED, second)
            return DeploymentFailed(failure.code, f"{failure}. The rollback failed too: {second}")
        event.end("Succeeded")
        rollback.weight = ALL
        _end(rollback, SUCCEEDED, None)
        return failure


class _HookInvocation:
    """A hook's function at work, on a thread of its own, so that the alarms are checked meanwhile."""

    def __init__(self, calls: LambdaCalls, function: str, deployment: Deployment, event: LifecycleEvent) -> None:
        self._function = function
        self._failure: DeploymentFailed | None = None
        self._ended: float | None = None
        context = copy_context()
        work = partial(context.run, self._run, calls, deployment.deployment_id, str(event.execution_id))
        threading.Thread(target=work, name=f"hook {event.name}", daemon=True).start()

    def check(self, seconds: float) -> None:
        """Raise DeploymentFailed if the function could not be invoked, or ended more than `seconds` ago."""
        if self._failure is not None:
            raise self._failure
        if self._ended is not None and time.monotonic() > self._ended + seconds:
            message = f"{self._function} reported no result within an hour"
            raise DeploymentFailed("HOOK_EXECUTION_FAILURE", message)

    def _run(self, calls: LambdaCalls, deployment_id: str, execution_id: str) -> None:
        try:
            calls.run_hook(self._function, deployment_id, execution_id)
        except DeploymentFailed as failure:
            self._failure = failure
        self._ended = time.monotonic()


def _move(deployment: Deployment, calls: LambdaCalls, percentage: int) -> None:
    """Give the new version a percentage of the traffic."""
    calls.shift(deployment.target, percentage)
    deployment.weight = percentage


def _begin(deployment: Deployment, name: str) -> LifecycleEvent:
    event = deployment.event(name)
    event.status, event.started = IN_PROGRESS, time.time()
    return event


def _end(deployment: Deployment, status: str, failure: DeploymentFailed | None) -> None:
    for event in deployment.events:
        if event.status == "Pending":
            event.status = "Skipped"
    with deployment.changed:
        deployment.status = status
        deployment.error = (failure.code, str(failure)) if failure else None
        deployment.completed = time.time()
        deployment.changed.notify_all()


def _rollback_of(deployment: Deployment) -> Deployment:
    """The deployment of the old version that a rollback is."""
    target = deployment.target
    return Deployment(
        new_id(),
        deployment.arn_scope,
        deployment.group,
        deployment.config,
        Target(target.function, target.alias, target.target_version, target.current_version),
        deployment.revision,
        creator=BY_ROLLBACK,
        status=IN_PROGRESS,
        rollback={"rollbackTriggeringDeploymentId": deployment.deployment_id},
    )
