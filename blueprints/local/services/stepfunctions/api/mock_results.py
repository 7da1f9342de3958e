"""Compares the mocked result of a task with the model of the API that its Resource calls.

STRICT, the default, also wants the required members; PRESENT checks the members that are there; NONE checks nothing.
"""

from collections.abc import Iterator
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.tasks.integrations import REQUEST_RESPONSE, integration_of
from blueprints.local.services.stepfunctions.tasks.optimized import SERVICES
from blueprints.local.services.stepfunctions.tasks.sdk_calls import SdkOperation, operation_of, sdk_operation
from blueprints.local.services.stepfunctions.tasks.sdk_names import member_name

_KINDS: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "structure": ("an object", dict),
    "map": ("an object", dict),
    "list": ("an array", list),
    "boolean": ("a boolean", bool),
    "integer": ("a number", (int, float)),
    "long": ("a number", (int, float)),
    "float": ("a number", (int, float)),
    "double": ("a number", (int, float)),
}
_TEXT = ("a string", str)


def check_mocked_result(resource: str, result: Any, mode: str) -> None:
    """Raise ServiceError if the API that a Resource calls could not give such a result."""
    operation = _operation(resource)
    if mode == "NONE" or operation is None or operation.model.output_shape is None or not isinstance(result, dict):
        return
    for fault in _faults(operation.model.output_shape, "", result, strict=mode == "STRICT"):
        raise ServiceError("ValidationException", f"Mock result schema validation error: {fault}")


def _operation(resource: str) -> SdkOperation | None:
    """The operation that a Resource calls, where its result is that of the operation."""
    integration = integration_of(resource)
    if integration is None or integration.pattern != REQUEST_RESPONSE:
        return None
    if integration.is_aws_sdk:
        return sdk_operation(integration.service, integration.action)
    if integration.service == "lambda":
        return operation_of("lambda", integration.action)
    service = SERVICES.get(integration.service)
    return service.operation(integration.action) if service else None


def _faults(shape: Any, name: str, value: Any, *, strict: bool) -> Iterator[str]:
    kind, python_type = _KINDS.get(shape.type_name, _TEXT)
    fits = isinstance(value, python_type) and (python_type is bool or not isinstance(value, bool))
    if value is None:
        return
    if not fits:
        yield f"Field '{name}' must be {kind}"
    elif shape.type_name == "structure":
        yield from _faults_of_members(shape, value, strict=strict)
    elif shape.type_name == "list":
        for each in value:
            yield from _faults(shape.member, name, each, strict=strict)
    elif shape.type_name == "map":
        for key, each in value.items():
            yield from _faults(shape.value, key, each, strict=strict)
    else:
        yield from _faults_of_limits(shape, name, value)


def _faults_of_members(shape: Any, value: dict[str, Any], *, strict: bool) -> Iterator[str]:
    if strict:
        for required in map(member_name, shape.required_members):
            if required not in value:
                yield f"Required field '{required}' is missing"
    for name, member in shape.members.items():
        shown = member_name(name)
        if shown in value:
            yield from _faults(member, shown, value[shown], strict=strict)


def _faults_of_limits(shape: Any, name: str, value: Any) -> Iterator[str]:
    limits = shape.metadata
    if isinstance(value, str):
        if limits.get("enum") and value not in limits["enum"]:
            yield f"Field '{name}' is not an expected value"
        if len(value) < limits.get("min", 0):
            yield f"Field '{name}' is smaller than the minimum length"
        if len(value) > limits.get("max", len(value)):
            yield f"Field '{name}' exceeds the maximum length"
    elif not isinstance(value, bool):
        if value < limits.get("min", value):
            yield f"Field '{name}' is less than the minimum value"
        if value > limits.get("max", value):
            yield f"Field '{name}' exceeds the maximum value"
