"""Whether a role's trust policy lets a service assume the role.

Source: IAM User Guide, "Create a role to delegate permissions to an AWS service" and "The confused deputy problem".
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.policies.statements import raw_statements, read
from blueprints.local.services.iam.resource_policies import policy_allows

ROLES = Internal("services.iam", "_roles")

_SOURCE_ARN = "aws:sourcearn"


def role_of(role_arn: str) -> Mapping[str, Any] | None:
    """The role of an ARN, which has the role's path; None if there is no such role."""
    role: Mapping[str, Any] | None = ROLES.current().get(role_arn.rsplit("/", 1)[-1])
    return role if role is not None and role["Arn"] == role_arn else None


def trusts(role: Mapping[str, Any], service: str) -> bool:
    """Whether a service such as `lambda.amazonaws.com` may assume a role of the account for the account itself.

    Denials and conditions count, such as one on `aws:SourceAccount`. Which resource a service assumes the role for is
    not known here: a condition on `aws:SourceArn` counts as met, and a denial with one is left out.
    """
    account = str(role["Arn"]).split(":")[4]
    document = _without_source_arn(read(role.get("AssumeRolePolicyDocument")))
    keys = {"aws:sourceaccount": account}
    return policy_allows(document, service, "sts:AssumeRole", str(role["Arn"]), "", keys)


def _without_source_arn(document: Any) -> Any:
    return {
        "Version": document.get("Version") if isinstance(document, dict) else None,
        "Statement": [
            {**each, "Condition": _other_conditions(each["Condition"])} if "Condition" in each else each
            for each in raw_statements(document)
            if each["Effect"] == "Allow" or not _asks_for_source(each.get("Condition"))
        ],
    }


def _asks_for_source(conditions: Any) -> bool:
    found = conditions.values() if isinstance(conditions, dict) else ()
    return any(key.lower() == _SOURCE_ARN for keys in found if isinstance(keys, dict) for key in keys)


def _other_conditions(conditions: Any) -> dict[str, Any]:
    found = conditions.items() if isinstance(conditions, dict) else ()
    return {
        operator: {key: value for key, value in keys.items() if key.lower() != _SOURCE_ARN}
        for operator, keys in found
        if isinstance(keys, dict)
    }
