"""The UpdatePolicy CodeDeployLambdaAliasUpdate: a stack's update moves an alias by a deployment.

Source: AWS CloudFormation Template Reference, "UpdatePolicy attribute", CodeDeployLambdaAliasUpdate.
"""

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import ServiceError
from blueprints.local.base.resource_types import Handler, Made, Properties, ResourceFailed, wrap
from blueprints.local.services.cloudformation import is_cancelled, is_rolling_back
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
SENDS_BACK = Internal("services.cloudformation.stacks", "_sends_back_failed_update", ("resource_type",))

_ALIAS = "AWS::Lambda::Alias"
_POLICY = "CodeDeployLambdaAliasUpdate"


class _AccountEmptied(ResourceFailed):
    """The account was emptied during the deployment: there is no alias to move back."""


@dataclass(frozen=True)
class _Operation:
    """The update of a stack under way, which nested stacks take part in."""

    stack_name: str
    template: dict[str, Any]
    parameters: dict[str, Any]
    keeps_failures: bool
    """Whether nothing is rolled back: DisableRollback."""


_operation: ContextVar[_Operation | None] = ContextVar("stack_operation", default=None)


def install(service: CodeDeploy) -> None:
    """Deploy aliases by CodeDeploy when their stack's update changes their version."""
    for each in DEPLOYS:
        each.replace(_remembering(each.current()))
    DEPENDENCIES.replace(_with_update_policies(DEPENDENCIES.current()))
    for internal in (ON_A_THREAD, SENDS_BACK):
        internal.replace(_also_for_aliases(internal.current()))
    wrap(_ALIAS, update=lambda original: _deploying(original, service))


def _also_for_aliases(original: Callable[[str], bool]) -> Callable[[str], bool]:
    """An update of an alias waits for its deployment. When it fails, the alias may have traffic on two versions."""
    return lambda resource_type: resource_type == _ALIAS or original(resource_type)


def _remembering(original: Callable[..., Any]) -> Callable[..., Any]:
    """Remember the new template, which has the policy: the base emulator stores it only when the update has ended."""

    async def deploy(
        stack_name: str,
        stack_id: str,
        template: dict[str, Any],
        param_values: dict[str, Any],
        disable_rollback: bool,
        *rest: Any,
        **more: Any,
    ) -> None:
        _operation.set(_Operation(stack_name, template, param_values, disable_rollback))
        await original(stack_name, stack_id, template, param_values, disable_rollback, *rest, **more)

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
        make = partial(_make, original, physical_id, stack_name, logical_id)
        if is_rolling_back(stack_name):
            return make(old, _with_all_traffic(new))
        policy = _policy(stack_name, logical_id) if logical_id and _moves(old, new) else None
        if policy is None:
            return make(old, new)
        operation = _operation.get()
        try:
            _deploy(service, policy, old, new, stack_name)
            return make(old, new)  # the rest of the update: the description, and provisioned concurrency
        except _AccountEmptied:
            raise
        except Exception:
            if not (operation and operation.keeps_failures):
                make(new, _with_all_traffic(old))
            raise

    return update


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
    stack: Mapping[str, Any] = STACKS.current().get(stack_name) or {}
    operation = _operation.get()
    if operation and operation.stack_name == stack_name:
        template, parameters = operation.template, operation.parameters
    else:  # a nested stack, which has its new template already
        template, parameters = stack.get("_template") or {}, stack.get("_resolved_params") or {}
    written = ((template.get("Resources") or {}).get(logical_id) or {}).get("UpdatePolicy")
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
