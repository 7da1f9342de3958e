"""The GraphQL endpoint over HTTP: `POST /v1/apis/ID/graphql`, and `POST /graphql` at the host of an API."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from blueprints.local.base.extension import Receive, Route, Scope, Send
from blueprints.local.base.http import read_body, send_response
from blueprints.local.services.appsync import client_json, records
from blueprints.local.services.appsync.endpoints import target_of
from blueprints.local.services.appsync.execution import Executor, InvalidRequest, UnreadableDocument
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import GraphqlError, Identity, Request, Response, Unauthorized
from blueprints.local.services.appsync.schemas import InvalidSchema

_LARGEST_BODY = 1_000_000
"""Bytes of a request. AppSync's own limit is not documented."""
_REQUESTS_AT_ONCE = 256
_CREDENTIALS = ("authorization", "x-api-key", "x-amz-security-token")
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,"
    "x-amz-schema-version",
}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "*,Authorization,X-Api-Key,Content-Type,X-Amz-Date,X-Amz-Security-Token,"
    "X-Amz-User-Agent,X-Amz-Content-Sha256",
    "Access-Control-Allow-Methods": "POST,OPTIONS",
    "Access-Control-Max-Age": "172800",
}

MALFORMED = "MalformedHttpRequestException"

Authenticate = Callable[..., Identity]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnsweredRequest:
    """A request for an API that was answered."""

    api: GraphqlApi
    status: int
    """The HTTP status."""
    seconds: float
    request: Request | None
    """None if no authentication type admitted the caller, or the request was malformed."""
    response: Response | None
    """None if the operation could not be executed."""


@dataclass(frozen=True)
class ParsedOperation:
    """The operation in a request's body, which Lambda authorizers receive."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


class BadRequest(Exception):
    """A request that AppSync refuses before it authenticates the caller or executes anything."""

    def __init__(self, message: str, error_type: str = MALFORMED, status: int = 400) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.status = status


class Endpoint:
    """Answers requests on its own threads, because a function may call the endpoint again while a request waits."""

    def __init__(self, executor: Executor, authenticate: Authenticate) -> None:
        self._executor = executor
        self._authenticate = authenticate
        self._threads = ThreadPoolExecutor(_REQUESTS_AT_ONCE, thread_name_prefix="appsync request")
        self._listeners: list[Callable[[AnsweredRequest], None]] = []

    def route(self) -> Route:
        """The route of the endpoint."""
        return Route(takes, self._answer)

    def on_answer(self, listener: Callable[[AnsweredRequest], None]) -> None:
        """Call `listener` after each request for an API that exists, on the request's thread."""
        self._listeners.append(listener)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = str(uuid.uuid4())
        headers = {"Content-Type": "application/json;charset=UTF-8", "x-amzn-RequestId": request_id, **_CORS}
        if scope["method"] == "OPTIONS":
            await send_response(send, 200, b"", {**headers, **_PREFLIGHT})
            return
        body = await read_body(receive)
        work = partial(copy_context().run, self._respond, scope, body, request_id)
        status, content, more = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        await send_response(send, status, content, {**headers, **more})

    def _respond(self, scope: Scope, body: bytes, request_id: str) -> tuple[int, bytes, Mapping[str, str]]:
        api = records.find(api_id_of(scope))
        if api is None:
            return _refusal(404, "ResourceNotFoundException", "Unable to find the Api.")
        attempt = _Attempt(self._executor, self._authenticate, api, scope, body, request_id)
        started = time.monotonic()
        answer = attempt.answer()
        answered = AnsweredRequest(api, answer[0], time.monotonic() - started, attempt.request, attempt.response)
        for listener in self._listeners:
            try:
                listener(answered)
            except Exception:
                log.exception("a listener to requests of AppSync APIs failed")
        return answer


