"""AMAZON_COGNITO_USER_POOLS: checks the tokens of a user pool, and reads who a token is about.

AppSync accepts ID tokens and access tokens until they expire, also after they were revoked or their user was deleted:
it checks the signature and the claims and asks Cognito nothing else.

Source: AWS AppSync Developer Guide, "AMAZON_COGNITO_USER_POOLS authorization"; Amazon Cognito Developer Guide, "Ending
user sessions with token revocation".
"""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.authorization.json_web_tokens import (
    ALGORITHM,
    NOT_AUTHORIZED,
    NOT_PARSED,
    check_expiry,
    header_of,
)
from blueprints.local.services.appsync.authorization.providers import Provider
from blueprints.local.services.appsync.requests import COGNITO, Identity, Unauthorized

POOL = Internal("services.cognito", "_get_pool_unscoped", ("pool_id",))
SIGNATURE_VALID = Internal("services.cognito", "_signature_valid", ("token",))

_USES = ("id", "access")


def issuer_of(provider: Provider) -> str:
    """The issuer in the tokens of a provider's user pool."""
    pool = provider.user_pool
    return f"https://cognito-idp.{pool.get('awsRegion')}.amazonaws.com/{pool.get('userPoolId')}"


def authenticate(token: str, claims: Mapping[str, Any], provider: Provider, now: float, source_ip: str) -> Identity:
    """The user that a token of the provider's pool is about. Raises Unauthorized."""
    # An algorithm such as `none` is refused by name: the signature would be checked as RS256 in any case.
    known = POOL.current()(str(provider.user_pool.get("userPoolId"))) is not None
    if header_of(token).get("alg") != ALGORITHM or not known or not SIGNATURE_VALID.current()(token):
        raise Unauthorized(NOT_PARSED)
    check_expiry(claims, now)
    if claims.get("token_use") not in _USES or not _is_client(claims, provider):
        raise Unauthorized(NOT_AUTHORIZED)
    return _identity(claims, provider, source_ip)


def _is_client(claims: Mapping[str, Any], provider: Provider) -> bool:
    """Whether the token was issued to an app client that the provider accepts."""
    pattern = provider.user_pool.get("appIdClientRegex")
    client = str(claims.get("client_id") or claims.get("aud") or "")
    return not pattern or re.fullmatch(str(pattern), client) is not None


def _identity(claims: Mapping[str, Any], provider: Provider, source_ip: str) -> Identity:
    groups = claims.get("cognito:groups")
    context = {
        "sub": claims.get("sub"),
        "issuer": claims.get("iss"),
        "username": claims.get("cognito:username") or claims.get("username"),
        "claims": dict(claims),
        "sourceIp": [source_ip],
        "defaultAuthStrategy": provider.user_pool.get("defaultAction") or "ALLOW",
        "groups": groups if isinstance(groups, list) else None,
    }
    return Identity(COGNITO, context, groups=tuple(groups) if isinstance(groups, list) else ())
