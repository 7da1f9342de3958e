"""What AWS services do in a role's name: they take the role, where it trusts them, and then only do what it may."""

import hashlib
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import identity_policies
from blueprints.local.services.iam.role_trust import trusts

ROLES = Internal("services.iam", "_roles")
REGISTER_SESSION = Internal("services.sts", "register_session", ("access_key", "session"))


class RoleNotAssumed(Exception):
    """A service may not act in a role's name; the message says why, as AWS words it."""


@dataclass(frozen=True)
class Session:
    """A role, taken: the credentials, and clients that use them."""

    environment: dict[str, str]
    """AWS_ACCESS_KEY_ID and its companions."""
    region: str
    endpoint: str

    def client(self, service: str) -> Any:
        """A client that may do what the role may."""
        settings = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3}, proxies={})
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.environment["AWS_SESSION_TOKEN"],
            config=settings,
        )


def assume_role(role_arn: str, service: str, session_name: str, region: str, endpoint: str) -> Session:
    """Take a role for a service such as `codebuild.amazonaws.com`. Raises RoleNotAssumed."""
    name = role_arn.rsplit("/", 1)[-1]
    role = ROLES.current().get(name)
    if role is None:
        raise RoleNotAssumed(f"The role {role_arn} does not exist")
    if not trusts(role.get("AssumeRolePolicyDocument"), service):
        raise RoleNotAssumed(f"{service} is not authorized to perform: sts:AssumeRole on service role {role_arn}")
    digest = hashlib.sha256(f"{role_arn}:{session_name}".encode()).hexdigest()
    access_key = f"ASIA{digest[:16].upper()}"
    secret = hashlib.sha256(f"secret:{digest}".encode()).hexdigest()
    token = hashlib.sha256(f"token:{digest}".encode()).hexdigest()
    account = role_arn.split(":")[4]
    session = {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "UserId": f"{name}:{session_name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    }
    REGISTER_SESSION.current()(access_key, session)
    environment = {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": token,
    }
    return Session(environment, region, endpoint)


def may(session: Session, action: str, arn: str) -> bool:
    """Whether the role may do something to a resource, where asking it over the wire would be asking ourselves."""
    principal = identity_policies.principal_of(session.environment["AWS_ACCESS_KEY_ID"], arn.split(":")[4])
    asked = identity_policies.question(principal, action, arn, session.region)
    return bool(identity_policies.answer(principal, asked).decision == "Allow")
