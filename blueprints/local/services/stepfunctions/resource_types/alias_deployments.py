"""Moves an alias from one version to another as its DeploymentPreference says, and back if an alarm rings.

The update of the resource lasts as long as the deployment, in scaled time.
Source: AWS CloudFormation Template Reference, "AWS::StepFunctions::StateMachineAlias DeploymentPreference".
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from blueprints.local.base.clock import Clock
from blueprints.local.services.cloudwatch import rang_since
from blueprints.local.services.stepfunctions.resource_types.service_calls import ServiceCalls, handler_error

_ALL = 100
_SECONDS_BETWEEN_LOOKS = 0.05
"""Real seconds between two looks at the alarms."""

_Routes = list[dict[str, Any]]


@dataclass(frozen=True)
class DeploymentPreference:
    """How an alias moves to a version. `interval` is in seconds, `percentage` the share that moves with each step."""

    version: str
    type: str
    percentage: int = _ALL
    interval: float = 0
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
            return cls(str(version), kind, alarms=alarms)
        if written.get("Percentage") is None or written.get("Interval") is None:
            raise handler_error(f"Deployments of type {kind} need Percentage and Interval", "InvalidRequest")
        return cls(str(version), kind, int(written["Percentage"]), int(written["Interval"]) * 60, alarms)

    @property
    def to_version(self) -> _Routes:
        """The routes at the end of the deployment."""
        return [{"stateMachineVersionArn": self.version, "weight": _ALL}]

    @property
    def shares(self) -> Iterator[int]:
        """The percentages of traffic that the new version has one after the other, before it has all of it."""
        if self.type == "CANARY":
            yield self.percentage
        elif self.type == "LINEAR":
            yield from range(self.percentage, _ALL, self.percentage)


class AliasDeployments:
    """Deployments of aliases, each on the thread that updates the resource."""

    def __init__(self, calls: ServiceCalls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock

    def deploy(self, alias: str, preference: DeploymentPreference) -> None:
        """Shift an alias to a version step by step. Raises ResourceFailed after a rollback because of an alarm."""
        before = self._routes(alias)
        if before == preference.to_version:
            return
        begun = time.monotonic()
        self._refuse_ringing(preference, begun)
        old = max(before, key=lambda each: int(each["weight"]))
        try:
            for share in preference.shares:
                new = {"stateMachineVersionArn": preference.version, "weight": share}
                self._route(alias, [{**old, "weight": _ALL - share}, new])
                self._watch(preference, begun)
        except Exception:
            self._route(alias, [{**old, "weight": _ALL}])
            raise
        self._route(alias, preference.to_version)

    def _routes(self, alias: str) -> _Routes:
        found = self._calls.do("DescribeStateMachineAlias", stateMachineAliasArn=alias)
        return [dict(each) for each in found["routingConfiguration"] if each["weight"]]

    def _route(self, alias: str, routes: _Routes) -> None:
        self._calls.do("UpdateStateMachineAlias", stateMachineAliasArn=alias, routingConfiguration=routes)

    def _watch(self, preference: DeploymentPreference, begun: float) -> None:
        """Wait for the interval, and look at the alarms meanwhile: none may have rung since the deployment began."""
        end = time.monotonic() + self._clock.real(preference.interval)
        while True:
            self._refuse_ringing(preference, begun)
            if self._clock.was_reset_since(begun):
                raise handler_error("The account was emptied during the deployment", "InternalFailure")
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, _SECONDS_BETWEEN_LOOKS))

    @staticmethod
    def _refuse_ringing(preference: DeploymentPreference, begun: float) -> None:
        for name in rang_since(preference.alarms, begun):
            raise handler_error(
                f"The deployment was rolled back because the alarm {name} is in the state ALARM",
                "GeneralServiceException",
            )
