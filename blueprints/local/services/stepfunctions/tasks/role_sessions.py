"""The roles in which tasks call AWS: credentials and boto3 clients, kept as long as the role stays as it is.

Source: AWS Step Functions Developer Guide, "How AWS Step Functions works with IAM" and "Accessing resources in other
AWS accounts in Step Functions".
"""

import hashlib
import threading
from dataclasses import replace
from functools import cache
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from blueprints.local.base.clients import Caller
from blueprints.local.services.iam import RoleNotAssumed, assume_role
from blueprints.local.services.stepfunctions.tasks.workers import CALLS_AT_ONCE

SERVICE = "states.amazonaws.com"

_NOT_TRUSTED = (
    "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the "
    "provided role."
)
# A call may wait for a function's answer, which takes 15 minutes at most.
_CALL_SECONDS = 910
_making = threading.Lock()
"""Held while a client is made: boto3 makes one at a time."""


class RoleNotTrusted(Exception):
    """Step Functions cannot assume the role; the message is AWS's."""


def check_trust(role_arn: str, region: str) -> None:
    """Raise RoleNotTrusted unless the role exists and lets Step Functions assume it."""
    try:
        assume(role_arn, region)
    except RoleNotAssumed as error:
        raise RoleNotTrusted(str(error)) from None


def assume(role_arn: str, region: str, endpoint: str = "") -> Caller:
    """The role's credentials, the same as long as the embedded AWS runs. Raises RoleNotAssumed."""
    name = session_name(role_arn, endpoint)
    try:
        return assume_role(role_arn, SERVICE, name, region, endpoint)
    except RoleNotAssumed:
        pass
    try:
        return assume_role(role_arn, f"states.{region}.amazonaws.com", name, region, endpoint)
    except RoleNotAssumed:
        raise RoleNotAssumed(_NOT_TRUSTED) from None


@cache
@cache
def session_name(role_arn: str, endpoint: str) -> str:
    """The name of the role's session: 32 letters, the same as long as the embedded AWS runs."""
    digest = hashlib.sha256(f"{role_arn}{endpoint}".encode()).digest()
    return "".join(chr(ord("a") + each % 26) for each in digest)


class RoleSession:
    """A role that was assumed: its credentials, and boto3 clients that use them."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of a service; making the first one takes some milliseconds."""
        with _making:
            if service not in self._clients:
                self._clients[service] = self.caller.client(
                    service, attempts=1, seconds=_CALL_SECONDS, connections=CALLS_AT_ONCE
                )
            return self._clients[service]


class RoleSessions:
    """Sessions by role and Region. A role's trust is read again for each, and its policies at each call."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], RoleSession] = {}

    def of_role(self, role_arn: str, region: str) -> RoleSession:
        """A session of the machine's role. Raises RoleNotAssumed, also when its trust was withdrawn meanwhile."""
        caller = assume(role_arn, region, self._endpoint)
        with self._lock:
            session = self._sessions.get((role_arn, region))
            if session is None or session.caller != caller:
                session = self._sessions[role_arn, region] = RoleSession(caller)
            return session

    def of_owner(self, account: str, region: str) -> RoleSession:
        """A session of the account's owner, for what Step Functions learns without asking in the role."""
        with self._lock:
            key = (account, region)
            if key not in self._sessions:
                self._sessions[key] = RoleSession(Caller.owner(account, region, self._endpoint))
            return self._sessions[key]

    def of_credentials(self, session: RoleSession, role_arn: str, credentials_role: str) -> RoleSession:
        """A session of the role in `Credentials`, which the machine's role assumes; blocks. Raises RoleNotAssumed."""
        name = session_name(credentials_role, self._endpoint)
        try:
            assumed = session.client("sts").assume_role(RoleArn=credentials_role, RoleSessionName=name)
        except (ClientError, ParamValidationError):
            raise RoleNotAssumed(
                f"The role {role_arn} is not authorized to assume the task state's role, {credentials_role}."
            ) from None
        given = assumed["Credentials"]
        return RoleSession(
            replace(
                session.caller,
                access_key=given["AccessKeyId"],
                secret_key=given["SecretAccessKey"],
                session_token=given["SessionToken"],
            )
        )

    def reset(self) -> None:
        """Forget every session."""
        with self._lock:
            self._sessions.clear()
