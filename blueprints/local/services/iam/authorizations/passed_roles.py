"""Roles that a request gives to a service: the caller needs `iam:PassRole` on each.

Sources: IAM User Guide, "Grant a user permissions to pass a role to an AWS service"; Service Authorization Reference,
dependent actions.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Authorization, Call

ROLES = Internal("services.iam", "_roles")
ACCOUNT = Internal("core.responses", "get_account_id", ())

_ACTION = "iam:PassRole"
_PASSED_TO = "iam:PassedToService"
_ANYWHERE = "*"
_ROLE_MEMBERS = frozenset(("RoleARN", "RoleArn", "roleArn", "credentials", "credentialsArn"))
_AUTHORIZER_MEMBERS = frozenset(("authorizerCredentials", "authorizerCredentialsArn"))
_PATCHED = frozenset(("/credentials", "/authorizerCredentials", "/cloudwatchRoleArn"))

Members = tuple[str, ...]
"""Where a request has roles: `Target.RoleArn`, `Targets[].RoleArn` in a list, `Roles{}` in the values of a map; or `*`,
in every member that has a role's name."""

_ROLE: Members = ("Role",)
_ROLE_ARN: Members = ("RoleArn",)
_STACK: Members = ("RoleARN",)
_LOWER_ROLE_ARN: Members = ("roleArn",)
_PIPELINE: Members = ("pipeline.roleArn", "pipeline.stages[].actions[].roleArn")
_PROJECT: Members = ("serviceRole", "buildBatchConfig.serviceRole")
_TASK: Members = ("taskRoleArn", "executionRoleArn", "overrides.taskRoleArn", "overrides.executionRoleArn")
_USER_POOL: Members = ("SmsConfiguration.SnsCallerArn",)

_PASSED: Mapping[str, tuple[str, Mapping[str, Members]]] = {
    "lambda": ("lambda.amazonaws.com", {"CreateFunction": _ROLE, "UpdateFunctionConfiguration": _ROLE}),
    "events": ("events.amazonaws.com", {"PutRule": _ROLE_ARN, "PutTargets": ("Targets[].RoleArn",)}),
    "scheduler": (
        "scheduler.amazonaws.com",
        dict.fromkeys(("CreateSchedule", "UpdateSchedule"), ("Target.RoleArn",)),
    ),
    "pipes": ("pipes.amazonaws.com", {"CreatePipe": _ROLE_ARN, "UpdatePipe": _ROLE_ARN}),
    "glue": (
        "glue.amazonaws.com",
        {
            **dict.fromkeys(
                (
                    "CreateColumnStatisticsTaskSettings",
                    "CreateCrawler",
                    "CreateJob",
                    "CreateMLTransform",
                    "CreateSession",
                    "StartColumnStatisticsTaskRun",
                    "StartDataQualityRuleRecommendationRun",
                    "StartDataQualityRulesetEvaluationRun",
                    "UpdateColumnStatisticsTaskSettings",
                    "UpdateCrawler",
                    "UpdateMLTransform",
                ),
                _ROLE,
            ),
            "CreateDevEndpoint": _ROLE_ARN,
            "CreateTableOptimizer": ("TableOptimizerConfiguration.roleArn",),
            "StartBlueprintRun": _ROLE_ARN,
            "UpdateJob": ("JobUpdate.Role",),
            "UpdateTableOptimizer": ("TableOptimizerConfiguration.roleArn",),
        },
    ),
    "codebuild": ("codebuild.amazonaws.com", {"CreateProject": _PROJECT, "UpdateProject": _PROJECT}),
    "codepipeline": ("codepipeline.amazonaws.com", {"CreatePipeline": _PIPELINE, "UpdatePipeline": _PIPELINE}),
    "codedeploy": (
        "codedeploy.amazonaws.com",
        dict.fromkeys(("CreateDeploymentGroup", "UpdateDeploymentGroup"), ("serviceRoleArn",)),
    ),
    "logs": ("logs.amazonaws.com", {"PutSubscriptionFilter": _LOWER_ROLE_ARN, "PutDestination": _LOWER_ROLE_ARN}),
    "firehose": (
        "firehose.amazonaws.com",
        {"CreateDeliveryStream": (_ANYWHERE,), "UpdateDestination": (_ANYWHERE,)},
    ),
    "cloudformation": (
        "cloudformation.amazonaws.com",
        dict.fromkeys(
            (
                "ContinueUpdateRollback",
                "CreateChangeSet",
                "CreateStack",
                "DeleteStack",
                "RollbackStack",
                "UpdateStack",
            ),
            _STACK,
        ),
    ),
    "cognito-idp": (
        "cognito-idp.amazonaws.com",
        {
            "CreateUserPool": _USER_POOL,
            "UpdateUserPool": _USER_POOL,
            "SetUserPoolMfaConfig": ("SmsMfaConfiguration.SmsConfiguration.SnsCallerArn",),
            "CreateGroup": _ROLE_ARN,
            "UpdateGroup": _ROLE_ARN,
        },
    ),
    "cognito-identity": ("cognito-identity.amazonaws.com", {"SetIdentityPoolRoles": ("Roles{}",)}),
    "ecs": (
        "ecs-tasks.amazonaws.com",
        dict.fromkeys(("RegisterTaskDefinition", "RunTask", "StartTask"), _TASK),
    ),
    "monitoring": ("streams.metrics.cloudwatch.amazonaws.com", {"PutMetricStream": _ROLE_ARN}),
    "cloudtrail": (
        "cloudtrail.amazonaws.com",
        dict.fromkeys(("CreateTrail", "UpdateTrail"), ("CloudWatchLogsRoleArn",)),
    ),
}
_API_GATEWAY = "apigateway.amazonaws.com"


