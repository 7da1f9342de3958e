"""The items of a Map state, inline or distributed."""

from collections.abc import Mapping
from typing import Any

from blueprints.local.services.stepfunctions.execution import data_flow
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.states_language import json_path, jsonata, number_fields, payload_templates
from blueprints.states_language.definition import JSONATA, State
from blueprints.states_language.failures import EvaluationFailed, runtime_failure
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import VisibleData


def max_concurrency(state: State, data: VisibleData) -> int:
    """How many items may run at the same time; 0 for as many as AWS allows."""
    return number_fields.whole_number(state.fields, "MaxConcurrency", data, state.query_language) or 0


class Entry(dict[str, Any]):
    """An entry of a JSON object as an item: `{"Key": …, "Value": …}`."""


def entries(value: Mapping[str, Any]) -> list[Any]:
    """The items of a JSON object, in order."""
    return [Entry(Key=key, Value=each) for key, each in value.items()]


def described(item: Any, index: int) -> dict[str, Any]:
    """An item as the context object shows it: `$$.Map.Item`."""
    shown = {"Index": index, "Value": item}
    if isinstance(item, Entry):
        shown["Key"] = item["Key"]
    return shown


def items(state: State, data: VisibleData) -> list[Any]:
    """The items in the state's input. Raises StateFailed if it holds none.

    ItemsPath may lead to an array or an object, as the Developer Guide says. In JSONata, AWS refused objects when its
    executions were recorded.
    """
    if state.query_language == JSONATA:
        if "Items" in state.fields:
            found = jsonata.evaluate(state.fields["Items"], data, "Items", expected="array")
            if not isinstance(found, list):
                raise EvaluationFailed(data.at_state(f"Items must be an array but was: {dump(found)}"), "", state.name)
            return found
        if not isinstance(data.input, list):
            cause = data.at_state(f"Map state input must be an array but was: {dump(data.input)}")
            raise EvaluationFailed(cause, "", state.name)
        return data.input
    path = state.fields.get("ItemsPath", "$")
    found = json_path.read(path, data.having(input=data_flow.effective_input(state, data)), "ItemsPath")
    if isinstance(found, dict):
        return entries(found)
    if not isinstance(found, list):
        raise runtime_failure(data, f'Reference path "{path}" must point to array.')
    return found


def selected(visit: Visit, context: Mapping[str, Any]) -> Any:
    """An iteration's input: the item in the context, or ItemSelector (in older definitions Parameters) over it."""
    state = visit.state
    data = visit.data
    data = data.having(context={**data.context, **context})
    if state.query_language == JSONATA:
        if "ItemSelector" in state.fields:
            return jsonata.evaluate(state.fields["ItemSelector"], data, "ItemSelector")
        return context["Map"]["Item"]["Value"]
    name = "ItemSelector" if "ItemSelector" in state.fields else "Parameters"
    if name in state.fields:
        seen = data.having(input=data_flow.effective_input(state, data))
        return payload_templates.fill(state.fields[name], seen)
    return context["Map"]["Item"]["Value"]
