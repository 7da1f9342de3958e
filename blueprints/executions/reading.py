"""Reads executions from Step Functions, of an account or of the embedded AWS."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from blueprints.executions import MACHINE
from blueprints.executions.events import Event, read_events
from blueprints.executions.fail_states import explain, unexplained
from blueprints.executions.records import History, StateRun
from blueprints.flow_pictures import Flow, read_flow
from blueprints.stacks.calls import call
from blueprints.stacks.stack import Stack

_ABOUT_REQUEST = re.compile(r" \(Service: [^()]*; Status Code: [^()]*\)$")
_VERSIONS = ("AWS::Lambda::Version", "AWS::Lambda::Alias")
"""Pictures name the function instead."""
_PAGE = 1000
_MOST_EVENTS = 10_000
"""Later events of a longer history are not read."""


@dataclass(frozen=True)
class Execution:
    """An execution with its history."""

    arn: str
    machine: str
    """The logical id of its state machine, or the name if it has none."""
    status: str
    """As in DescribeExecution: `SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED`, `RUNNING` or `PENDING_REDRIVE`."""
    started: datetime
    stopped: datetime | None
    history: History
    is_cut: bool = False
    """Whether its history is longer than what was read."""

    @property
    def name(self) -> str:
        """The name that it was started with."""
        return self.arn.rpartition(":")[2]

    @property
    def seconds(self) -> float | None:
        """How long it ran; None if it has not ended."""
        return (self.stopped - self.started).total_seconds() if self.stopped else None

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return self.status == "SUCCEEDED"


@dataclass
class Executions:
    """The executions of a stack's state machines."""

    client: Callable[[str], Any]
    """Makes a boto3 client of a service."""
    stack: Stack
    _flows: dict[str, Flow] = field(default_factory=dict)

    @cached_property
    def _states(self) -> Any:
        return self.client("stepfunctions")

    @property
    def machines(self) -> dict[str, str]:
        """The state machines of the stack: logical id to ARN."""
        return {each.logical_id: each.physical_id for each in self.stack.of_type(MACHINE)}

    def since(self, when: datetime, most: int) -> tuple[list[Execution], dict[str, int]]:
        """The executions that started since a time, oldest first, at most `most` of each state machine, the newest.

        Also returns how many more each state machine has, by logical id. EXPRESS executions are in no list.
        """
        found, more = [], {}
        for logical_id, arn in self.machines.items():
            listed = list(self._listed(arn, when))
            found += [self._read(logical_id, each) for each in reversed(listed[:most])]
            if len(listed) > most:
                more[logical_id] = len(listed) - most
        return sorted(found, key=lambda each: each.started), more

    def get(self, arn: str) -> Execution:
        """An execution by its ARN."""
        described = call(self._states.describe_execution, "DescribeExecution", arn, executionArn=arn)
        machine = described["stateMachineArn"]
        named = (logical_id for logical_id, each in self.machines.items() if each == machine)
        return self._read(next(named, machine.rpartition(":")[2]), described)

    def flow(self, execution: Execution) -> Flow:
        """The definition that an execution runs, as a picture shows it."""
        text = self._definition(execution.arn)
        if text not in self._flows:
            names = {each.physical_id: each.logical_id for each in self.stack.resources if each.type not in _VERSIONS}
            self._flows[text] = read_flow(text, names)
        return self._flows[text]

    def _definition(self, execution: str) -> str:
        described = call(
            self._states.describe_state_machine_for_execution,
            "DescribeStateMachineForExecution",
            execution,
            executionArn=execution,
        )
        return str(described["definition"])

    def _listed(self, machine: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        """Executions, newest first."""
        try:
            for page in self._states.get_paginator("list_executions").paginate(stateMachineArn=machine):
                for each in page["executions"]:
                    if each["startDate"] < since:
                        return
                    yield each
        except ClientError as error:
            if error.response["Error"]["Code"] != "StateMachineTypeNotSupported":
                raise

    def _read(self, machine: str, described: Mapping[str, Any]) -> Execution:
        arn = described["executionArn"]
        events, is_cut = self._events(arn)
        history = read_events(events)
        for run in history.root.all_runs():
            self._count_map_run(run)
        if unknown := unexplained(history):
            explain(unknown, self._definition(arn))
        return Execution(
            arn, machine, described["status"], described["startDate"], described.get("stopDate"), history, is_cut
        )

    def _events(self, arn: str) -> tuple[list[Event], bool]:
        events: list[Event] = []
        token: dict[str, str] = {}
        while True:
            page = call(
                self._states.get_execution_history,
                "GetExecutionHistory",
                arn,
                executionArn=arn,
                maxResults=_PAGE,
                includeExecutionData=False,
                **token,
            )
            events += page["events"]
            if "nextToken" not in page:
                return events, False
            if len(events) >= _MOST_EVENTS:
                return events, True
            token = {"nextToken": page["nextToken"]}

    def _count_map_run(self, run: StateRun) -> None:
        if run.map_run:
            described = call(self._states.describe_map_run, "DescribeMapRun", run.map_run, mapRunArn=run.map_run)
            run.map_run_counts = {name: dict(described.get(name) or {}) for name in ("itemCounts", "executionCounts")}


def cause_in_a_line(cause: str) -> str:
    """A cause on one line; of a Lambda function's or an AWS API's error the message alone."""
    try:
        said = json.loads(cause)
    except ValueError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("errorMessage"), str):
        cause = said["errorMessage"]
    return _ABOUT_REQUEST.sub("", " ".join(cause.split()))
