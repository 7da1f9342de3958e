"""Roles in templates: creating a resource with a role takes `iam:PassRole` on the role.

The role that executes the stack needs that permission; without such a role, the caller. State machines and GraphQL APIs
check it themselves.
Sources: IAM User Guide, "Grant a user permissions to pass a role to an AWS service"; CloudFormation Template Reference.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Properties, ResourceFailed
from blueprints.local.services.iam import caller_arn, caller_may, passed_role_arns

_MODULES = ("services.cloudformation.provisioners", "services.cloudformation.stacks")
CREATE = tuple(
    Internal(module, "_provision_resource", ("resource_type", "logical_id", "props", "stack_name"))
    for module in _MODULES
)
UPDATE = tuple(
    Internal(
        module,
        "_update_resource",
        ("resource_type", "physical_id", "old_props", "new_props", "stack_name", "logical_id", "old_attrs"),
    )
    for module in _MODULES
)

_Passed = tuple[str, tuple[str, ...]]
"""The service that gets the roles, and the properties that have them: `Targets[].RoleArn` in a list."""

_ROLES: Mapping[str, _Passed] = {
    "AWS::CodeBuild::Project": ("codebuild", ("ServiceRole",)),
    "AWS::CodeDeploy::DeploymentGroup": ("codedeploy", ("ServiceRoleArn",)),
    "AWS::CodePipeline::Pipeline": ("codepipeline", ("RoleArn", "Stages[].Actions[].RoleArn")),
    "AWS::Cognito::IdentityPoolRoleAttachment": ("cognito-identity", ("Roles{}",)),
    "AWS::Cognito::UserPool": ("cognito-idp", ("SmsConfiguration.SnsCallerArn",)),
    "AWS::ECS::TaskDefinition": ("ecs-tasks", ("TaskRoleArn", "ExecutionRoleArn")),
    "AWS::Events::Rule": ("events", ("RoleArn", "Targets[].RoleArn")),
    "AWS::Glue::Crawler": ("glue", ("Role",)),
    "AWS::Glue::Job": ("glue", ("Role",)),
    "AWS::KinesisFirehose::DeliveryStream": ("firehose", ("*",)),
    "AWS::Lambda::Function": ("lambda", ("Role",)),
    "AWS::Logs::SubscriptionFilter": ("logs", ("RoleArn",)),
    "AWS::Pipes::Pipe": ("pipes", ("RoleArn",)),
    "AWS::Scheduler::Schedule": ("scheduler", ("Target.RoleArn",)),
}
_ACTION = "iam:PassRole"


def install() -> None:
    """Ask before a resource with a role is created, and before it gets another one."""
    for internal in CREATE:
        internal.replace(_creating(internal.current()))
    for internal in UPDATE:
        internal.replace(_updating(internal.current()))


def _creating(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(resource_type: str, logical_id: str, props: Properties, stack_name: str) -> Any:
        _check(resource_type, props, {})
        return create(resource_type, logical_id, props, stack_name)

    return created


def _updating(update: Callable[..., Any]) -> Callable[..., Any]:
    def updated(
        resource_type: str,
        physical_id: str,
        old_props: Properties,
        new_props: Properties,
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: Properties | None = None,
    ) -> Any:
        _check(resource_type, new_props, old_props)
        return update(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)

    return updated


def _check(resource_type: str, properties: Properties, before: Properties) -> None:
    service, members = _ROLES.get(resource_type, ("", ()))
    present = passed_role_arns(before, members)
    for role in passed_role_arns(properties, members):
        if role not in present and not caller_may(_ACTION, role, {"iam:PassedToService": f"{service}.amazonaws.com"}):
            raise ResourceFailed(
                f'Resource handler returned message: "User: {caller_arn()} is not authorized to perform: {_ACTION} on '
                f'resource: {role} because no identity-based policy allows the {_ACTION} action" '
                "(HandlerErrorCode: AccessDenied)"
            )
