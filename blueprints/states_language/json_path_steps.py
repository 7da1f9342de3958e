"""The steps of a JSONPath, each of which leads from one value to any number of values."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Condition = Callable[[Any, Any], bool]
"""The condition of a filter: takes the value it is about (`@`) and the root of the path (`$`)."""
Select = Callable[[Any, Any], Iterable[Any]]
"""Takes a value and the root of the path; returns the values that a step leads to."""


class InvalidPath(Exception):
    """A text that is no JSONPath; the message says why."""


@dataclass(frozen=True)
class Step:
    """One step of a path."""

    text: str
    """The step in the notation of Jayway's messages, such as `['a']`."""
    select: Select
    is_definite: bool = False
    """Whether the step leads to one value at most."""
    key: str | int | None = None
    """The property or the index, where the step is one of them."""
    is_function: bool = False
    is_slice: bool = False
    scan: Select | None = None
    """What the step leads to from each value below `..`, where that differs: each object is visited by itself."""


def properties(names: tuple[str, ...]) -> Step:
    """Return the step `.a` or `['a']`, or `['a','b']`, which leads to an object of those properties."""
    text = "[" + ",".join(f"'{name}'" for name in names) + "]"
    if len(names) > 1:
        return Step(text, lambda value, _: _picked(value, names), is_definite=True)
    name = names[0]

    def select(value: Any, _: Any) -> Iterable[Any]:
        return (value[name],) if isinstance(value, dict) and name in value else ()

    return Step(text, select, is_definite=True, key=name)


def each_property(names: tuple[str, ...]) -> Step:
    """Return the step `['a','b']` before other steps, which leads to the values of those properties."""

    def select(value: Any, _: Any) -> Iterable[Any]:
        return [value[name] for name in names if name in value] if isinstance(value, dict) else ()

    return Step("[" + ",".join(f"'{name}'" for name in names) + "]", select)


def indices(numbers: tuple[int, ...]) -> Step:
    """Return the step `[0]`, `[-1]` or `[0,2]`."""

    def select(value: Any, _: Any) -> Iterable[Any]:
        if not isinstance(value, list):
            return ()
        return [value[number] for number in numbers if -len(value) <= number < len(value)]

    is_one = len(numbers) == 1
    text = "[" + ",".join(map(str, numbers)) + "]"
    return Step(text, select, is_definite=is_one, key=numbers[0] if is_one else None)


def elements(start: int | None, end: int | None) -> Step:
    """Return the step `[1:3]`, `[:2]` or `[-1:]`."""
    text = f"[{'' if start is None else start}:{'' if end is None else end}]"
    return Step(text, lambda value, _: value[start:end] if isinstance(value, list) else (), is_slice=True)


def wildcard() -> Step:
    """Return the step `.*` or `[*]`, which leads to all elements of an array and all values of an object."""
    return Step("[*]", lambda value, _: _children(value))


def descendants(step: Step) -> Step:
    """Return the step `..` before another one, which is taken from the value and from everything inside it."""

    visit = step.scan or step.select

    def select(value: Any, root: Any) -> Iterator[Any]:
        yield from visit(value, root)
        for child in _children(value):
            yield from select(child, root)

    return Step(".." + step.text, select)


def where(condition: Condition) -> Step:
    """Return the step `[?(…)]`: the elements of an array, or the object, for which the condition holds."""

    def select(value: Any, root: Any) -> Iterable[Any]:
        if isinstance(value, list):
            return [element for element in value if condition(element, root)]
        return (value,) if isinstance(value, dict) and condition(value, root) else ()

    def scan(value: Any, root: Any) -> Iterable[Any]:
        return (value,) if isinstance(value, dict) and condition(value, root) else ()

    return Step("[?]", select, scan=scan)


def function(name: str, arguments: tuple[Any, ...]) -> Step:
    """Return the step `.length()` or the like. Raises InvalidPath where there is no such function."""
    if name not in _FUNCTIONS:
        raise InvalidPath(f"Function with name: {name} does not exist.")
    apply = _FUNCTIONS[name]

    def select(value: Any, _: Any) -> Iterable[Any]:
        result = apply(value, *arguments)
        return () if result is None else (result,)

    return Step(f".{name}()", select, is_definite=True, is_function=True)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _picked(value: Any, names: tuple[str, ...]) -> Iterable[Any]:
    return ({name: value[name] for name in names if name in value},) if isinstance(value, dict) else ()


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, (list, dict, str)) else None


def _keys(value: Any) -> list[str] | None:
    return list(value) if isinstance(value, dict) else None


def _concat(value: Any, *more: Any) -> str:
    texts = value if isinstance(value, list) else [value]
    return "".join([*(text for text in texts if isinstance(text, str)), *map(str, more)])


def _append(value: Any, *more: Any) -> list[Any] | None:
    return [*value, *more] if isinstance(value, list) else None


def _element(value: Any, index: Any = 0) -> Any:
    return value[index] if isinstance(value, list) and -len(value) <= index < len(value) else None


def _last(value: Any) -> Any:
    return _element(value, -1)


def _aggregate(combine: Callable[[list[float]], float]) -> Callable[..., float | None]:
    def apply(value: Any, *more: Any) -> float | None:
        values = [*(value if isinstance(value, list) else ()), *more]
        numbers = [float(one) for one in values if isinstance(one, (int, float)) and not isinstance(one, bool)]
        return combine(numbers) if numbers else None

    return apply


def _mean(numbers: list[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def _deviation(numbers: list[float]) -> float:
    mean = _mean(numbers)
    return math.sqrt(_mean([(number - mean) ** 2 for number in numbers]))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "length": _length,
    "size": _length,
    "keys": _keys,
    "concat": _concat,
    "append": _append,
    "first": _element,
    "last": _last,
    "index": _element,
    "min": _aggregate(min),
    "max": _aggregate(max),
    "avg": _aggregate(_mean),
    "sum": _aggregate(math.fsum),
    "stddev": _aggregate(_deviation),
}
