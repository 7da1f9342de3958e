"""What the API answers about an execution."""

import copy
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.execution.execution import (
    RUNNING,
    SUCCEEDED,
    Execution,
)
from blueprints.local.services.stepfunctions.execution.history import MOST_EVENTS

REDRIVABLE, NOT_REDRIVABLE, BY_MAP_RUN = "REDRIVABLE", "NOT_REDRIVABLE", "REDRIVABLE_BY_MAP_RUN"

_REDRIVABLE_SECONDS = 14 * 86_400
_OPEN_SECONDS = 365 * 86_400
_DATA_OF_EVENTS = ("input", "output", "parameters")
_BILLED_MILLISECONDS = 100
_BILLED_MB = 64
_INCLUDED = {"included": True}

Answer = dict[str, Any]


def machine_arn(execution: Execution) -> str:
    """The state machine's ARN as an execution shows it: of a Map Run's child with the label of the Map state."""
    if not execution.map_run_arn:
        return execution.revision.machine_arn
    return f"{execution.revision.machine_arn}/{map_label(execution)}"


def map_label(execution: Execution) -> str | None:
    """The label of the Map state that has started an execution, or None."""
    return arns.without_label(execution.map_run_arn.split(":")[6])[1] if execution.map_run_arn else None


def summary(execution: Execution) -> Answer:
    """An execution in a list."""
    return {
        "executionArn": execution.arn,
        "stateMachineArn": machine_arn(execution),
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "mapRunArn": execution.map_run_arn,
        "itemCount": execution.item_count,
        "stateMachineVersionArn": execution.version_arn,
        "stateMachineAliasArn": execution.alias_arn,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
    }


def description(execution: Execution, *, machine_is_deleted: bool, with_data: bool = True) -> Answer:
    """An execution in full; without its input and output unless `with_data`."""
    redrive = redrive_status(execution, machine_is_deleted=machine_is_deleted)
    answer = {**summary(execution), **redrive, **_data(execution, with_data=with_data)}
    del answer["itemCount"]
    return {**answer, "traceHeader": execution.trace_header}


def synchronous_result(execution: Execution, *, with_data: bool = True) -> Answer:
    """The answer of StartSyncExecution."""
    answer = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.revision.machine_arn,
        "name": execution.name,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "status": execution.status,
        "traceHeader": execution.trace_header,
        "billingDetails": _billed(execution),
    }
    return {**answer, **_data(execution, with_data=with_data)}


def redrive_status(
    execution: Execution, *, machine_is_deleted: bool, now: Callable[[], float] = time.time
) -> dict[str, str]:
    """Whether an execution can be redriven, and why not."""
    reason = _obstacle(execution, machine_is_deleted=machine_is_deleted, now=now())
    if reason:
        return {"redriveStatus": NOT_REDRIVABLE, "redriveStatusReason": reason}
    return {"redriveStatus": BY_MAP_RUN if execution.map_run_arn else REDRIVABLE}


def without_data(events: Iterable[Answer]) -> list[Answer]:
    """Events without inputs, outputs and parameters."""
    shown = copy.deepcopy(list(events))
    for event in shown:
        for details in event.values():
            if isinstance(details, dict):
                for name in _DATA_OF_EVENTS:
                    details.pop(name, None)
    return shown


def _data(execution: Execution, *, with_data: bool) -> Answer:
    failure = {"error": execution.error, "cause": execution.cause}
    if not with_data:
        return {**failure, "inputDetails": {"included": False}, "outputDetails": {"included": False}}
    answer: Answer = {**failure, "input": execution.input_text, "inputDetails": _INCLUDED}
    if execution.output_text is not None:
        answer |= {"output": execution.output_text, "outputDetails": _INCLUDED}
    return answer


def _obstacle(execution: Execution, *, machine_is_deleted: bool, now: float) -> str | None:
    if machine_is_deleted:
        return "State machine is in DELETING status"
    if execution.status in (RUNNING, SUCCEEDED) or execution.stop_date is None:
        return f"Execution is {execution.status} and cannot be redriven"
    if len(execution.history.events) >= MOST_EVENTS - 1:
        return "Execution history event limit exceeded"
    if now - execution.start_date > _OPEN_SECONDS:
        return "Execution has exceeded the max execution time"
    if now - execution.stop_date > _REDRIVABLE_SECONDS:
        return "Execution redrivable period exceeded"
    return None


def _billed(execution: Execution) -> dict[str, int]:
    took = max(1, round(((execution.stop_date or time.time()) - execution.start_date) * 1000))
    return {
        "billedDurationInMilliseconds": math.ceil(took / _BILLED_MILLISECONDS) * _BILLED_MILLISECONDS,
        "billedMemoryUsedInMB": _BILLED_MB,
    }
