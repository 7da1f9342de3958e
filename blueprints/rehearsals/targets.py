"""What a deployment moves gradually: aliases of functions, by CodeDeploy, and of state machines, by CloudFormation."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from blueprints.stacks.stack import Stack

Client = Callable[[str], Any]
"""Makes a boto3 client of a service."""

_DAY = 86_400
_FAILED = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Count:
    """How many events a version has handled: invocations of a function, or executions of a state machine."""

    events: int = 0
    errors: int = 0

    def since(self, before: "Count") -> "Count":
        """What was added to an earlier count."""
        return Count(self.events - before.events, self.errors - before.errors)


@dataclass(frozen=True)
class Target(ABC):
    """A function or a state machine with an alias that moves gradually."""

    logical_id: str
    name: str
    """The function's name, or the state machine's ARN."""
    alias: str
    alias_arn: str
    alarms: Mapping[str, str]
    """The alarms that stop its deployment: logical ids by name."""

    event = "event"
    """What it handles, as a noun."""

    @abstractmethod
    def shares(self, client: Client) -> dict[str, float]:
        """The share of the traffic, from 0 to 1, of each version of the alias."""

    @abstractmethod
    def counts(self, client: Client) -> dict[str, Count]:
        """What each version has handled for the alias in the last day."""


@dataclass(frozen=True)
class FunctionTarget(Target):
    """A function that a deployment group of CodeDeploy deploys."""

    application: str
    group: str

    def shares(self, client: Client) -> dict[str, float]:
        """The share of the traffic of each version."""
        alias = client("lambda").get_alias(FunctionName=self.name, Name=self.alias)
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        return {alias["FunctionVersion"]: 1.0 - sum(weights.values()), **weights}

    def counts(self, client: Client) -> dict[str, Count]:
        """Invocations and errors of each version, by the function's metrics."""
        listed = client("lambda").list_versions_by_function(FunctionName=self.name)["Versions"]
        versions = [each["Version"] for each in listed if each["Version"] != "$LATEST"]
        return {
            version: Count(self._sum(client, version, "Invocations"), self._sum(client, version, "Errors"))
            for version in versions
        }

    def deployments(self, client: Client) -> list[str]:
        """The ids of its deployments."""
        where = {"applicationName": self.application, "deploymentGroupName": self.group}
        return list(client("codedeploy").list_deployments(**where)["deployments"])

    def _sum(self, client: Client, version: str, metric: str) -> int:
        now = datetime.now(UTC)
        dimensions = {"FunctionName": self.name, "Resource": f"{self.name}:{self.alias}", "ExecutedVersion": version}
        points = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(days=1),
            EndTime=now + timedelta(minutes=1),
            Period=_DAY,
            Statistics=["Sum"],
        )["Datapoints"]
        return int(sum(point["Sum"] for point in points))


@dataclass(frozen=True)
class StateMachineTarget(Target):
    """A state machine whose alias has a DeploymentPreference; CloudFormation moves it, without hooks."""

    event = "execution"

    def shares(self, client: Client) -> dict[str, float]:
        """The share of new executions of each version, by the version's number."""
        found = client("stepfunctions").describe_state_machine_alias(stateMachineAliasArn=self.alias_arn)
        routes = found["routingConfiguration"]
        return {_number(each["stateMachineVersionArn"]): each["weight"] / 100 for each in routes if each["weight"]}

    def counts(self, client: Client) -> dict[str, Count]:
        """Executions of the alias by version, and how many of them failed."""
        counted: dict[str, Count] = {}
        for each in self.executions(client):
            before = counted.get(version := _number(each["stateMachineVersionArn"]), Count())
            counted[version] = Count(before.events + 1, before.errors + (each["status"] in _FAILED))
        return counted

    def executions(self, client: Client) -> Iterator[dict[str, Any]]:
        """The executions of the alias, newest first, as ListExecutions describes them."""
        pages = client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=self.alias_arn)
        for page in pages:
            yield from page["executions"]


def targets(stack: Stack, template: Mapping[str, Any], client: Client) -> list[Target]:
    """The functions and state machines of a stack that are deployed gradually, functions first.

    `template` is the stack's template as SAM expanded it.
    """
    alarms = {each.physical_id: each.logical_id for each in stack.of_type("AWS::CloudWatch::Alarm")}
    return [*_functions(stack, alarms, client), *_state_machines(stack, template, alarms)]


def _functions(stack: Stack, alarms: Mapping[str, str], client: Client) -> Iterator[Target]:
    applications = [each.physical_id for each in stack.of_type("AWS::CodeDeploy::Application")]
    groups = {each.logical_id: each.physical_id for each in stack.of_type("AWS::CodeDeploy::DeploymentGroup")}
    for function in stack.of_type("AWS::Lambda::Function"):
        group = groups.get(f"{function.logical_id}DeploymentGroup")  # the name that SAM gives it
        if group is None or not applications:
            continue
        described = client("codedeploy").get_deployment_group(
            applicationName=applications[0], deploymentGroupName=group
        )["deploymentGroupInfo"]
        names = [each["name"] for each in (described.get("alarmConfiguration") or {}).get("alarms") or ()]
        (alias,) = client("lambda").list_aliases(FunctionName=function.physical_id)["Aliases"]
        yield FunctionTarget(
            function.logical_id,
            function.physical_id,
            alias["Name"],
            alias["AliasArn"],
            {name: alarms.get(name, name) for name in names},
            applications[0],
            group,
        )


def _state_machines(stack: Stack, template: Mapping[str, Any], alarms: Mapping[str, str]) -> Iterator[Target]:
    machines = {each.physical_id: each.logical_id for each in stack.of_type("AWS::StepFunctions::StateMachine")}
    for each in stack.of_type("AWS::StepFunctions::StateMachineAlias"):
        machine, _, alias = each.physical_id.rpartition(":")
        preference = template["Resources"][each.logical_id]["Properties"].get("DeploymentPreference")
        if preference and machine in machines:
            named = set(_references(preference.get("Alarms")))
            own = {name: logical_id for name, logical_id in alarms.items() if logical_id in named}
            yield StateMachineTarget(machines[machine], machine, alias, each.physical_id, own)


def _references(value: object) -> Iterator[str]:
    """The logical ids that a part of a template refers to."""
    if isinstance(value, Mapping):
        if "Ref" in value:
            yield str(value["Ref"])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def _number(version_arn: str) -> str:
    return version_arn.rpartition(":")[2]
