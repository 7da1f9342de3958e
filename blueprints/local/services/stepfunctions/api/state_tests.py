"""TestState: runs one state once, by the interpreter that runs executions.

Source: Step Functions Developer Guide, "Using TestState API to test a state in Step Functions".
"""

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.api.execution_input import read_input
from blueprints.local.services.stepfunctions.api.machine_settings import check_role, read_definition
from blueprints.local.services.stepfunctions.api.state_inspection import inspect, inspect_failure
from blueprints.local.services.stepfunctions.execution import data_flow
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.execution import EXPRESS, Execution, Revision
from blueprints.local.services.stepfunctions.execution.interpreter import WORK, DistributedMaps, Interpreter, Tasks
from blueprints.local.services.stepfunctions.execution.loop import Loop
from blueprints.local.services.stepfunctions.execution.retrying import catcher_for, delay_before_retry, matches
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.local.services.stepfunctions.tasks import TaskAttempt
from blueprints.states_language.definition import Definition, State
from blueprints.states_language.failures import TIMEOUT, StateFailed
from blueprints.states_language.json_text import dump

_SINGLE_STATE = "StateToTest"
_MACHINE = "StateMachineToTest"
_NO_ROLE = "arn:aws:iam::000000000000:role/none"
_SECONDS = 300
_CONTAINERS = ("Map", "Parallel")
_MOCKABLE = ("Task", *_CONTAINERS)
_TESTABLE = "Task, Wait, Pass, Succeed, Fail, Choice"

Answer = dict[str, Any]


@dataclass
class _TestedExecution(Execution):
    """An execution of one state, with parts of the context object that the test gives."""

    given_context: Mapping[str, Any] | None = None

    @property
    def context(self) -> dict[str, Any]:
        own = super().context
        given = self.given_context or {}
        return {**own, **{name: {**own.get(name, {}), **part} for name, part in given.items()}}


class _Recorded:
    """Runs tasks, or answers as the test's mock says; keeps the result, which is shown in the inspection."""

    def __init__(self, tasks: Tasks, mock: "_Mock | None") -> None:
        self._tasks, self._mock = tasks, mock
        self.results: list[Any] = []

    def new_token(self) -> str:
        """The token of an attempt that waits for it."""
        return str(uuid.uuid4()) if self._mock else self._tasks.new_token()

    async def attempt(self, task: TaskAttempt) -> Any:
        """The result of the task. Raises StateFailed."""
        result = self._mock.answer() if self._mock else await self._tasks.attempt(task)
        self.results.append(result)
        return result


@dataclass(frozen=True)
class _Mock:
    """What a test says that the state's work does."""

    result: Any = None
    failure: StateFailed | None = None

    def answer(self) -> Any:
        """The result. Raises StateFailed if the work is to fail."""
        if self.failure:
            raise self.failure
        return self.result


class StateTests:
    """The operation TestState."""

    def __init__(self, loop: Loop, clock: Clock, tasks: Tasks, distributed_maps: DistributedMaps) -> None:
        self._loop = loop
        self._clock = clock
        self._tasks = tasks
        self._distributed_maps = distributed_maps

    def test(self, given: Answer) -> Answer:
        """TestState."""
        definition, state, text = _read_state(given)
        mock = _read_mock(given, state)
        role_arn = _read_role(given, state, mock)
        input_text = given.get("input", "{}")
        arn = arns.make(arns.EXPRESS, _MACHINE, uuid.uuid4(), uuid.uuid4())
        revision = Revision(arns.make(arns.MACHINE, _MACHINE), _MACHINE, text, definition, role_arn, type=EXPRESS)
        execution = _TestedExecution(
            arn,
            arn.split(":")[7],
            revision,
            input_text,
            read_input(input_text),
            type=EXPRESS,
            given_context=_read_object(given, "context"),
        )
        execution.scope.variables = _read_object(given, "variables")
        execution.scope.state, execution.scope.state_input = state.name, execution.input
        tasks = _Recorded(self._tasks, mock)
        interpreter = Interpreter(execution, self._clock, tasks, self._distributed_maps)
        visit = Visit(interpreter, execution.scope, _mockable(state))
        configuration = given.get("stateConfiguration") or {}
        visit.retries = configuration.get("retrierRetryCount", 0)
        try:
            done = self._loop.run(self._run(visit))
        except StateFailed as failure:
            answer, inspection = _failed(visit, failure)
        else:
            answer = {"status": "SUCCEEDED", "output": done.output_text, "nextState": done.next}
            inspection = inspect(visit, done, tasks.results)
        if given.get("inspectionLevel", "INFO") != "INFO":
            answer["inspectionData"] = inspection
        return answer

    async def _run(self, visit: Visit) -> Done:
        # A call takes real time; only waits pass faster.
        limit = _SECONDS if visit.state.type == "Task" else self._clock.real(_SECONDS)
        visit.enter()
        try:
            return await asyncio.wait_for(WORK[visit.state.type](visit), limit)
        except TimeoutError:
            raise StateFailed(TIMEOUT) from None


