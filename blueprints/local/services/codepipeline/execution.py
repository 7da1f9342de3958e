"""Runs executions of a pipeline: stage by stage, one execution at a time in each stage, with events for EventBridge."""

import logging
import re
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.services.codepipeline.pipeline_definition import Definition, in_order
from blueprints.local.services.eventbridge import announce

_VARIABLE = re.compile(r"#\{([\w@-]+)\.([\w@-]+)\}")

log = logging.getLogger(__name__)


class ActionFailed(Exception):
    """An action failed; `code` and message are CodePipeline's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Abandoned(Exception):
    """The execution was stopped."""


@dataclass
class ActionRun:
    """One action's part in an execution."""

    stage: str
    action: Definition
    configuration: dict[str, str]
    """With the variables of earlier actions put in."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    begun: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    token: str | None = None
    external_id: str = ""
    summary: str = ""
    error: tuple[str, str] | None = None
    updated_by: str = ""
    outputs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By artifact: bucket and key."""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The action's name."""
        return str(self.action["name"])


@dataclass
class Execution:
    """One run through a pipeline as it was defined when the run began."""

    pipeline: Definition
    arn: str
    trigger: tuple[str, str]
    """Its type, such as `StartPipelineExecution`, and a detail."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    begun: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    actions: list[ActionRun] = field(default_factory=list)
    stages: dict[str, str] = field(default_factory=dict)
    """Those it has entered, with their status."""
    revisions: list[dict[str, Any]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    superseded: bool = False
    void: bool = False
    """Whether its account was emptied; nothing is announced of it."""

    @property
    def artifacts(self) -> dict[str, tuple[str, str]]:
        """The output artifacts so far, by name: bucket and key."""
        return {name: place for run in self.actions for name, place in run.outputs.items()}

    @property
    def variables(self) -> dict[str, dict[str, str]]:
        """The variables of its actions so far, by namespace."""
        runs = [run for run in self.actions if run.action.get("namespace")]
        return {str(run.action["namespace"]): run.variables for run in runs}


class Gate:
    """Admits one execution at a time to a stage. Unless the pipeline queues them, only the newest waits."""

    def __init__(self) -> None:
        self._inside: Execution | None = None
        self._waiting: list[Execution] = []
        self._changed = threading.Condition()

    def enter(self, execution: Execution, *, queued: bool) -> bool:
        """Wait until the stage is free; False if a newer execution superseded this one, or it was stopped."""
        with self._changed:
            if not queued:
                for other in self._waiting:
                    other.superseded = True
                self._waiting.clear()
            self._waiting.append(execution)
            self._changed.notify_all()
            while not execution.superseded and not execution.stopping.is_set():
                if self._inside is None and self._waiting[0] is execution:
                    break
                self._changed.wait(0.1)
            if execution in self._waiting:
                self._waiting.remove(execution)
            if execution.superseded or execution.stopping.is_set():
                return False
            self._inside = execution
            return True

    def leave(self) -> None:
        """Free the stage for the next execution."""
        with self._changed:
            self._inside = None
            self._changed.notify_all()


Perform = Callable[[Execution, ActionRun], None]
"""Does an action; raises ActionFailed or Abandoned."""


class Runner:
    """Runs executions of one pipeline."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform
        self._gates: dict[str, Gate] = {}

    def start(self, execution: Execution) -> None:
        """Run an execution in the background, in the caller's account and Region."""
        threading.Thread(
            target=copy_context().run, args=(self._run, execution), name="pipeline-execution", daemon=True
        ).start()

    def _run(self, execution: Execution) -> None:
        _tell(execution, "Pipeline", "STARTED")
        queued = execution.pipeline.get("executionMode") == "QUEUED"
        for stage in execution.pipeline["stages"]:
            gate = self._gates.setdefault(stage["name"], Gate())
            if not gate.enter(execution, queued=queued):
                self._end(execution, "Superseded" if execution.superseded else "Stopped")
                return
            try:
                status = self._run_stage(execution, stage)
            finally:
                gate.leave()
            if status != "Succeeded":
                self._end(execution, status)
                return
        self._end(execution, "Succeeded")

    def _run_stage(self, execution: Execution, stage: Definition) -> str:
        execution.stages[stage["name"]] = "InProgress"
        _tell(execution, "Stage", "STARTED", stage=stage["name"])
        status = "Succeeded"
        for actions in in_order(stage):
            with ThreadPoolExecutor(len(actions)) as pool:
                futures = [
                    pool.submit(copy_context().run, self._run_action, execution, stage, each) for each in actions
                ]
                statuses = [future.result() for future in futures]
            status = next((each for each in statuses if each != "Succeeded"), "Succeeded")
            if status != "Succeeded":
                break
        status = "Stopped" if status == "Abandoned" else status
        execution.stages[stage["name"]] = status
        _tell(execution, "Stage", status.upper(), stage=stage["name"])
        return status

    def _run_action(self, execution: Execution, stage: Definition, action: Definition) -> str:
        run = ActionRun(stage["name"], action, _resolved(action, execution))
        execution.actions.append(run)
        tell = _telling(execution, run)
        tell("STARTED")
        try:
            self._perform(execution, run)
            run.status = "Succeeded"
        except ActionFailed as error:
            run.status, run.error = "Failed", (error.code, str(error))
        except Abandoned:
            run.status = "Abandoned"
        except Exception as error:
            log.exception("action %s of %s did not run to its end", run.name, execution.arn)
            run.status, run.error = "Failed", ("InternalError", f"{type(error).__name__}: {error}")
        run.token, run.changed = None, time.time()
        tell(run.status.upper())
        return run.status

    @staticmethod
    def _end(execution: Execution, status: str) -> None:
        execution.status, execution.changed = status, time.time()
        _tell(execution, "Pipeline", status.upper())


def _resolved(action: Definition, execution: Execution) -> dict[str, str]:
    """The configuration with `#{namespace.variable}` replaced; unknown variables stay as they are written."""
    known = execution.variables

    def value(found: re.Match[str]) -> str:
        if found[1] == "codepipeline" and found[2] == "PipelineExecutionId":
            return execution.id
        return known.get(found[1], {}).get(found[2], found[0])

    return {name: _VARIABLE.sub(value, str(text)) for name, text in (action.get("configuration") or {}).items()}


def _telling(execution: Execution, run: ActionRun) -> Callable[[str], None]:
    def tell(state: str) -> None:
        kind = run.action["actionTypeId"]
        result: dict[str, str] = {"external-execution-id": run.external_id, "external-execution-summary": run.summary}
        if run.error:
            result |= {"error-code": run.error[0], "external-execution-summary": run.error[1]}
        extra = {
            "stage": run.stage,
            "action": run.name,
            "action-execution-id": run.id,
            "type": {name: str(kind[name]) for name in ("owner", "provider", "category", "version")},
            "region": execution.arn.split(":")[3],
        }
        _tell(execution, "Action", state, **extra, **({"execution-result": result} if state != "STARTED" else {}))

    return tell


def _tell(execution: Execution, level: str, state: str, **extra: Any) -> None:
    if execution.void:
        return
    detail = {
        "pipeline": execution.pipeline["name"],
        "execution-id": execution.id,
        "start-time": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(execution.begun)),
        "state": state,
        "version": float(execution.pipeline["version"]),
        "pipeline-execution-attempt": 1.0,
        **extra,
    }
    if level == "Pipeline":
        trigger, reason = execution.trigger
        detail["execution-trigger"] = {"trigger-type": trigger, "trigger-detail": reason}
    kind = f"CodePipeline {level} Execution State Change"
    announce("aws.codepipeline", kind, detail, execution.arn)
