"""The UpdatePolicy CodeDeployLambdaAliasUpdate: an update of an alias goes through a deployment.

Source: AWS CloudFormation Template Reference, "UpdatePolicy attribute", CodeDeployLambdaAliasUpdate.
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import Handler, Made, Properties, ResourceFailed, wrap
from blueprints.local.services.codedeploy.api import CodeDeploy
from blueprints.local.services.codedeploy.records import AFTER, BEFORE, SUCCEEDED, Deployment

STACKS = Internal("services.cloudformation", "_stacks")
DEPLOYS = tuple(
    Internal(
        f"services.cloudformation.{module}",
        "_deploy_stack_async",
        (
            "stack_name",
            "stack_id",
            "template",
            "param_values",
            "disable_rollback",
            "tags",
            "is_update",
            "previous_stack",
            "retain_except_on_create",
            "imports",
        ),
    )
    for module in ("handlers", "changesets")
)
DEPENDENCIES = Internal("services.cloudformation.engine", "_extract_deps", ("resource_def", "all_resource_names"))
RESOLVE = Internal(
    "services.cloudformation.engine",
    "_resolve_refs",
    ("value", "resources", "params", "conditions", "mappings", "stack_name", "stack_id"),
)
CONDITIONS = Internal("services.cloudformation.engine", "_evaluate_conditions", ("template", "params"))
ON_A_THREAD = Internal("services.cloudformation.stacks", "_runs_on_worker_thread", ("resource_type",))

_ALIAS = "AWS::Lambda::Alias"
_POLICY = "CodeDeployLambdaAliasUpdate"

_operation: ContextVar[tuple[str, dict[str, Any], dict[str, Any]] | None] = ContextVar("stack_operation", default=None)
"""The name of the stack under way, its new template, and the values of its parameters."""


def install(service: CodeDeploy) -> None:
    """Deploy aliases by CodeDeploy when their stack's update changes their version."""
    for each in DEPLOYS:
        each.replace(_remembering(each.current()))
    DEPENDENCIES.replace(_with_update_policies(DEPENDENCIES.current()))
    is_slow: Callable[[str], bool] = ON_A_THREAD.current()
    ON_A_THREAD.replace(lambda resource_type: resource_type == _ALIAS or is_slow(resource_type))
    wrap(_ALIAS, update=lambda original: _deploying(original, service))


def _remembering(original: Callable[..., Any]) -> Callable[..., Any]:
    """The base emulator stores the new template when the update has ended, and the policy is in it."""

    async def deploy(
        stack_name: str, stack_id: str, template: dict[str, Any], param_values: dict[str, Any], *rest: Any, **more: Any
    ) -> None:
        _operation.set((stack_name, template, param_values))
        await original(stack_name, stack_id, template, param_values, *rest, **more)

    return deploy


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
        same = {name: old.get(name) == new.get(name) for name in ("FunctionName", "Name", "FunctionVersion")}
        moves = same["FunctionName"] and same["Name"] and not same["FunctionVersion"]
        stack = STACKS.current().get(stack_name) or {}
        policy = _policy(stack, stack_name, logical_id) if moves and logical_id else None
        if policy is None or "ROLLBACK" in str(stack.get("StackStatus")):
            return _made(original, physical_id, old, new, stack_name, logical_id)
        _deploy(service, policy, old, new)
        # The rest of the update: the description, and provisioned concurrency.
        return _made(original, physical_id, old, new, stack_name, logical_id)

    return update


def _made(original: Handler, *arguments: Any) -> Made:
    made: Made = original(*arguments)
    return made


def _policy(stack: Mapping[str, Any], stack_name: str, logical_id: str) -> dict[str, Any] | None:
    """The policy of an alias with its references resolved, or None."""
    under_way = _operation.get()
    if under_way and under_way[0] == stack_name:
        template, parameters = under_way[1], under_way[2]
    else:  # a nested stack
        template, parameters = stack.get("_template") or {}, stack.get("_resolved_params") or {}
    resource = (template.get("Resources") or {}).get(logical_id) or {}
    written = (resource.get("UpdatePolicy") or {}).get(_POLICY)
    if not written:
        return None
    resolved = RESOLVE.current()(
        json.loads(json.dumps(written)),
        stack.get("_resources") or {},
        parameters,
        CONDITIONS.current()(template, parameters),
        template.get("Mappings") or {},
        stack_name,
        str(stack.get("StackId", "")),
    )
    return {name: value for name, value in resolved.items() if isinstance(value, str)}


def _deploy(service: CodeDeploy, policy: Mapping[str, Any], old: Properties, new: Properties) -> None:
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
    service.runner.wait(deployment)
    if deployment.status != SUCCEEDED:
        raise ResourceFailed(_reason(deployment))


def _reason(deployment: Deployment) -> str:
    code, message = deployment.error or ("INTERNAL_ERROR", "it did not end")
    return f"The deployment {deployment.deployment_id} ended as {deployment.status}: {message} ({code})"
