"""OPENID_CONNECT: tokens of any issuer, whose keys are read from where its configuration says.

Signatures with RS256 are verified; AppSync knows more algorithms, and tokens with them are refused here.

Source: AWS AppSync Developer Guide, "OPENID_CONNECT authorization".
"""

import logging
import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.authorization.json_web_tokens import (
    ALGORITHM,
    NOT_AUTHORIZED,
    NOT_PARSED,
    check_expiry,
    header_of,
    moment_of,
)
from blueprints.local.services.appsync.authorization.providers import Provider
from blueprints.local.services.appsync.requests import OPENID_CONNECT, Identity, Unauthorized

VERIFY = Internal("services.apigateway", "_verify_rs256_signature", ("token", "jwk"))

_CONFIGURATION = "/.well-known/openid-configuration"
_SECONDS = 5.0
"""An issuer has so long to answer a request."""
_KEPT = 3_600.0
"""Real seconds for which an issuer's keys are kept."""
_SOONEST = 30.0
"""Real seconds after which a token with an unknown key makes them be read again."""
_LARGEST = 1_000_000

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Keys:
    by_id: Mapping[str, Mapping[str, Any]]
    read_at: float


def is_issuer(provider: Provider, claims: Mapping[str, Any]) -> bool:
    """Whether a token says that it is from the provider's issuer."""
    return str(claims.get("iss", "")).rstrip("/") == _issuer(provider)


class OpenIdTokens:
    """Verifies tokens, and keeps the keys of their issuers."""

    def __init__(self) -> None:
        self._keys: dict[str, _Keys] = {}
        self._reading = threading.Lock()

    def authenticate(self, token: str, claims: Mapping[str, Any], provider: Provider, now: float) -> Identity:
        """The caller that a token of the provider's issuer is about. Raises Unauthorized."""
        header = header_of(token)
        key = self._key(_issuer(provider), str(header.get("kid") or "")) if header.get("alg") == ALGORITHM else None
        if key is None or not VERIFY.current()(token, dict(key)):
            raise Unauthorized(NOT_PARSED)
        check_expiry(claims, now)
        _check_age(claims, "iat", provider.openid.get("iatTTL"), now)
        _check_age(claims, "auth_time", provider.openid.get("authTTL"), now)
        if not _is_client(claims, provider.openid.get("clientId")):
            raise Unauthorized(NOT_AUTHORIZED)
        return Identity(OPENID_CONNECT, {"sub": claims.get("sub"), "issuer": claims.get("iss"), "claims": dict(claims)})

    def reset(self) -> None:
        """Forget every key."""
        with self._reading:
            self._keys.clear()

    def _key(self, issuer: str, key_id: str) -> Mapping[str, Any] | None:
        with self._reading:
            found, age = self._keys.get(issuer), 0.0
            if found is not None:
                age = time.monotonic() - found.read_at
            if found is None or age > _KEPT or (key_id not in found.by_id and age > _SOONEST):
                found = self._keys[issuer] = _Keys(_read_keys(issuer), time.monotonic())
            return found.by_id.get(key_id)


def _issuer(provider: Provider) -> str:
    return str(provider.openid.get("issuer") or "").rstrip("/")


def _check_age(claims: Mapping[str, Any], name: str, milliseconds: Any, now: float) -> None:
    """Raises Unauthorized for a token that was issued or authenticated too long ago; 0 is no limit."""
    limit = float(milliseconds or 0) / 1000
    began = moment_of(claims, name)
    if limit and (began is None or now >= began + limit):
        raise Unauthorized("Token has expired.")


def _is_client(claims: Mapping[str, Any], expression: Any) -> bool:
    """Whether a token is for a client that the API names by a regular expression."""
    if not expression:
        return True
    audience = claims.get("aud")
    named = [*(audience if isinstance(audience, list) else [audience]), claims.get("azp")]
    return any(isinstance(each, str) and re.fullmatch(str(expression), each) for each in named)


def _read_keys(issuer: str) -> Mapping[str, Mapping[str, Any]]:
    """The keys that an issuer publishes, by id; none if they cannot be read."""
    try:
        configuration = _read(issuer + _CONFIGURATION)
        keys = _read(str(configuration.get("jwks_uri"))).get("keys")
    except (OSError, ValueError) as error:
        log.warning("the keys of %s cannot be read: %s", issuer, error)
        return {}
    found = keys if isinstance(keys, list) else []
    return {str(each.get("kid")): each for each in found if isinstance(each, dict)}


def _read(url: str) -> Mapping[str, Any]:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url} is no URL")
    with urllib.request.urlopen(url, timeout=_SECONDS) as response:  # noqa: S310 - checked above
        found = read_json(response.read(_LARGEST))
    if not isinstance(found, dict):
        raise ValueError(f"{url} is no JSON object")  # noqa: TRY004 - what was read has the wrong form
    return found
