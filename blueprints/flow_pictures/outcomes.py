"""What became of a state in an execution, as far as a picture shows it."""

from dataclasses import dataclass

SUCCEEDED = "succeeded"
CAUGHT = "caught"
FAILED = "failed"
ABORTED = "aborted"
RUNNING = "running"
NOT_REACHED = "not reached"
ELSEWHERE = "in executions of their own"
"""Of the states of a distributed Map's items."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a state over all its runs."""

    status: str
    """`succeeded`, `caught` (it failed, and a Catch took over), `failed`, `aborted` or `running`."""
    lines: tuple[str, ...] = ()
    """Short facts for its box, such as `1.2 s` and `3 attempts`."""
    next: tuple[tuple[str, str], ...] = ()
    """The states to which it went, each with `normal` or `catch`."""
