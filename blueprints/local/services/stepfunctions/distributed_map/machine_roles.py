"""What a Map Run does in the role of its state machine: it reads and writes S3, and starts and redrives children."""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import RoleNotAssumed, may, principal_of
from blueprints.local.services.stepfunctions.tasks.role_sessions import RoleSession, RoleSessions
from blueprints.states_language.failures import StateFailed

SET_ACCOUNT = Internal("core.responses", "set_request_account_id", ("access_key_id",))

PERMISSIONS = "States.Permissions"


class MachineRoles:
    """Clients and permissions of the roles of state machines. The methods block."""

    def __init__(self, sessions: RoleSessions) -> None:
        self._sessions = sessions

    def client(self, service: str, role_arn: str, region: str) -> Any:
        """A boto3 client with the role's credentials. Raises StateFailed if the role cannot be assumed."""
        return self._session(role_arn, region).client(service)

    def check(self, action: str, resource: str, role_arn: str, region: str) -> None:
        """Raise StateFailed unless the role's policies allow the action."""
        caller = self._session(role_arn, region).caller
        if not may(caller, action, resource):
            user = principal_of(caller.access_key, role_arn.split(":")[4]).arn
            raise StateFailed(
                PERMISSIONS,
                f"User: {user} is not authorized to perform: {action} on resource: {resource} because no "
                f"identity-based policy allows the {action} action",
            )

    def _session(self, role_arn: str, region: str) -> RoleSession:
        SET_ACCOUNT.current()(role_arn.split(":")[4])
        try:
            return self._sessions.of_role(role_arn, region)
        except RoleNotAssumed as error:
            raise StateFailed(PERMISSIONS, str(error)) from None
