"""What people see: steps with their timings, results, where things lie."""

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.status import Status
from rich.table import Table

from blueprints.steps import Step

if TYPE_CHECKING:
    from blueprints.local.cloud import Answer, Cloud
    from blueprints.local.deployment import Stack


_FILES_NAMED = 8
"""More than these are shown by their folders."""
_VERDICTS = {
    "accepted": "can be published",
    "unconfirmed": "can be published as far as is known: 'blueprints try' finds out",
    "refused": "cannot be published: 'blueprints publish --plan' says why",
}


class Screen:
    """Writes to standard output; a display for Steps."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._status: Status | None = None

    def begun(self, step: Step) -> None:
        """Show that a step is under way."""
        if self._console.is_terminal:
            self._status = self._console.status(escape(step.name))
            self._status.start()

    def progressed(self, step: Step, what: str) -> None:
        """Show what the step is busy with; without a terminal as a line of its own."""
        if self._status:
            self._status.update(f"{escape(step.name)} [dim]({escape(what)})[/dim]")
        else:
            self._console.print(f"  … {escape(what)}", soft_wrap=True)

    def ended(self, step: Step, *, well: bool) -> None:
        """Show how long it took."""
        if self._status:
            self._status.stop()
            self._status = None
        mark = "[green]✓[/green]" if well else "[red]✗[/red]"
        self._console.print(f"{mark} {escape(step.name):42} [dim]{step.seconds:6.2f} s[/dim]", soft_wrap=True)
        for note in step.notes:
            self._console.print(f"  [dim]{escape(note)}[/dim]", soft_wrap=True)

    def show_patterns(self, patterns: list[dict[str, Any]]) -> None:
        """A line per pattern; below it whether the repository takes it, and what lies beside it."""
        width = max((len(each["name"]) for each in patterns), default=0)
        for each in patterns:
            verdict = each["repository"]["verdict"]
            line = f"{each['name']:{width}}  {each['version']:7}  {each['flow']}"
            self._console.print(escape(line), soft_wrap=True)
            beside = ", ".join(Path(path).stem for path in each["companions"])
            companions = f"; companions: {beside}" if beside else ""
            self._console.print(f"{'':{width}}  [dim]{_VERDICTS[verdict]}{escape(companions)}[/dim]", soft_wrap=True)

    def show_run(self, report: dict[str, Any]) -> None:
        """The end of a run: what came of it and where it lies."""
        seconds = sum(step["seconds"] for step in report["steps"])
        self._console.print()
        for name, value in report["result"].items():
            self._show_fact(name, value)
        self._show_not_emulated(report["not_emulated"])
        self._console.print(f"\n[bold]{escape(report['pattern'])}[/bold] played in {seconds:.1f} s", soft_wrap=True)
        for line in _places(report["files"]):
            self._console.print(f"  {escape(line)}", soft_wrap=True)

    def show_trial(self, trial: dict[str, Any]) -> None:
        """The end of a try: what came of it, and what still stands."""
        self._console.print()
        for name, value in trial["result"].items():
            self._show_fact(name, value)
        said = "passed" if trial["passed"] else "did not pass"
        self._console.print(f"[bold]{escape(trial['pattern'])}[/bold] {said}", soft_wrap=True)
        for line in _places(trial["files"]):
            self._console.print(f"  {escape(line)}", soft_wrap=True)
        if trial["kept"]:
            self._console.print("Left standing, until the next try:", soft_wrap=True)
            for each in filter(None, (trial["twin"], trial["version"], trial["stack"])):
                self._console.print(f"  {escape(each)}", soft_wrap=True)

    def show_up(self, cloud: "Cloud", stacks: list["Stack"]) -> None:
        """What somebody needs who wants to use what is up."""
        from blueprints.local.urls import urls

        self._console.print(f"\nThe embedded AWS is up at [bold]{cloud.endpoint}[/bold]. To use it from a shell:\n")
        for name, value in cloud.environment().items():
            self._console.print(f"  export {name}={shlex.quote(value)}", soft_wrap=True)
        for stack in stacks:
            self._console.print(f"\n[bold]{escape(stack.name)}[/bold]")
            for name, value in stack.outputs.items():
                self._console.print(f"  {escape(name)} = {escape(value)}", soft_wrap=True)
            for each in urls(cloud, stack):
                self._show_url(each)
            self._show_not_emulated(stack.not_emulated)
        self._console.print("\nCtrl-C ends it and leaves nothing behind.")

    def show_answer(self, answer: "Answer") -> None:
        """One invocation: log, answer, figures."""
        self._console.print(f"\n[dim]{escape(answer.log.rstrip())}[/dim]\n", soft_wrap=True)
        self._console.print_json(data=answer.payload)
        if answer.duration_ms is not None:
            self._console.print(f"[dim]{answer.duration_ms:.1f} ms, {answer.memory_mb} MB[/dim]")

    def _show_fact(self, name: str, value: object) -> None:
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            self._console.print(f"{escape(name)}:")
            self._console.print(Padding(_table(value), (0, 0, 0, 2)))
        elif isinstance(value, list):
            self._console.print(f"{escape(name)}: {len(value)}")
        else:
            self._console.print(f"{escape(name)}: {escape(str(value))}", soft_wrap=True)

    def _show_url(self, url: dict[str, Any]) -> None:
        self._console.print(f"  {escape(url['resource'])} answers at [bold]{escape(url['url'])}[/bold]", soft_wrap=True)
        for route in url["routes"]:
            self._console.print(f"    [dim]{escape(route)}[/dim]", soft_wrap=True)

    def _show_not_emulated(self, listed: list[dict[str, str]]) -> None:
        if not listed:
            return
        self._console.print("\n[yellow]Accepted, not emulated:[/yellow]")
        consequences: dict[tuple[str, str], list[str]] = {}
        for each in listed:
            consequences.setdefault((each["type"], each["consequence"]), []).append(each["resource"])
        for (kind, consequence), resources in consequences.items():
            self._console.print(f"  {kind} ({escape(', '.join(resources))}): {escape(consequence)}", soft_wrap=True)


def _places(files: list[str]) -> list[str]:
    """Where files lie: a line each, or a line for each folder when they are many."""
    if len(files) <= _FILES_NAMED:
        return files
    folders = Counter(str(Path(file).parent) for file in files)
    alone = {str(Path(file).parent): file for file in files}
    return [alone[folder] if count == 1 else f"{folder}  ({count} files)" for folder, count in folders.items()]


def _table(rows: list[dict[str, Any]]) -> Table:
    """A demo's list of things, a row each; the files among them are listed with their full paths anyway."""
    columns = [name for name in rows[0] if name != "file"]
    table = Table(*columns, box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for row in rows:
        table.add_row(*(escape(str(row.get(name, ""))) for name in columns))
    return table
