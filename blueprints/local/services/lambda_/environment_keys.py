"""Environment variables that are encrypted with a key of KMS: Lambda decrypts them in the function's role.

On AWS, a grant that Lambda makes when the function is created may let the role in as well; here its policies have to.
Sources: AWS Lambda Developer Guide, "Securing Lambda environment variables"; API reference, errors of Invoke.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services import iam, kms
from blueprints.local.services.lambda_.function_code import CREDENTIALS

INVOKE = Internal("services.lambda_svc", "_invoke", ("name", "event", "headers", "path_qualifier", "query_params"))

_BAD_GATEWAY = 502
_ERRORS = {
    "AccessDenied": ("KMSAccessDeniedException", "KMS access was denied", "AccessDeniedException"),
    "Disabled": ("KMSDisabledException", "the KMS key used is disabled", "DisabledException"),
    "InvalidState": ("KMSInvalidStateException", "the KMS key used is in an invalid state", "KMSInvalidStateException"),
    "NotFound": ("KMSNotFoundException", "the KMS key was not found", "NotFoundException"),
}
_CODES = frozenset(code for code, _, _ in _ERRORS.values())


class CannotDecrypt(Exception):
    """Lambda cannot decrypt a function's environment variables; `code` is the error of Invoke."""

    def __init__(self, refused: kms.KeyRefused) -> None:
        self.code, reason, exception = _ERRORS[refused.reason]
        super().__init__(
            f"Lambda was unable to decrypt the environment variables because {reason}. Please check the function's "
            f"KMS key settings. KMS Exception: {exception} KMS Message: {refused}"
        )


def check_role(config: Mapping[str, Any]) -> None:
    """Check that a function's role may decrypt its environment variables. Raises CannotDecrypt."""
    encryption = _encryption(config, str(config["FunctionArn"]))
    if encryption is None:
        return
    principal = iam.principal_of(CREDENTIALS.current()(config)["AWS_ACCESS_KEY_ID"], _account(config))
    try:
        kms.require(principal, encryption, "Decrypt")
    except kms.KeyRefused as refused:
        raise CannotDecrypt(refused) from None


def refusal_at_creation(settings: Mapping[str, Any]) -> str | None:
    """Why the caller cannot give a function this key, by the properties of a template or of the API; None if it can."""
    encryption = _encryption(settings, str(settings.get("Role") or ":::::"))
    if encryption is None:
        return None
    try:
        kms.require_caller(encryption, "CreateGrant", "Encrypt")
    except kms.KeyRefused as refused:
        return (
            "Lambda was unable to configure access to your environment variables because the KMS key cannot be used. "
            f"Please check your KMS key settings. KMS Message: {refused}"
        )
    return None


def install() -> None:
    """Answer Invoke with the error of KMS, not with an error of the function."""
    invoke: Callable[..., Awaitable[Any]] = INVOKE.current()

    async def invoking(*arguments: Any, **options: Any) -> Any:
        status, headers, body = await invoke(*arguments, **options)
        error = json.loads(body) if body and "X-Amz-Function-Error" in headers else {}
        if not isinstance(error, dict) or error.get("errorType") not in _CODES:
            return status, headers, body
        message = json.dumps({"Message": error["errorMessage"]}).encode()
        return _BAD_GATEWAY, {"Content-Type": "application/json", "x-amzn-errortype": error["errorType"]}, message

    INVOKE.replace(invoking)


def _encryption(settings: Mapping[str, Any], arn: str) -> kms.Encryption | None:
    """Templates call the key KmsKeyArn, the API calls it KMSKeyArn."""
    key = settings.get("KMSKeyArn") or settings.get("KmsKeyArn")
    if not key or not (settings.get("Environment") or {}).get("Variables"):
        return None
    return kms.Encryption(str(key), "lambda", arn, {"aws:lambda:FunctionArn": arn.removesuffix(_version_of(arn))})


def _version_of(function_arn: str) -> str:
    """The version at the end of a function's ARN, with its colon."""
    parts = function_arn.split(":")
    return f":{parts[7]}" if len(parts) > 7 else ""


def _account(config: Mapping[str, Any]) -> str:
    return str(config["FunctionArn"]).split(":")[4]
