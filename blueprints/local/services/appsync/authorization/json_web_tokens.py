"""Reads JSON Web Tokens; whether one is signed by its issuer is for others to verify."""

import base64
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.services.appsync.requests import Unauthorized

ALGORITHM = "RS256"
NOT_PARSED = "Unable to parse JWT token."
NOT_AUTHORIZED = "You are not authorized to make this call."


def claims_of(token: str) -> Mapping[str, Any] | None:
    """The claims of a token, not verified; None if it is no JSON Web Token."""
    parts = token.split(".")
    if len(parts) != 3 or _decoded(parts[0]) is None:
        return None
    return _decoded(parts[1])


def header_of(token: str) -> Mapping[str, Any]:
    """The header of a token: `alg` and `kid`."""
    return _decoded(token.partition(".")[0]) or {}


def check_expiry(claims: Mapping[str, Any], now: float) -> None:
    """Raises Unauthorized for a token that has expired at `now`, in seconds since 1970, or has no time at all."""
    expires = moment_of(claims, "exp")
    if expires is None or now >= expires:
        raise Unauthorized("Token has expired.")


def moment_of(claims: Mapping[str, Any], name: str) -> float | None:
    """A time in the claims, in seconds since 1970; None without it."""
    found = claims.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _decoded(part: str) -> dict[str, Any] | None:
    try:
        found = read_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
