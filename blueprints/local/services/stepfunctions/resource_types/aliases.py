"""AWS::StepFunctions::StateMachineAlias. `Ref` and the attribute `Arn` are the alias's ARN."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Made, Properties
from blueprints.local.services.cloudformation import is_cancelled, is_rolling_back
from blueprints.local.services.stepfunctions.resource_types.alias_deployments import (
    AliasDeployments,
    DeploymentPreference,
)
from blueprints.local.services.stepfunctions.resource_types.service_calls import ServiceCalls, handler_error

PHYSICAL_NAME = Internal(
    "services.cloudformation.provisioners",
    "_physical_name",
    ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
)

_LONGEST_NAME = 80


def is_gradual(definition: Mapping[str, Any]) -> bool:
    """Whether an alias is defined with a DeploymentPreference."""
    return "DeploymentPreference" in (definition.get("Properties") or {})


def moves(old: Properties, new: Properties) -> bool:
    """Whether an update gives an alias another version by its DeploymentPreference."""
    preferences = [each.get("DeploymentPreference") or {} for each in (old, new)]
    before, after = (str(each.get("StateMachineVersionArn", "")) for each in preferences)
    return old.get("Name") == new.get("Name") and before != after and _same_machine(before, after)


def _same_machine(version: str, other: str) -> bool:
    return bool(version and other) and version.rpartition(":")[0] == other.rpartition(":")[0]


class Aliases:
    """CloudFormation's handlers of aliases."""

    def __init__(self, calls: ServiceCalls, deployments: AliasDeployments) -> None:
        self._calls = calls
        self._deployments = deployments

    def handlers(self) -> dict[str, Handler]:
        """By what CloudFormation does."""
        return {"create": self._create, "update": self._update, "delete": self._delete}

    def _create(self, logical_id: str, props: Properties, stack_name: str) -> Made:
        """Create the alias; a new alias has no traffic to shift, so it goes to its version at once."""
        preference = _preference(props)
        routes = preference.to_version if preference else _routes(props)
        name = str(props.get("Name") or PHYSICAL_NAME.current()(stack_name, logical_id, max_len=_LONGEST_NAME))
        arn = f"{_machine_of(routes)}:{name}"
        if self._calls.find("DescribeStateMachineAlias", stateMachineAliasArn=arn):
            raise handler_error(f"Alias already exists: '{arn}'", "AlreadyExists")
        made = self._calls.do(
            "CreateStateMachineAlias", name=name, description=props.get("Description"), routingConfiguration=routes
        )
        return made["stateMachineAliasArn"], {"Arn": made["stateMachineAliasArn"]}

    def _update(self, arn: str, old: Properties, new: Properties, stack_name: str) -> Made:
        """Change the alias; with a DeploymentPreference, return when its deployment has ended.

        When the stack is rolled back, the alias goes back at once, whatever its alarms say.
        """
        preference = _preference(new)
        if old.get("Description") != new.get("Description"):
            description = str(new.get("Description") or "")
            self._calls.do("UpdateStateMachineAlias", stateMachineAliasArn=arn, description=description)
        if preference and not is_rolling_back(stack_name):
            self._deployments.deploy(arn, preference, partial(is_cancelled, stack_name))
        else:
            routes = preference.to_version if preference else _routes(new)
            self._calls.do("UpdateStateMachineAlias", stateMachineAliasArn=arn, routingConfiguration=routes)
        return arn, {"Arn": arn}

    def _delete(self, arn: str, props: Properties) -> None:  # noqa: ARG002
        if self._calls.find("DescribeStateMachineAlias", stateMachineAliasArn=arn):
            self._calls.do("DeleteStateMachineAlias", stateMachineAliasArn=arn)


def _preference(props: Properties) -> DeploymentPreference | None:
    written, routes = props.get("DeploymentPreference"), props.get("RoutingConfiguration")
    if (written is None) == (routes is None):
        raise handler_error(
            "Exactly one of RoutingConfiguration and DeploymentPreference has to be given", "InvalidRequest"
        )
    return None if written is None else DeploymentPreference.read(written)


def _routes(props: Properties) -> list[dict[str, Any]]:
    return [
        {"stateMachineVersionArn": each["StateMachineVersionArn"], "weight": int(each["Weight"])}
        for each in props["RoutingConfiguration"]
    ]


def _machine_of(routes: list[dict[str, Any]]) -> str:
    """The ARN of the state machine whose versions these are."""
    return str(routes[0]["stateMachineVersionArn"]).rpartition(":")[0]
