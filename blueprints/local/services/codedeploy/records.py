"""What CodeDeploy keeps: applications, deployment groups, deployment configurations and deployments of functions."""

import secrets
import string
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.traffic_shifting import Schedule

LAMBDA = "Lambda"

IN_PROGRESS = "InProgress"
READY = "Ready"
SUCCEEDED = "Succeeded"
FAILED = "Failed"
STOPPED = "Stopped"
ENDED = (SUCCEEDED, FAILED, STOPPED)

BY_ROLLBACK = "codeDeployRollback"
"""The creator of a deployment that gives the old version its traffic back."""

BEFORE, SHIFT, AFTER = "BeforeAllowTraffic", "AllowTraffic", "AfterAllowTraffic"
EVENTS = (BEFORE, SHIFT, AFTER)

ON_FAILURE, ON_ALARM, ON_REQUEST = (
    "DEPLOYMENT_FAILURE",
    "DEPLOYMENT_STOP_ON_ALARM",
    "DEPLOYMENT_STOP_ON_REQUEST",
)


@dataclass(frozen=True)
class DeploymentConfig:
    """How traffic shifts: `percentage` with each step, `minutes` between steps."""

    name: str
    type: str
    """`AllAtOnce`, `TimeBasedCanary` or `TimeBasedLinear`."""
    percentage: int = 100
    minutes: int = 0
    created: float = 0.0

    @property
    def schedule(self) -> Schedule:
        """The steps of a deployment with this configuration."""
        return Schedule(self.percentage, self.minutes, is_linear=self.type == "TimeBasedLinear")

    @property
    def described(self) -> dict[str, Any]:
        """The structure DeploymentConfigInfo."""
        routing: dict[str, Any] = {"type": self.type}
        if self.type == "TimeBasedCanary":
            routing["timeBasedCanary"] = {"canaryPercentage": self.percentage, "canaryInterval": self.minutes}
        elif self.type == "TimeBasedLinear":
            routing["timeBasedLinear"] = {"linearPercentage": self.percentage, "linearInterval": self.minutes}
        return {
            "deploymentConfigName": self.name,
            "computePlatform": LAMBDA,
            "createTime": self.created,
            "trafficRoutingConfig": routing,
        }


def predefined_configs() -> dict[str, DeploymentConfig]:
    """AWS's own configurations of the compute platform Lambda, by name."""
    all_at_once = DeploymentConfig("CodeDeployDefault.LambdaAllAtOnce", "AllAtOnce")
    canaries = [
        DeploymentConfig(f"CodeDeployDefault.LambdaCanary10Percent{minutes}Minutes", "TimeBasedCanary", 10, minutes)
        for minutes in (5, 10, 15, 30)
    ]
    linear = [
        DeploymentConfig(
            f"CodeDeployDefault.LambdaLinear10PercentEvery{minutes}Minute{'s' if minutes > 1 else ''}",
            "TimeBasedLinear",
            10,
            minutes,
        )
        for minutes in (1, 2, 3, 10)
    ]
    return {each.name: each for each in (all_at_once, *canaries, *linear)}


@dataclass
class DeploymentGroup:
    """A deployment group; `settings` has the members of CreateDeploymentGroup."""

    application: str
    name: str
    group_id: str
    settings: dict[str, Any]
    last_attempted: "Deployment | None" = None
    last_succeeded: "Deployment | None" = None

    @property
    def role_arn(self) -> str:
        """The role in which CodeDeploy acts."""
        return str(self.settings["serviceRoleArn"])

    def alarms(self) -> tuple[str, ...]:
        """The names of the alarms that stop a deployment."""
        written = self.settings.get("alarmConfiguration") or {}
        return tuple(str(each["name"]) for each in written.get("alarms") or ()) if written.get("enabled") else ()

    @property
    def ignores_unreadable_alarms(self) -> bool:
        """Whether a deployment goes on if the role may not read the alarms."""
        return bool((self.settings.get("alarmConfiguration") or {}).get("ignorePollAlarmFailure"))

    def rolls_back_on(self, event: str) -> bool:
        """Whether a deployment that ended with this event is rolled back."""
        written = self.settings.get("autoRollbackConfiguration") or {}
        return bool(written.get("enabled")) and event in (written.get("events") or ())


@dataclass(frozen=True)
class Target:
    """The function, its alias, the two versions, and the hooks by lifecycle event."""

    function: str
    alias: str
    current_version: str
    target_version: str
    hooks: Mapping[str, str] = field(default_factory=dict)
    """Names or ARNs of functions, by BEFORE or AFTER."""


@dataclass
class LifecycleEvent:
    """One step of a deployment."""

    name: str
    status: str = "Pending"
    started: float | None = None
    ended: float | None = None
    message: str | None = None
    execution_id: str | None = None
    """The id that a hook names when it reports its result."""

    def end(self, status: str, message: str | None = None) -> None:
        """Record how it ended."""
        self.status, self.message, self.ended = status, message, time.time()


@dataclass
class Deployment:
    """A deployment of one version to one alias."""

    deployment_id: str
    arn_scope: tuple[str, str]
    """The account and the Region."""
    group: DeploymentGroup
    config: DeploymentConfig
    target: Target
    revision: Mapping[str, Any]
    creator: str = "user"
    description: str = ""
    events: list[LifecycleEvent] = field(default_factory=lambda: [LifecycleEvent(each) for each in EVENTS])
    status: str = "Created"
    error: tuple[str, str] | None = None
    """CodeDeploy's error code and the message."""
    weight: int = 0
    """The percentage of traffic that the new version has."""
    created: float = field(default_factory=time.time)
    completed: float | None = None
    rollback: dict[str, str] = field(default_factory=dict)
    """The structure RollbackInfo."""
    stop_requested: bool = False
    rolls_back_when_stopped: bool | None = None
    """What StopDeployment said about it; None if it said nothing."""
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether its status is final."""
        return self.status in ENDED

    def request_stop(self, *, rolls_back: bool | None) -> None:
        """Stop it at the next check. `rolls_back` is None if the deployment group decides about the traffic."""
        self.rolls_back_when_stopped = rolls_back
        self.stop_requested = True

    def end_event(self, event: "LifecycleEvent", status: str, message: str | None = None) -> bool:
        """Record how an event ended, unless it has ended already; returns whether it was recorded."""
        with self.changed:
            if event.status != IN_PROGRESS:
                return False
            event.end(status, message)
            self.changed.notify_all()
            return True

    def event(self, name: str) -> LifecycleEvent:
        """The lifecycle event of that name."""
        return next(each for each in self.events if each.name == name)


def new_id() -> str:
    """A deployment's id, such as `d-3XAMPLE0N`."""
    letters = string.ascii_uppercase + string.digits
    return "d-" + "".join(secrets.choice(letters) for _ in range(9))
