"""Writes the pictures of executions into a folder."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from blueprints.executions.outcomes import outcomes_of
from blueprints.executions.reading import Execution, Executions
from blueprints.executions.timeline import summary
from blueprints.flow_pictures import draw

_UNSAFE = re.compile(r"[^\w.-]", re.ASCII)
_MOST_CHARACTERS = 100


def write_pictures(executions: Executions, chosen: Iterable[Execution], folder: Path) -> list[Path]:
    """Draw executions into a folder, each as `STATE_MACHINE-NAME.svg`; returns the paths."""
    made = {_file_name(each): picture(executions, each) for each in chosen}
    return _write(made, folder)


def picture(executions: Executions, execution: Execution) -> str:
    """The picture of an execution as SVG."""
    title = f"{execution.machine}, execution {execution.name}: {summary(execution)}"
    return draw(executions.flow(execution), title, outcomes_of(execution.history))


def _file_name(execution: Execution) -> str:
    """A name that every file system accepts; where it is not the whole name, a digest keeps it apart from others."""
    whole = f"{execution.machine}-{execution.name}"
    name = _UNSAFE.sub("_", whole)[:_MOST_CHARACTERS]
    digest = "" if name == whole else f"-{hashlib.sha256(execution.arn.encode()).hexdigest()[:8]}"
    return f"{name}{digest}.svg"


def _write(made: Mapping[str, str], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in made]
