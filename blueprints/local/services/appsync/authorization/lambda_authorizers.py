"""AWS_LAMBDA: a function of the API's owner decides about each token.

Its answer is kept for the time that the API or the answer itself gives, by token. Without the permission to invoke it,
on an error, after ten seconds and for an answer without `isAuthorized`, the request is refused.

Source: AWS AppSync Developer Guide, "AWS_LAMBDA authorization".
"""

import json
import logging
import re
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.clients import Caller
from blueprints.local.base.clock import Clock
from blueprints.local.services.appsync.authorization.providers import Provider
from blueprints.local.services.appsync.function_calls import FunctionCalls
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import LAMBDA, Identity, Unauthorized
from blueprints.local.services.iam import may_invoke
from blueprints.local.services.lambda_ import invoke

_SERVICE = "appsync.amazonaws.com"
_SECONDS = 10.0
"""AppSync waits so long for an authorizer."""
_LONGEST_TTL = 3600
_KEPT = 10_000
_REFUSAL = "You are not authorized to make this call."

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Decision:
    """What an authorizer answered."""

    authorized: bool
    context: Mapping[str, Any]
    denied_fields: tuple[str, ...]
    expires: float
    """When it may not be used any more, in seconds of the clock."""


class _NoDecision(Exception):
    """An authorizer that gave no decision that AppSync can use; the message says why."""


class LambdaAuthorizers:
    """Asks the authorizers of every API, and keeps their decisions."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self._endpoint, self._clock = endpoint, clock
        self._calls = FunctionCalls()
        self._decisions: dict[tuple[str, str, str], _Decision] = {}
        self._keeping = threading.Lock()

    def authenticate(
        self, api: GraphqlApi, token: str, provider: Provider, headers: Mapping[str, str], operation: Any
    ) -> Identity:
        """The caller with a token that the API's function accepts. Raises Unauthorized."""
        expression = provider.authorizer.get("identityValidationExpression")
        if expression and not re.search(str(expression), token):
            raise Unauthorized(_REFUSAL)
        decision = self._kept(api, token, provider)
        if decision is None:
            try:
                decision = self._ask(api, token, provider, headers, operation)
            except _NoDecision as failure:
                log.warning("the Lambda authorizer of the AppSync API %s refuses: %s", api.api_id, failure)
                raise Unauthorized(_REFUSAL) from None
            self._keep(api, token, provider, decision)
        if not decision.authorized:
            raise Unauthorized(_REFUSAL)
        return Identity(LAMBDA, {"resolverContext": dict(decision.context)}, denied_fields=decision.denied_fields)

    def reset(self) -> None:
        """Forget every decision."""
        with self._keeping:
            self._decisions.clear()

    def close(self) -> None:
        """End what was started."""
        self._calls.close()

    def _kept(self, api: GraphqlApi, token: str, provider: Provider) -> _Decision | None:
        with self._keeping:
            found = self._decisions.get((api.api_id, _function(provider), token))
        return found if found and self._clock.now() < found.expires else None

    def _keep(self, api: GraphqlApi, token: str, provider: Provider, decision: _Decision) -> None:
        now = self._clock.now()
        if decision.expires <= now:
            return
        with self._keeping:
            if len(self._decisions) >= _KEPT:
                self._decisions = {key: each for key, each in self._decisions.items() if each.expires > now}
            if len(self._decisions) < _KEPT:
                self._decisions[(api.api_id, _function(provider), token)] = decision

    def _ask(
        self, api: GraphqlApi, token: str, provider: Provider, headers: Mapping[str, str], operation: Any
    ) -> _Decision:
        function = _function(provider)
        if not may_invoke(function, _SERVICE, api.arn, api.account):
            raise _NoDecision(f"the policy of {function} does not allow {_SERVICE} to invoke it for {api.arn}")
        region, account = function.split(":")[3:5]
        owner = Caller.owner(account, region, self._endpoint)
        payload = json.dumps(_event(api, token, headers, operation)).encode()
        try:
            response = self._calls.run(invoke(owner, function, payload), _SECONDS)
        except NotInTime:
            raise _NoDecision(f"{function} did not answer within {_SECONDS:.0f} seconds") from None
        if response.error or response.function_error:
            raise _NoDecision(f"{function} failed: {response.error or response.body.decode(errors='replace')}")
        ttl = provider.authorizer.get("authorizerResultTtlInSeconds") or 0
        return _decision(response.body, float(ttl), self._clock.now())


def _function(provider: Provider) -> str:
    return str(provider.authorizer.get("authorizerUri") or "")


def _event(api: GraphqlApi, token: str, headers: Mapping[str, str], operation: Any) -> dict[str, Any]:
    return {
        "authorizationToken": token,
        "requestContext": {
            "apiId": api.api_id,
            "accountId": api.account,
            "requestId": str(uuid.uuid4()),
            "queryString": getattr(operation, "query", None) or "",
            "operationName": getattr(operation, "operation_name", None),
            "variables": dict(getattr(operation, "variables", None) or {}),
        },
        "requestHeaders": {name: value for name, value in headers.items() if name != "authorization"},
    }


def _decision(content: bytes, ttl: float, now: float) -> _Decision:
    """The decision in an authorizer's response. Raises _NoDecision."""
    try:
        given = read_json(content or b"null")
    except ValueError:
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("isAuthorized"), bool):
        raise _NoDecision("its response has no isAuthorized of true or false")
    context, denied = given.get("resolverContext") or {}, given.get("deniedFields") or []
    if not isinstance(context, dict) or any(isinstance(each, dict | list) for each in context.values()):
        raise _NoDecision("its resolverContext is no object of texts, numbers and booleans")
    if not isinstance(denied, list) or not all(isinstance(each, str) for each in denied):
        raise _NoDecision("its deniedFields are no list of texts")
    override = given.get("ttlOverride")
    if isinstance(override, int | float) and not isinstance(override, bool):
        ttl = float(override)
    return _Decision(given["isAuthorized"], context, tuple(denied), now + min(max(ttl, 0.0), _LONGEST_TTL))
