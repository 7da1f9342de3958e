"""Payload templates: JSON in which the value of a key that ends in `.$` is a path or an intrinsic function call."""

from collections.abc import Callable
from typing import Any

from blueprints.states_language import json_path
from blueprints.states_language.compiled_once import CompiledOnce
from blueprints.states_language.visible_data import VisibleData

Fill = Callable[[VisibleData], Any]
_SUFFIX = ".$"


def fill(template: Any, data: VisibleData) -> Any:
    """Return the template with the values in it. Raises StateFailed where one is missing.

    A template without references is returned itself, not a copy. Messages name the key that holds the path, as
    AWS's do.
    """
    if not isinstance(template, (dict, list)):
        return template
    filled = _compiled(template)
    return template if filled is None else filled(data)


def _compile(template: Any) -> Fill | None:
    """Return what fills the template, or None where nothing in it refers to data."""
    if isinstance(template, dict):
        return _compile_object(template)
    if isinstance(template, list):
        parts = [_compile(element) for element in template]
        if not any(parts):
            return None
        elements = list(zip(template, parts, strict=True))
        return lambda data: [part(data) if part else element for element, part in elements]
    return None


def _compile_object(template: dict[str, Any]) -> Fill | None:
    entries = [
        (key.removesuffix(_SUFFIX), _reference(key, value), None)
        if _refers(key, value)
        else (key, _compile(value), value)
        for key, value in template.items()
    ]
    if not any(part for _, part, _ in entries):
        return None
    return lambda data: {name: part(data) if part else value for name, part, value in entries}


def _refers(key: str, value: Any) -> bool:
    return key.endswith(_SUFFIX) and isinstance(value, str)


def _reference(key: str, path: str) -> Fill:
    return lambda data: json_path.read(path, data, key)


_compiled = CompiledOnce(_compile)
