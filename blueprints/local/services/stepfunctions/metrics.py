"""Records the metrics of AWS/States: of executions, and of the functions, integrations and activities that they call.

Source: AWS Step Functions Developer Guide, "Monitoring Step Functions metrics using Amazon CloudWatch".
"""

from dataclasses import dataclass
from typing import Any

from blueprints.local.base.metrics import Value, record
from blueprints.local.services.stepfunctions.execution.execution import (
    ABORTED,
    EXPRESS,
    FAILED,
    RUNNING,
    SUCCEEDED,
    TIMED_OUT,
    Execution,
)
from blueprints.local.services.stepfunctions.execution.history import Event, details_member

_NAMESPACE = "AWS/States"
_ENDED = {SUCCEEDED: "Succeeded", FAILED: "Failed", ABORTED: "Aborted", TIMED_OUT: "TimedOut"}


@dataclass(frozen=True)
class _Family:
    """The metrics of one kind of work, such as `LambdaFunctionsFailed` and `LambdaFunctionTime`."""

    dimension: str
    one: str
    many: str


_FUNCTION = _Family("LambdaFunctionArn", "LambdaFunction", "LambdaFunctions")
_INTEGRATION = _Family("ServiceIntegrationResourceArn", "ServiceIntegration", "ServiceIntegrations")
_ACTIVITY = _Family("ActivityArn", "Activity", "Activities")

# The types of events that begin, start or end work, and the last part of the metric that counts them.
_STEPS: dict[str, tuple[_Family, str]] = {
    "LambdaFunctionScheduled": (_FUNCTION, "Scheduled"),
    "LambdaFunctionStarted": (_FUNCTION, "Started"),
    "LambdaFunctionSucceeded": (_FUNCTION, "Succeeded"),
    "LambdaFunctionFailed": (_FUNCTION, "Failed"),
    "LambdaFunctionStartFailed": (_FUNCTION, "Failed"),
    "LambdaFunctionScheduleFailed": (_FUNCTION, "Failed"),
    "LambdaFunctionTimedOut": (_FUNCTION, "TimedOut"),
    "TaskScheduled": (_INTEGRATION, "Scheduled"),
    "TaskStarted": (_INTEGRATION, "Started"),
    "TaskSubmitted": (_INTEGRATION, ""),
    "TaskSucceeded": (_INTEGRATION, "Succeeded"),
    "TaskFailed": (_INTEGRATION, "Failed"),
    "TaskStartFailed": (_INTEGRATION, "Failed"),
    "TaskSubmitFailed": (_INTEGRATION, "Failed"),
    "TaskTimedOut": (_INTEGRATION, "TimedOut"),
    "ActivityScheduled": (_ACTIVITY, "Scheduled"),
    "ActivityStarted": (_ACTIVITY, "Started"),
    "ActivitySucceeded": (_ACTIVITY, "Succeeded"),
    "ActivityFailed": (_ACTIVITY, "Failed"),
    "ActivityScheduleFailed": (_ACTIVITY, "Failed"),
    "ActivityTimedOut": (_ACTIVITY, "TimedOut"),
}
_UNDER_WAY = ("Scheduled", "Started", "")


@dataclass
class _Work:
    """Work that an execution waits for."""

    resource: str
    scheduled: float
    started: float | None = None


class Metrics:
    """Records as executions go on."""

    def __init__(self) -> None:
        self._under_way: dict[str, dict[int, _Work]] = {}
        """By the ARN of the execution, and the id of the last event about the work."""

    def on_event(self, execution: Execution, event: Event) -> None:
        """Count work of an execution, and how long it took."""
        step = _STEPS.get(event["type"])
        if step is None:
            return
        family, outcome = step
        moment = event["timestamp"]
        under_way = self._under_way.setdefault(execution.arn, {})
        work = under_way.pop(event["previousEventId"], None)
        if outcome == "Scheduled":
            work = _Work(_resource(family, event), moment)
        if work is None:
            return
        if outcome == "Started":
            work.started = moment
        if outcome in _UNDER_WAY:
            under_way[event["id"]] = work
        values = [(f"{family.many}{outcome}", 1.0, "Count")] if outcome else []
        if outcome == "Started":
            values.append((f"{family.one}ScheduleTime", _milliseconds(work.scheduled, moment), "Milliseconds"))
        elif outcome not in _UNDER_WAY:
            values.append((f"{family.one}Time", _milliseconds(work.scheduled, moment), "Milliseconds"))
            if work.started is not None:
                values.append((f"{family.one}RunTime", _milliseconds(work.started, moment), "Milliseconds"))
        if event["type"] == "ActivityTimedOut" and _is_heartbeat(event):
            values.append(("ActivitiesHeartbeatTimedOut", 1.0, "Count"))
        _record(execution, values, [{family.dimension: work.resource}])

    def on_status_change(self, execution: Execution) -> None:
        """Count an execution that has started, was redriven or has ended."""
        redriven = execution.redrive_count > 0
        if execution.status == RUNNING:
            values = [("ExecutionsRedriven" if redriven else "ExecutionsStarted", 1.0, "Count")]
            if execution.type != EXPRESS:
                values.append(("ExecutionThrottled", 0.0, "Count"))  # no state transition is throttled here
        elif execution.status in _ENDED and execution.stop_date is not None:
            ended = _ENDED[execution.status]
            begun = execution.redrive_date if redriven and execution.redrive_date else execution.start_date
            took = _milliseconds(begun, execution.stop_date)
            values = [(f"Executions{ended}", 1.0, "Count"), ("ExecutionTime", took, "Milliseconds")]
            if redriven:
                values.append((f"RedrivenExecutions{ended}", 1.0, "Count"))
            if execution.type == EXPRESS:
                values.append(("ExpressExecutionBilledDuration", -(-took // 100) * 100, "Milliseconds"))
            self._under_way.pop(execution.arn, None)
        else:
            return
        _record(execution, values, list(_dimensions(execution)))

    def reset(self) -> None:
        """Forget the work under way."""
        self._under_way.clear()


def _dimensions(execution: Execution) -> list[dict[str, str]]:
    """A state machine's metrics, and those of the version and the alias that an execution was started by."""
    machine = {"StateMachineArn": _machine_of(execution)}
    found = [machine]
    if execution.version_arn:
        found.append({**machine, "Version": execution.version_arn.rpartition(":")[2]})
    if execution.alias_arn:
        found.append({**machine, "Alias": execution.alias_arn.rpartition(":")[2]})
    return found


def _machine_of(execution: Execution) -> str:
    """The ARN of the state machine; children of a Map Run have one of their own: `…:stateMachine:NAME/LABEL`."""
    if not execution.map_run_arn:
        return execution.revision.machine_arn
    name_and_label = execution.arn.split(":")[6]
    return f"{execution.revision.machine_arn.rpartition(':')[0]}:{name_and_label}"


def _record(execution: Execution, values: list[Value], dimensions: list[dict[str, str]]) -> None:
    record(_NAMESPACE, dimensions, values, (execution.revision.account, execution.revision.region))


def _resource(family: _Family, event: Event) -> str:
    details: dict[str, Any] = event.get(details_member(event["type"])) or {}
    resource = str(details.get("resource", ""))
    if family is not _INTEGRATION:
        return resource
    return f"arn:aws:states:::{details.get('resourceType', '')}:{resource}"


def _is_heartbeat(event: Event) -> bool:
    details = event.get(details_member(event["type"])) or {}
    return details.get("error") == "States.HeartbeatTimeout"


def _milliseconds(begun: float, ended: float) -> float:
    return max(0.0, (ended - begun) * 1000)
