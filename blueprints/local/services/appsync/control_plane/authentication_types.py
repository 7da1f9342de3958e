"""Checks the authentication types of an API: those that are configured and work together."""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.local.services.appsync.control_plane.errors import Refused
from blueprints.local.services.appsync.requests import COGNITO, LAMBDA, OPENID_CONNECT

_EXPRESSIONS = ("appIdClientRegex", "identityValidationExpression", "clientId")
_ISSUER = re.compile(r"https://.+|http://(localhost|127\.0\.0\.1)(:\d+)?(/.*)?")
"""An issuer without TLS is accepted on this machine alone."""
_SETTINGS = {
    COGNITO: "userPoolConfig",
    LAMBDA: "lambdaAuthorizerConfig",
    OPENID_CONNECT: "openIDConnectConfig",
}
"""The member that each type needs."""


def check(api: Mapping[str, Any]) -> None:
    """Raises Refused for an API whose authentication types are not configured or there twice."""
    seen: list[str] = []
    for each in (api, *(api.get("additionalAuthenticationProviders") or ())):
        identity = _check_provider(each)
        if identity in seen:
            raise Refused(f"The authentication type {identity} is configured twice.")
        seen.append(identity)


def _check_provider(provider: Mapping[str, Any]) -> str:
    """What distinguishes a provider from the others of the API."""
    mode = str(provider.get("authenticationType"))
    needed = _SETTINGS.get(mode)
    settings = provider.get(needed) if needed else None
    if needed and not settings:
        raise Refused(f"The authentication type {mode} needs {needed}.")
    for each in _EXPRESSIONS:
        _check_expression(each, (settings or {}).get(each))
    issuer = str((settings or {}).get("issuer") or "")
    if mode == OPENID_CONNECT:
        if not _ISSUER.fullmatch(issuer):
            raise Refused(f"The issuer '{issuer}' of OpenID Connect must be a URL with https.")
        return f"{mode} {issuer}"
    return f"{mode} {(settings or {}).get('userPoolId')}" if mode == COGNITO else mode


def _check_expression(name: str, given: Any) -> None:
    try:
        re.compile(str(given or ""))
    except re.error as error:
        raise Refused(f"{name} is not a regular expression: {error}") from None
