"""The executions that a demo started: which to show, and their pictures."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from blueprints.errors import BlueprintError
from blueprints.executions import MACHINE
from blueprints.stacks.stack import Stack

# Most stacks have no state machine: what reads and draws executions is imported where it is used.
if TYPE_CHECKING:
    from blueprints.executions.reading import Execution

FOLDER = "executions"
"""The folder of the pictures among a run's results."""
_MOST_READ = 40
"""The newest of each state machine."""
_MOST_PICTURES = 12
_CLOCKS_DIFFER = 5.0


@dataclass(frozen=True)
class Started:
    """The executions that a demo started, those that went the same way together."""

    kinds: "tuple[tuple[Execution, ...], ...]" = ()
    """Each a way through a state machine, with the executions that took it; the first stands for them."""
    more: dict[str, int] = field(default_factory=dict)
    """By state machine, how many further executions were not read."""
    unread: str = ""
    """Why executions could not be read; empty if they could."""

    def as_json(self) -> list[dict[str, Any]]:
        """Every execution that was read, oldest first."""
        from blueprints.executions.timeline import as_json

        executions = sorted((each for kind in self.kinds for each in kind), key=lambda each: each.started)
        return [as_json(each) for each in executions]


def executions_started(
    client: Callable[[str], Any], find_stack: Callable[[], Stack], since: float, folder: Path | None
) -> tuple[Started, list[Path]]:
    """The executions of a stack's state machines since a time in seconds, and the paths of their pictures.

    There is a picture of each way that executions went, in `folder`; without a folder there are none. If AWS refuses to
    list or read executions, `unread` says why: a demo does not fail because of that.
    """
    try:
        stack = find_stack()
        if not stack.of_type(MACHINE):
            return Started(), []
        return _read(client, stack, datetime.fromtimestamp(since - _CLOCKS_DIFFER, UTC), folder)
    except (BlueprintError, ClientError, BotoCoreError) as error:
        return Started(unread=f"The executions could not be read: {error}"), []


def _read(
    client: Callable[[str], Any], stack: Stack, since: datetime, folder: Path | None
) -> tuple[Started, list[Path]]:
    from blueprints.executions.pictures import write_pictures
    from blueprints.executions.reading import Executions
    from blueprints.executions.timeline import kind

    executions = Executions(client, stack)
    found, more = executions.since(since, _MOST_READ)
    kinds: dict[Any, list[Execution]] = {}
    for each in found:
        kinds.setdefault(kind(each), []).append(each)
    started = Started(tuple(map(tuple, kinds.values())), more)
    shown = [each[0] for each in started.kinds[:_MOST_PICTURES]]
    return started, write_pictures(executions, shown, folder / FOLDER) if folder and shown else []
