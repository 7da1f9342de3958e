"""How data goes into a state's work and out of it, in both query languages.

JSONPath: InputPath, Parameters; then ResultSelector, ResultPath and OutputPath, and Assign. JSONata: Arguments; then
Output and Assign.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.states_language import json_path, jsonata, payload_templates
from blueprints.states_language.definition import JSONATA, Catcher, State
from blueprints.states_language.failures import DATA_LIMIT_EXCEEDED, HEARTBEAT_TIMEOUT, TIMEOUT, StateFailed
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import MISSING, VisibleData

MOST_BYTES = 256 * 1024
"""The most bytes of UTF-8 that an input or output may have."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a state ended: its output, what it assigned, and the state after it."""

    output: Any
    assigned: Mapping[str, Any]
    next: str | None
    output_text: str
    assigned_texts: Mapping[str, str]
    """The assigned values as JSON."""


def effective_input(state: State, data: VisibleData) -> Any:
    """The input after InputPath; in JSONata the input as it is."""
    path = state.fields.get("InputPath", "$")
    if path == "$" or state.query_language == JSONATA:
        return data.input
    return {} if path is None else json_path.read(path, data)


def arguments(state: State, data: VisibleData) -> Any:
    """What the state's work gets: Parameters over the effective input, or JSONata's Arguments."""
    if state.query_language == JSONATA:
        template = state.fields.get("Arguments", MISSING)
        return data.input if template is MISSING else jsonata.evaluate(template, data, "Arguments")
    given = effective_input(state, data)
    template = state.fields.get("Parameters", MISSING)
    if template is MISSING:
        return given
    return payload_templates.fill(template, data.having(input=given))


def check_parameters(text: str, state: str) -> None:
    """Raise StateFailed if what a state's work gets is too large, as JSON."""
    if _is_too_large(text):
        raise _too_large(state, "provided parameters")


def finish(state: State, data: VisibleData, result: Any, fields: Mapping[str, Any], next_state: str | None) -> Done:
    """The end of a state whose work returned `result`; `fields` has Output, Assign and the like."""
    if state.query_language == JSONATA:
        seen = data.having(result=result)
        output = jsonata.evaluate(fields["Output"], seen, "Output") if "Output" in fields else result
        assigned = jsonata.evaluate(fields["Assign"], seen, "Assign") if "Assign" in fields else {}
        return _done(state, output, assigned, next_state)
    result = selected_result(data, result, fields)
    assigned = payload_templates.fill(fields["Assign"], data.having(input=result)) if "Assign" in fields else {}
    output = placed(fields.get("ResultPath", "$"), data, result)
    output = _selected(fields.get("OutputPath", "$"), data, output)
    return _done(state, output, assigned, next_state)


def selected_result(data: VisibleData, result: Any, fields: Mapping[str, Any]) -> Any:
    """The result after ResultSelector."""
    if "ResultSelector" not in fields:
        return result
    return payload_templates.fill(fields["ResultSelector"], data.having(input=result))


def passed_through(
    state: State, data: VisibleData, output: Any, fields: Mapping[str, Any], next_state: str | None, place: str = ""
) -> Done:
    """The end of a state without a result, such as Wait: its input goes on, or JSONata's Output.

    `place` is where `fields` are in the state, such as `Choices[0]/`, for messages.
    """
    if state.query_language == JSONATA:
        output = jsonata.evaluate(fields["Output"], data, f"{place}Output") if "Output" in fields else output
        assigned = jsonata.evaluate(fields["Assign"], data, f"{place}Assign") if "Assign" in fields else {}
        return _done(state, output, assigned, next_state)
    assigned = payload_templates.fill(fields["Assign"], data.having(input=output)) if "Assign" in fields else {}
    output = _selected(state.fields.get("OutputPath", "$"), data, output)
    return _done(state, output, assigned, next_state)


def caught(state: State, data: VisibleData, failure: StateFailed, catcher: Catcher) -> Done:
    """The end of a state whose failure a Catch takes."""
    error_output, fields = failure.output, catcher.fields
    if failure.error in (TIMEOUT, HEARTBEAT_TIMEOUT):
        error_output = {**error_output, "Cause": failure.cause or ""}  # unlike in the event of the failure
    if state.query_language == JSONATA:
        seen = data.having(error_output=error_output)
        place = f"Catch[{state.catchers.index(catcher)}]/"
        output = jsonata.evaluate(fields["Output"], seen, f"{place}Output") if "Output" in fields else error_output
        assigned = jsonata.evaluate(fields["Assign"], seen, f"{place}Assign") if "Assign" in fields else {}
    else:
        seen = data.having(input=error_output)
        assigned = payload_templates.fill(fields["Assign"], seen) if "Assign" in fields else {}
        output = placed(fields.get("ResultPath", "$"), data, error_output)
    return _done(state, output, assigned, catcher.next)


def placed(path: str | None, data: VisibleData, result: Any) -> Any:
    """The result at the place in the state's input that a ResultPath names."""
    if path == "$":
        return result
    return data.input if path is None else json_path.put(path, data.input, result, data)


def _selected(path: str | None, data: VisibleData, output: Any) -> Any:
    if path == "$":
        return output
    return {} if path is None else json_path.read(path, data.having(input=output))


def _done(state: State, output: Any, assigned: Mapping[str, Any], next_state: str | None) -> Done:
    text = dump(output)
    check_size(text, state.name)
    assigned_texts = {name: dump(value) for name, value in assigned.items()}
    if _is_too_large("".join(assigned_texts.values())):
        raise _too_large(state.name, "assigned variables")
    return Done(output, assigned, next_state, text, assigned_texts)


def check_size(text: str, state: str) -> None:
    """Raise StateFailed if the result of a state or task is too large, as JSON."""
    if _is_too_large(text):
        raise _too_large(state, "returned a result")


def _is_too_large(text: str) -> bool:
    return len(text) > MOST_BYTES // 4 and len(text.encode()) > MOST_BYTES


def _too_large(state: str, what: str) -> StateFailed:
    return StateFailed(
        DATA_LIMIT_EXCEEDED,
        f"The state/task '{state}' {what} with a size exceeding the maximum number of bytes service limit.",
    )
