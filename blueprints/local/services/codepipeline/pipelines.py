"""The API of CodePipeline: pipelines and their executions."""

import copy
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.protocol import Api, ServiceError
from blueprints.local.services.codepipeline.actions import Actions
from blueprints.local.services.codepipeline.execution import ActionRun, Execution, Runner
from blueprints.local.services.codepipeline.pipeline_definition import Definition, check

ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())
ROLE_FAULT = Internal("core.iam_evaluator", "validate_role_arn", ("role_arn",))
CALLER = Internal("core.iam_evaluator", "caller_arn", ())

API = Api("codepipeline", invalid="ValidationException")
_STATES = {"Abandoned": "Stopped"}

Answer = dict[str, Any]


@dataclass
class Pipeline:
    """A pipeline: its present definition, and its executions."""

    definition: Definition
    arn: str
    runner: Runner
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    executions: list[Execution] = field(default_factory=list)
    """Oldest first."""


class Pipelines:
    """Every account's pipelines."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self._actions = Actions(endpoint, clock)
        self._pipelines: dict[tuple[str, str, str], Pipeline] = {}
        self.operations: dict[str, Callable[[Answer], Answer]] = {
            "CreatePipeline": self.create,
            "UpdatePipeline": self.update,
            "GetPipeline": self.get,
            "DeletePipeline": self.delete,
            "ListPipelines": self.list,
            "StartPipelineExecution": self.start,
            "StopPipelineExecution": self.stop,
            "GetPipelineExecution": self.get_execution,
            "ListPipelineExecutions": self.list_executions,
            "GetPipelineState": self.state,
            "ListActionExecutions": self.list_actions,
            "PutApprovalResult": self.approve,
        }

    def reset(self) -> None:
        """Delete every pipeline, and stop its executions."""
        pipelines, self._pipelines = list(self._pipelines.values()), {}
        for pipeline in pipelines:
            for execution in list(pipeline.executions):
                execution.void = True
            _stop_all(pipeline)

    def named(self, name: str) -> Pipeline:
        """A pipeline of the request's account and Region. Raises ServiceError."""
        found = self._pipelines.get((*_scope(), name))
        if found is None:
            message = f"Account '{ACCOUNT.current()()}' does not have a pipeline with name '{name}'"
            raise ServiceError("PipelineNotFoundException", message)
        return found

    def create(self, given: Answer) -> Answer:
        """CreatePipeline, which also starts it."""
        definition = copy.deepcopy(given["pipeline"])
        key = (*_scope(), definition["name"])
        if key in self._pipelines:
            raise ServiceError("PipelineNameInUseException", f"A pipeline with the name '{definition['name']}' exists")
        _check(definition)
        definition |= {"version": 1, "executionMode": definition.get("executionMode", "SUPERSEDED")}
        account, region = _scope()
        arn = f"arn:aws:codepipeline:{region}:{account}:{definition['name']}"
        self._pipelines[key] = Pipeline(definition, arn, Runner(self._actions.perform))
        self._begin(self._pipelines[key], ("CreatePipeline", CALLER.current()()))
        return {"pipeline": definition}

    def update(self, given: Answer) -> Answer:
        """UpdatePipeline; running executions keep their definition."""
        definition = copy.deepcopy(given["pipeline"])
        pipeline = self.named(definition["name"])
        _check(definition)
        definition |= {
            "version": pipeline.definition["version"] + 1,
            "executionMode": definition.get("executionMode", "SUPERSEDED"),
        }
        pipeline.definition, pipeline.updated = definition, time.time()
        return {"pipeline": definition}

    def get(self, given: Answer) -> Answer:
        """GetPipeline."""
        pipeline = self.named(given["name"])
        about = {"pipelineArn": pipeline.arn, "created": pipeline.created, "updated": pipeline.updated}
        return {"pipeline": pipeline.definition, "metadata": about}

    def delete(self, given: Answer) -> Answer:
        """DeletePipeline, which also succeeds if there is no such pipeline."""
        pipeline = self._pipelines.pop((*_scope(), given["name"]), None)
        if pipeline is not None:
            _stop_all(pipeline)
        return {}

    def list(self, given: Answer) -> Answer:  # noqa: ARG002 - one page holds all there are
        """ListPipelines."""
        mine = [each for key, each in sorted(self._pipelines.items()) if key[:2] == _scope()]
        names = ("name", "version", "executionMode")
        return {
            "pipelines": [
                {**{name: each.definition[name] for name in names}, "created": each.created, "updated": each.updated}
                for each in mine
            ]
        }

    def start(self, given: Answer) -> Answer:
        """StartPipelineExecution."""
        for name in ("variables", "sourceRevisions"):
            if given.get(name):
                raise ServiceError("ValidationException", f"{name} of an execution are not emulated")
        execution = self._begin(self.named(given["name"]), ("StartPipelineExecution", CALLER.current()()))
        return {"pipelineExecutionId": execution.id}

    def start_by_event(self, name: str, rule_arn: str) -> None:
        """Start an execution for a rule of EventBridge."""
        self._begin(self.named(name), ("CloudWatchEvent", rule_arn))

    def stop(self, given: Answer) -> Answer:
        """StopPipelineExecution; a running build is stopped too, with or without `abandon`."""
        execution = self._execution(given)
        if execution.status != "InProgress":
            raise ServiceError(
                "PipelineExecutionNotStoppableException", f"Execution {execution.id} is {execution.status}"
            )
        execution.stopping.set()
        return {"pipelineExecutionId": execution.id}

    def get_execution(self, given: Answer) -> Answer:
        """GetPipelineExecution."""
        execution = self._execution(given)
        return {
            "pipelineExecution": {
                "pipelineName": execution.pipeline["name"],
                "pipelineVersion": execution.pipeline["version"],
                "pipelineExecutionId": execution.id,
                "status": execution.status,
                "artifactRevisions": execution.revisions,
                "trigger": dict(zip(("triggerType", "triggerDetail"), execution.trigger, strict=True)),
                "executionMode": execution.pipeline["executionMode"],
                "executionType": "STANDARD",
            }
        }

    def list_executions(self, given: Answer) -> Answer:
        """ListPipelineExecutions, newest first."""
        pipeline = self.named(given["pipelineName"])
        return {"pipelineExecutionSummaries": [_summary(each) for each in reversed(pipeline.executions)]}

    def state(self, given: Answer) -> Answer:
        """GetPipelineState."""
        pipeline = self.named(given["name"])
        return {
            "pipelineName": pipeline.definition["name"],
            "pipelineVersion": pipeline.definition["version"],
            "stageStates": [_stage_state(pipeline, stage) for stage in pipeline.definition["stages"]],
            "created": pipeline.created,
            "updated": pipeline.updated,
        }

    def list_actions(self, given: Answer) -> Answer:
        """ListActionExecutions, newest first."""
        pipeline = self.named(given["pipelineName"])
        wanted = (given.get("filter") or {}).get("pipelineExecutionId")
        chosen = [each for each in reversed(pipeline.executions) if wanted in (None, each.id)]
        if wanted and not chosen:
            raise ServiceError("PipelineExecutionNotFoundException", f"There is no execution {wanted}")
        details = [_action_detail(each, run) for each in chosen for run in reversed(each.actions)]
        return {"actionExecutionDetails": details}

    def approve(self, given: Answer) -> Answer:
        """PutApprovalResult."""
        pipeline = self.named(given["pipelineName"])
        named = [
            run
            for execution in pipeline.executions
            for run in execution.actions
            if (run.stage, run.name) == (given["stageName"], given["actionName"])
        ]
        if not named:
            raise ServiceError("ActionNotFoundException", f"There is no action {given['actionName']} that ran")
        if not any(run.token == given["token"] for run in named):
            raise ServiceError("InvalidApprovalTokenException", "The token is not of an approval that waits")
        result = given["result"]
        self._actions.answer(given["token"], result["status"], result["summary"], CALLER.current()())
        return {"approvedAt": time.time()}

    def _begin(self, pipeline: Pipeline, trigger: tuple[str, str]) -> Execution:
        execution = Execution(copy.deepcopy(pipeline.definition), pipeline.arn, trigger)
        pipeline.executions.append(execution)
        pipeline.runner.start(execution)
        return execution

    def _execution(self, given: Answer) -> Execution:
        pipeline = self.named(given["pipelineName"])
        for execution in pipeline.executions:
            if execution.id == given["pipelineExecutionId"]:
                return execution
        message = f"There is no execution {given['pipelineExecutionId']} of {given['pipelineName']}"
        raise ServiceError("PipelineExecutionNotFoundException", message)