def _failed(visit: Visit, failure: StateFailed) -> tuple[Answer, Answer]:
    """The answer for a failure, and its inspection: it may be retried, be caught, or fail the execution."""
    failed = {"error": failure.error, "cause": failure.cause}
    retrier = next((each for each in visit.state.retriers if matches(each.errors, failure.error)), None)
    if retrier and visit.retries < retrier.max_attempts:
        seconds = delay_before_retry(replace(retrier, full_jitter=False), visit.retries)
        details = {"retryIndex": visit.state.retriers.index(retrier), "retryBackoffIntervalSeconds": round(seconds)}
        return {"status": "RETRIABLE", **failed}, inspect_failure(visit, details)
    catcher = catcher_for(visit.state.catchers, failure.error)
    if catcher is None:
        return {"status": "FAILED", **failed}, inspect_failure(visit, {})
    try:
        done = data_flow.caught(visit.state, visit.data, failure, catcher)
    except StateFailed as second:
        return {"status": "FAILED", "error": second.error, "cause": second.cause}, inspect_failure(visit, {})
    inspection = inspect_failure(visit, {"catchIndex": visit.state.catchers.index(catcher)})
    caught = {"status": "CAUGHT_ERROR", "output": done.output_text, "nextState": done.next}
    return {**caught, **failed}, inspection


def _read_state(given: Answer) -> tuple[Definition, State, str]:
    """The definition, the state to test, and the definition's text. Raises ServiceError."""
    text = given["definition"]
    try:
        fields = json.loads(text)
    except ValueError:
        fields = {}
    if not isinstance(fields, dict):
        fields = {}
    if "States" not in fields and "Type" in fields:
        text = dump(_machine_around(fields))
        name = _SINGLE_STATE
    else:
        name = str(given.get("stateName") or fields.get("StartAt"))
    definition = read_definition(text, "STANDARD")
    state = definition.block.states.get(name)
    if state is None:
        raise ServiceError("ValidationException", "State not found in definition")
    return definition, state, text


def _mockable(state: State) -> State:
    """A state whose work is done as a task's: of a Map or Parallel state only mocked results are tested."""
    if state.type not in _CONTAINERS:
        return state
    return replace(state, type="Task", blocks=(), fields={**state.fields, "Resource": f"mock of {state.type}"})


def _machine_around(fields: Answer) -> Answer:
    """A definition with one state to test, and the states that it names as following ones."""
    following = [fields.get("Next"), fields.get("Default")]
    following += [each.get("Next") for name in ("Catch", "Choices") for each in fields.get(name) or () if each]
    ends = {str(name): {"Type": "Succeed"} for name in following if name}
    language = {"QueryLanguage": fields["QueryLanguage"]} if "QueryLanguage" in fields else {}
    return {**language, "StartAt": _SINGLE_STATE, "States": {**ends, _SINGLE_STATE: fields}}


def _read_mock(given: Answer, state: State) -> _Mock | None:
    """The mock of a test. Raises ServiceError."""
    mock = given.get("mock")
    if mock is None:
        if state.type in _CONTAINERS:
            raise ServiceError(
                "InvalidDefinition",
                f"TestState API does not support Map or Parallel states. Supported state types include: [{_TESTABLE}]",
            )
        return None
    if state.type not in _MOCKABLE:
        raise _invalid(f"State type '{state.type}' is not supported when a mock is specified")
    if given.get("revealSecrets"):
        raise _invalid("TestState does not support RevealSecrets when a mock is specified.")
    if ("result" in mock) == ("errorOutput" in mock):
        raise _invalid("A test mock should have only one of the following fields: [result, errorOutput].")
    if "errorOutput" in mock:
        failure = mock["errorOutput"]
        return _Mock(failure=StateFailed(failure.get("error"), failure.get("cause")))
    try:
        result = json.loads(mock["result"])
    except ValueError:
        raise _invalid("Mocked result must be valid JSON") from None
    if state.type in _CONTAINERS and "ResultWriter" not in state.fields and not isinstance(result, list):
        raise _invalid("Mocked result must be an array.")
    return _Mock(result)


def _read_role(given: Answer, state: State, mock: _Mock | None) -> str:
    role_arn = given.get("roleArn")
    if role_arn:
        check_role(role_arn, arns.scope()[1])
        return str(role_arn)
    if state.type == "Task" and mock is None:
        raise _invalid("An IAM role ARN (roleArn) is required to test a Task state")
    return _NO_ROLE


def _read_object(given: Answer, name: str) -> dict[str, Any]:
    try:
        value = json.loads(given.get(name, "{}"))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise _invalid(f"The {name} must be a JSON object")
    return value


def _invalid(fault: str) -> ServiceError:
    return ServiceError("ValidationException", fault)
