"""What a gradual deployment does, seen from outside: weights, lifecycle events and alarms, as they change."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.rehearsals.targets import Client, FunctionTarget, Target

_SECONDS = 0.2
"""Between two looks: each one takes the machine a few milliseconds for every alias."""
_ENDED = ("Succeeded", "Failed")
"""The statuses of a deployment's target at its end; it has failed, too, if the deployment was stopped."""


@dataclass(frozen=True)
class Change:
    """Something that changed, at a real moment by `time.time()`."""

    moment: float
    target: str
    """The logical id of a function or a state machine."""
    kind: str
    """`weight`, `event`, `alarm` or `deployment`."""
    what: str
    share: float | None = None
    """With `weight`: the new version's share, from 0 to 1."""


@dataclass
class Observation:
    """Looks at targets again and again between `start` and `stop`, and calls `show` for every change."""

    client: Client
    targets: Sequence[Target]
    show: Callable[[Change], None]
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen: dict[tuple[str, str], Any] = {}
        self._released = {each.logical_id: _largest(each.shares(self.client)) for each in self.targets}
        functions = [each for each in self.targets if isinstance(each, FunctionTarget)]
        self._deployed_before = {each.logical_id: frozenset(each.deployments(self.client)) for each in functions}
        self._deployments: dict[str, str] = {}
        """The deployment of each function that has begun, by logical id."""
        self._ended: set[str] = set()
        """The deployments that have ended."""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observation", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more and end."""
        self._ends.set()
        self._thread.join()

    def released_version(self, target: Target) -> str:
        """The version that had all traffic when the observation was made."""
        return self._released[target.logical_id]

    def _run(self) -> None:
        while True:
            last = self._ends.is_set()
            try:
                self._look_at_alarms()
                for each in self.targets:
                    self._look(each)
            except (BotoCoreError, ClientError):
                if last:
                    raise
            if last:
                return
            self._ends.wait(_SECONDS)

    def _look(self, target: Target) -> None:
        shares = target.shares(self.client)
        share = round(1.0 - shares.pop(self.released_version(target), 0.0), 4)
        if self._is_new(target, "weight", share) and (share or self._has_moved(target)):
            new = f"version {_largest(shares)} has {share:.0%} of the traffic" if shares else ""
            self._add(target, "weight", new or "all traffic goes to the old version", share)
        if isinstance(target, FunctionTarget):
            deployment = self._deployment(target)
            if deployment is not None and deployment not in self._ended:
                self._look_at_deployment(target, deployment)

    def _deployment(self, target: FunctionTarget) -> str | None:
        """The function's deployment of this update, or None before it begins.

        Deployments after it are rollbacks.
        """
        if target.logical_id not in self._deployments:
            before = self._deployed_before[target.logical_id]
            new = [each for each in target.deployments(self.client) if each not in before]
            if new:  # the newest one is the first
                self._deployments[target.logical_id] = new[-1]
        return self._deployments.get(target.logical_id)

    def _look_at_deployment(self, target: FunctionTarget, deployment: str) -> None:
        codedeploy = self.client("codedeploy")
        found = codedeploy.get_deployment_target(deploymentId=deployment, targetId=f"{target.name}:{target.alias}")
        seen = found["deploymentTarget"]["lambdaTarget"]
        for event in seen["lifecycleEvents"]:
            name, status = event["lifecycleEventName"], event["status"]
            if status not in ("Pending", "Skipped") and self._is_new(target, f"{deployment} {name}", status):
                reason = (event.get("diagnostics") or {}).get("message")
                self._add(target, "event", f"{name} {status}{f': {reason}' if reason else ''}")
        if seen["status"] in _ENDED:
            self._ended.add(deployment)
            info = codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]
            error = (info.get("errorInformation") or {}).get("code")
            self._add(target, "deployment", f"{deployment} {info['status']}{f' ({error})' if error else ''}")

    def _look_at_alarms(self) -> None:
        names = sorted({name for each in self.targets for name in each.alarms})
        if not names:
            return
        found = self.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
        states = {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}
        for target in self.targets:
            for name, logical_id in target.alarms.items():
                if name in states:
                    self._look_at_alarm(target, logical_id, states[name])

    def _look_at_alarm(self, target: Target, name: str, state: str) -> None:
        if self._is_new(target, name, state) and (state == "ALARM" or self._has_rung(name)):
            self._add(target, "alarm", f"{name}: {state}")

    def _is_new(self, target: Target, name: str, value: object) -> bool:
        key = (target.logical_id, name)
        before = self._seen.get(key)
        self._seen[key] = value
        return bool(before != value)

    def _has_moved(self, target: Target) -> bool:
        return any(each.kind == "weight" and each.target == target.logical_id for each in self.changes)

    def _has_rung(self, alarm: str) -> bool:
        return any(each.kind == "alarm" and each.what == f"{alarm}: ALARM" for each in self.changes)

    def _add(self, target: Target, kind: str, what: str, share: float | None = None) -> None:
        change = Change(time.time(), target.logical_id, kind, what, share)
        self.changes.append(change)
        self.show(change)


def _largest(shares: dict[str, float]) -> str:
    return max(shares, key=lambda version: shares[version])
