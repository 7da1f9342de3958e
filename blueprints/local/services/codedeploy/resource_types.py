"""AWS::CodeDeploy::Application, DeploymentGroup and DeploymentConfig. `Ref` is the name."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import Made, Properties, ResourceFailed
from blueprints.local.services.codedeploy.api import API, CodeDeploy

PHYSICAL_NAME = Internal(
    "services.cloudformation.provisioners",
    "_physical_name",
    ("stack_name", "logical_id", "lowercase", "max_len", "seeded"),
)

_LONGEST_NAME = 100
_WITHOUT: dict[str, Any] = {
    "alarmConfiguration": {"enabled": False, "alarms": []},
    "autoRollbackConfiguration": {"enabled": False, "events": []},
    "deploymentConfigName": "CodeDeployDefault.LambdaAllAtOnce",
}
"""The settings of a deployment group whose template does not have these properties any more."""


def handlers(service: CodeDeploy) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
    """CloudFormation's handlers by type."""

    def call(operation: str, given: dict[str, Any]) -> Any:
        try:
            return service.operations[operation](API.check(operation, given))
        except ServiceError as error:
            raise ResourceFailed(f"{error.message} (Service: AmazonCodeDeploy; Error Code: {error.code})") from error

    def create_application(logical_id: str, props: Properties, stack_name: str) -> Made:
        name = _name(props.get("ApplicationName"), logical_id, stack_name)
        call("CreateApplication", {"applicationName": name, "computePlatform": props.get("ComputePlatform", "Server")})
        return name, {}

    def create_group(logical_id: str, props: Properties, stack_name: str) -> Made:
        name = _name(props.get("DeploymentGroupName"), logical_id, stack_name)
        call("CreateDeploymentGroup", {**_camel(props), "deploymentGroupName": name})
        return name, {}

    def update_group(name: str, old: Properties, new: Properties, stack_name: str) -> Made:  # noqa: ARG001
        if old.get("ApplicationName") != new.get("ApplicationName"):
            raise ResourceFailed("Another application replaces a deployment group, which is not emulated.")
        removed = {key: value for key, value in _WITHOUT.items() if key in _camel(old)}
        given = {**removed, **_camel(new), "currentDeploymentGroupName": name}
        given.pop("deploymentGroupName", None)
        call("UpdateDeploymentGroup", given)
        return name, {}

    def create_config(logical_id: str, props: Properties, stack_name: str) -> Made:
        name = _name(props.get("DeploymentConfigName"), logical_id, stack_name)
        given = {**_camel(props), "deploymentConfigName": name}
        given.setdefault("computePlatform", "Server")
        call("CreateDeploymentConfig", given)
        return name, {}

    return {
        "AWS::CodeDeploy::Application": {
            "create": create_application,
            "update": lambda name, old, new, stack_name: (name, {}),  # noqa: ARG005 - only its tags can change
            "delete": lambda name, props: call("DeleteApplication", {"applicationName": name}) and None,  # noqa: ARG005
        },
        "AWS::CodeDeploy::DeploymentGroup": {
            "create": create_group,
            "update": update_group,
            "delete": lambda name, props: (
                call(
                    "DeleteDeploymentGroup",
                    {"applicationName": props["ApplicationName"], "deploymentGroupName": name},
                )
                and None
            ),
        },
        "AWS::CodeDeploy::DeploymentConfig": {
            "create": create_config,
            "delete": lambda name, props: call("DeleteDeploymentConfig", {"deploymentConfigName": name}) and None,  # noqa: ARG005
        },
    }


def _name(given: Any, logical_id: str, stack_name: str) -> str:
    made = given or PHYSICAL_NAME.current()(stack_name, logical_id, max_len=_LONGEST_NAME)
    return str(made or f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12]}")


def _camel(value: Any) -> Any:
    """A template's property names as the API spells them, without tags."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _camel(each) for name, each in value.items() if name != "Tags"}
    return [_camel(each) for each in value] if isinstance(value, list) else value
