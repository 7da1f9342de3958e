"""AWS's protocols, as botocore's models of the services describe them: requests are read and checked, answers written.

Two of them: `json`, where a header names the operation, and `rest-json`, where method and path do.
"""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Callable, Container, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any
from urllib.parse import unquote

import botocore.loaders
from botocore.model import OperationModel, ServiceModel, StructureShape
from botocore.validate import ParamValidator

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.base.model_constraints import violations

ROUTES = Internal("core.router", "SERVICE_PATTERNS")
HANDLERS = Internal("app", "SERVICE_HANDLERS")
NAMESPACES = Internal("core.iam_actions", "SERVICE_TO_IAM_NAMESPACE")

_INTEGER = re.compile(r"-?[0-9]{1,19}")


class ServiceError(Exception):
    """An error that the service answers: `code` is one of its model's exceptions or of IAM's, such as AccessDenied."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Request:
    """A request as it came; `path` is still percent-encoded."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes


@dataclass(frozen=True)
class Call:
    """An operation with its parameters, by the model's names."""

    operation: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Response:
    """An answer as it is sent."""

    status: int
    body: bytes
    headers: dict[str, str]


class Api:
    """The API of one service. `invalid` is the code of its error for input that does not fit the model."""

    def __init__(self, service: str, invalid: str, not_found: str | None = None, *, constrained: bool = False) -> None:
        """`not_found` is the code of its error for an operation that does not exist; without, `invalid`.

        A `constrained` API also refuses lengths, numbers and values that its model excludes.
        """
        self.service = service
        self._invalid = invalid
        self._not_found = not_found or invalid
        self._constrained = constrained

    @cached_property
    def model(self) -> ServiceModel:
        """Botocore's model of the service."""
        return ServiceModel(botocore.loaders.Loader().load_service_model(self.service, "service-2"), self.service)

    def read(self, request: Request) -> Call:
        """The call that a request makes. Raises ServiceError."""
        if self.model.protocol == "json":
            operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
            if operation not in self.model.operation_names:
                raise ServiceError(self._not_found, f"There is no operation {operation}")
            return Call(operation, self.check(operation, self._json_object(request.body)))
        for pattern, model in self._rest_routes:
            found = re.fullmatch(pattern, request.path)
            if found and model.http["method"] == request.method:
                path = {name: unquote(value) for name, value in found.groupdict().items()}
                given = self._gather(model, path, request.query, self._json_object(request.body))
                return Call(model.name, self._checked(model, given))
        raise ServiceError(self._not_found, f"There is no operation {request.method} {request.path}")

    def check(self, operation: str, given: Any) -> dict[str, Any]:
        """An operation's input by wire names, checked, with numbers that came as text read. Raises ServiceError."""
        model = self.model.operation_model(operation)
        return self._checked(model, _read(model.input_shape, given))

    def answer(self, operation: str, result: Mapping[str, Any] | None) -> Response:
        """A result in the form of the model's output; what the model does not name is left out."""
        model = self.model.operation_model(operation)
        shape = model.output_shape
        body = json.dumps(_written(shape, result or {})).encode() if shape is not None else b""
        return Response(int(model.http.get("responseCode", 200)), body, self._headers)

    def refuse(self, error: ServiceError) -> Response:
        """An error in the protocol's form."""
        if self.model.protocol == "json":
            body = {"__type": error.code, "message": error.message}
            return Response(400, json.dumps(body).encode(), self._headers)
        status, described = 403, {"message": error.message}  # what IAM answers is in no service's model
        if error.code in self.model.shape_names:
            shape = self.model.shape_for(error.code)
            status = int(shape.metadata["error"]["httpStatusCode"])
        described["errorCode"] = error.code.removesuffix("Exception")
        headers = {**self._headers, "x-amzn-ErrorType": error.code}
        return Response(status, json.dumps(described).encode(), headers)

    @property
    def _headers(self) -> dict[str, str]:
        version = self.model.metadata.get("jsonVersion")
        is_json = self.model.protocol == "json"
        return {"Content-Type": f"application/x-amz-json-{version}" if is_json else "application/json"}

    @cached_property
    def _rest_routes(self) -> list[tuple[str, OperationModel]]:
        operations = (self.model.operation_model(name) for name in self.model.operation_names)
        return [(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.http["requestUri"]), each) for each in operations]

    def _json_object(self, body: bytes) -> dict[str, Any]:
        try:
            read = read_json(body or b"{}")
        except ValueError:
            raise ServiceError(self._invalid, "The request body is not JSON") from None
        if not isinstance(read, dict):
            raise ServiceError(self._invalid, "The request body is not a JSON object")
        return read

    @staticmethod
    def _gather(
        operation: OperationModel, path: Mapping[str, str], query: Mapping[str, str], body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A rest-json operation's input from the places where the model puts its members."""
        shape = operation.input_shape
        assert isinstance(shape, StructureShape)
        given: dict[str, Any] = {}
        for name, member in shape.members.items():
            source = {"uri": path, "querystring": query}.get(member.serialization.get("location"), body)
            value = source.get(str(member.serialization.get("name", name)))
            if value is not None:
                given[name] = _read(member, value)
        return given

    def _checked(self, operation: OperationModel, given: dict[str, Any]) -> dict[str, Any]:
        report = ParamValidator().validate(given, operation.input_shape)
        if report.has_errors():
            raise ServiceError(self._invalid, report.generate_report())
        violated = violations(operation.input_shape, given) if self._constrained else None
        if violated:
            raise ServiceError(self._invalid, violated)
        return given


def register(
    api: Api,
    operations: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]],
    waiting: Container[str] = (),
) -> None:
    """Make a `json` service one of the base emulator's own, which checks signatures and permissions before it.

    Each operation gets its parameters and returns its result; it runs on a worker thread. Each call of an operation in
    `waiting`, which waits for other requests, gets a thread of its own, so that it keeps no worker from them.
    Operations that are missing are refused by name.
    """
    prefix, name = api.model.metadata["targetPrefix"], api.model.signing_name
    ROUTES.current()[name] = {
        "target_prefixes": [prefix],
        "host_patterns": [rf"{name}\."],
        "credential_scope": name,
    }
    NAMESPACES.current()[name] = name

    def respond(request: Request) -> Response:
        try:
            call = api.read(request)
            if call.operation not in operations:
                raise ServiceError("ValidationException", f"{call.operation} is not emulated")
            return api.answer(call.operation, operations[call.operation](call.parameters))
        except ServiceError as error:
            return api.refuse(error)

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Any:
        lower = {name.lower(): value for name, value in headers.items()}
        request = Request(method, path, query, lower, body)
        waits = lower.get("x-amz-target", "").rpartition(".")[2] in waiting
        response = await (_on_own_thread(respond, request) if waits else asyncio.to_thread(respond, request))
        return response.status, response.headers, response.body

    HANDLERS.current()[name] = handle


