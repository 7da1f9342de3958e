"""What a request of TestState gives: the state, a mock of its work, its role, context object and variables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.api.machine_settings import check_role, read_definition
from blueprints.local.services.stepfunctions.api.mock_results import check_mocked_result
from blueprints.states_language import json_text
from blueprints.states_language.definition import Block, Definition, State
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

CONTAINERS = ("Map", "Parallel")
_SINGLE_STATE = "StateName"
_MOCKABLE = ("Task", *CONTAINERS)
_TESTABLE = "Task, Wait, Pass, Succeed, Fail, Choice"
_WITH_TOKEN = (".waitForTaskToken", ".sync", ".sync:2")
_CONTEXT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Execution": ("Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"),
    "State": ("EnteredTime", "Name", "RetryCount"),
    "StateMachine": ("Id", "Name"),
    "Task": ("Token",),
}
_NUMBERS = ("RetryCount", "RedriveCount")

Answer = dict[str, Any]


@dataclass(frozen=True)
class Mock:
    """What a test says that the state's work does."""

    result: Any = None
    failure: StateFailed | None = None

    def answer(self) -> Any:
        """The result. Raises StateFailed if the work is to fail."""
        if self.failure:
            raise self.failure
        return self.result


def read_state(given: Answer) -> tuple[Definition, State, str]:
    """The definition, the state to test, and the definition's text. Raises ServiceError."""
    text = given["definition"]
    fields = _read(text)
    if not isinstance(fields, dict):
        fields = {}
    name = str(given.get("stateName") or fields.get("StartAt"))
    if "States" not in fields and "Type" in fields:
        text, name = dump(_machine_around(fields)), _SINGLE_STATE
    definition = read_definition(text, "STANDARD")
    state = next((each for each in _states(definition.block) if each.name == name), None)
    if state is None:
        raise invalid("State not found in definition")
    return definition, state, text


def read_mock(given: Answer, state: State) -> Mock | None:
    """The mock of a test. Raises ServiceError."""
    mock = given.get("mock")
    if mock is None:
        if "mapIterationFailureCount" in (given.get("stateConfiguration") or {}):
            raise invalid("TestState does not support MapIterationFailureCount when a mock is not specified.")
        if state.type in CONTAINERS:
            raise ServiceError(
                "InvalidDefinition",
                f"TestState API does not support Map or Parallel states. Supported state types include: [{_TESTABLE}]",
            )
        return None
    if state.type not in _MOCKABLE:
        raise invalid(f"State type '{state.type}' is not supported when a mock is specified")
    if given.get("revealSecrets"):
        raise invalid("TestState does not support RevealSecrets when a mock is specified.")
    if ("result" in mock) == ("errorOutput" in mock):
        raise invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if "errorOutput" in mock:
        failure = mock["errorOutput"]
        return Mock(failure=StateFailed(failure.get("error"), failure.get("cause")))
    try:
        result = json_text.read(mock["result"])
    except ValueError:
        raise invalid("Mocked result must be valid JSON") from None
    _check_result(result, state)
    if state.type == "Task":
        check_mocked_result(str(state.fields["Resource"]), result, mock.get("fieldValidationMode", "STRICT"))
    return Mock(result)


def read_role(given: Answer, state: State, mock: Mock | None) -> str | None:
    """The role in which the state's work is done. Raises ServiceError if it needs one, or cannot be assumed."""
    role_arn: str | None = given.get("roleArn")
    if role_arn:
        check_role(role_arn, arns.scope()[1])
    elif state.type == "Task" and mock is None:
        raise invalid("RoleArn must be specified when testing a Task state")
    return role_arn


def read_context(given: Answer, state: State) -> dict[str, Any]:
    """The parts of the context object that a test gives. Raises ServiceError for what states do not see."""
    context = read_object(given, "context")
    for name, part in context.items():
        if name == "Map":
            raise _invalid_context("'Map' field is not supported when mocking a Context object")
        if name not in _CONTEXT_FIELDS:
            raise _invalid_context(f"Field '{name}' is not allowed")
        if not isinstance(part, dict):
            raise _invalid_context(f"{name} must be an object")
        for field, value in part.items():
            _check_context_field(name, field, value)
    if "Task" in context and not str(state.fields.get("Resource", "")).endswith(_WITH_TOKEN):
        raise _invalid_context(
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern"
        )
    return context


def read_object(given: Answer, name: str) -> dict[str, Any]:
    """A parameter that is a JSON object. Raises ServiceError."""
    value = _read(given.get(name, "{}"))
    if not isinstance(value, dict):
        raise invalid(f"The {name} must be a JSON object")
    return value


def read_list(given: Answer, name: str) -> list[Any]:
    """A parameter that is a JSON array. Raises ServiceError."""
    value = _read(given[name])
    if not isinstance(value, list):
        raise invalid(f"The {name} must be a JSON array")
    return value


def invalid(fault: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError("ValidationException", fault)


def _read(text: str) -> Any:
    """The value of JSON text, or None if it is none."""
    try:
        return json_text.read(text)
    except ValueError:
        return None


def _states(block: Block) -> Iterator[State]:
    yield from block.states.values()
    for state in block.states.values():
        for nested in state.blocks:
            yield from _states(nested)


def _machine_around(fields: Answer) -> Answer:
    """A definition with one state to test, and the states that it names as following ones."""
    entries = [each for name in ("Catch", "Choices") if isinstance(fields.get(name), list) for each in fields[name]]
    following = [fields.get("Next"), fields.get("Default")]
    following += [each.get("Next") for each in entries if isinstance(each, dict)]
    ends = {name: {"Type": "Succeed"} for name in following if name and isinstance(name, str)}
    language = {"QueryLanguage": fields["QueryLanguage"]} if "QueryLanguage" in fields else {}
    return {**language, "StartAt": _SINGLE_STATE, "States": {**ends, _SINGLE_STATE: fields}}


def _check_result(result: Any, state: State) -> None:
    if state.type not in CONTAINERS:
        return
    if "ResultWriter" in state.fields:
        if not isinstance(result, dict):
            raise invalid("Mocked result must be a JSON object.")
    elif not isinstance(result, list):
        raise invalid("Mocked result must be an array.")
    elif state.type == "Parallel" and len(result) != len(state.blocks):
        raise invalid("Mocked result must contain the same number of items as number of Parallel branches.")


def _check_context_field(name: str, field: str, value: Any) -> None:
    if field not in _CONTEXT_FIELDS[name]:
        raise _invalid_context(f"Field '{field}' is not allowed")
    kind, expected = ("number", int) if field in _NUMBERS else ("string", str)
    if field != "Input" and not isinstance(value, expected):
        raise _invalid_context(f"{name}.{field} must be a {kind}")


def _invalid_context(fault: str) -> ServiceError:
    return invalid(f"Invalid Context object provided: {fault}")
