"""The GraphQL endpoint over HTTP: `POST /v1/apis/ID/graphql`, and `POST /graphql` at the host of an API."""

import asyncio
import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.extension import Receive, Route, Scope, Send
from blueprints.local.base.http import read_body, send_response
from blueprints.local.services.appsync import records
from blueprints.local.services.appsync.execution import Executor, InvalidRequest, UnreadableDocument
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import GraphqlError, Identity, Request, Response, Unauthorized
from blueprints.local.services.appsync.schemas import InvalidSchema

_PATH = re.compile(r"/v1/apis/([a-z0-9]+)/graphql")
_HOST = re.compile(r"([a-z0-9]+)\.appsync-(?:api|realtime-api)[.:]")
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

Authenticate = Callable[..., Identity]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ParsedOperation:
    """The operation in a request's body: what Lambda authorizers are told of it."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


class BadRequest(Exception):
    """A request that AppSync refuses before it authenticates the caller or executes anything."""

    def __init__(self, message: str, error_type: str = "MalformedHttpRequestException", status: int = 400) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.status = status


class Endpoint:
    """Answers requests on threads of its own: a function that is called may call the endpoint again."""

    def __init__(self, executor: Executor, authenticate: Authenticate) -> None:
        self._executor = executor
        self._authenticate = authenticate
        self._threads = ThreadPoolExecutor(_REQUESTS_AT_ONCE, thread_name_prefix="appsync request")
        self._listeners: list[Callable[[Request, int, Response | None, float], None]] = []

    def route(self) -> Route:
        """The route of the endpoint."""
        return Route(takes, self._answer)

    def on_response(self, listener: Callable[[Request, int, Response | None, float], None]) -> None:
        """Call `listener` after each authenticated request: with its HTTP status, its response and its seconds."""
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
        status, content, error_type = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        if error_type:
            headers["x-amzn-ErrorType"] = error_type
        await send_response(send, status, content, headers)

    def _respond(self, scope: Scope, body: bytes, request_id: str) -> tuple[int, bytes, str | None]:
        try:
            return 200, self._execute(scope, body, request_id), None
        except Unauthorized as error:
            return _refusal(401, error.error_type, str(error))
        except BadRequest as error:
            return _refusal(error.status, error.error_type, str(error))
        except Exception:
            log.exception("a request to an AppSync API failed inside the embedded AWS")
            return _refusal(500, "InternalFailure", "An internal failure occurred while processing the request.")

    def _execute(self, scope: Scope, body: bytes, request_id: str) -> bytes:
        api = _api_of(scope)
        if scope["method"] != "POST":
            raise BadRequest("The endpoint takes POST requests.", "MethodNotAllowedException", 405)
        headers = headers_of(scope)
        operation = _read(body)
        identity = self._authenticate(api, headers, method="POST", path=scope["path"], body=body, operation=operation)
        request = Request(
            api=api,
            identity=identity,
            query=operation.query,
            variables=operation.variables,
            operation_name=operation.operation_name,
            headers={name: value for name, value in headers.items() if name not in _CREDENTIALS},
            source_ip=(scope.get("client") or ("127.0.0.1",))[0],
            request_id=request_id,
        )
        return self._run(request)

    def _run(self, request: Request) -> bytes:
        started = time.monotonic()
        status, response = 500, None
        try:
            response = self._executor.execute(request)
            status = 200
            return encode(response)
        except InvalidSchema as error:
            status = 400
            raise BadRequest(f"The schema of the API is not valid: {error}", "BadRequestException") from None
        except UnreadableDocument as error:
            status = 400
            raise BadRequest(str(error)) from None
        except InvalidRequest as error:
            status = 400
            raise BadRequest(str(error), "BadRequestException") from None
        finally:
            for listener in self._listeners:
                listener(request, status, response, time.monotonic() - started)


def takes(scope: Scope) -> bool:
    """Whether a request is for the GraphQL endpoint of an API."""
    if _PATH.fullmatch(scope["path"]):
        return True
    return scope["path"] == "/graphql" and _HOST.match(headers_of(scope).get("host", "")) is not None


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request, by lower-case name."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def api_id_of(scope: Scope) -> str:
    """The id of the API that a request is for."""
    found = _PATH.match(scope["path"]) or _HOST.match(headers_of(scope).get("host", ""))
    return found[1] if found else ""


def encode(response: Response) -> bytes:
    """A response as JSON, in AppSync's form."""
    described: dict[str, Any] = {"data": response.data}
    if response.errors:
        described["errors"] = [describe(each) for each in response.errors]
    return json.dumps(described, separators=(",", ":"), ensure_ascii=False).encode()


def describe(error: GraphqlError) -> dict[str, Any]:
    """An error in `errors`: those of resolvers have a type and data, others only say where and what."""
    path = list(error.path) if error.path is not None else None
    locations = [{"line": line, "column": column, "sourceName": None} for line, column in error.locations] or None
    if error.error_type is None and error.data is None and error.error_info is None:
        return {"path": path, "locations": locations, "message": error.message}
    return {
        "path": path,
        "data": error.data,
        "errorType": error.error_type,
        "errorInfo": error.error_info,
        "locations": locations,
        "message": error.message,
    }


def _api_of(scope: Scope) -> GraphqlApi:
    api = records.find(api_id_of(scope))
    if api is None:
        raise BadRequest("Unable to find the Api.", "ResourceNotFoundException", 404)
    return api


def _read(body: bytes) -> ParsedOperation:
    """The operation in the body of a request. Raises BadRequest."""
    if len(body) > _LARGEST_BODY:
        raise BadRequest(f"The request is larger than {_LARGEST_BODY} bytes.", "RequestEntityTooLargeException", 413)
    try:
        given = read_json(body or b"{}")
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


def _refusal(status: int, error_type: str, message: str) -> tuple[int, bytes, str]:
    content = json.dumps({"errors": [{"errorType": error_type, "message": message}]}).encode()
    return status, content, error_type
