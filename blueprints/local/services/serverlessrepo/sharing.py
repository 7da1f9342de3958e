"""The policy of an application: who may use it."""

import json
import re
import uuid
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.sar_rules.limits import OSI_LICENCES, POLICY_CHARACTERS

_DEPLOY = {
    "CreateCloudFormationChangeSet", "CreateCloudFormationTemplate", "GetApplication", "ListApplicationDependencies",
    "ListApplicationVersions", "SearchApplications",
}  # fmt: skip
_ACTIONS = {*_DEPLOY, "Deploy", "UnshareApplication"}


def checked(statements: list[dict[str, Any]], application: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements as they are stored. Raises ServiceError for what SAR refuses."""
    if len(json.dumps(statements)) > POLICY_CHARACTERS:
        raise ServiceError("BadRequestException", f"The policy has more than {POLICY_CHARACTERS} characters")
    return [_checked(statement, application) for statement in statements]


def allows(application: dict[str, Any], account: str, action: str) -> bool:
    """Whether an account may use this action of an application. Organizations have no members here."""
    if application["Account"] == account:
        return True
    for statement in application["Statements"]:
        meant = {account, "*"} if not statement["PrincipalOrgIDs"] else {account}
        granted = {*statement["Actions"], *(_DEPLOY if "Deploy" in statement["Actions"] else ())}
        if meant & set(statement["Principals"]) and action in granted:
            return True
    return False


def _checked(statement: dict[str, Any], application: dict[str, Any]) -> dict[str, Any]:
    principals, actions = statement["Principals"], statement["Actions"]
    organizations = statement.get("PrincipalOrgIDs") or []
    unknown = sorted(set(actions) - _ACTIONS)
    if unknown or not actions:
        raise ServiceError("BadRequestException", f"Unknown action {', '.join(unknown) or 'none'} in the policy")
    wrong = [each for each in principals if not re.fullmatch(r"\*|\d{12}", each)]
    if wrong or not principals:
        raise ServiceError("BadRequestException", f"Invalid principal {', '.join(wrong) or 'none'} in the policy")
    if any(not re.fullmatch(r"o-[a-z0-9]{10,32}", each) for each in organizations):
        raise ServiceError("BadRequestException", f"Invalid organization in {organizations}")
    if organizations and (principals != ["*"] or "UnshareApplication" not in actions):
        raise ServiceError(
            "BadRequestException", "Sharing with an organization takes Principals * and the action UnshareApplication"
        )
    if "*" in principals and not organizations:
        _check_public(application)
    return {
        "StatementId": statement.get("StatementId") or str(uuid.uuid4()),
        "Principals": principals,
        "PrincipalOrgIDs": organizations,
        "Actions": actions,
    }


def _check_public(application: dict[str, Any]) -> None:
    versions = application["Versions"].values()
    if application.get("SpdxLicenseId") not in OSI_LICENCES or not application["License"]:
        raise ServiceError("BadRequestException", "A public application needs a licence that the OSI has approved")
    if not any("SourceCodeUrl" in version for version in versions):
        raise ServiceError(
            "BadRequestException", "A public application needs a semantic version with a source code URL"
        )
