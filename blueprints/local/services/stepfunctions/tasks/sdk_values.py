"""Converts between a state's JSON and the parameters and results of boto3, by the shapes of botocore's models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.model import Shape, StructureShape

from blueprints.local.services.stepfunctions.tasks.sdk_names import capitalised, member_name
from blueprints.states_language.json_text import dump


@dataclass(frozen=True)
class Form:
    """How an integration gives the results of an API."""

    name: Callable[[str], str]
    """The name of a member, by its name in the API."""
    moment: Callable[[datetime], Any]


# One more than a result may have: a large object is not read to its end before it is refused.
_MOST_BYTES = 262_145
_NUMBERS = ("integer", "long", "float", "double", "short", "bigdecimal")


class UnusableArguments(Exception):
    """Arguments that the API has no place for; `faults` are AWS's sentences."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults


def to_sdk(shape: Shape | None, arguments: Any) -> dict[str, Any]:
    """The parameters of a call, from the arguments of a state. Raises UnusableArguments."""
    faults: list[str] = []
    if not isinstance(arguments, Mapping):
        raise UnusableArguments(["The parameters must be a JSON object"])
    if shape is None:
        faults = [f'The field "{name}" is not supported by Step Functions' for name in arguments]
        given: dict[str, Any] = {}
    else:
        given = _structure_to_sdk(shape, arguments, faults)
    if faults:
        raise UnusableArguments(faults)
    return given


def to_json(shape: Shape | None, value: Any, form: Form) -> Any:
    """A result of boto3 as JSON."""
    if shape is None or value is None:
        return value
    kind = shape.type_name
    if kind == "structure":
        if shape.is_document_type:
            return value
        members = shape.members
        return {
            form.name(name): to_json(members[name], each, form)
            for name, each in value.items()
            if name in members and each is not None
        }
    if kind == "list":
        return [to_json(shape.member, each, form) for each in value]
    if kind == "map":
        return {name: to_json(shape.value, each, form) for name, each in value.items()}
    if kind == "blob":
        return _text(value)
    if kind == "timestamp":
        return form.moment(value)
    if kind in _NUMBERS and not isinstance(value, int | float):
        return float(value)
    return value


def instant(moment: datetime) -> str:
    """A moment as Java prints it: fractions of a second only if there are any, in groups of three digits."""
    utc = moment.astimezone(UTC)
    if not utc.microsecond:
        return f"{utc:%Y-%m-%dT%H:%M:%S}Z"
    digits = f"{utc.microsecond:06}"
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{digits[:3] if digits.endswith('000') else digits}Z"


def epoch_milliseconds(moment: datetime) -> int:
    """A moment as EventBridge's events give it."""
    return round(moment.timestamp() * 1000)


SDK_FORM = Form(member_name, instant)
"""Of AWS SDK integrations."""
OPTIMIZED_FORM = Form(capitalised, instant)
JOB_FORM = Form(capitalised, epoch_milliseconds)
"""Of jobs that a task waited for."""


def _text(value: Any) -> str:
    content = value.read(_MOST_BYTES) if hasattr(value, "read") else value
    return content if isinstance(content, str) else bytes(content).decode(errors="replace")


@cache
def _members(shape: StructureShape) -> dict[str, str]:
    """A structure's members, by the names that Step Functions accepts."""
    names: dict[str, str] = {}
    for name in shape.members:
        names[name] = names[capitalised(name)] = names[member_name(name)] = name
    return names


def _structure_to_sdk(shape: Shape, value: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    if shape.is_document_type:
        return dict(value)
    names, given = _members(shape), {}
    for key, each in value.items():
        name = names.get(key)
        if name is None:
            faults.append(f'The field "{key}" is not supported by Step Functions')
        elif each is not None:
            given[name] = _to_sdk(shape.members[name], key, each, faults)
    faults.extend(
        f'The field "{member_name(name)}" is required but was missing'
        for name in shape.required_members
        if given.get(name) is None
    )
    return given


def _to_sdk(shape: Shape, field: str, value: Any, faults: list[str]) -> Any:
    converted, problem = value, None
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, Mapping):
            problem = "a JSON object"
        else:
            converted = _structure_to_sdk(shape, value, faults)
    elif kind == "list":
        if not isinstance(value, list):
            problem = "a JSON array"
        else:
            converted = [_to_sdk(shape.member, field, each, faults) for each in value]
    elif kind == "map":
        if not isinstance(value, Mapping):
            problem = "a JSON object"
        else:
            converted = {name: _to_sdk(shape.value, field, each, faults) for name, each in value.items()}
    elif kind == "blob":
        converted = value.encode() if isinstance(value, str) else dump(value).encode()
    else:
        converted, problem = _scalar_to_sdk(kind, value)
    if problem:
        faults.append(f"The value for the field '{field}' must be {problem}")
    return converted


def _scalar_to_sdk(kind: str, value: Any) -> tuple[Any, str | None]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string":
        # Such as the Input of an execution, or a message: objects become their JSON text.
        text = dump(value) if isinstance(value, dict | list) else value
        return text, None if isinstance(text, str) else "a STRING"
    if kind == "boolean":
        return value, None if isinstance(value, bool) else "a BOOLEAN"
    if kind == "timestamp":
        return value, None if is_number or _is_timestamp(value) else "a valid timestamp"
    if kind in ("integer", "long", "short"):
        whole = is_number and float(value).is_integer()
        return (int(value), None) if whole else (value, "an INTEGER")
    if kind in _NUMBERS:
        return (float(value), None) if is_number else (value, "a NUMBER")
    return value, None


def _is_timestamp(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
