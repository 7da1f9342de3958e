"""The states that do nothing outside the execution: Pass, Choice, Wait, Succeed and Fail."""

import time

from blueprints.local.services.stepfunctions.execution import data_flow
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.states_language import choice_rules, json_path, jsonata, number_fields
from blueprints.states_language.definition import JSONATA
from blueprints.states_language.failures import StateFailed, runtime_failure
from blueprints.states_language.json_text import dump

NO_CHOICE_MATCHED = "States.NoChoiceMatched"


async def do_nothing(visit: Visit) -> Done:
    """Pass: hand on the input, or the Result that is written in the definition."""
    state, data = visit.state, visit.data
    if state.query_language == JSONATA:
        return data_flow.passed_through(state, data, data.input, state.fields, state.next)
    result = data_flow.arguments(state, data)
    if "Result" in state.fields:
        result = state.fields["Result"]
    return data_flow.finish(state, data, result, state.fields, state.next)


async def choose(visit: Visit) -> Done:
    """Choice: go to the state of the first rule that matches, or to Default."""
    state, data = visit.state, visit.data
    given = data_flow.effective_input(state, data)
    seen = data.having(input=given)
    for place, rule in enumerate(state.fields["Choices"]):
        if choice_rules.matches(rule, seen, state.query_language, place):
            return data_flow.passed_through(state, data, given, rule, rule["Next"], f"Choices[{place}]/")
    default = state.fields.get("Default")
    if default is None:
        # The message is AWS's own.
        raise StateFailed(
            NO_CHOICE_MATCHED,
            data.at_state(
                "Failed to transition out of the state. No matching choice was found and no default choice "
                "was specified."
            ),
        )
    return data_flow.passed_through(state, data, given, state.fields, default)


async def wait(visit: Visit) -> Done:
    """Wait: for some seconds, or until a moment."""
    state, data = visit.state, visit.data
    given = data_flow.effective_input(state, data)
    seen = data.having(input=given)
    seconds = number_fields.seconds_to_wait(state.fields, seen, state.query_language)
    if seconds is None:
        seconds = number_fields.timestamp_to_wait_for(state.fields, seen, state.query_language) - time.time()
    await visit.interpreter.sleep(max(seconds, 0))
    return data_flow.passed_through(state, data, given, state.fields, state.next)


async def succeed(visit: Visit) -> Done:
    """Succeed: end the run of the block."""
    state, data = visit.state, visit.data
    return data_flow.passed_through(state, data, data_flow.effective_input(state, data), state.fields, None)


async def fail(visit: Visit) -> Done:
    """Fail: always raises StateFailed, with the Error and Cause of the state."""
    raise StateFailed(_part(visit, "Error"), _part(visit, "Cause"))


def _part(visit: Visit, name: str) -> str | None:
    fields, data = visit.state.fields, visit.data
    if visit.state.query_language == JSONATA:
        return jsonata.evaluate(fields[name], data, name, expected="string") if name in fields else None
    path = fields.get(f"{name}Path")
    if path is None:
        return fields.get(name)
    value = json_path.read(path, data, f"{name}Path")
    if not isinstance(value, str):
        raise runtime_failure(
            data, f'The {name}Path field refers to value "{dump(value)}" which is not a valid string: {path}'
        )
    return value
