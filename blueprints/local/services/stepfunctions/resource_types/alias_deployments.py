"""Moves an alias from one version to another as its DeploymentPreference says, and back if an alarm rings.

The update of the resource lasts as long as the deployment, in scaled time.
Source: AWS CloudFormation Template Reference, "AWS::StepFunctions::StateMachineAlias DeploymentPreference".
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from blueprints.local.base.clock import Clock
from blueprints.local.base.traffic_shifting import ALL, Schedule, shift
from blueprints.local.services.cloudwatch import rang_since
from blueprints.local.services.stepfunctions.resource_types.service_calls import ServiceCalls, handler_error

_Routes = list[dict[str, Any]]


@dataclass(frozen=True)
class DeploymentPreference:
    """The version that an alias moves to, how its traffic shifts, and the alarms that stop it."""

    version: str
    schedule: Schedule = field(default_factory=Schedule)
    alarms: tuple[str, ...] = ()

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Self:
        """From a template. Raises ResourceFailed if something is missing."""
        version, kind = written.get("StateMachineVersionArn"), written.get("Type")
        if not version or kind not in ("ALL_AT_ONCE", "CANARY", "LINEAR"):
            raise handler_error(
                "DeploymentPreference needs StateMachineVersionArn, and Type: ALL_AT_ONCE, CANARY or LINEAR",
                "InvalidRequest",
            )
        alarms = tuple(map(str, written.get("Alarms") or ()))
        if kind == "ALL_AT_ONCE":
            return cls(str(version), alarms=alarms)
        if written.get("Percentage") is None or written.get("Interval") is None:
            raise handler_error(f"Deployments of type {kind} need Percentage and Interval", "InvalidRequest")
        schedule = Schedule(int(written["Percentage"]), int(written["Interval"]), is_linear=kind == "LINEAR")
        return cls(str(version), schedule, alarms)

    @property
    def to_version(self) -> _Routes:
        """The routes at the end of the deployment."""
        return [{"stateMachineVersionArn": self.version, "weight": ALL}]


class AliasDeployments:
    """Deployments of aliases, each on the thread that updates the resource."""

    def __init__(self, calls: ServiceCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def deploy(self, alias: str, preference: DeploymentPreference, is_cancelled: Callable[[], bool]) -> None:
        """Shift an alias to a version step by step.

        Raises ResourceFailed after it moved the alias back: because an alarm rang, or the stack's update was cancelled.
        """
        before = self._routes(alias)
        if before == preference.to_version:
            return
        begun = time.monotonic()
        old = max(before, key=lambda each: int(each["weight"]))

        def check() -> None:
            if self._clock.was_reset_since(begun):
                raise handler_error("The account was emptied during the deployment", "InternalFailure")
            if is_cancelled():
                raise handler_error("Resource update cancelled", "GeneralServiceException")
            _refuse_ringing(preference.alarms, begun)

        def move(share: int) -> None:
            new = {"stateMachineVersionArn": preference.version, "weight": share}
            self._route(alias, [{**old, "weight": ALL - share}, new] if share < ALL else [new])

        check()
        try:
            shift(preference.schedule, self._clock, move, check)
        except Exception:
            if not self._clock.was_reset_since(begun):
                self._route(alias, [{**old, "weight": ALL}])
            raise

    def _routes(self, alias: str) -> _Routes:
        found = self._calls.do("DescribeStateMachineAlias", stateMachineAliasArn=alias)
        return [dict(each) for each in found["routingConfiguration"] if each["weight"]]

    def _route(self, alias: str, routes: _Routes) -> None:
        self._calls.do("UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=routes)


def _refuse_ringing(alarms: tuple[str, ...], begun: float) -> None:
    """Raise ResourceFailed if an alarm rings, or has rung since the deployment began."""
    for name in rang_since(alarms, begun):
        raise handler_error(
            f"The deployment was rolled back because the alarm {name} is in the state ALARM",
            "GeneralServiceException",
        )
