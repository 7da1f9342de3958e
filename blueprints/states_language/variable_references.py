"""Which variables the states of a definition refer to, as DescribeStateMachine shows them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from blueprints.states_language import jsonata, jsonata_references
from blueprints.states_language.definition import JSONATA, Block, Definition, State

# A variable in a path or an intrinsic function: `$name`, unlike `$`, `$.field`, `$[0]` and `$$.Context`.
_VARIABLE = re.compile(r"(?<![\w$'])\$([^\W\d]\w*)")
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'")
_NESTED = ("ItemProcessor", "Iterator", "Branches")
_CONSTANT = ("Result", "Comment")
_TEMPLATES = ("Parameters", "ResultSelector", "Assign", "ItemSelector", "BatchInput")
_PATHS = ("Path", "Variable")


def variable_references(definition: Definition) -> dict[str, list[str]]:
    """The names of variables by the name of the state that reads them, without states that read none."""
    found, assigned = {}, set(_assigned(definition.block))
    for state in _states(definition.block):
        read = _in_jsonata(state.fields) if state.query_language == JSONATA else _in_paths(state.fields)
        names = assigned.intersection(read)  # without the built-in functions of JSONata
        if names:
            found[state.name] = sorted(names)
    return found


def _states(block: Block) -> Iterator[State]:
    for state in block.states.values():
        yield state
        for nested in state.blocks:
            yield from _states(nested)


def _assigned(block: Block) -> Iterator[str]:
    """The variables that any state assigns, also in a Catch or a choice rule."""
    for state in _states(block):
        fields = state.fields
        for part in (fields, *fields.get("Catch", ()), *fields.get("Choices", ())):
            yield from (name.removesuffix(".$") for name in part.get("Assign", {}))


def _in_paths(value: Any, key: str = "", *, in_template: bool = False) -> Iterator[str]:
    """The variables in the paths of a JSONPath state; in a template only keys that end in `.$` hold paths."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if in_template or name not in (*_NESTED, *_CONSTANT):
                yield from _in_paths(each, name, in_template=in_template or name in _TEMPLATES)
    elif isinstance(value, list):
        for each in value:
            yield from _in_paths(each, key, in_template=in_template)
    elif isinstance(value, str) and key.endswith(".$" if in_template else _PATHS):
        yield from _VARIABLE.findall(_QUOTED.sub("''", value))


def _in_jsonata(value: Any) -> Iterator[str]:
    """The variables in the expressions of a JSONata state."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _NESTED:
                yield from _in_jsonata(each)
    elif isinstance(value, list):
        for each in value:
            yield from _in_jsonata(each)
    elif isinstance(value, str) and jsonata.is_expression(value):
        yield from jsonata_references.variables(jsonata.parse(jsonata.inner(value)))
