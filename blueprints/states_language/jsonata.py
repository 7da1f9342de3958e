"""Evaluates JSONata: the strings `{% … %}` in the fields of a state.

Step Functions has JSONata 2.0.6 without `$eval`, with functions of its own. The library is imported when the first
expression is compiled: most machines of a run use JSONPath or nothing.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from blueprints.states_language import jsonata_functions, jsonata_messages, jsonata_references
from blueprints.states_language.compiled_once import CompiledOnce
from blueprints.states_language.failures import EvaluationFailed
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import MISSING, VisibleData

_OWN_NAMES = {"random": "sf_random", "eval": "sf_no_eval"}
"""Built-in functions of the library that are replaced, and the names that expressions are given instead."""
_VARIABLE_PREFIX = "sf_variable_"
"""Precedes variables that are named like a built-in function: the library would take the function."""
_LARGEST_WRITTEN_OUT = 1e21
_LONGEST_MILLISECONDS = 10_000
"""An endless expression must not keep other executions from running."""

Evaluation = Callable[["_Bound", str], Any]


class InvalidExpression(Exception):
    """The text is not JSONata; the message says why."""


def evaluate(template: Any, data: VisibleData, field: str, *, expected: str | None = None) -> Any:
    """Return `template`, a JSON value, with the value of every expression in it.

    `field` is the place of the template in the state, such as `Output` or `Choices[0]/Condition`; `expected` names the
    type that an expression has to give: array, boolean, integer, number, object or string. Raises EvaluationFailed. A
    template without expressions is returned itself, not a copy.
    """
    evaluation = _compile_text(template) if isinstance(template, str) else _compiled(template)
    if evaluation is None:
        return template
    value = evaluation(_Bound(data), field)
    if expected is not None and isinstance(template, str):
        _expect(expected, value, template, data, field)
    return value


def is_expression(value: Any) -> bool:
    """Whether the value is a string `{% … %}`."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}") and len(value) > len("{%%")


def inner(text: str) -> str:
    """Return an expression without its delimiters."""
    return text[2:-2].strip()


def parse(expression: str) -> Any:
    """Return the syntax tree of an expression without its delimiters. Raises InvalidExpression."""
    library = _library()
    try:
        parsed = library.parser.parser.Parser.parse(expression)
    except library.ParseError as error:
        symbol = expression[error.position : error.position + 1]
        raise InvalidExpression(jsonata_messages.reworded(error.error_code, error.message, symbol=symbol)) from error
    except RecursionError as error:
        raise InvalidExpression("The expression is too deeply nested") from error
    later = jsonata_references.later_operator(parsed)
    if later is not None:
        raise InvalidExpression(f'The symbol "{later}" cannot be used as a unary operator')
    return parsed


def type_of(value: Any) -> str:
    """Return the type of a JSON value in the words of AWS's messages."""
    for types, name in _TYPES:
        if isinstance(value, types):
            return name
    return "null"


