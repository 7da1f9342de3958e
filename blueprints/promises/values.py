"""The possible values of CloudFormation expressions: both branches of Fn::If, the names in them, their text."""

import re
from collections.abc import Iterator
from typing import Any

STACK_UUID = "${stack uuid}"
"""In `text`, the UUID in the stack's id, which differs in every copy."""

_NO_VALUE = {"Ref": "AWS::NoValue"}
_STACK_UUID = {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "AWS::StackId"}]}]}
_IN_TEXT = re.compile(r"\$\{([^!}][^}]*)\}")


def alternatives(value: object) -> Iterator[Any]:
    """The possible values of an expression, without AWS::NoValue."""
    branches = _branches(value)
    if branches is not None:
        for branch in branches:
            yield from alternatives(branch)
    elif value is not None and value != _NO_VALUE:
        yield value


def items(value: object) -> Iterator[Any]:
    """The items of a list or of its possible values; a single value counts as a list of one."""
    for each in alternatives(value):
        if isinstance(each, list):
            for item in each:
                yield from items(item)
        else:
            yield each


def at(value: object, *path: str) -> Iterator[Any]:
    """The possible values at a path of names below a value."""
    for each in items(value):
        if not path:
            yield each
        elif isinstance(each, dict):
            yield from at(each.get(path[0]), *path[1:])


def mappings(value: object, *path: str) -> Iterator[dict[str, Any]]:
    """The possible values at a path of names below a value that are mappings."""
    return (each for each in at(value, *path) if isinstance(each, dict))


def always(value: object, expected: object) -> bool:
    """Whether a value is the expected one under all conditions; `true` and "true" are equal."""
    if value == _NO_VALUE:
        return False
    branches = _branches(value)
    if branches is not None:
        return all(always(branch, expected) for branch in branches)
    return str(value).lower() == str(expected).lower()


def references(value: object) -> set[str]:
    """Every parameter and resource that a value names through Ref, GetAtt or Sub."""
    return {name.partition(".")[0] for name in _named(value)}


def conditions(value: object) -> set[str]:
    """Every condition that a value depends on: by Fn::If, or as a resource's or a statement's Condition."""
    found: set[str] = set()
    if isinstance(value, dict):
        branch = value.get("Fn::If")
        if isinstance(branch, list) and branch and isinstance(branch[0], str):
            found.add(branch[0])
        if isinstance(value.get("Condition"), str):
            found.add(value["Condition"])
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        found |= conditions(each)
    return found


def within(value: object, name: str) -> Iterator[Any]:
    """Every value that stands under a name, at any depth."""
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from within(each, name)


def text(value: object) -> str:
    """A value as text, with `${Name}` or `${Name.Attribute}` for parts that are only known at deployment."""
    if value == _STACK_UUID:
        return STACK_UUID
    if isinstance(value, dict) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Ref":
            return f"${{{argument}}}"
        if name == "Fn::GetAtt":
            return f"${{{'.'.join(map(str, argument)) if isinstance(argument, list) else argument}}}"
        if name == "Fn::Sub":
            return _substituted(argument)
        if name == "Fn::Join" and isinstance(argument, list) and argument and isinstance(argument[-1], list):
            return str(argument[0]).join(text(each) for each in argument[-1])
    return str(value)


def _branches(value: object) -> list[Any] | None:
    branches = value.get("Fn::If") if isinstance(value, dict) and len(value) == 1 else None
    return branches[1:] if isinstance(branches, list) else None


def _sub(argument: object) -> tuple[str, dict[str, Any]]:
    """The text of Fn::Sub, and its own variables."""
    words, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    return str(words), own if isinstance(own, dict) else {}


def _substituted(argument: object) -> str:
    words, own = _sub(argument)
    return _IN_TEXT.sub(lambda found: text(own[found[1]]) if found[1] in own else found[0], words)


def _named(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _named(each)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name == "Ref" and isinstance(argument, str):
            yield argument
        elif name == "Fn::GetAtt":
            yield str(argument[0]) if isinstance(argument, list) and argument else str(argument)
        elif name == "Fn::Sub":
            words, own = _sub(argument)
            yield from (each for each in _IN_TEXT.findall(words) if each not in own)
            yield from _named(own)
        else:
            yield from _named(argument)
