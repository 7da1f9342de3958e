"""CodePipeline's JSON protocol, as botocore's model of the service has it."""

import json
from functools import cache
from typing import Any

import botocore.loaders
from botocore.model import ServiceModel
from botocore.validate import ParamValidator


class Refusal(Exception):
    """An error answer: `code` is one of the model's exceptions, such as PipelineNotFoundException."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def understood(operation: str, body: bytes) -> dict[str, Any]:
    """A request's input, checked. Raises Refusal."""
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        raise Refusal("ValidationException", "The request body is not JSON") from None
    return checked(operation, given)


def checked(operation: str, given: Any) -> dict[str, Any]:
    """An operation's input, with numbers that came as text, as CloudFormation's do, made numbers. Raises Refusal."""
    shape = _service().operation_model(operation).input_shape
    read: dict[str, Any] = _numbers(shape, given)
    report = ParamValidator().validate(read, shape)
    if report.has_errors():
        raise Refusal("ValidationException", report.generate_report())
    return read


def operations() -> list[str]:
    """Every operation that the service has."""
    return list(_service().operation_names)


@cache
def _service() -> ServiceModel:
    return ServiceModel(botocore.loaders.Loader().load_service_model("codepipeline", "service-2"), "codepipeline")


def _numbers(shape: Any, value: Any) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: _numbers(shape.members[name], each) if name in shape.members else each for name, each in value.items()
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [_numbers(shape.member, each) for each in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: _numbers(shape.value, each) for name, each in value.items()}
    if shape.type_name == "integer" and isinstance(value, str) and value.isdecimal():
        return int(value)
    if shape.type_name == "string" and isinstance(value, bool | int):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value
