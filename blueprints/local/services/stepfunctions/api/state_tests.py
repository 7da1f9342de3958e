"""TestState: runs one state once, by the interpreter that runs executions.

Source: Step Functions Developer Guide, "Using TestState API to test a state in Step Functions".
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.services.stepfunctions.api import arns, state_test_inputs
from blueprints.local.services.stepfunctions.api.execution_input import read_input
from blueprints.local.services.stepfunctions.api.state_inspection import inspect, inspect_failure
from blueprints.local.services.stepfunctions.api.state_test_inputs import CONTAINERS, Mock
from blueprints.local.services.stepfunctions.distributed_map import settings, tolerances
from blueprints.local.services.stepfunctions.execution import data_flow, map_items
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.execution import EXPRESS, Execution, Revision
from blueprints.local.services.stepfunctions.execution.interpreter import WORK, DistributedMaps, Interpreter, Tasks
from blueprints.local.services.stepfunctions.execution.loop import Loop
from blueprints.local.services.stepfunctions.execution.retrying import catcher_for, delay_before_retry, matches
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.local.services.stepfunctions.tasks import TaskAttempt
from blueprints.states_language.failures import TIMEOUT, StateFailed

_MACHINE = "StateMachineToTest"
_SECONDS = 300

Answer = dict[str, Any]


@dataclass
class _TestedExecution(Execution):
    """An execution of one state. Parts of the context object that the test gives replace its own."""

    given_context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def context(self) -> dict[str, Any]:
        own = super().context
        del own["Execution"]["RedriveCount"]
        own["Execution"]["RoleArn"] = self.revision.role_arn or None
        return {**own, **self.given_context}


class _TestedVisit(Visit):
    """The run of the state; what the test gives of the context object holds for all of it."""

    @property
    def context(self) -> dict[str, Any]:
        execution = self.interpreter.execution
        assert isinstance(execution, _TestedExecution)
        return {**super().context, **execution.given_context}


class _Recorded:
    """Runs tasks, or answers as the test's mock says; keeps the result, which is shown in the inspection."""

    def __init__(self, tasks: Tasks, mock: Mock | None) -> None:
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


class StateTests:
    """The operation TestState."""

    def __init__(self, loop: Loop, clock: Clock, tasks: Tasks, distributed_maps: DistributedMaps) -> None:
        self._loop = loop
        self._clock = clock
        self._tasks = tasks
        self._distributed_maps = distributed_maps

    def test(self, given: Answer) -> Answer:
        """TestState."""
        definition, state, text = state_test_inputs.read_state(given)
        mock = state_test_inputs.read_mock(given, state)
        role_arn = state_test_inputs.read_role(given, state, mock)
        input_text, name = given.get("input", "{}"), str(uuid.uuid4())
        execution = _TestedExecution(
            arns.make(arns.EXPRESS, _MACHINE, name, uuid.uuid4()),
            name,
            Revision(arns.make(arns.MACHINE, _MACHINE), _MACHINE, text, definition, role_arn or "", type=EXPRESS),
            input_text,
            read_input(input_text),
            type=EXPRESS,
            given_context=state_test_inputs.read_context(given, state),
        )
        execution.scope.variables = state_test_inputs.read_object(given, "variables")
        execution.scope.state, execution.scope.state_input = state.name, execution.input
        tasks = _Recorded(self._tasks, mock)
        interpreter = Interpreter(execution, self._clock, tasks, self._distributed_maps)
        visit = _TestedVisit(interpreter, execution.scope, state)
        configuration = given.get("stateConfiguration") or {}
        visit.retries = configuration.get("retrierRetryCount", 0)
        try:
            done = self._loop.run(self._run(visit, mock, configuration))
        except StateFailed as failure:
            answer, inspection = _failed(visit, failure)
        else:
            answer = {"status": "SUCCEEDED", "output": done.output_text, "nextState": done.next}
            inspection = inspect(visit, done, mock.result if mock else None, tasks.results)
        if given.get("inspectionLevel", "INFO") != "INFO":
            answer["inspectionData"] = inspection
        return answer

    async def _run(self, visit: Visit, mock: Mock | None, configuration: Answer) -> Done:
        visit.enter()
        if mock and visit.state.type in CONTAINERS:
            return _run_mocked_container(visit, mock, configuration)
        # A call takes real time; only waits pass faster.
        limit = _SECONDS if visit.state.type == "Task" else self._clock.real(_SECONDS)
        try:
            return await asyncio.wait_for(WORK[visit.state.type](visit), limit)
        except TimeoutError:
            raise StateFailed(TIMEOUT) from None


def _run_mocked_container(visit: Visit, mock: Mock, configuration: Answer) -> Done:
    """A Map or Parallel state whose iterations or branches gave the mocked result. Raises StateFailed."""
    state, data = visit.state, visit.data
    if state.type == "Map":
        _check_failed_iterations(visit, mock, configuration)
    return data_flow.finish(state, data, mock.answer(), state.fields, state.next)


def _check_failed_iterations(visit: Visit, mock: Mock, configuration: Answer) -> None:
    """Raise StateFailed if more iterations failed than the Map state tolerates."""
    state, data = visit.state, visit.data
    if "ItemReader" not in state.fields:
        total = len(map_items.items(state, data))
    elif "mapItemReaderData" in configuration:
        total = len(state_test_inputs.read_list(configuration, "mapItemReaderData"))
    else:
        total = len(mock.result) if isinstance(mock.result, list) else 0
    failed = configuration.get("mapIterationFailureCount", 0)
    if failed > total:
        raise state_test_inputs.invalid(
            "Map iteration failure count must be less than or equal to the number of Map iterations"
        )
    tolerance = settings.read_tolerance(state, data)
    is_limited = tolerance.count_is_given or tolerance.percentage_is_given
    if mock.failure is None and is_limited and tolerance.is_exceeded(failed, total):
        raise StateFailed(tolerances.EXCEEDED, tolerances.EXCEEDED_CAUSE)


def _failed(visit: Visit, failure: StateFailed) -> tuple[Answer, Answer]:
    """The answer for a failure, and its inspection: it may be retried, be caught, or fail the execution."""
    failed = {"error": failure.error, "cause": failure.cause}
    state = visit.state
    retrier = next((each for each in state.retriers if matches(each.errors, failure.error)), None)
    details: Answer = {"retryIndex": state.retriers.index(retrier)} if retrier else {}
    if retrier and visit.retries < retrier.max_attempts:
        seconds = delay_before_retry(replace(retrier, full_jitter=False), visit.retries)
        details["retryBackoffIntervalSeconds"] = round(seconds)
        return {"status": "RETRIABLE", **failed}, inspect_failure(visit, details)
    catcher = catcher_for(state.catchers, failure.error)
    if catcher is None:
        return {"status": "FAILED", **failed}, inspect_failure(visit, details)
    try:
        done = data_flow.caught(state, visit.data, failure, catcher)
    except StateFailed as second:
        return {"status": "FAILED", "error": second.error, "cause": second.cause}, inspect_failure(visit, {})
    inspection = inspect_failure(visit, {"catchIndex": state.catchers.index(catcher)})
    caught = {"status": "CAUGHT_ERROR", "output": done.output_text, "nextState": done.next}
    return {**caught, **failed}, inspection