_TYPES: tuple[tuple[Any, str], ...] = (
    (bool, "boolean"),
    ((int, float), "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)


def _expect(expected: str, value: Any, template: str, data: VisibleData, field: str) -> None:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    fits = is_integer if expected == "integer" else type_of(value) == expected
    if not fits:
        raise _failure(
            data,
            field,
            inner(template),
            f"returned an unexpected result type. Expected '{expected}', but was '{type_of(value)}' "
            f"for value: {dump(value)}",
        )


def _failure(data: VisibleData, field: str, expression: str, what: str) -> EvaluationFailed:
    cause = f"The JSONata expression '{expression}' specified for the field '{field}' {what}"
    return EvaluationFailed(data.at_state(cause), field, data.state)


class _Bound:
    """What the expressions of one evaluation see. The library asks it for variables and functions."""

    __slots__ = ("_missing", "data", "functions", "values")

    def __init__(self, data: VisibleData) -> None:
        self.data = data
        self.values = {**data.variables, "states": _states(data)}
        self.functions = _own_functions()
        self._missing = _library().MISSING

    def is_empty(self) -> bool:
        """Return False: `$states` is always bound."""
        return False

    def get_values(self) -> Mapping[str, Any]:
        """Return the variables by name."""
        return self.values

    def get_functions(self) -> Mapping[str, Any]:
        """Return the functions by name."""
        return self.functions

    def get_value(self, name: str) -> Any:
        """Return a variable, or the library's MISSING."""
        return self.values.get(name, self._missing)

    def get_function(self, name: str) -> Any:
        """Return a function, or None."""
        return self.functions.get(name)


def _states(data: VisibleData) -> Mapping[str, Any]:
    states = {"input": data.input, "context": data.context}
    if data.result is not MISSING:
        states["result"] = data.result
    if data.error_output is not MISSING:
        states["errorOutput"] = data.error_output
    return states


def _compile(template: Any) -> Evaluation | None:
    """Return what evaluates the template, or None where there is no expression in it."""
    if isinstance(template, str):
        return _compile_text(template)
    if isinstance(template, dict):
        parts = {key: _compile(value) for key, value in template.items()}
        if not any(parts.values()):
            return None
        entries = [(key, part, template[key]) for key, part in parts.items()]
        return lambda bound, field: {
            key: part(bound, f"{field}/{key}") if part else value for key, part, value in entries
        }
    if isinstance(template, list):
        found = [_compile(element) for element in template]
        if not any(found):
            return None
        elements = list(enumerate(zip(found, template, strict=True)))
        return lambda bound, field: [
            part(bound, f"{field}[{index}]") if part else value for index, (part, value) in elements
        ]
    return None


_compiled = CompiledOnce(_compile)


@lru_cache(maxsize=10_000)
def _compile_text(text: str) -> Evaluation | None:
    if not is_expression(text):
        return None
    expression = inner(text)
    try:
        compiled = _compile_expression(expression)
    except InvalidExpression as error:
        reason = str(error)

        def refuse(bound: _Bound, field: str) -> Any:
            raise _failure(bound.data, field, expression, f"threw an error during evaluation. {reason}")

        return refuse
    library = _library()
    missing, error_type = library.MISSING, library.JsonataEvaluationError
    built_in = sorted(jsonata_references.names(parse(expression)) & jsonata_functions.BUILT_IN)

    def evaluate_expression(bound: _Bound, field: str) -> Any:
        hiding = tuple(name for name in built_in if name in bound.values) if built_in else ()
        try:
            value = (_hiding(expression, hiding, bound) if hiding else compiled).evaluate(missing, bound)
            if value is bound.data.input:
                return value
            if value is not missing:
                return _as_json(value)
        except _NoJsonType as error:
            raise _failure(bound.data, field, expression, "returned an unsupported result type.") from error
        except (error_type, _OutOfRange) as error:
            raise _failure(
                bound.data, field, expression, f"threw an error during evaluation{_reason(error, expression)}"
            ) from error
        raise _failure(bound.data, field, expression, "returned nothing (undefined).")

    return evaluate_expression


def _reason(error: Any, expression: str) -> str:
    functions = jsonata_references.functions(parse(expression)) if error.error_code else []
    message = jsonata_messages.reworded(error.error_code, error.message, functions)
    return f". {error.error_code}: {message}" if error.error_code else f": {message}"


def _hiding(expression: str, names: tuple[str, ...], bound: _Bound) -> Any:
    """Return the expression in which variables hide the built-in functions of these names."""
    for name in names:
        bound.values[_VARIABLE_PREFIX + name] = bound.values[name]
    return _compile_expression(expression, names)


@lru_cache(maxsize=10_000)
def _compile_expression(expression: str, hidden: tuple[str, ...] = ()) -> Any:
    library = _library()
    parse(expression)
    given = {name: own for name, own in _OWN_NAMES.items() if f"${name}" in expression}
    given |= {name: _VARIABLE_PREFIX + name for name in hidden}
    prefix = "".join(f"${name} := ${source}; " for name, source in given.items())
    try:
        # On its own first: an expression must not close the parenthesis around it.
        compiled = library.compile(expression)
        if prefix:
            compiled = library.compile(f"({prefix}(\n{expression}\n))")
    except library.JsonataCompilationError as error:
        raise InvalidExpression(jsonata_messages.reworded(error.error_code, str(error.message))) from error
    compiled.set_timeout(_LONGEST_MILLISECONDS)
    return compiled


class _NoJsonType(Exception):
    """The result is a function or a regular expression."""


class _OutOfRange(Exception):
    """The result has an infinite number; described as the library describes its own errors."""

    error_code = "D1001"

    @property
    def message(self) -> str:
        return str(self)


def _as_json(value: Any) -> Any:
    """Return the value as plain JSON, whole numbers as integers. Raises _NoJsonType and _OutOfRange."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _OutOfRange(f"Number out of range: {value}")
        return int(value) if value.is_integer() and abs(value) < _LARGEST_WRITTEN_OUT else value
    if isinstance(value, dict):
        return {key: _as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_as_json(part) for part in value]
    raise _NoJsonType


@cache
def _library() -> Any:
    import jsonata2py

    return jsonata2py


@cache
def _own_functions() -> Mapping[str, Any]:
    library = _library()
    functions = jsonata_functions.FUNCTIONS | {_OWN_NAMES["random"]: jsonata_functions.random_number}
    return {
        name: library.bound_function(None)(_adapted(name, function, library.MISSING))
        for name, function in functions.items()
    }


def _adapted(name: str, function: Callable[..., Any], missing: Any) -> Callable[..., Any]:
    """Adapt a function to the library: undefined arguments become MISSING, and so does the result."""
    most = len(inspect.signature(function).parameters)

    def adapted(*arguments: Any) -> Any:
        if len(arguments) > most:
            raise TypeError(f"${name} takes {most} arguments at most, but was given {len(arguments)}")
        result = function(*(MISSING if argument is missing else argument for argument in arguments))
        return missing if result is MISSING else result

    return adapted
