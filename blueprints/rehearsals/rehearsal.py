"""What happened in a rehearsal, and whether it is what should have happened."""

from dataclasses import dataclass
from typing import Literal

from blueprints.rehearsals.observation import Change

Outcome = Literal["deployed", "stopped", "failed"]
"""Of an update: it was deployed; a hook or an alarm stopped it; or it failed for another reason."""


@dataclass(frozen=True)
class Handled:
    """What a version handled for its alias during the deployment."""

    target: str
    """The logical id of a function or a state machine."""
    version: str
    """`released` or `changed`."""
    events: int
    errors: int
    wrong_answers: int
    """Answers to repeated events that have another form than all answers of the released version."""
    noun: str = "event"


@dataclass(frozen=True)
class Rehearsal:
    """What happened, and whether it is what should have happened."""

    pattern: str
    break_name: str | None
    function: str
    """The function that is broken."""
    change: str
    """What the changed version does."""
    preference: str
    wanted: Outcome
    outcome: Outcome
    stopped_by: str | None
    """The hook or the alarm that stopped the changed version."""
    reason: str | None
    """CloudFormation's reason why the update failed."""
    began: float
    seconds: float
    """Real seconds of the update; `scale` times as many passed on the embedded AWS."""
    scale: float
    changes: list[Change]
    handled: list[Handled]
    wrongly_in_part: int | None
    """What the changed version handled wrongly before it had all traffic; None if it never had a part of it."""
    refused: int
    """Repeated events that the embedded AWS did not take."""
    demos: int
    """How often the demo was played meanwhile."""
    failed_demos: list[str]
    afterwards: str | None
    """Why the demo fails after the deployment; None if it passes."""

    @property
    def is_as_wanted(self) -> bool:
        """Whether a wrong version was stopped, or a right one deployed, and the demo passes afterwards."""
        return self.outcome == self.wanted and self.afterwards is None

    @property
    def is_undecided(self) -> bool:
        """Whether a wrong version came through because it had no chance to fail while it had a part of the traffic."""
        return self.wanted == "stopped" and self.outcome == "deployed" and self.wrongly_in_part == 0

    @property
    def handled_by_changed(self) -> list[Handled]:
        """What changed versions handled."""
        return [each for each in self.handled if each.version == "changed"]

    @property
    def handled_wrongly(self) -> int:
        """Errors and wrong answers of the changed version."""
        return sum(each.errors + each.wrong_answers for each in self.handled_by_changed)