def _check(definition: Definition) -> None:
    check(definition)
    fault = ROLE_FAULT.current()(definition["roleArn"])
    if fault:
        raise ServiceError(
            "InvalidStructureException", f"CodePipeline is not authorized to perform AssumeRole: {fault}"
        )


def _scope() -> tuple[str, str]:
    return ACCOUNT.current()(), REGION.current()()


def _stop_all(pipeline: Pipeline) -> None:
    for execution in pipeline.executions:
        execution.stopping.set()


def _summary(execution: Execution) -> Answer:
    revisions = [
        {"actionName": run.name, "revisionId": run.external_id, "revisionSummary": run.summary}
        for run in execution.actions
        if run.action["actionTypeId"]["category"] == "Source" and run.status == "Succeeded"
    ]
    return {
        "pipelineExecutionId": execution.id,
        "status": execution.status,
        "startTime": execution.begun,
        "lastUpdateTime": execution.changed,
        "sourceRevisions": revisions,
        "trigger": dict(zip(("triggerType", "triggerDetail"), execution.trigger, strict=True)),
        "executionMode": execution.pipeline["executionMode"],
        "executionType": "STANDARD",
    }


def _stage_state(pipeline: Pipeline, stage: Definition) -> Answer:
    name = stage["name"]
    entered = [each for each in pipeline.executions if name in each.stages]
    state: Answer = {"stageName": name, "inboundTransitionState": {"enabled": True}}
    if entered:
        latest = entered[-1]
        state["latestExecution"] = {"pipelineExecutionId": latest.id, "status": latest.stages[name]}
    states = []
    for action in stage["actions"]:
        runs = _runs(reversed(entered), name, action["name"])
        states.append({"actionName": action["name"], **({"latestExecution": _latest(runs[0])} if runs else {})})
    return {**state, "actionStates": states}


