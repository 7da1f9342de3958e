"""The UpdatePolicy CodeDeployLambdaAliasUpdate: a stack's update moves an alias by a deployment.

Source: AWS CloudFormation Template Reference, "UpdatePolicy attribute", CodeDeployLambdaAliasUpdate.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import Handler, Made, Properties, ResourceFailed, wrap
from blueprints.local.services.cloudformation import (
    GradualType,
    current_operation,
    is_cancelled,
    is_rolling_back,
    update_in_parallel,
)
from blueprints.local.services.codedeploy.api import CodeDeploy
from blueprints.local.services.codedeploy.records import AFTER, BEFORE, SUCCEEDED, Deployment

DEPENDENCIES = Internal("services.cloudformation.engine", "_extract_deps", ("resource_def", "all_resource_names"))
ON_A_THREAD = Internal("services.cloudformation.stacks", "_runs_on_worker_thread", ("resource_type",))
SENDS_BACK = Internal("services.cloudformation.stacks", "_sends_back_failed_update", ("resource_type",))

_ALIAS = "AWS::Lambda::Alias"
_POLICY = "CodeDeployLambdaAliasUpdate"


class _AccountEmptied(ResourceFailed):
    """The account was emptied during the deployment: there is no alias to move back."""


def install(service: CodeDeploy) -> None:
    """Deploy aliases by CodeDeploy when their stack's update changes their version."""
    DEPENDENCIES.replace(_with_update_policies(DEPENDENCIES.current()))
    for internal in (ON_A_THREAD, SENDS_BACK):
        internal.replace(_also_for_aliases(internal.current()))
    wrap(_ALIAS, update=lambda original: _deploying(original, service))
    update_in_parallel(_ALIAS, GradualType(lambda definition: bool(definition.get("UpdatePolicy")), _moves))


def _also_for_aliases(original: Callable[[str], bool]) -> Callable[[str], bool]:
    """An update of an alias waits for its deployment. When it fails, the alias may have traffic on two versions."""
    return lambda resource_type: resource_type == _ALIAS or original(resource_type)


def _with_update_policies(original: Callable[..., set[str]]) -> Callable[..., set[str]]:
    """An alias is updated after its hooks and its deployment group, which its UpdatePolicy names."""

    def dependencies(resource_def: dict[str, Any], all_resource_names: set[str]) -> set[str]:
        found = original(resource_def, all_resource_names)
        policy = resource_def.get("UpdatePolicy")
        if policy:
            found = found | original({"Properties": policy}, all_resource_names)
        return found

    return dependencies


def _deploying(original: Handler, service: CodeDeploy) -> Handler:
    def update(
        physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str | None = None
    ) -> Made:
        make = partial(_make, original, physical_id, stack_name, logical_id)
        if is_rolling_back(stack_name):
            return make(old, _with_all_traffic(new))
        policy = _policy(stack_name, logical_id) if logical_id and _moves(old, new) else None
        if policy is None:
            return make(old, new)
        try:
            _deploy(service, policy, old, new, stack_name)
            return make(old, new)  # the rest of the update: the description, and provisioned concurrency
        except _AccountEmptied:
            raise
        except Exception:
            if not _stays_as_it_is(stack_name, logical_id):
                make(new, _with_all_traffic(old))
            raise

    return update


def _stays_as_it_is(stack_name: str, logical_id: str | None) -> bool:
    """Whether an alias that could not be deployed keeps its weights until RollbackStack.

    It does with DisableRollback, if its update is the first one of the operation that fails.
    """
    operation = current_operation()
    return bool(operation and operation.keeps_failures and logical_id and operation.fail(stack_name, logical_id))


def _make(
    original: Handler, physical_id: str, stack_name: str, logical_id: str | None, old: Properties, new: Properties
) -> Made:
    made: Made = original(physical_id, old, new, stack_name, logical_id)
    return made


def _moves(old: Properties, new: Properties) -> bool:
    """Whether an update gives the same alias another version."""
    same = {name: old.get(name) == new.get(name) for name in ("FunctionName", "Name", "FunctionVersion")}
    return same["FunctionName"] and same["Name"] and not same["FunctionVersion"]


def _with_all_traffic(properties: Properties) -> Properties:
    """The properties of an alias, without the weights that a deployment left."""
    return {"RoutingConfig": {"AdditionalVersionWeights": []}, **properties}


def _policy(stack_name: str, logical_id: str) -> dict[str, Any] | None:
    """The policy of an alias with its references resolved, or None."""
    operation = current_operation()
    if operation is None:
        return None
    definition = operation.definitions(stack_name).get(logical_id) or {}
    resolved = operation.resolved(stack_name, definition.get("UpdatePolicy"))
    policy = resolved.get(_POLICY) if isinstance(resolved, dict) else None
    if not isinstance(policy, dict):
        return None
    return {name: value for name, value in policy.items() if isinstance(value, str)}


def _deploy(service: CodeDeploy, policy: Mapping[str, Any], old: Properties, new: Properties, stack_name: str) -> None:
    """Run the deployment. Raises ResourceFailed with its reason when it fails."""
    hooks = {BEFORE: policy.get("BeforeAllowTrafficHook"), AFTER: policy.get("AfterAllowTrafficHook")}
    properties = {
        "Name": str(new["FunctionName"]).rpartition(":")[2],
        "Alias": new["Name"],
        "CurrentVersion": str(old["FunctionVersion"]),
        "TargetVersion": str(new["FunctionVersion"]),
    }
    specification = {
        "version": 0.0,
        "Resources": [{"function": {"Type": "AWS::Lambda::Function", "Properties": properties}}],
        "Hooks": [{name: function} for name, function in hooks.items() if function],
    }
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": json.dumps(specification)}}
    given = {
        "applicationName": policy.get("ApplicationName"),
        "deploymentGroupName": policy.get("DeploymentGroupName"),
        "revision": revision,
    }
    try:
        deployment = service.deploy(given, creator="CloudFormation")
    except ServiceError as error:
        raise ResourceFailed(f"CodeDeploy refused the deployment: {error.message}") from error
    service.runner.wait(deployment, partial(is_cancelled, stack_name))
    if deployment.completed is None:
        raise _AccountEmptied("The account was emptied during the deployment")
    if deployment.status != SUCCEEDED:
        raise ResourceFailed(_reason(deployment))


def _reason(deployment: Deployment) -> str:
    code, message = deployment.error or ("INTERNAL_ERROR", "no reason is known")
    return f"The deployment {deployment.deployment_id} ended as {deployment.status}: {message} ({code})"
