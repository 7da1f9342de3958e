"""Starts executions and waits for their end."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.progress import Report
from blueprints.stacks.calls import call, is_on_this_machine

_SECONDS_EMBEDDED, _SECONDS_ACCOUNT = 0.05, 1.0
_LONGEST_PAUSE = 10.0


@dataclass(frozen=True)
class SynchronousAnswer:
    """The answer of StartSyncExecution: all that an EXPRESS execution leaves behind besides its logs."""

    arn: str
    status: str
    """`SUCCEEDED`, `FAILED` or `TIMED_OUT`."""
    output: Any
    error: str
    cause: str
    seconds: float


def is_express(client: Callable[[str], Any], machine: str) -> bool:
    """Whether a state machine is of type EXPRESS. `client` makes a boto3 client of a service."""
    described = call(
        client("stepfunctions").describe_state_machine, "DescribeStateMachine", machine, stateMachineArn=machine
    )
    return bool(described["type"] == "EXPRESS")


def start(client: Callable[[str], Any], machine: str, payload: object) -> str:
    """Start an execution of a STANDARD state machine, and return its ARN.

    Raises BlueprintError if it is refused.
    """
    states = client("stepfunctions")
    started = call(states.start_execution, "StartExecution", machine, stateMachineArn=machine, input=_input(payload))
    return str(started["executionArn"])


def wait(client: Callable[[str], Any], execution: str, report: Report) -> None:
    """Wait until an execution has ended, and report each state that it enters meanwhile."""
    states = client("stepfunctions")
    pause = _SECONDS_EMBEDDED if is_on_this_machine(states) else _SECONDS_ACCOUNT
    reported = None
    while _status(states, execution) in ("RUNNING", "PENDING_REDRIVE"):
        entered = _last_entered(states, execution)
        if entered and entered != reported:
            report(f"in {entered}")
        reported = entered
        time.sleep(pause)
        pause = min(pause * 1.2, _LONGEST_PAUSE)


def run_synchronously(client: Callable[[str], Any], machine: str, payload: object) -> SynchronousAnswer:
    """Run an execution of an EXPRESS state machine to its end. Raises BlueprintError if it is refused."""
    states = client("stepfunctions")
    answer = call(
        states.start_sync_execution, "StartSyncExecution", machine, stateMachineArn=machine, input=_input(payload)
    )
    return SynchronousAnswer(
        arn=answer["executionArn"],
        status=answer["status"],
        output=json.loads(answer.get("output") or "null"),
        error=answer.get("error", ""),
        cause=answer.get("cause", ""),
        seconds=(answer["stopDate"] - answer["startDate"]).total_seconds(),
    )


def output_of(client: Callable[[str], Any], execution: str) -> Any:
    """The output of an execution; None if it has none."""
    described = call(client("stepfunctions").describe_execution, "DescribeExecution", execution, executionArn=execution)
    return json.loads(described.get("output") or "null")


def machine_to_start(client: Callable[[str], Any], machine: str) -> str:
    """The ARN by which events start a state machine: its alias where it has one, else its own."""
    listed = call(
        client("stepfunctions").list_state_machine_aliases,
        "ListStateMachineAliases",
        machine,
        stateMachineArn=machine,
    )
    aliases = [each["stateMachineAliasArn"] for each in listed["stateMachineAliases"]]
    return str(aliases[0]) if aliases else machine


def _input(payload: object) -> str:
    text = json.dumps(payload, ensure_ascii=False)
    if len(text.encode()) > _MOST_BYTES:
        raise BlueprintError(
            f"The event has {len(text.encode()):,} bytes, and an execution's input has {_MOST_BYTES:,} at most.",
            advice="Put the data into S3, and its key into the event.",
        )
    return text


_MOST_BYTES = 262_144


def _status(states: Any, execution: str) -> str:
    described = call(states.describe_execution, "DescribeExecution", execution, executionArn=execution)
    return str(described["status"])


def _last_entered(states: Any, execution: str) -> str | None:
    page = call(
        states.get_execution_history,
        "GetExecutionHistory",
        execution,
        executionArn=execution,
        maxResults=20,
        reverseOrder=True,
        includeExecutionData=False,
    )
    entered = (
        each["stateEnteredEventDetails"]["name"] for each in page["events"] if "stateEnteredEventDetails" in each
    )
    return next(entered, None)
