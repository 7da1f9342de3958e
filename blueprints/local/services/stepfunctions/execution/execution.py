"""What an execution is, and the revision of a state machine that it runs."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from blueprints.local.services.stepfunctions.execution.history import History
from blueprints.local.services.stepfunctions.execution.scopes import Scope
from blueprints.states_language.definition import Block, Definition

RUNNING = "RUNNING"
SUCCEEDED = "SUCCEEDED"
FAILED = "FAILED"
TIMED_OUT = "TIMED_OUT"
ABORTED = "ABORTED"
PENDING_REDRIVE = "PENDING_REDRIVE"
STANDARD = "STANDARD"
EXPRESS = "EXPRESS"


@dataclass(frozen=True)
class Revision:
    """A state machine as it was when an execution started. An update or a deletion does not change it."""

    machine_arn: str
    name: str
    definition_text: str
    definition: Definition
    role_arn: str
    type: str = STANDARD
    revision_id: str = "INITIAL"
    logging: Mapping[str, Any] = field(default_factory=dict)
    """The loggingConfiguration."""
    tracing: bool = False

    @property
    def region(self) -> str:
        """The Region of the machine."""
        return self.machine_arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account that owns the machine."""
        return self.machine_arn.split(":")[4]


@dataclass
class Execution:
    """One execution of a state machine, or one child of a Map Run."""

    arn: str
    name: str
    revision: Revision
    input_text: str
    """The input as it came, JSON."""
    input: Any
    block: Block | None = None
    """The states to run, for the child of a Map Run; otherwise the machine's."""
    type: str = STANDARD
    version_arn: str | None = None
    alias_arn: str | None = None
    map_run_arn: str | None = None
    item_count: int | None = None
    """How many items a child of a Map Run has."""
    trace_header: str | None = None
    is_awaited: bool = False
    """Whether the caller that started it waits for its end."""
    status: str = RUNNING
    output_text: str | None = None
    error: str | None = None
    cause: str | None = None
    start_date: float = field(default_factory=time.time)
    """Seconds since 1970, as every date here."""
    stop_date: float | None = None
    redrive_count: int = 0
    redrive_date: float | None = None
    history: History = field(default_factory=History)
    scope: Scope = field(init=False)
    ended: threading.Event = field(default_factory=threading.Event)
    """Set whenever the execution does not run."""

    def __post_init__(self) -> None:
        self.scope = Scope(self.block or self.revision.definition.block, self.input)

    @property
    def context(self) -> dict[str, Any]:
        """The parts of the context object that are the same in every state."""
        execution = {
            "Id": self.arn,
            "Input": self.input,
            "StartTime": timestamp(self.start_date),
            "Name": self.name,
            "RoleArn": self.revision.role_arn,
            "RedriveCount": self.redrive_count,
        }
        if self.redrive_date is not None:
            execution["RedriveTime"] = timestamp(self.redrive_date)
        machine = {"Id": self.revision.machine_arn, "Name": self.revision.name}
        return {"Execution": execution, "StateMachine": machine}


def timestamp(moment: float) -> str:
    """A moment as the context object shows it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
