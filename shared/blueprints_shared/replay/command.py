"""The command line, the progress and the exit status of every pattern's `replay.py`."""

import argparse
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from botocore.exceptions import BotoCoreError, ClientError

from blueprints_shared import stack_command
from blueprints_shared.replay.invocation import NotReplayed
from blueprints_shared.stack_command import Stack

__all__ = ["Failure", "Failures", "Outcome", "main", "replay"]


class Failure(Protocol):
    """Events or records that a function could not handle, in one message or object."""

    @property
    def name(self) -> str:
        """The id of the message or the key of the object."""

    def describe(self) -> str:
        """What it holds and why it is here, for people. Raises NotReplayed if it cannot be read."""

    def count(self) -> int:
        """How many events or records it holds. Raises NotReplayed if it cannot be read."""

    def replay(self) -> None:
        """Hand all of it to its function, and remove it when the function has handled it. Raises NotReplayed."""


class Failures(Protocol):
    """All failures of one kind, read one after the other; `holds` names what they hold: "event" or "record"."""

    holds: str

    @property
    def total(self) -> int | None:
        """How many there are; None if only reading them all tells."""

    def __iter__(self) -> Generator[Failure, None, None]:
        """Read them. Closing the generator leaves those that were not replayed as they were found."""


@dataclass
class Outcome:
    """How many failures were replayed and left; `held` counts the events or records in those that were replayed."""

    replayed: int = 0
    left: int = 0
    held: int = 0


def main(
    description: str | None,
    failures: Callable[[Stack, argparse.Namespace], Failures],
    *,
    prefix: str | None = None,
    switches: Mapping[str, str] | None = None,
) -> int:
    """Run the command of a pattern; returns its exit status.

    `failures` finds the failures of a stack. `prefix` is the help of an option --prefix, for failures that have keys;
    `switches` maps the names of further flags to their help. Their values are attributes of its second argument.
    """
    parser = stack_command.arguments(description, statuses="0 when nothing is left, 1 when something is")
    parser.add_argument("--dry-run", action="store_true", help="show what would be replayed, and change nothing")
    if prefix:
        parser.add_argument("--prefix", default="", help=prefix)
    for name, text in (switches or {}).items():
        parser.add_argument(f"--{name}", action="store_true", help=text)

    def work(stack: Stack, given: argparse.Namespace) -> int:
        outcome = replay(failures(stack, given), lambda line: print(line, flush=True), dry_run=given.dry_run)
        return 1 if outcome.left else 0

    rest = "what is not shown as replayed waits where it was, so start again to continue"
    return stack_command.run(parser, work, when_interrupted=rest)


def replay(failures: Failures, say: Callable[[str], None], *, dry_run: bool = False) -> Outcome:
    """Replay each failure once; one that cannot be replayed is left, and stops no other.

    `say` is called with each line of the progress. Raises what reading the failures raises.
    """
    progress = _Progress(failures, say, dry_run)
    try:
        with closing(iter(failures)) as found:
            for failure in found:
                progress.one(failure)
    finally:
        progress.summarise()
    return progress.outcome


@dataclass
class _Progress:
    """Replays failures one after the other, and says how it goes."""

    failures: Failures
    say: Callable[[str], None]
    dry_run: bool
    outcome: Outcome = field(default_factory=Outcome)
    number: int = 0

    def one(self, failure: Failure) -> None:
        """Replay one failure, or say why it is left."""
        self.number += 1
        place = f"{self.number} of {self.failures.total}" if self.failures.total is not None else f"{self.number}"
        began = time.monotonic()
        try:
            held = self._show(failure, place)
            if not self.dry_run:
                failure.replay()
        except (NotReplayed, BotoCoreError, ClientError) as reason:
            self.outcome.left += 1
            self.say(f"  left: {reason}")
        else:
            self.outcome.replayed += 1
            self.outcome.held += held
            self.say("  would be replayed" if self.dry_run else f"  replayed in {time.monotonic() - began:.1f} s")

    def _show(self, failure: Failure, place: str) -> int:
        """Say which failure it is; returns how many events or records it holds. Raises NotReplayed."""
        about = ""
        try:
            held = failure.count()
            about = f": {failure.describe()}"
        finally:
            self.say(f"{place}: {failure.name}{about}")
        return held

    def summarise(self) -> None:
        """Say what came of all of them, also when they were not all reached."""
        outcome, total = self.outcome, self.failures.total
        held = f"{outcome.held} {self.failures.holds}{'' if outcome.held == 1 else 's'}"
        unreached = max(0, (total or 0) - outcome.replayed - outcome.left)
        self.say(
            f"{outcome.replayed} {'would be ' if self.dry_run else ''}replayed ({held}), {outcome.left} left"
            + (f", {unreached} not reached" if unreached else "")
        )
