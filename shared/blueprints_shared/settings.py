"""Settings from environment variables: one frozen dataclass a function, read and checked once, at start."""

import os
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

__all__ = ["SettingsError", "load", "parsed", "whole_number"]

T = TypeVar("T")

_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")
_HOW_TO_SET = "Give each a value under Environment in the template or, if it may be empty, write"


class SettingsError(Exception):
    """Names every variable that is missing or malformed, and what it should hold."""


def load(settings: type[T], environment: Mapping[str, str] | None = None) -> T:
    """Fill a dataclass from environment variables named like its fields, in upper case.

    A field is str, int, float, bool, one of these `| None`, or `parsed`. If a variable is missing, empty or blank, its
    field has its default, or None if its type allows that. Raises SettingsError, which names every fault.
    """
    environment = os.environ if environment is None else environment
    hints = get_type_hints(settings)
    values: dict[str, Any] = {}
    faults = []
    unset = []
    for item in fields(settings):  # type: ignore[arg-type]
        variable = item.name.upper()
        text = environment.get(variable, "").strip()
        try:
            if text:
                values[item.name] = _parser(item, hints[item.name])(text)
            elif _has_default(item):
                continue
            elif _is_optional(hints[item.name]):
                values[item.name] = None
            else:
                faults.append(f"{variable} is not set" + (" (its value is empty)" if variable in environment else ""))
                unset.append(f"'{item.name}: {_words(hints[item.name])} | None'")
        except ValueError as error:
            faults.append(f"{variable}: {error}")
    if faults:
        advice = f". {_HOW_TO_SET} {', '.join(unset)} in {settings.__name__}." if unset else ""
        raise SettingsError(f"environment variables of {settings.__name__}: " + "; ".join(faults) + advice)
    return settings(**values)


def parsed(parser: Callable[[str], Any], **options: Any) -> Any:
    """A field read by `parser`, which raises ValueError with a message for people."""
    return field(metadata={"parser": parser}, **options)


def whole_number(minimum: int, maximum: int | None = None, **options: Any) -> Any:
    """A field that is a whole number from `minimum` to `maximum`, such as the template's MinValue and MaxValue.

    Without `maximum`, it may be any number from `minimum`.
    """

    def parse(text: str) -> int:
        number = _whole_number(text)
        if number < minimum and maximum is None:
            raise ValueError(f"{number} is less than {minimum}")
        if maximum is not None and not minimum <= number <= maximum:
            raise ValueError(f"{number} is not from {minimum} to {maximum}")
        return number

    return parsed(parse, **options)


def _has_default(item: Field[Any]) -> bool:
    return item.default is not MISSING or item.default_factory is not MISSING


def _is_optional(hint: Any) -> bool:
    """Whether a type is written `str | None` or `Optional[str]`."""
    return get_origin(hint) in (types.UnionType, Union) and types.NoneType in get_args(hint)


def _words(hint: Any) -> str:
    """A type as it is written in a dataclass."""
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint)


def _parser(item: Field[Any], hint: Any) -> Callable[[str], Any]:
    if "parser" in item.metadata:
        return item.metadata["parser"]  # type: ignore[no-any-return]
    if _is_optional(hint):
        hint = next(part for part in get_args(hint) if part is not types.NoneType)
    try:
        return _PARSERS[hint]
    except KeyError:
        raise TypeError(
            f"{item.name}: a setting cannot be {_words(hint)}; use str, int, float, bool or parsed()"
        ) from None


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
