"""Checks in IAM whether an execution role may read an event source: at creation, and at every read."""

from collections.abc import Sequence
from typing import Any

from blueprints.local.services import iam, kms
from blueprints.local.services.lambda_.function_code import CREDENTIALS


def denied(config: dict[str, Any], permissions: Sequence[tuple[str, str]]) -> str | None:
    """Why a function's role may not do one of the actions, in IAM's words; None if it may do all.

    `permissions` are actions, each with the ARN of its resource.
    """
    account = str(config["FunctionArn"]).split(":")[4]
    principal = iam.principal_of(CREDENTIALS.current()(config)["AWS_ACCESS_KEY_ID"], account)
    for action, resource in permissions:
        if not _allowed(principal, action, resource):
            return f"User: {principal.arn} is not authorized to perform: {action} on resource: {resource}"
    return None


def undecryptable(config: dict[str, Any], source_arn: str) -> str | None:
    """Why a function's role may not decrypt the records of an event source, in KMS's words; None when it may."""
    encryption = kms.encryption_of(source_arn)
    if encryption is None:
        return None
    account = str(config["FunctionArn"]).split(":")[4]
    principal = iam.principal_of(CREDENTIALS.current()(config)["AWS_ACCESS_KEY_ID"], account)
    try:
        kms.require(principal, encryption, "Decrypt")
    except kms.KeyRefused as refused:
        return str(refused)
    return None


def _allowed(principal: Any, action: str, arn: str) -> bool:
    asked = iam.question(principal, action, arn, region=arn.split(":")[3])
    return bool(iam.answer(principal, asked).decision == "Allow")
