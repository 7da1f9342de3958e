"""Checks the authentication types of an API: those that work together, and that are emulated."""

import re
from collections.abc import Mapping
from typing import Any

from blueprints.local.services.appsync.control_plane.errors import Refused
from blueprints.local.services.appsync.requests import COGNITO, LAMBDA, OPENID_CONNECT

_EXPRESSIONS = ("appIdClientRegex", "identityValidationExpression")
_SETTINGS = {COGNITO: "userPoolConfig", LAMBDA: "lambdaAuthorizerConfig"}
"""The member that each type needs."""


def check(api: Mapping[str, Any]) -> None:
    """Raises Refused for an API whose authentication types are not emulated, not configured, or there twice."""
    seen: list[str] = []
    for each in (api, *(api.get("additionalAuthenticationProviders") or ())):
        identity = _check_provider(each)
        if identity in seen:
            raise Refused(f"The authentication type {identity} is configured twice.")
        seen.append(identity)


def _check_provider(provider: Mapping[str, Any]) -> str:
    """What distinguishes a provider from the others of the API."""
    mode = str(provider.get("authenticationType"))
    if mode == OPENID_CONNECT:
        raise Refused("The authentication type OPENID_CONNECT is not emulated.")
    needed = _SETTINGS.get(mode)
    settings = provider.get(needed) if needed else None
    if needed and not settings:
        raise Refused(f"The authentication type {mode} needs {needed}.")
    for each in _EXPRESSIONS:
        _check_expression(each, (settings or {}).get(each))
    return f"{mode} {(settings or {}).get('userPoolId')}" if mode == COGNITO else mode


def _check_expression(name: str, given: Any) -> None:
    try:
        re.compile(str(given or ""))
    except re.error as error:
        raise Refused(f"{name} is not a regular expression: {error}") from None
