"""Names what was denied in the message, as AWS does: the action and the resource.

The base emulator names the action alone, and that of the operation also where another was denied.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.enforcement import denied_authorization

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
        denied = denied_authorization()
        if denied and not given.get("error_code"):
            action, given["resource_arn"] = denied.action, denied.resource
        resource = given.get("resource_arn", "*")
        is_by_identity = not given.get("error_code") and not given.get("resource_policy_arn")
        if is_by_identity and resource != "*" and not given.get("message"):
            shown = f'"{resource}"' if service in _QUOTING else resource
            given["message"] = MESSAGE.current()(action, principal_arn, shown, given.get("explicit_deny", False))
        return original(service, action, principal_arn, request_id, **given)

    RESPONSE.replace(respond)
