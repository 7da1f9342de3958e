"""User pools for tests, their users and tokens."""

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any

from blueprints.local.cloud import Cloud

PASSWORD = "Correct-horse-1"


class UserPool:
    """A user pool with one app client."""

    def __init__(self, cloud: Cloud) -> None:
        self.cognito = cloud.client("cognito-idp")
        self.id = self.cognito.create_user_pool(PoolName=f"users-{uuid.uuid4().hex[:8]}")["UserPool"]["Id"]
        self.client = self.new_client()

    def new_client(self) -> str:
        """The id of a new app client, which may sign users in by their password."""
        made = self.cognito.create_user_pool_client(
            UserPoolId=self.id,
            ClientName="app",
            ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        )
        return str(made["UserPoolClient"]["ClientId"])

    def add(self, name: str, *groups: str) -> None:
        """Create a user in groups."""
        self.cognito.admin_create_user(UserPoolId=self.id, Username=name, MessageAction="SUPPRESS")
        self.cognito.admin_set_user_password(UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True)
        for group in groups:
            self.cognito.create_group(UserPoolId=self.id, GroupName=group)
            self.cognito.admin_add_user_to_group(UserPoolId=self.id, Username=name, GroupName=group)

    def sign_in(self, name: str, client: str | None = None) -> Mapping[str, str]:
        """The tokens of a user: `AccessToken`, `IdToken` and `RefreshToken`."""
        result: Mapping[str, str] = self.cognito.initiate_auth(
            ClientId=client or self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        return result

    @property
    def config(self) -> dict[str, Any]:
        """`UserPoolConfig` of an additional provider."""
        return {"UserPoolId": self.id, "AwsRegion": "us-east-1"}


def tampered(token: str, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
    """A token with other claims or another header, and the signature it had."""
    parts = token.split(".")
    first = {**_decoded(parts[0]), **(header or {})}
    second = {**_decoded(parts[1]), **claims}
    return f"{_encoded(first)}.{_encoded(second)}.{parts[2]}"


def unsigned(token: str) -> str:
    """The token with the algorithm `none` and without its signature."""
    return tampered(token, {"alg": "none"}).rpartition(".")[0] + "."


def _decoded(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _encoded(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
