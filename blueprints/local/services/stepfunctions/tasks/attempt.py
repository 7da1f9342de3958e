"""What one attempt of a Task state gets from its execution."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Record = Callable[[str, Mapping[str, Any] | None], int]
"""Adds an event of the state to the history: its type, and its details without the wrapper `…EventDetails`."""


@dataclass(frozen=True)
class TaskAttempt:
    """One attempt of a Task state."""

    resource: str
    """The ARN in the definition."""
    arguments: Any
    """Parameters or Arguments, evaluated; for a function or an activity, its input."""
    role_arn: str
    """The machine's role."""
    execution_arn: str
    record: Record
    timeout_seconds: float | None = None
    heartbeat_seconds: float | None = None
    credentials_role: str | None = None
    """`Credentials.RoleArn`, in which the call is made instead of the machine's role."""
    token: str | None = None
    """The value of `$$.Task.Token`, made by `TaskTokens.make` before the arguments were evaluated."""
    state: str = ""
    """The state's name, for messages."""
    entered_event: int = 0
    """The id of the event with which the state was entered, for messages."""
    trace_header: str | None = None
    is_awaited: bool = False
    """Whether the execution was started by StartSyncExecution, whose caller waits for its end."""

    @property
    def region(self) -> str:
        """The Region of the machine."""
        return self.execution_arn.split(":")[3]

    @property
    def account(self) -> str:
        """The account of the machine."""
        return self.execution_arn.split(":")[4]

    @property
    def machine_arn(self) -> str:
        """The ARN of the state machine."""
        parts = self.execution_arn.split(":")
        return ":".join([*parts[:5], "stateMachine", parts[6].split("/")[0]])

    def message(self, text: str) -> str:
        """A cause that names the state, as AWS words it."""
        return (
            f"An error occurred while executing the state '{self.state}' "
            f"(entered at the event id #{self.entered_event}). {text}"
        )
