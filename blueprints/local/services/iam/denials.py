"""Names the resource in the message of a denial, as AWS does; the base emulator names the action alone."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

RESPONSE = Internal(
    "core.iam_actions",
    "access_denied_response",
    (
        "service",
        "action",
        "principal_arn",
        "request_id",
        "error_code",
        "message",
        "headers",
        "resource_arn",
        "explicit_deny",
        "resource_policy_arn",
    ),
)
MESSAGE = Internal(
    "core.iam_actions", "identity_denial_message", ("action", "principal_arn", "resource", "explicit_deny")
)

_QUOTING = ("s3",)
"""Services that put the resource in quotes."""


def install() -> None:
    """Give a message to every denial by an identity-based policy that has none."""
    original: Callable[..., Any] = RESPONSE.current()

    def respond(service: str, action: str, principal_arn: str, request_id: str, **given: Any) -> Any:
        resource = given.get("resource_arn", "*")
        is_by_identity = not given.get("error_code") and not given.get("resource_policy_arn")
        if is_by_identity and resource != "*" and not given.get("message"):
            shown = f'"{resource}"' if service in _QUOTING else resource
            given["message"] = MESSAGE.current()(action, principal_arn, shown, given.get("explicit_deny", False))
        return original(service, action, principal_arn, request_id, **given)

    RESPONSE.replace(respond)
