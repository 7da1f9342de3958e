"""What a gradual deployment does, seen from outside: weights, lifecycle events and alarms, as they change."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.stacks.stack import Stack

_SECONDS = 0.1
"""Between two looks."""


@dataclass(frozen=True)
class Gradual:
    """A function whose alias moves gradually."""

    logical_id: str
    name: str
    alias: str
    alias_arn: str
    application: str
    group: str
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """Something that changed, at a real moment by `time.time()`."""

    moment: float
    function: str
    """Its logical id; empty for an alarm of the stack."""
    kind: str
    """`weight`, `event`, `alarm` or `deployment`."""
    what: str
    share: float | None = None
    """With `weight`: the new version's share, from 0 to 1."""


@dataclass
class Observation:
    """Looks again and again between `start` and `stop`, and tells every change."""

    client: Callable[[str], Any]
    functions: list[Gradual]
    tell: Callable[[Change], None]
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen: dict[tuple[str, str], Any] = {}
        self._released = {each.name: self._alias(each)["FunctionVersion"] for each in self.functions}
        self._deployed_before = {each.logical_id: frozenset(self._deployments(each)) for each in self.functions}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="observation", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more and end."""
        self._ends.set()
        self._thread.join()

    def released_version(self, function: Gradual) -> str:
        """The version that the alias had before."""
        return str(self._released[function.name])

    def _go_on(self) -> None:
        while True:
            last = self._ends.is_set()
            try:
                for each in self.functions:
                    self._look(each)
            except (BotoCoreError, ClientError):
                if last:
                    raise
            if last:
                return
            self._ends.wait(_SECONDS)

    def _look(self, function: Gradual) -> None:
        alias = self._alias(function)
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        moved = alias["FunctionVersion"] != self._released[function.name]
        share = 1.0 if moved else float(next(iter(weights.values()), 0.0))
        version = alias["FunctionVersion"] if moved else next(iter(weights), None)
        if self._is_new(function, "weight", share) and (share or self._has_moved(function)):
            what = (
                f"version {version} has {share:.0%} of the traffic" if share else "all traffic goes to the old version"
            )
            self._add(function, "weight", what, share)
        for deployment in self._deployments(function):
            if deployment not in self._deployed_before[function.logical_id]:
                self._look_at_deployment(function, deployment)
        for alarm, state in self._alarm_states(function):
            if self._is_new(function, alarm, state) and (state == "ALARM" or self._has_rung(alarm)):
                self._add(function, "alarm", f"{alarm}: {state}")

    def _look_at_deployment(self, function: Gradual, deployment: str) -> None:
        codedeploy = self.client("codedeploy")
        (target,) = codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
        found = codedeploy.get_deployment_target(deploymentId=deployment, targetId=target)
        for event in found["deploymentTarget"]["lambdaTarget"]["lifecycleEvents"]:
            name, status = event["lifecycleEventName"], event["status"]
            if status not in ("Pending", "Skipped") and self._is_new(function, f"{deployment} {name}", status):
                reason = (event.get("diagnostics") or {}).get("message")
                self._add(function, "event", f"{name} {status}{f': {reason}' if reason else ''}")
        info = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
        if self._is_new(function, deployment, info["status"]) and info["status"] not in ("Created", "InProgress"):
            error = (info.get("errorInformation") or {}).get("code")
            self._add(function, "deployment", f"{deployment} {info['status']}{f' ({error})' if error else ''}")

    def _alias(self, function: Gradual) -> dict[str, Any]:
        found: dict[str, Any] = self.client("lambda").get_alias(FunctionName=function.name, Name=function.alias)
        return found

    def _deployments(self, function: Gradual) -> list[str]:
        where = {"applicationName": function.application, "deploymentGroupName": function.group}
        found: list[str] = self.client("codedeploy").list_deployments(**where)["deployments"]
        return found

    def _alarm_states(self, function: Gradual) -> Iterator[tuple[str, str]]:
        if function.alarms:
            found = self.client("cloudwatch").describe_alarms(AlarmNames=list(function.alarms))
            for alarm in found["MetricAlarms"]:
                yield alarm["AlarmName"], alarm["StateValue"]

    def _is_new(self, function: Gradual, name: str, value: Any) -> bool:
        key = (function.logical_id, name)
        before = self._seen.get(key)
        self._seen[key] = value
        return bool(before != value)

    def _has_moved(self, function: Gradual) -> bool:
        return any(each.kind == "weight" and each.function == function.logical_id for each in self.changes)

    def _has_rung(self, alarm: str) -> bool:
        return any(each.kind == "alarm" and each.what == f"{alarm}: ALARM" for each in self.changes)

    def _add(self, function: Gradual, kind: str, what: str, share: float | None = None) -> None:
        change = Change(time.time(), function.logical_id, kind, what, share)
        self.changes.append(change)
        self.tell(change)


def gradual_functions(stack: Stack, client: Callable[[str], Any]) -> list[Gradual]:
    """The functions of a stack that a deployment group deploys, in the order of the stack's resources."""
    applications = [each.physical_id for each in stack.of_type("AWS::CodeDeploy::Application")]
    groups = {each.logical_id: each.physical_id for each in stack.of_type("AWS::CodeDeploy::DeploymentGroup")}
    found = []
    for function in stack.of_type("AWS::Lambda::Function"):
        group = groups.get(f"{function.logical_id}DeploymentGroup")
        if group is None or not applications:
            continue
        described = client("codedeploy").get_deployment_group(
            applicationName=applications[0], deploymentGroupName=group
        )["deploymentGroupInfo"]
        alarms = tuple(each["name"] for each in (described.get("alarmConfiguration") or {}).get("alarms") or ())
        (alias,) = client("lambda").list_aliases(FunctionName=function.physical_id)["Aliases"]
        found.append(
            Gradual(
                function.logical_id,
                function.physical_id,
                alias["Name"],
                alias["AliasArn"],
                applications[0],
                group,
                alarms,
            )
        )
    return found
