"""Checks that a caller may give AppSync a role: `iam:PassRole`, for the service appsync.amazonaws.com."""

from blueprints.local.services.appsync.control_plane.errors import Refused
from blueprints.local.services.iam import caller_arn, caller_may

_ACTION = "iam:PassRole"
_SERVICE = "appsync.amazonaws.com"


def check_role(role: str) -> None:
    """Raises Refused if the caller may not pass a role to AppSync; an empty ARN is no role."""
    if role and not caller_may(_ACTION, role, {"iam:PassedToService": _SERVICE}):
        message = f"User: {caller_arn()} is not authorized to perform: {_ACTION} on resource: {role}"
        raise Refused(message, "AccessDeniedException", 403)