def passed_roles(call: Call) -> list[Authorization]:
    """`iam:PassRole` on every role that the call gives to a service; most calls give none."""
    if call.service == "apigateway":
        return _authorizations(_API_GATEWAY, _of_api_gateway(call), call)
    service, operations = _PASSED.get(call.service, ("", {}))
    members = operations.get(call.operation)
    if not members:
        return []
    given = call.request or {name: call.text(name) for name in members}
    return _authorizations(service, [role for member in members for role in _values(given, member)], call)


def passed_role_arns(given: Mapping[str, Any], members: Members) -> list[str]:
    """The ARNs of the roles in these members of a request or of a resource's properties."""
    account = ACCOUNT.current()()
    return [_arn(role, account) for member in members for role in _values(given, member)]


def _authorizations(service: str, roles: list[str], call: Call) -> list[Authorization]:
    arns = dict.fromkeys(_arn(role, call.account) for role in roles)
    return [Authorization(_ACTION, arn, {_PASSED_TO: service}) for arn in arns]


def _arn(role: str, account: str) -> str:
    """The ARN of a role, which some services take by its name: with the role's path."""
    if role.startswith("arn:"):
        return role
    found = ROLES.current().get(role.rpartition("/")[2]) or {}
    return str(found.get("Arn") or f"arn:aws:iam::{account}:role/{role}")


def _values(given: Any, member: str) -> Iterator[str]:
    if member == _ANYWHERE:
        yield from _everywhere(given, _ROLE_MEMBERS)
        return
    values = [given]
    for name in member.split("."):
        plain = name.rstrip("[]{}")
        values = [value[plain] for value in values if isinstance(value, dict) and plain in value]
        if name.endswith("[]"):
            values = [each for value in values if isinstance(value, list) for each in value]
        elif name.endswith("{}"):
            values = [each for value in values if isinstance(value, dict) for each in value.values()]
    yield from (value for value in values if value and isinstance(value, str))


def _everywhere(given: Any, names: frozenset[str]) -> Iterator[str]:
    if isinstance(given, list):
        for each in given:
            yield from _everywhere(each, names)
    elif isinstance(given, dict):
        for name, value in given.items():
            if name in names and value and isinstance(value, str):
                yield value
            else:
                yield from _everywhere(value, names)


def _of_api_gateway(call: Call) -> list[str]:
    """The roles of integrations, authorizers and the account, also in the operations of a PATCH.

    An integration's credentials `arn:aws:iam::*:user/*` are the caller's own, which hands over nothing.
    """
    given = _everywhere(call.request, _ROLE_MEMBERS | _AUTHORIZER_MEMBERS)
    patched = (each.get("value") for each in call.objects("patchOperations") if each.get("path") in _PATCHED)
    return [role for role in (*given, *patched) if isinstance(role, str) and ":role/" in role]
