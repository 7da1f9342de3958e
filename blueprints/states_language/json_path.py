"""Reads and writes values by JSONPath.

A path begins with `$` (the state's input), `$$` (the context object) or `$name` (a variable). A definite path leads to
one value, and fails where that is missing; an indefinite path (with a wildcard, a slice, a filter or `..`) leads to a
list.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from blueprints.states_language.failures import (
    RESULT_PATH_MATCH_FAILURE,
    StateFailed,
    runtime_failure,
)
from blueprints.states_language.json_path_filters import follow
from blueprints.states_language.json_path_steps import InvalidPath
from blueprints.states_language.json_path_syntax import ParsedPath, parse
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import MISSING, VisibleData

Read = Callable[[VisibleData], Any]
"""Reads a value from what a state sees; gives MISSING where there is none."""


def read(path: str, data: VisibleData, field: str | None = None) -> Any:
    """Return what a path or an intrinsic function call gives.

    `field` is the name of the field that holds the path; without it, a missing value is described in the words that
    AWS has for InputPath and OutputPath. Raises StateFailed where the value is missing, or the text is not a path.
    """
    if path == "$":
        return data.input
    if not path.lstrip().startswith("$"):
        from blueprints.states_language import intrinsic_functions

        return intrinsic_functions.call(path, data)
    value = _reader(path)(data)
    if value is MISSING:
        raise missing(path, data, field)
    return value


def exists(path: str, data: VisibleData) -> bool:
    """Whether the path leads to a value, be it null."""
    return find(path, data) is not MISSING


def find(path: str, data: VisibleData) -> Any:
    """Return what the path leads to, or MISSING."""
    return _reader(path)(data)


def missing(path: str, data: VisibleData, field: str | None) -> StateFailed:
    """Return the failure of a state whose path leads nowhere."""
    if field is None:
        return runtime_failure(data, f"Invalid path '{path}' : {_reason(path, data)}")
    source = data.context if path.startswith("$$") else data.input
    return runtime_failure(
        data,
        f"The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{dump(source)}'",
    )


def put(reference_path: str, base: Any, value: Any, data: VisibleData | None = None) -> Any:
    """Return `base` with `value` at the reference path; objects on the way are made where they are missing.

    `base` itself is not changed. Raises StateFailed where the path leads through something that is no object.
    """
    keys = _reference_keys(reference_path)
    try:
        return _put(keys, base, value)
    except _DoesNotFit as error:
        cause = f"Unable to apply ReferencePath {reference_path} to input {dump(base)}"
        raise StateFailed(RESULT_PATH_MATCH_FAILURE, data.at_state(cause) if data else cause) from error


def is_reference_path(text: str) -> bool:
    """Whether the path names one place: properties and indices alone."""
    try:
        path = parse(text)
    except InvalidPath:
        return False
    return all(step.key is not None for step in path.steps)


@lru_cache(maxsize=10_000)
def compile_path(text: str) -> ParsedPath:
    """Return the parsed path. Raises InvalidPath."""
    return parse(text)


@lru_cache(maxsize=10_000)
def _reader(text: str) -> Read:
    try:
        path = parse(text)
    except InvalidPath as error:
        reason = str(error)

        def refuse(data: VisibleData) -> Any:
            raise runtime_failure(data, f"Invalid path '{text}' : {reason}")

        return refuse
    source = _source(path.root)
    keys = [step.key for step in path.steps]
    if None not in keys:
        return _plain_reader(source, [key for key in keys if key is not None])
    return _general_reader(source, path)


def _source(root: str) -> Read:
    if root == "$":
        return lambda data: data.input
    if root == "$$":
        return lambda data: data.context
    name = root[1:]
    return lambda data: data.variables.get(name, MISSING)


def _plain_reader(source: Read, keys: Sequence[str | int]) -> Read:
    steps: list[tuple[Any, type]] = [(key, dict if isinstance(key, str) else list) for key in keys]

    def read_plainly(data: VisibleData) -> Any:
        value = source(data)
        for key, container in steps:
            if not isinstance(value, container):
                return MISSING
            try:
                value = value[key]  # type: ignore[index]  # of its kind of container
            except (KeyError, IndexError):
                return MISSING
        return value

    return read_plainly


def _general_reader(source: Read, path: ParsedPath) -> Read:
    functions = [place for place, step in enumerate(path.steps) if step.is_function]
    if functions and functions[0] != len(path.steps) - 1:
        steps_before, function = path.steps, None
    else:
        steps_before = path.steps[:-1] if functions else path.steps
        function = path.steps[-1] if functions else None
    definite = all(step.is_definite for step in steps_before)
    # A slice of what is no array gives nothing, an empty list inside; AWS fails where the root itself is sliced.
    slices_root = bool(steps_before) and steps_before[0].is_slice

    def read_generally(data: VisibleData) -> Any:
        root = source(data)
        if root is MISSING or (slices_root and not isinstance(root, list)):
            return MISSING
        values = follow(steps_before, root, root)
        if definite and not values:
            return MISSING
        value = values[0] if definite else values
        if function is None:
            return value
        return next(iter(function.select(value, root)), MISSING)

    return read_generally


def _reason(text: str, data: VisibleData) -> str:
    """Say why a path leads nowhere, as Jayway does."""
    path = compile_path(text)
    value = _source(path.root)(data)
    so_far = path.root
    for step in path.steps[:-1]:
        so_far += step.text
        found = list(step.select(value, value))
        if not found:
            if isinstance(step.key, str) and isinstance(value, dict):
                return f"Missing property in path {so_far}"
            break
        value = found[0]
    return f"No results for path: {path.canonical}"


class _DoesNotFit(Exception):
    pass


@lru_cache(maxsize=10_000)
def _reference_keys(text: str) -> tuple[str | int, ...]:
    keys = [step.key for step in parse(text).steps]
    if None in keys:
        raise InvalidPath(f"{text} is not a reference path")
    return tuple(key for key in keys if key is not None)


def _put(keys: tuple[str | int, ...], base: Any, value: Any) -> Any:
    if not keys:
        return value
    key, *rest = keys
    if isinstance(key, str):
        if not isinstance(base, dict):
            raise _DoesNotFit
        return {**base, key: _put(tuple(rest), base.get(key, {}), value)}
    if not isinstance(base, list) or not -len(base) <= key < len(base):
        raise _DoesNotFit
    changed = list(base)
    changed[key] = _put(tuple(rest), base[key], value)
    return changed
