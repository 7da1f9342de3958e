"""Rehearses patterns with every break, and writes what happened into docs/rehearsals.md and the patterns' READMEs.

python -m blueprints.rehearsals [PATTERN…]
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from blueprints.errors import BlueprintError
from blueprints.folders import project_folder
from blueprints.local.cloud import Cloud, warm_up
from blueprints.pattern import Pattern, discover, find
from blueprints.progress import Progress
from blueprints.rehearsals.command import ALL, rehearse
from blueprints.rehearsals.rehearsal import Rehearsal
from blueprints.rehearsals.reporting import short_outcome, table, wrongly_of

BEGIN, END = "<!-- python -m blueprints.rehearsals: begin -->\n", "<!-- python -m blueprints.rehearsals: end -->\n"
_MARKED = re.compile(f"{re.escape(BEGIN)}(.*?){re.escape(END)}", re.DOTALL)


def main(names: Sequence[str]) -> int:
    """Rehearse the patterns, all by default; returns the exit status."""
    warm_up()
    succeeded = True
    for pattern in [find(name) for name in names] or _with_marks(discover()):
        print(pattern.name, flush=True)
        try:
            with Cloud() as cloud, tempfile.TemporaryDirectory() as folder:
                played, _ = rehearse(pattern, cloud, {}, Progress(), _show_nothing, ALL, None, None, None, Path(folder))
        except BlueprintError as error:
            print(error, file=sys.stderr)
            succeeded = False
            continue
        print("\n".join(table(played)), flush=True)
        succeeded = succeeded and all(each.is_as_wanted for each in played)
        _write(pattern.folder / "README.md", pattern_table(played))
        page = project_folder("docs") / "rehearsals.md"
        _write(page, overview(_marked(page), pattern.name, played))
    return 0 if succeeded else 1


def pattern_table(played: Sequence[Rehearsal]) -> str:
    """The table of a pattern's README."""
    rows = [("the new version", "what happens", "handled wrongly"), ("---", "---", "---")]
    rows += [(_name(each), short_outcome(each), wrongly_of(each)) for each in played]
    return _lines(rows)


def overview(before: str, name: str, played: Sequence[Rehearsal]) -> str:
    """The table of all patterns, in which the row of one is written anew."""
    heading = ("pattern", *(_name(each) for each in played))
    rows = {row[0]: row for row in (_cells(line) for line in before.splitlines()[2:])}
    rows[name] = (name, *(_cell(each) for each in played))
    return _lines([heading, ("---",) * len(heading), *(rows[key] for key in sorted(rows))])


def _with_marks(patterns: Sequence[Pattern]) -> list[Pattern]:
    return [each for each in patterns if BEGIN in (each.folder / "README.md").read_text(encoding="utf-8")]


def _name(rehearsal: Rehearsal) -> str:
    return f"`{rehearsal.break_name}`" if rehearsal.break_name else "unchanged"


def _cell(rehearsal: Rehearsal) -> str:
    """What became of a version, in few words: `hook`, or an alarm and how many events were handled wrongly before."""
    by = (rehearsal.stopped_by or rehearsal.outcome).removeprefix("the ").removesuffix(" before traffic")
    if by.startswith("alarm "):
        by = f"`{by.removeprefix('alarm ')}`: {rehearsal.handled_wrongly}"
    return by if rehearsal.is_as_wanted else f"{by} (wrong)"


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _marked(path: Path) -> str:
    """What stands between the marks of a page. Raises BlueprintError if it has none."""
    found = _MARKED.search(path.read_text(encoding="utf-8"))
    if not found:
        raise BlueprintError(f"There is no line '{BEGIN.strip()}' with an end.", where=str(path))
    return found[1]


def _write(path: Path, renewed: str) -> None:
    before = _marked(path)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"{BEGIN}{before}{END}", f"{BEGIN}{renewed}{END}"), encoding="utf-8")


def _show_nothing(_: str) -> None:
    """The lines of the timeline."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
