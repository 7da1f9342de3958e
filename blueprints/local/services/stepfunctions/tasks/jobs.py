"""Jobs that a task starts and waits for (`.sync`): how to see whether they are done, and how to stop them.

Step Functions learns of the end of some jobs by events, for which it makes a rule of its own with the role's
permissions; of others by asking in the role. Source: AWS Step Functions Developer Guide, "How Step Functions generates
IAM policies for integrated services".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.stepfunctions.tasks.integrations import RUN_A_JOB_2, Integration
from blueprints.local.services.stepfunctions.tasks.optimized import SERVICES, OptimizedService
from blueprints.local.services.stepfunctions.tasks.sdk_values import JOB_FORM
from blueprints.states_language.failures import TASK_FAILED, StateFailed
from blueprints.states_language.json_text import dump

Parameters = Mapping[str, Any]
Started = Mapping[str, Any]
"""The parameters of the call that started a job, and its result."""


@dataclass(frozen=True)
class Job:
    """A kind of job."""

    describe: str
    """The action that describes a job."""
    described_by: Callable[[Started], Parameters]
    """The parameters of that action."""
    description: Callable[[Any], dict[str, Any]]
    """What describes the job in the action's result."""
    status: Callable[[dict[str, Any]], str]
    failed: frozenset[str]
    """The statuses of a job that ended without success. With another one than these and SUCCEEDED it still runs."""
    stop: str
    """The action that ends a job."""
    stopped_by: Callable[[Started], Parameters]
    rule: str | None = None
    """EventBridge's rule by which Step Functions learns of the end; None if it asks in the role."""
    is_real_work: bool = False
    """Whether the job is work of this machine, so that it takes real time in every time limit."""
    output: Callable[[dict[str, Any]], Any] = lambda description: description
    """The result of the task, from the description."""

    def look(self, service: OptimizedService, client: Any, started: Started) -> dict[str, Any]:
        """The description of a job; blocks. Raises StateFailed."""
        operation = service.model_operation(self.describe)
        answer = service.answer(operation, client, self.described_by(started))
        return self.description(operation.result(answer, JOB_FORM))

    def end(self, service: OptimizedService, client: Any, started: Started) -> None:
        """End a job; blocks. Raises StateFailed."""
        service.answer(service.model_operation(self.stop), client, self.stopped_by(started))

    def result(self, description: dict[str, Any]) -> tuple[bool, Any]:
        """Whether the job is done, and its result. Raises StateFailed if it failed."""
        status = self.status(description)
        if status in self.failed:
            raise StateFailed(TASK_FAILED, dump(description))
        return status == "SUCCEEDED", self.output(description)


def _sorted(description: dict[str, Any]) -> dict[str, Any]:
    return {name: description[name] for name in sorted(description)}


def _with_json_output(description: dict[str, Any]) -> dict[str, Any]:
    """`.sync:2` gives the output of an execution as JSON, `.sync` as text."""
    return {**description, "Output": json.loads(description["Output"])} if "Output" in description else description


def _query_status(described: dict[str, Any]) -> str:
    """The base emulator reports success before it wrote the results, and the time of the end after that."""
    status = described["QueryExecution"]["Status"]
    return str(status["State"]) if "CompletionDateTime" in status or status["State"] != "SUCCEEDED" else "RUNNING"


def _execution(output: Callable[[dict[str, Any]], Any]) -> Job:
    return Job(
        describe="describeExecution",
        described_by=lambda started: {"executionArn": started["ExecutionArn"]},
        description=_sorted,
        status=lambda execution: str(execution["Status"]),
        failed=frozenset({"FAILED", "TIMED_OUT", "ABORTED"}),
        stop="stopExecution",
        stopped_by=lambda started: {"executionArn": started["ExecutionArn"]},
        rule="StepFunctionsGetEventsForStepFunctionsExecutionRule",
        output=output,
    )


_JOBS = {
    ("states", "startExecution"): _execution(lambda description: description),
    ("codebuild", "startBuild"): Job(
        describe="batchGetBuilds",
        described_by=lambda started: {"ids": [started["Build"]["Id"]]},
        description=lambda result: {"Build": result["Builds"][0]},
        status=lambda described: str(described["Build"]["BuildStatus"]),
        failed=frozenset({"FAILED", "FAULT", "STOPPED", "TIMED_OUT"}),
        stop="stopBuild",
        stopped_by=lambda started: {"id": started["Build"]["Id"]},
        rule="StepFunctionsGetEventForCodeBuildStartBuildRule",
        is_real_work=True,
    ),
    ("glue", "startJobRun"): Job(
        describe="getJobRun",
        described_by=lambda started: {"JobName": started["JobName"], "RunId": started["JobRunId"]},
        description=lambda result: dict(result["JobRun"]),
        status=lambda run: str(run["JobRunState"]),
        failed=frozenset({"FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"}),
        stop="batchStopJobRun",
        stopped_by=lambda started: {"JobName": started["JobName"], "JobRunIds": [started["JobRunId"]]},
        is_real_work=True,
    ),
    ("athena", "startQueryExecution"): Job(
        describe="getQueryExecution",
        described_by=lambda started: {"QueryExecutionId": started["QueryExecutionId"]},
        description=dict,
        status=_query_status,
        failed=frozenset({"FAILED", "CANCELLED"}),
        stop="stopQueryExecution",
        stopped_by=lambda started: {"QueryExecutionId": started["QueryExecutionId"]},
    ),
}
_EXECUTION_WITH_JSON_OUTPUT = _execution(_with_json_output)


def job_of(integration: Integration) -> tuple[OptimizedService, Job]:
    """The job that an integration with `.sync` starts, and its service. Raises KeyError if it starts none."""
    key = (integration.service, integration.action)
    job = _EXECUTION_WITH_JSON_OUTPUT if integration.pattern == RUN_A_JOB_2 else _JOBS[key]
    return SERVICES[integration.service], job


def rule_of(integration: Integration) -> str | None:
    """The rule that Step Functions makes for an integration; None if it makes none."""
    key = (integration.service, integration.action)
    return _JOBS[key].rule if integration.is_job and key in _JOBS else None
