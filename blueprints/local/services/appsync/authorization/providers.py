"""The authentication types of an API: the default one and the additional ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.appsync.records import GraphqlApi, Record
from blueprints.local.services.appsync.requests import COGNITO


@dataclass(frozen=True)
class Provider:
    """One authentication type of an API, with its configuration in AppSync's form."""

    mode: str
    """The authentication type, such as `AWS_IAM`."""
    settings: Record

    @property
    def user_pool(self) -> Mapping[str, Any]:
        """`userPoolConfig`, for a Cognito user pool: `userPoolId`, `awsRegion`, `appIdClientRegex`."""
        return self.settings.get("userPoolConfig") or {}

    @property
    def openid(self) -> Mapping[str, Any]:
        """`openIDConnectConfig`, for OpenID Connect: `issuer`, `clientId`, `authTTL`, `iatTTL`."""
        return self.settings.get("openIDConnectConfig") or {}

    @property
    def authorizer(self) -> Mapping[str, Any]:
        """`lambdaAuthorizerConfig`, for a Lambda authorizer: `authorizerUri` and so on."""
        return self.settings.get("lambdaAuthorizerConfig") or {}


def providers_of(api: GraphqlApi) -> list[Provider]:
    """The providers of an API, the default one first."""
    additional = api.record.get("additionalAuthenticationProviders") or ()
    return [Provider(str(each.get("authenticationType")), each) for each in (api.record, *additional)]


def default_mode(api: GraphqlApi) -> str:
    """The authentication type that may read fields without a directive."""
    return str(api.record.get("authenticationType"))


def is_only_cognito(api: GraphqlApi) -> bool:
    """Whether user pools are the API's only authentication type: only then @aws_auth has an effect."""
    return {each.mode for each in providers_of(api)} == {COGNITO}