def _on_own_thread(respond: Callable[[Request], Response], request: Request) -> "asyncio.Future[Response]":
    """The response, made on a new thread in the present context."""
    loop, context = asyncio.get_running_loop(), copy_context()
    response: asyncio.Future[Response] = loop.create_future()

    def settle(made: Response | None, error: BaseException | None) -> None:
        if response.cancelled():
            return
        if error is not None:
            response.set_exception(error)
        elif made is not None:
            response.set_result(made)

    def run() -> None:
        made: Response | None = None
        error: BaseException | None = None
        try:
            made = context.run(respond, request)
        except BaseException as raised:  # noqa: BLE001 - the caller that awaits it gets it
            error = raised
        with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(settle, made, error)

    threading.Thread(target=run, name=f"waiting {request.headers.get('x-amz-target')}", daemon=True).start()
    return response


def _read(shape: Any, value: Any) -> Any:
    """Wire names to the model's names, all the way down. A null is an absent member.

    CloudFormation's numbers and booleans come as text.
    """
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = _members_by_wire_name(shape)
        given = {key: each for key, each in value.items() if key in members and each is not None}
        return {members[key][0]: _read(members[key][1], each) for key, each in given.items()}
    if kind == "list" and isinstance(value, list):
        return [_read(shape.member, each) for each in value]
    if kind == "map" and isinstance(value, dict):
        return {name: _read(shape.value, each) for name, each in value.items()}
    if kind in ("integer", "long") and isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind == "string" and isinstance(value, bool | int):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _written(shape: Any, value: Any) -> Any:
    """The model's names to wire names, all the way down; members without a value are left out."""
    if shape.type_name == "structure":
        return {
            member.serialization.get("name", name): _written(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_written(shape.member, each) for each in value]
    if shape.type_name == "map":
        return {name: _written(shape.value, each) for name, each in value.items()}
    return value


@cache
def _members_by_wire_name(shape: Any) -> dict[str, tuple[str, Any]]:
    return {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