def _runs(executions: Iterator[Execution], stage: str, action: str) -> list[ActionRun]:
    runs = itertools.chain.from_iterable(execution.actions for execution in executions)
    return [run for run in runs if (run.stage, run.name) == (stage, action)]


def _latest(run: ActionRun) -> Answer:
    return {
        "actionExecutionId": run.id,
        "status": run.status,
        "lastStatusChange": run.changed,
        **({"summary": run.summary} if run.summary else {}),
        **({"token": run.token} if run.token else {}),
        **({"externalExecutionId": run.external_id} if run.external_id else {}),
        **({"lastUpdatedBy": run.updated_by} if run.updated_by else {}),
        **({"errorDetails": _error(run)} if run.error else {}),
    }


def _error(run: ActionRun) -> Answer:
    return dict(zip(("code", "message"), run.error or (), strict=True))


def _action_detail(execution: Execution, run: ActionRun) -> Answer:
    inputs = [artifact["name"] for artifact in run.action.get("inputArtifacts") or ()]
    result = {"externalExecutionId": run.external_id, "externalExecutionSummary": run.summary}
    return {
        "pipelineExecutionId": execution.id,
        "actionExecutionId": run.id,
        "pipelineVersion": execution.pipeline["version"],
        "stageName": run.stage,
        "actionName": run.name,
        "startTime": run.begun,
        "lastUpdateTime": run.changed,
        "status": run.status,
        "input": {
            "actionTypeId": run.action["actionTypeId"],
            "configuration": run.action.get("configuration") or {},
            "resolvedConfiguration": run.configuration,
            "inputArtifacts": [_place(name, execution.artifacts) for name in inputs],
            **({"namespace": run.action["namespace"]} if run.action.get("namespace") else {}),
        },
        "output": {
            "outputArtifacts": [_place(name, run.outputs) for name in run.outputs],
            "executionResult": {**result, **({"errorDetails": _error(run)} if run.error else {})},
            "outputVariables": run.variables,
        },
    }


def _place(name: str, places: dict[str, tuple[str, str]]) -> Answer:
    bucket, key = places.get(name, ("", ""))
    return {"name": name, "s3location": {"bucket": bucket, "key": key}}
