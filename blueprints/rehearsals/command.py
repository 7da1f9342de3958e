"""The command `blueprints rehearse`: plays rehearsals, shows them as they happen, and leaves their pictures."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.server_process import TIME_SCALE
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.rehearsals.breaks import BREAKS
from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.picture import picture
from blueprints.rehearsals.rehearsal import Rehearsal
from blueprints.rehearsals.reporting import as_json, change_line, table, verdict_lines
from blueprints.rehearsals.stage import DEFAULT_PREFERENCE, Stage

ALL = "all"
"""Instead of the name of a break: each of them, and an unchanged version."""
_MOST_REPETITIONS = 3
"""Of a rehearsal in which the new version did not get an event that it handles wrongly, before it had all traffic."""


def rehearse(
    pattern: Pattern,
    cloud: Cloud,
    parameters: Mapping[str, str],
    progress: Progress,
    show: Callable[[str], None],
    broken: str | None,
    changed: Path | None,
    function: str | None,
    preference: str | None,
    folder: Path,
) -> tuple[list[Rehearsal], dict[str, Any]]:
    """Play one rehearsal, or with `broken="all"` all of them; returns them, and their report as JSON.

    `show` gets the lines of the timelines. Raises BlueprintError if the released version cannot be deployed or its
    demo fails.
    """
    began: list[float] = []

    def show_change(change: Change) -> None:
        began.append(change.moment)
        show(change_line(change, began[0], TIME_SCALE))

    def play(name: str | None) -> Rehearsal:
        began.clear()
        return stage.rehearse(BREAKS[name] if name else None, changed)

    stage = Stage(
        pattern, cloud, parameters, progress, show_change, preference or DEFAULT_PREFERENCE, TIME_SCALE, function
    )
    names = _names(broken)
    played, reports = [], []
    with closing(stage):
        stage.open()
        for name in names:
            show(_title(name, changed))
            rehearsal = play(name)
            for _ in range(_MOST_REPETITIONS):
                if not rehearsal.is_undecided:
                    break
                show("No event failed while the changed version had a part of the traffic, so it is deployed again.")
                stage.restore()
                rehearsal = play(name)
            path = _draw(rehearsal, folder, "rehearsal.svg" if len(names) == 1 else f"{name or 'unchanged'}.svg")
            played.append(rehearsal)
            reports.append(as_json(rehearsal, [str(path)]))
            for line in (*verdict_lines(rehearsal), f"  {path}"):
                show(line)
            if rehearsal.outcome == "deployed" and name != names[-1]:
                stage.restore()
    if broken != ALL:
        return played, reports[0]
    for line in table(played):
        show(line)
    return played, {"pattern": pattern.name, "as_wanted": all(r.is_as_wanted for r in played), "rehearsals": reports}


def _names(broken: str | None) -> Sequence[str | None]:
    """The breaks to play; None for an unchanged version, which is deployed in the end."""
    if broken == ALL:
        return [*BREAKS, None]
    if broken and broken not in BREAKS:
        raise BlueprintError(f"There is no break {broken}.", advice=f"There are: {', '.join(BREAKS)}; {ALL}.")
    return [broken]


def _title(name: str | None, changed: Path | None) -> str:
    if name:
        return f"Deploy a version that {BREAKS[name].what}"
    return f"Deploy {changed}" if changed else "Deploy the same again"


def _draw(rehearsal: Rehearsal, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(picture(rehearsal), encoding="utf-8")
    return path
