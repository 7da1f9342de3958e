"""Rules that Step Functions makes in EventBridge to learn that a job ended, with the permissions of the machine's role.

A machine whose role may not make them cannot be created. Source: AWS Step Functions Developer Guide, "How Step
Functions generates IAM policies for integrated services".
"""

from collections.abc import Iterable

from blueprints.local.services.iam import may
from blueprints.local.services.stepfunctions.tasks.integrations import integration_of
from blueprints.local.services.stepfunctions.tasks.jobs import rule_of
from blueprints.local.services.stepfunctions.tasks.role_sessions import assume

_ACTIONS = ("events:PutTargets", "events:PutRule", "events:DescribeRule")


def refusal_of_rules(role_arn: str, resources: Iterable[str], region: str) -> str | None:
    """Why a machine with these Resources cannot be created, in AWS's words, or None. Raises RoleNotAssumed."""
    session = assume(role_arn, region)
    account = role_arn.split(":")[4]
    for resource in resources:
        integration = integration_of(resource)
        rule = rule_of(integration) if integration else None
        rule_arn = f"arn:aws:events:{region}:{account}:rule/{rule}"
        if rule and not all(may(session, action, rule_arn) for action in _ACTIONS):
            return f"'{role_arn}' is not authorized to create managed-rule."
    return None