class _Attempt:
    """Answers one request; keeps the request and the response for listeners, as far as they exist."""

    def __init__(
        self,
        executor: Executor,
        authenticate: Authenticate,
        api: GraphqlApi,
        scope: Scope,
        body: bytes,
        request_id: str,
    ) -> None:
        self.request: Request | None = None
        self.response: Response | None = None
        self._executor = executor
        self._authenticate = authenticate
        self._api = api
        self._scope = scope
        self._body = body
        self._request_id = request_id

    def answer(self) -> tuple[int, bytes, Mapping[str, str]]:
        """The status, the body and further headers of the HTTP response."""
        try:
            self.request = self._read()
            self.response = self._executor.execute(self.request)
            return 200, encode(self.response), self.response.headers
        except Unauthorized as error:
            return _refusal(error.status, error.error_type, str(error))
        except BadRequest as error:
            return _refusal(error.status, error.error_type, str(error))
        except UnreadableDocument as error:
            return _refusal(400, MALFORMED, str(error))
        except InvalidRequest as error:
            return _refusal(400, "BadRequestException", str(error))
        except InvalidSchema as error:
            return _refusal(400, "BadRequestException", f"The schema of the API is not valid: {error}")
        except Exception:
            log.exception("a request to an AppSync API failed inside the embedded AWS")
            return _refusal(500, "InternalFailure", "An internal failure occurred while processing the request.")

    def _read(self) -> Request:
        """The request of an authenticated caller. Raises BadRequest and Unauthorized."""
        scope = self._scope
        if scope["method"] != "POST":
            raise BadRequest("The endpoint takes POST requests.", "MethodNotAllowedException", 405)
        headers = headers_of(scope)
        operation = _read(self._body)
        source_ip = (scope.get("client") or ("127.0.0.1",))[0]
        identity = self._authenticate(
            self._api,
            headers,
            method="POST",
            path=f"{scope['path']}?{scope['query_string'].decode('latin-1')}",
            body=self._body,
            operation=operation,
            source_ip=source_ip,
        )
        return Request(
            api=self._api,
            identity=identity,
            query=operation.query,
            variables=operation.variables,
            operation_name=operation.operation_name,
            headers=_headers_for_resolvers(scope),
            credentials={name: headers[name] for name in _CREDENTIALS if name in headers},
            source_ip=source_ip,
            request_id=self._request_id,
        )


def takes(scope: Scope) -> bool:
    """Whether a request is for the GraphQL endpoint of an API."""
    target = target_of(scope)
    return target is not None and not target.realtime


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request, by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _headers_for_resolvers(scope: Scope) -> dict[str, Any]:
    """The headers without credentials and cookies; the value of a repeated header is a list."""
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    hidden = (*_CREDENTIALS, "cookie")
    return {name: values[0] if len(values) == 1 else values for name, values in found.items() if name not in hidden}


def api_id_of(scope: Scope) -> str:
    """The id of the API that a request is for."""
    target = target_of(scope)
    return target.api_id if target else ""


def encode(response: Response) -> bytes:
    """A response as JSON, in AppSync's form."""
    described: dict[str, Any] = {"data": response.data}
    if response.errors:
        described["errors"] = [describe(each) for each in response.errors]
    return json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def describe(error: GraphqlError) -> dict[str, Any]:
    """An error in `errors`: those of resolvers have a type and data, others only say where and what."""
    path = list(error.path) if error.path is not None else None
    locations = [{"line": line, "column": column, "sourceName": None} for line, column in error.locations] or None
    if error.error_type is None and not (path and locations):
        return {"path": path, "locations": locations, "message": error.message}
    return {
        "path": path,
        "data": error.data,
        "errorType": error.error_type,
        "errorInfo": error.error_info,
        "locations": locations,
        "message": error.message,
    }


def _read(body: bytes) -> ParsedOperation:
    """The operation in the body of a request. Raises BadRequest."""
    if len(body) > _LARGEST_BODY:
        raise BadRequest(f"The request is larger than {_LARGEST_BODY} bytes.", "RequestEntityTooLargeException", 413)
    try:
        given = client_json.read(body or b"{}")
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise BadRequest("Invalid JSON payload in GraphQLAuth POST request.")
    query, variables, name = given.get("query"), given.get("variables"), given.get("operationName")
    if query is None:
        raise BadRequest("Invalid request, `query` can't be null.")
    if variables == "":
        variables = None
    if not isinstance(query, str) or not isinstance(variables, dict | None) or not isinstance(name, str | None):
        raise BadRequest("Invalid JSON payload in GraphQLAuth POST request.")
    if not query.strip():
        raise BadRequest("Invalid request, `query` can't be empty.")
    return ParsedOperation(query, variables or {}, name or None)


def _refusal(status: int, error_type: str, message: str) -> tuple[int, bytes, Mapping[str, str]]:
    content = json.dumps({"errors": [{"errorType": error_type, "message": message}]}).encode()
    return status, content, {"x-amzn-ErrorType": error_type}
