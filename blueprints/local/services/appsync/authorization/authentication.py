"""Finds the authentication type that a request uses, and its caller.

An API key is in a header of its own, which counts only without a header Authorization that is for the API. The
header Authorization holds a signature, a token of a user pool or of OpenID Connect, which is recognised by its issuer,
or any other text, which goes to the Lambda authorizer; a token whose issuer is none of the API's never goes there.

Source: AWS AppSync Developer Guide, "Configuring authorization and authentication".
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.services.appsync.authorization import (
    cognito_tokens,
    json_web_tokens,
    openid_tokens,
    signatures,
)
from blueprints.local.services.appsync.authorization.lambda_authorizers import LambdaAuthorizers
from blueprints.local.services.appsync.authorization.providers import Provider, providers_of
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import (
    API_KEY,
    COGNITO,
    IAM,
    LAMBDA,
    OPENID_CONNECT,
    Identity,
    Unauthorized,
)

_BEARER = "bearer "
_BY_ISSUER = (COGNITO, OPENID_CONNECT)
_NOT_AUTHORIZED = "You are not authorized to make this call."
_NO_HEADER = "Valid authorization header not provided."


class Authentication:
    """Authenticates requests over HTTP, the connections of WebSockets, and each of their subscriptions."""

    def __init__(self, endpoint: str, clock: Clock, now: Callable[[], float] = time.time) -> None:
        """`now` gives the seconds since 1970, by which keys and tokens expire."""
        self._authorizers = LambdaAuthorizers(endpoint, clock)
        self._openid_tokens = openid_tokens.OpenIdTokens()
        self._now = now

    def authenticate(
        self,
        api: GraphqlApi,
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        path: str,
        body: bytes,
        operation: Any,
        source_ip: str = "127.0.0.1",
    ) -> Identity:
        """The caller who makes a request with these headers, by lower-case name. Raises Unauthorized.

        A signature covers `method`, `path` and `body`. A Lambda authorizer gets the operation's query, variables and
        name; `operation` is None for a connection.
        """
        providers = providers_of(api)
        modes = {each.mode for each in providers}
        authorization = headers.get("authorization", "").strip()
        if signatures.is_signature(authorization) and IAM in modes:
            return signatures.authenticate(api, headers, method, path, body, source_ip)
        if authorization and not signatures.is_signature(authorization):
            found = self._by_token(api, authorization, providers, headers, operation, source_ip)
            if found is not None:
                return found
        if API_KEY in modes and "x-api-key" in headers:
            return self._by_key(api, headers["x-api-key"])
        raise Unauthorized(_NO_HEADER)

    def reset(self) -> None:
        """Forget the decisions of Lambda authorizers, and the keys of issuers."""
        self._authorizers.reset()
        self._openid_tokens.reset()

    def close(self) -> None:
        """End what was started."""
        self._authorizers.close()

    def _by_key(self, api: GraphqlApi, key: str) -> Identity:
        if any(each["id"] == key and self._now() < float(each["expires"]) for each in api.api_keys):
            return Identity(API_KEY, None)
        raise Unauthorized(_NOT_AUTHORIZED)

    def _by_token(
        self,
        api: GraphqlApi,
        authorization: str,
        providers: list[Provider],
        headers: Mapping[str, str],
        operation: Any,
        source_ip: str,
    ) -> Identity | None:
        """The caller with a token; None if the token is for none of the API's authentication types."""
        issuers = [each for each in providers if each.mode in _BY_ISSUER]
        authorizer = next((each for each in providers if each.mode == LAMBDA), None)
        token = authorization[len(_BEARER) :] if authorization.lower().startswith(_BEARER) else authorization
        claims = json_web_tokens.claims_of(token) if issuers else None
        if claims is not None:
            return self._by_issuer(token, claims, issuers, source_ip)
        if authorizer is not None:
            return self._authorizers.authenticate(api, authorization, authorizer, headers, operation)
        if issuers:
            raise Unauthorized(json_web_tokens.NOT_PARSED)
        return None

    def _by_issuer(
        self, token: str, claims: Mapping[str, Any], providers: list[Provider], source_ip: str
    ) -> Identity | None:
        """The caller with a JSON Web Token; None if its issuer is none of the API's."""
        for each in providers:
            if each.mode == COGNITO and claims.get("iss") == cognito_tokens.issuer_of(each):
                return cognito_tokens.authenticate(token, claims, each, self._now(), source_ip)
            if each.mode == OPENID_CONNECT and openid_tokens.is_issuer(each, claims):
                return self._openid_tokens.authenticate(token, claims, each, self._now())
        return None
