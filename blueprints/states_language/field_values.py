"""Checks the values of a definition's fields, one kind of value each."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from blueprints.states_language import json_path, jsonata, jsonata_references, timestamps
from blueprints.states_language.faults import Faults
from blueprints.states_language.intrinsic_syntax import InvalidCall
from blueprints.states_language.intrinsic_syntax import parse as parse_call
from blueprints.states_language.json_path_steps import InvalidPath
from blueprints.states_language.query_languages import JSON_PATH, JSONATA
from blueprints.states_language.state_fields import Field

_RESOURCE = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.+")
_VARIABLE = re.compile(r"[^\W\d]\w*")
_LONGEST_VARIABLE = 80
_LABEL = re.compile(r"[^\s?*<>{}\[\]:;,\\|^~$#%&`\"\x00-\x1f\x7f-\x9f]{1,40}")
_INTEGRATIONS = frozenset(
    {
        "apigateway",
        "athena",
        "aws-sdk",
        "batch",
        "bedrock",
        "codebuild",
        "databrew",
        "dynamodb",
        "ecs",
        "eks",
        "elasticmapreduce",
        "emr-containers",
        "emr-serverless",
        "events",
        "glue",
        "http",
        "lambda",
        "mediaconvert",
        "s3",
        "sagemaker",
        "sns",
        "sqs",
        "states",
    }
)


@dataclass(slots=True)
class Place:
    """Where a value stands, and what applies there."""

    faults: Faults
    location: str
    """The place of the value, such as `/States/Sort/InputPath`."""
    field: str
    language: str
    express: bool = False
    in_catcher: bool = False
    """Whether `$states.errorOutput` exists there."""

    def inside(self, key: str | int) -> Self:
        """Return the place of a part of the value."""
        part = f"[{key}]" if isinstance(key, int) else f"/{key}"
        return type(self)(self.faults, self.location + part, str(key), self.language, self.express, self.in_catcher)

    def fault(self, message: str) -> None:
        """Add an error about the value."""
        self.faults.schema(self.location, message)


Check = Callable[[Any, Place], None]


def check(value: Any, field: Field, place: Place) -> None:
    """Add the faults of a value, where its kind is one of those that this module has."""
    if field.takes_expression and place.language == JSONATA and jsonata.is_expression(value):
        _expression(value, place)
    elif field.kind in _TYPES:
        _check_type(value, field, place)
    else:
        CHECKS[field.kind](value, place)


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def _check_type(value: Any, field: Field, place: Place) -> None:
    fits = isinstance(value, _TYPES[field.kind]) and (field.kind == "boolean" or not isinstance(value, bool))
    if not fits:
        place.fault(f"Expected value of type {field.kind.capitalize()}")
    elif field.allowed and value not in field.allowed:
        place.fault(f"Value is not one of: [{', '.join(field.allowed)}]")
    elif field.least is not None and value < field.least:
        place.fault(f"Minimum value is {field.least}")
    elif field.most is not None and value > field.most:
        place.fault(f"Maximum value is {field.most}")


def _strings(value: Any, place: Place) -> None:
    if not isinstance(value, list) or not all(isinstance(element, str) for element in value):
        place.fault("Expected value of type Array of Strings")


def _query_language(value: Any, place: Place) -> None:
    if value not in (JSON_PATH, JSONATA):
        place.fault(f"Value is not one of: [{JSON_PATH}, {JSONATA}]")


def _compared_string(value: Any, place: Place) -> None:
    if not isinstance(value, str):
        place.fault("Expected value of type String")
    elif value.startswith(("$.", "$$.")):
        message = f"The value of the field '{place.field}' looks like a path, but its name does not end with 'Path'"
        place.faults.warn("NO_PATH", message, place.location)


def _timestamp(value: Any, place: Place) -> None:
    if not isinstance(value, str) or timestamps.nanoseconds(value) is None:
        place.fault("String does not match RFC3339 timestamp")


def _path(value: Any, place: Place) -> None:
    if value is not None and not _is_path(value):
        place.fault("Value must be a valid JSONPath.")


def _reference_path(roots: Callable[[str], bool], *, may_be_null: bool = False) -> Check:
    def check_path(value: Any, place: Place) -> None:
        if value is None and may_be_null:
            return
        if not isinstance(value, str):
            place.fault("Expected value of type String")
        elif not value.startswith("$"):
            place.fault("Value is not a Reference Path: Reference path didn't start with '$'")
        elif not json_path.is_reference_path(value) or not roots(json_path.compile_path(value).root):
            place.fault("Value is not a Reference Path")

    return check_path


def _path_or_function(value: Any, place: Place) -> None:
    if not _is_path_or_call(value):
        place.fault(
            f"The value for the field '{place.field}' must be a valid JSONPath or a valid intrinsic function call"
        )


def _template(value: Any, place: Place) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            if f"{key}.$" in value:
                place.fault(f"The field '{key}' is there twice: as '{key}' and as '{key}.$'")
            _template_entry(key, part, place)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _template(part, place.inside(index))


def _template_entry(key: str, value: Any, place: Place) -> None:
    if key.endswith(".$"):
        if not _is_path_or_call(value):
            place.fault(f"The value for the field '{key}' must be a valid JSONPath or a valid intrinsic function call")
    elif isinstance(value, str):
        if _looks_like_reference(value):
            message = (
                f"The value of the field '{key}' looks like a path or a function, but its name does not end with '.$'"
            )
            place.faults.warn("NO_DOLLAR", message, f"{place.location}/{key}")
    else:
        _template(value, place.inside(key))


def _static_result(value: Any, place: Place) -> None:
    entries = list(_entries(value))
    if any(key.endswith(".$") or (isinstance(part, str) and _looks_like_reference(part)) for key, part in entries):
        message = "The result of a Pass state is static: paths and functions in it are not evaluated"
        place.faults.warn("PASS_RESULT_IS_STATIC", message, place.location)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield key, part
            yield from _entries(part)
    elif isinstance(value, list):
        for part in value:
            yield from _entries(part)


def _expressions(value: Any, place: Place) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            _expressions(part, place.inside(key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _expressions(part, place.inside(index))
    elif jsonata.is_expression(value):
        _expression(value, place)
    elif isinstance(value, str) and (value.startswith("{%") or value.endswith("%}")):
        # As AWS recorded it, text with blanks around the delimiters is a constant.
        message = "A JSONata expression must start with '{%' and end with '%}'"
        place.faults.add("INVALID_JSONATA_EXPRESSION", message, place.location)


def _expression(text: str, place: Place) -> None:
    expression = jsonata.inner(text)
    try:
        parsed = jsonata.parse(expression)
    except jsonata.InvalidExpression as error:
        place.faults.add("INVALID_JSONATA_EXPRESSION", str(error), place.location)
        return
    unsupported = [
        f"Reference to '{name}' at the top level is not supported." for name in jsonata_references.unsupported(parsed)
    ]
    # A `$states.result` that does not exist is undefined, and fails the state when it runs.
    if not place.in_catcher and "errorOutput" in jsonata_references.states_fields(parsed):
        unsupported.append("Reference to '$states.errorOutput' is not supported in this field.")
    if jsonata_references.assigns_states(parsed):
        unsupported.append("The reserved variable '$states' can not be assigned.")
    for message in unsupported:
        place.faults.add("UNSUPPORTED_JSONATA_EXPRESSION", message, place.location)


def _template_of_the_language(value: Any, place: Place) -> None:
    (_expressions if place.language == JSONATA else _template)(value, place)


def _assignments(value: Any, place: Place) -> None:
    if not isinstance(value, dict):
        place.fault("Expected value of type Object")
        return
    for key in value:
        name = key.removesuffix(".$") if place.language == JSON_PATH else key
        if name == jsonata_references.STATES:
            place.fault("The variable name 'states' is reserved")
        elif not _VARIABLE.fullmatch(name) or len(name) > _LONGEST_VARIABLE:
            place.fault(f"The variable name '{name}' is not valid")
    _template_of_the_language(value, place)


def _items(value: Any, place: Place) -> None:
    if not isinstance(value, (list, dict)):
        place.fault("Expected value of type Array")
    _expressions(value, place)


def _resource(value: Any, place: Place) -> None:
    if not isinstance(value, str) or not _RESOURCE.fullmatch(value):
        place.fault("Value is not a valid resource ARN")
        return
    _, _, service, _, _, *rest = value.split(":")
    if service != "states":
        return
    if rest[0] not in ("activity", *_INTEGRATIONS):
        place.fault(_not_recognized(value))
    if place.express:
        _express_resource(rest, place)


def _express_resource(rest: list[str], place: Place) -> None:
    if rest[0] == "activity":
        place.fault("Express state machine does not support Activity ARN")
        return
    for pattern in (".sync", ".waitForTaskToken"):
        if pattern in ":".join(rest):
            place.fault(f"Express state machine does not support '{pattern}' service integration")


def _one_resource_of(*resources: str) -> Check:
    """The check of a Resource that may only be one of some integrations of S3."""

    def check_resource(value: Any, place: Place) -> None:
        if isinstance(value, str) and _RESOURCE.fullmatch(value) and value.split(":", 2)[2] not in resources:
            place.fault(_not_recognized(value))
        else:
            _resource(value, place)

    return check_resource


def _not_recognized(resource: str) -> str:
    return (
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, "
        "or the resource is not available in this region."
    )


def _label(value: Any, place: Place) -> None:
    if not isinstance(value, str) or not _LABEL.fullmatch(value):
        place.faults.add("INVALID_LABEL_NAME", f"Invalid Label name: {value}", place.location)


def _is_path(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return json_path.compile_path(value).root.startswith("$")
    except InvalidPath:
        return False


def _is_path_or_call(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if value.lstrip().startswith("$"):
        return _is_path(value)
    try:
        parse_call(value)
    except InvalidCall:
        return False
    return True


def _looks_like_reference(text: str) -> bool:
    return text.startswith(("$.", "$$.", "$[", "States.")) and _is_path_or_call(text)


def _not_context(root: str) -> bool:
    return root != "$$"


CHECKS: dict[str, Check] = {
    "strings": _strings,
    "query language": _query_language,
    "compared string": _compared_string,
    "timestamp": _timestamp,
    "path": _path,
    "result path": _reference_path(lambda root: root == "$", may_be_null=True),
    "variable or input path": _reference_path(_not_context),
    "input path": _reference_path(lambda _: True),
    "compared path": _reference_path(lambda _: True),
    "path or function": _path_or_function,
    "template": _template,
    "static result": _static_result,
    "expressions": _expressions,
    "template of the language": _template_of_the_language,
    "assignments": _assignments,
    "items": _items,
    "resource": _resource,
    "reader resource": _one_resource_of("states:::s3:getObject", "states:::s3:listObjectsV2"),
    "writer resource": _one_resource_of("states:::s3:putObject"),
    "label": _label,
}
