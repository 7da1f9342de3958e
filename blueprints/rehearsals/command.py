"""The command `blueprints rehearse`: plays a rehearsal, shows it as it happens, and leaves its picture."""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from blueprints.local.cloud import Cloud
from blueprints.local.server_process import TIME_SCALE
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.rehearsals.breaks import BREAKS
from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.picture import picture
from blueprints.rehearsals.rehearsal import DEFAULT_PREFERENCE, Rehearsal, Stage
from blueprints.rehearsals.reporting import as_json, change_line, verdict_lines


def rehearsal_of(
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
) -> tuple[Rehearsal, dict[str, Any]]:
    """Play a rehearsal; returns it, and its report as JSON. `show` gets the lines of the timeline.

    Raises BlueprintError if the released version cannot be deployed or its demo fails.
    """
    begun: list[float] = []

    def tell(change: Change) -> None:
        begun.append(change.moment)
        show(change_line(change, begun[0], TIME_SCALE))

    stage = Stage(pattern, cloud, parameters, progress, tell, preference or DEFAULT_PREFERENCE, TIME_SCALE)
    with closing(stage):
        rehearsal = stage.rehearse(BREAKS[broken] if broken else None, changed, function)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "rehearsal.svg"
    path.write_text(picture(rehearsal), encoding="utf-8")
    for line in verdict_lines(rehearsal):
        show(line)
    show(f"  {path}")
    return rehearsal, as_json(rehearsal, [str(path)])
