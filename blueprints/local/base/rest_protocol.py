"""The Serverless Application Repository's REST protocol, as botocore's model of the service has it."""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from botocore.model import OperationModel, StructureShape
from botocore.validate import ParamValidator

from blueprints.local.services.serverlessrepo.model import service


class Refusal(Exception):
    """An error answer: `code` is one of the model's exceptions, such as BadRequestException, or one of IAM's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Call:
    """A request, understood."""

    operation: str
    parameters: dict[str, Any]
    """By the model's member names, such as ApplicationId."""


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: bytes
    headers: dict[str, str]


def understood(method: str, path: str, query: dict[str, str], body: bytes) -> Call:
    """The operation that a request calls, with its input checked; `path` is as sent, percent-encoded."""
    for pattern, operation in _routes():
        found = re.fullmatch(pattern, path)
        if found and operation.http["method"] == method:
            given = {name: unquote(value) for name, value in found.groupdict().items()}
            return Call(operation.name, _input(operation, given, query, _fields(body)))
    raise Refusal("NotFoundException", f"There is no operation {method} {path}")


def answered(operation: str, result: dict[str, Any] | None) -> Answer:
    """A result as the model's output shape has it; what the shape does not name stays behind."""
    model = service().operation_model(operation)
    shape = model.output_shape
    body = json.dumps(_named(shape, result or {})).encode() if shape is not None else b""
    return Answer(int(model.http.get("responseCode", 200)), body, {"Content-Type": "application/json"})


def refused(refusal: Refusal) -> Answer:
    """An error in the protocol's form."""
    # What IAM answers for a service is in no service's model.
    modelled = refusal.code in service().shape_names
    status = service().shape_for(refusal.code).metadata["error"]["httpStatusCode"] if modelled else 403
    body = json.dumps({"errorCode": refusal.code.removesuffix("Exception"), "message": refusal.message}).encode()
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.code}
    return Answer(int(status), body, headers)


@cache
def _routes() -> list[tuple[str, OperationModel]]:
    operations = (service().operation_model(name) for name in service().operation_names)
    return [(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", each.http["requestUri"]), each) for each in operations]


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body or b"{}")
    except ValueError:
        raise Refusal("BadRequestException", "The request body is not JSON") from None
    if not isinstance(fields, dict):
        raise Refusal("BadRequestException", "The request body is not a JSON object")
    return fields


def _input(operation: OperationModel, path: dict[str, str], query: dict[str, str], body: dict[str, Any]) -> Any:
    shape = operation.input_shape
    assert isinstance(shape, StructureShape)
    given: dict[str, Any] = {}
    for name, member in shape.members.items():
        wire = str(member.serialization.get("name", name))
        source = {"uri": path, "querystring": query}.get(member.serialization.get("location"), body)
        if source.get(wire) is None:
            continue
        value = source[wire]
        if member.type_name == "integer" and isinstance(value, str):
            if not value.isdecimal():
                raise Refusal("BadRequestException", f"{wire} is not a number: {value}")
            value = int(value)
        given[name] = _read(member, value)
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise Refusal("BadRequestException", report.generate_report())
    return given


def _read(shape: Any, value: Any) -> Any:
    """Wire names to member names, all the way down."""
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        return {names[key][0]: _read(names[key][1], each) for key, each in value.items() if key in names}
    if shape.type_name == "list" and isinstance(value, list):
        return [_read(shape.member, each) for each in value]
    return value


def _named(shape: Any, value: Any) -> Any:
    """Member names to wire names, all the way down; members without a value are left out."""
    if shape.type_name == "structure":
        return {
            member.serialization.get("name", name): _named(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_named(shape.member, each) for each in value]
    return value
