"""Settings from environment variables: one frozen dataclass a function, read and checked once, at start."""

import os
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar, get_type_hints

__all__ = ["SettingsError", "load", "parsed"]

T = TypeVar("T")

_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")


class SettingsError(Exception):
    """Says of every variable that is missing or malformed what it should hold."""


def load(settings: type[T], environment: Mapping[str, str] | None = None) -> T:
    """Fill a dataclass from the variables named like its fields in upper case; raise SettingsError naming every fault.

    A field is str, int, float, bool, one of these `| None` (None when the variable is missing or empty), or `parsed`.
    A field with a default may be missing.
    """
    environment = os.environ if environment is None else environment
    hints = get_type_hints(settings)
    values: dict[str, Any] = {}
    faults = []
    for item in fields(settings):  # type: ignore[arg-type]
        variable = item.name.upper()
        text = environment.get(variable, "").strip()
        try:
            if text:
                values[item.name] = _parser(item, hints[item.name])(text)
            elif _is_optional(hints[item.name]) and not _has_default(item):
                values[item.name] = None
            elif not _has_default(item):
                faults.append(f"{variable} is not set")
        except ValueError as error:
            faults.append(f"{variable}: {error}")
    if faults:
        raise SettingsError(f"environment variables of {settings.__name__}: " + "; ".join(faults))
    return settings(**values)


def parsed(parser: Callable[[str], Any], **options: Any) -> Any:
    """A field read by `parser`, which raises ValueError with a message for people."""
    return field(metadata={"parser": parser}, **options)


def _has_default(item: Field[Any]) -> bool:
    return item.default is not MISSING or item.default_factory is not MISSING


def _is_optional(hint: Any) -> bool:
    return isinstance(hint, types.UnionType) and types.NoneType in hint.__args__


def _parser(item: Field[Any], hint: Any) -> Callable[[str], Any]:
    if "parser" in item.metadata:
        return item.metadata["parser"]  # type: ignore[no-any-return]
    if _is_optional(hint):
        hint = next(part for part in hint.__args__ if part is not types.NoneType)
    try:
        return _PARSERS[hint]
    except KeyError:
        raise TypeError(f"a setting cannot be {hint}; use str, int, float, bool or parsed()") from None


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None


def _switch(text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise ValueError(f"{text!r} is neither true nor false")


_PARSERS: dict[Any, Callable[[str], Any]] = {str: str, int: _whole_number, float: _number, bool: _switch}
