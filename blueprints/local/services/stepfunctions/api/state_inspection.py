"""What TestState shows of the way of data through a state, at the levels DEBUG and TRACE."""

from collections.abc import Sequence
from typing import Any

from blueprints.local.services.stepfunctions.distributed_map import settings
from blueprints.local.services.stepfunctions.execution import data_flow, map_items
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.states_language.definition import JSONATA
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

_WITH_RESULT = ("Pass", "Task", "Map", "Parallel")

Answer = dict[str, Any]


def inspect(visit: Visit, done: Done, mocked: Any, results: Sequence[Any]) -> Answer:
    """The data of a state that succeeded, as JSON text by step.

    `results` has the result of its task, if it is one; `mocked` is that of a Map or Parallel state.
    """
    state, data = visit.state, visit.data
    shown = _before(visit)
    result = results[-1] if results else mocked
    if results:
        shown["result"] = dump(result)
    if state.query_language != JSONATA and state.type in _WITH_RESULT:
        if state.type == "Pass" and "Result" in state.fields:
            result = state.fields["Result"]
            shown = {"input": shown["input"], "result": dump(result)}
        elif state.type == "Pass":
            result = data_flow.arguments(state, data)
        selected = data_flow.selected_result(data, result, state.fields)
        shown["afterResultSelector"] = dump(selected)
        shown["afterResultPath"] = dump(data_flow.placed(state.fields.get("ResultPath", "$"), data, selected))
    variables = {**visit.scope.variables, **done.assigned}
    return {**shown, "variables": dump(variables)} if variables else shown


def inspect_failure(visit: Visit, error_details: Answer) -> Answer:
    """The data of a state that failed."""
    shown = _before(visit)
    return {**shown, "errorDetails": error_details} if error_details else shown


def _before(visit: Visit) -> Answer:
    """The data before the state's work, as far as it can be evaluated."""
    state, data = visit.state, visit.data
    shown: Answer = {"input": dump(data.input)}
    try:
        if state.query_language == JSONATA:
            if "Arguments" in state.fields and state.type == "Task":
                shown["afterArguments"] = dump(data_flow.arguments(state, data))
        elif state.type != "Parallel":
            shown["afterInputPath"] = dump(data_flow.effective_input(state, data))
            if state.type in ("Pass", "Task"):
                shown["afterParameters"] = dump(data_flow.arguments(state, data))
        if state.type == "Map":
            _add_map_settings(visit, shown)
    except StateFailed:
        pass  # the state's own failure says so
    return shown


def _add_map_settings(visit: Visit, shown: Answer) -> None:
    state, data = visit.state, visit.data
    if state.query_language != JSONATA and "ItemReader" not in state.fields:
        shown["afterItemsPath"] = dump(map_items.items(state, data))
    shown["maxConcurrency"] = map_items.max_concurrency(state, data)
    tolerance = settings.read_tolerance(state, data)
    if tolerance.count_is_given:
        shown["toleratedFailureCount"] = tolerance.count
    if tolerance.percentage_is_given:
        shown["toleratedFailurePercentage"] = tolerance.percentage
