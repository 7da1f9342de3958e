"""Sends "Step Functions Execution Status Change" to EventBridge, for every status of a STANDARD execution.

Source: AWS Step Functions Developer Guide, "Automating Step Functions event delivery with EventBridge".
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.eventbridge import announce
from blueprints.local.services.stepfunctions.execution.execution import (
    EXPRESS,
    PENDING_REDRIVE,
    RUNNING,
    SUCCEEDED,
    Execution,
)

SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

_SOURCE, _KIND = "aws.states", "Step Functions Execution Status Change"
_LARGEST_BYTES = 248 * 1024
"""The most that the escaped input and output may have together; else they are left out."""


class StatusEvents:
    """Announces changes one after the other on a thread of its own: a rule may start executions in turn."""

    def __init__(self) -> None:
        self._thread = _one_thread()

    def on_status_change(self, execution: Execution) -> None:
        """Announce the present status of an execution."""
        if execution.type == EXPRESS or execution.map_run_arn:
            return
        self._thread.submit(_announce, detail_of(execution), execution.revision.account, execution.revision.region)

    def reset(self) -> None:
        """Drop what was not announced yet: it is of the account that is emptied."""
        before, self._thread = self._thread, _one_thread()
        before.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="execution-status")


def _announce(detail: dict[str, Any], account: str, region: str) -> None:
    with SCOPE.current()(account, region):
        announce(_SOURCE, _KIND, detail, detail["executionArn"])


def detail_of(execution: Execution) -> dict[str, Any]:
    """The event's detail: what DescribeExecution tells, with dates in milliseconds."""
    succeeded = execution.status == SUCCEEDED
    output = execution.output_text if succeeded else None
    fits = len(execution.input_text.encode()) + len((output or "").encode()) <= _LARGEST_BYTES
    shown = {"included": fits}
    redrivable = execution.status not in (RUNNING, SUCCEEDED, PENDING_REDRIVE)
    return {
        "executionArn": execution.arn,
        "stateMachineArn": execution.revision.machine_arn,
        "stateMachineVersionArn": execution.version_arn,
        "stateMachineAliasArn": execution.alias_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": execution.input_text if fits else None,
        "inputDetails": shown,
        "output": output if fits else None,
        "outputDetails": shown if output is not None else None,
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": execution.redrive_count,
        "redriveDate": _milliseconds(execution.redrive_date),
        "redriveStatus": "REDRIVABLE" if redrivable else "NOT_REDRIVABLE",
        "redriveStatusReason": None if redrivable else f"Execution is {execution.status} and cannot be redriven",
    }


def _milliseconds(moment: float | None) -> int | None:
    return None if moment is None else int(moment * 1000)
