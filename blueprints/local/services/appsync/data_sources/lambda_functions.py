"""Data sources of type AWS_LAMBDA: Invoke and BatchInvoke.

Source: AWS AppSync Developer Guide, "AWS AppSync JavaScript resolver function reference for Lambda".
"""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import TimeoutError as NotInTime
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.clients import Caller
from blueprints.local.services.appsync.data_sources.calls import TIMED_OUT, Call, Outcome, SourceError, SourceFailed
from blueprints.local.services.appsync.data_sources.roles import Roles
from blueprints.local.services.appsync.function_calls import FunctionCalls
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.lambda_ import LambdaResponse, invoke

_EVENT = "Event"
_UNHANDLED = "Lambda:Unhandled"

log = logging.getLogger(__name__)


class LambdaFunctions:
    """Invokes the functions of data sources, from any thread."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles
        self._calls = FunctionCalls()

    def call(self, api: GraphqlApi, calls: Sequence[Call], seconds: float) -> list[Outcome]:
        """Invoke the function once for all calls, which are several only for BatchInvoke. Raises SourceFailed."""
        first = calls[0]
        _check(first)
        caller = self._roles.assume(api, first.source)
        function = str((first.source.get("lambdaConfig") or {}).get("lambdaFunctionArn") or "")
        payloads = [each.operation.get("payload") for each in calls]
        is_event = first.operation.get("invocationType") == _EVENT
        result = self._invoke(caller, function, payloads if first.batch else payloads[0], is_event, seconds)
        if not first.batch:
            return [Outcome(result)]
        if is_event:
            return [Outcome() for _ in calls]
        return _items(result, len(calls))

    def close(self) -> None:
        """End the thread that awaits functions. Invocations under way are abandoned."""
        self._calls.close()

    def _invoke(self, caller: Caller, function: str, payload: Any, is_event: bool, seconds: float) -> Any:
        headers = {"X-Amz-Invocation-Type": _EVENT} if is_event else None
        sent = json.dumps(payload, separators=(",", ":")).encode()
        try:
            response = self._calls.run(invoke(caller, function, sent, headers=headers), seconds)
        except NotInTime:
            raise SourceFailed("Lambda:ExecutionTimeoutException", TIMED_OUT) from None
        _raise_for(response)
        if is_event:
            return None
        try:
            return read_json(response.body or b"null", parse_constant=_refuse)
        except ValueError:
            raise SourceFailed("Lambda:IllegalArgument", "The function's response is not JSON.") from None


def _check(call: Call) -> None:
    operation = call.operation.get("operation")
    if operation is None:
        raise SourceFailed("MappingTemplate", "Value for field '$[operation]' not found.")
    if operation not in ("Invoke", "BatchInvoke"):
        raise SourceFailed("MappingTemplate", f"Unsupported operation '{operation}'.")


def _raise_for(response: LambdaResponse) -> None:
    if response.error:
        code, message = response.error
        details = (
            f"Service: AWSLambda; Status Code: {response.status}; Error Code: {code}; "
            f"Request ID: {response.request_id}; Proxy: null"
        )
        raise SourceFailed(f"Lambda:{code}", f"{message} ({details})")
    if response.function_error:
        raise SourceFailed(_UNHANDLED, _function_message(response.body))


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _function_message(body: bytes) -> str:
    """The message of a function's error, which AppSync reports without its type and its trace."""
    try:
        described = read_json(body)
    except ValueError:
        described = None
    if isinstance(described, dict) and described.get("errorMessage") is not None:
        return str(described["errorMessage"])
    return body.decode(errors="replace")


def _items(result: Any, expected: int) -> list[Outcome]:
    """The outcomes of a batch: an item for each payload, in the same order."""
    if isinstance(result, list) and len(result) == expected:
        return [Outcome(each) for each in result]
    got = f"{len(result)} items" if isinstance(result, list) else "no list"
    message = f"The function must return a list with one item for each of {expected} payloads, but returned {got}."
    log.error("an AppSync API cannot use the response of its function to BatchInvoke: %s", message)
    return [Outcome(error=SourceError(message, "Lambda:IllegalArgument"))] * expected
