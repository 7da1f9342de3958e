"""Writes the commands' output to the terminal: steps with their durations, results, paths.

Most of it comes from AWS, templates, files and logs. It is printed unchanged: markup, emoji codes and terminal commands
in it are not interpreted.
"""

import json
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from blueprints.counting import counted
from blueprints.progress import Step

if TYPE_CHECKING:
    from blueprints.executions.demos import Started
    from blueprints.executions.reading import Execution
    from blueprints.executions.running import SynchronousAnswer
    from blueprints.executions.timeline import Row
    from blueprints.local.cloud import Cloud, FunctionResponse
    from blueprints.local.deployment import EmbeddedStack


_FILES_NAMED = 8
"""More than these are shown by their folders."""
_VERDICTS = {
    "accepted": "can be published",
    "unconfirmed": "can probably be published; 'blueprints try' tests it",
    "refused": "cannot be published: 'blueprints publish --plan' says why",
}
_TIMELINES = 8
"""More ways that executions went are counted."""
_BAR, _LABEL, _LONGEST_NAME, _LONGEST_ERROR = 20, 4, 48, 240
_MARKS = {
    "succeeded": ("✓", "green"),
    "caught": ("!", "yellow"),
    "failed": ("✗", "red"),
    "aborted": ("–", "magenta"),
    "running": ("…", "blue"),
}
# Control characters are replaced by visible symbols, as a terminal would obey them.
_PICTURES: dict[int, int | str] = {
    **{code: 0x2400 + code for code in range(0x20) if code not in (0x09, 0x0A)},
    0x7F: 0x2421,
    **{code: f"\\x{code:02x}" for code in range(0x80, 0xA0)},
}

_Part = str | tuple[str, str]
"""Text, or text with its style."""


class Terminal:
    """Writes to standard output; a display of Progress."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._status: Status | None = None

    def started(self, step: Step) -> None:
        """Show that a step has started."""
        if self._console.is_terminal:
            self._status = self._console.status(_line(step.name))
            self._status.start()

    def updated(self, step: Step, what: str) -> None:
        """Show what the step does; if the output is not a terminal, as a line."""
        if self._status:
            self._status.update(_line(step.name, (f" ({what})", "dim")))
        else:
            self._print(f"  … {what}")

    def finished(self, step: Step, *, well: bool) -> None:
        """Show the step's duration and notes."""
        if self._status:
            self._status.stop()
            self._status = None
        mark = ("✓", "green") if well else ("✗", "red")
        self._print(mark, f" {step.name:42} ", (f"{step.seconds:6.2f} s", "dim"))
        for note in step.notes:
            self._print("  ", (note, "dim"))

    def show_patterns(self, patterns: list[dict[str, Any]]) -> None:
        """Each pattern; below it whether the repository accepts it, and its companions."""
        width = max((len(each["name"]) for each in patterns), default=0)
        for each in patterns:
            verdict = each["repository"]["verdict"]
            self._print(f"{each['name']:{width}}  {each['version']:7}  {each['flow']}")
            beside = ", ".join(Path(path).stem for path in each["companions"])
            companions = f"; companions: {beside}" if beside else ""
            self._print(" " * width, "  ", (f"{_VERDICTS[verdict]}{companions}", "dim"))

    def show_started(self, started: "Started") -> None:
        """The timelines of the executions that a demo started, one of each way that they went."""
        for kind in started.kinds[:_TIMELINES]:
            self.show_execution(kind[0], len(kind))
        unseen = [each for kind in started.kinds[_TIMELINES:] for each in kind]
        left_out = Counter(each.machine for each in unseen) + Counter(started.more)
        for machine, number in sorted(left_out.items()):
            self._print("\n", (machine, "bold"), f": {counted(number, 'more execution')}")
        if started.unread:
            self._print("\n", (started.unread, "yellow"))

    def show_execution(self, execution: "Execution", alike: int = 1) -> None:
        """The timeline of an execution. `alike` executions, with this one, went the same way."""
        from blueprints.executions.timeline import failure, rows, summary

        others = f"  and {counted(alike - 1, 'execution')} like it" if alike > 1 else ""
        ending = (summary(execution), "green" if execution.succeeded else "red" if execution.stopped else "yellow")
        self._print("\n", (execution.machine, "bold"), f"  {execution.name}  ", ending, (others, "dim"))
        listed = rows(execution)
        seconds = execution.seconds or max(((each.offset or 0) + (each.seconds or 0) for each in listed), default=0)
        names = max((cell_len(_label(each)) for each in listed), default=0)
        for row in listed:
            self._show_row(row, seconds, min(names, _LONGEST_NAME))
        if failure(execution) and failure(execution) not in {row.error for row in listed}:
            self._print("  ", (one_line(failure(execution)), "red"))

    def _show_row(self, row: "Row", whole: float, names: int) -> None:
        """A state's mark, offset, bar, name, duration and notes; below it its error."""
        from blueprints.executions.durations import duration

        indent = " " * (_BAR + 14)
        if row.offset is None:
            self._print(indent, (_label(row), "dim"))
            return
        mark, colour = _MARKS[row.status]
        label = _label(row)
        name = label + " " * max(names - cell_len(label), 0)
        took = duration(row.seconds) if row.seconds is not None else ""
        offset = f"+{duration(row.offset)}"
        parts: list[_Part] = [
            (f"  {mark} ", colour),
            (f"{offset:>9} ", "dim"),
            (_bar(row, whole), colour),
            f" {name}  ",
        ]
        notes = "   ".join(filter(None, row.notes))
        self._print(*parts, f"{took:>9}" if took or notes else "", (f"   {notes}" if notes else "", "dim"))
        if row.error:
            self._print(indent, " " * (2 * row.depth), (one_line(row.error), colour))

    def show_run(self, report: dict[str, Any]) -> None:
        """The result of a demo, and the files that it downloaded."""
        seconds = sum(step["seconds"] for step in report["steps"])
        self._print()
        for name, value in report["result"].items():
            self._show_fact(name, value)
        self._show_not_emulated(report.get("not_emulated", []))
        self._show_alarms(report.get("alarms", []))
        self._print("\n", (report["pattern"], "bold"), f" finished in {seconds:.1f} s")
        for line in _places(report["files"]):
            self._print(f"  {line}")

    def show_try(self, result: dict[str, Any]) -> None:
        """The result of a try, and what it kept."""
        self._print()
        for name, value in result["result"].items():
            self._show_fact(name, value)
        said = "passed" if result["passed"] else "did not pass"
        self._print((result["pattern"], "bold"), f" {said}")
        for line in _places(result["files"]):
            self._print(f"  {line}")
        if result["kept"]:
            self._print("Kept until the next try:")
            for each in filter(None, (result["twin"], result["version"], result["stack"])):
                self._print(f"  {each}")

    def show_up(self, cloud: "Cloud", stacks: list["EmbeddedStack"]) -> None:
        """The endpoint, outputs and URLs, for the user's own clients."""
        from blueprints.local.urls import urls

        self._print("\nThe embedded AWS is up at ", (cloud.endpoint, "bold"), ". To use it from a shell:\n")
        for name, value in cloud.environment().items():
            self._print(f"  export {name}={shlex.quote(value)}")
        self._print(
            "\nWith TLS: ", (cloud.tls_endpoint, "bold"), f" (certificate authority: {cloud.certificate_authority})"
        )
        for stack in stacks:
            self._print("\n", (stack.name, "bold"))
            for name, value in stack.outputs.items():
                self._print(f"  {name} = {value}")
            if not stack.outputs:
                self._print(f"  {counted(len(stack.resources), 'resource')}, no outputs")
            for each in urls(cloud, stack):
                self._show_url(each)
            self._show_not_emulated(stack.not_emulated)
        self._print("\nPress Ctrl-C to stop it. Everything in it is deleted then.")

    def show_page(self, url: str) -> None:
        """Where the web page of a pattern is."""
        self._print("\nThe web page is at ", (url, "bold"), ". It is served until Ctrl-C.")

    def show_answer(self, answer: "FunctionResponse") -> None:
        """The result of an invocation: log, response, duration and memory."""
        self._print("\n", (answer.log.rstrip(), "dim"), "\n")
        payload = json.dumps(answer.payload, indent=2, ensure_ascii=False)
        self._console.print(JSONHighlighter()(_line(payload)), soft_wrap=True)
        if answer.duration_ms is not None:
            self._print((f"{answer.duration_ms:.1f} ms, {answer.memory_mb} MB", "dim"))

    def show_express(self, machine: str, answer: "SynchronousAnswer") -> None:
        """How an execution of an EXPRESS state machine ended, and its output or error."""
        from blueprints.executions.durations import duration

        succeeded = answer.status == "SUCCEEDED"
        ending = f"{answer.status} after {duration(answer.seconds)}"
        self._print("\n", (machine, "bold"), "  EXPRESS  ", (ending, "green" if succeeded else "red"))
        if succeeded:
            self.show_output(answer.output)
        else:
            self._print("  ", (one_line(": ".join(filter(None, (answer.error, answer.cause)))), "red"))

    def show_output(self, output: object) -> None:
        """The output of an execution, as JSON."""
        self._print()
        payload = json.dumps(output, indent=2, ensure_ascii=False)
        self._console.print(JSONHighlighter()(_line(payload)), soft_wrap=True)

    def _print(self, *parts: _Part) -> None:
        """Print parts as one line, even if it is wider than the terminal."""
        self._console.print(_line(*parts), soft_wrap=True)

    def _show_fact(self, name: str, value: object) -> None:
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            self._print(f"{name}:")
            self._console.print(Padding(_table(value), (0, 0, 0, 2)))
        elif isinstance(value, list):
            self._print(f"{name}: {len(value)}")
        else:
            self._print(f"{name}: {value}")

    def _show_url(self, url: dict[str, Any]) -> None:
        self._print(f"  {url['resource']} answers at ", (url["url"], "bold"))
        for route in url["routes"]:
            self._print("    ", (route, "dim"))

    def _show_alarms(self, alarms: list[dict[str, str | None]]) -> None:
        """The alarms that rang, each with the reason."""
        rang = [each for each in alarms if each["rang"]]
        if rang:
            self._print(("\nAlarms that rang:", "yellow"))
        for each in rang:
            self._print(f"  {each['resource']}: {each['rang']}")

    def _show_not_emulated(self, listed: list[dict[str, str]]) -> None:
        if not listed:
            return
        self._print(("\nStored, but not emulated:", "yellow"))
        consequences: dict[tuple[str, str, str], list[str]] = {}
        for each in listed:
            place = each["type"], each.get("property", ""), each["consequence"]
            consequences.setdefault(place, []).append(each["resource"])
        for (kind, name, consequence), resources in consequences.items():
            what = f"{', '.join(resources)} ({kind}).{name}" if name else f"{kind} ({', '.join(resources)})"
            self._print(f"  {what}: {consequence}")


def _label(row: "Row") -> str:
    """A state's name, below the state that it is inside of."""
    label = f"{row.label} ".rjust(_LABEL) if row.label else " " * _LABEL * bool(row.depth)
    return "  " * max(row.depth - 1, 0) + label + row.name


def _bar(row: "Row", whole: float) -> str:
    """When a state ran, within the time of the whole execution."""
    if row.offset is None or whole <= 0:
        return " " * _BAR
    begin = min(int(row.offset / whole * _BAR), _BAR - 1)
    length = max(round((row.seconds if row.seconds is not None else whole - row.offset) / whole * _BAR), 1)
    return (" " * begin + "━" * length)[:_BAR].ljust(_BAR)


def one_line(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_ERROR else f"{line[: _LONGEST_ERROR - 1]}…"


def _places(files: list[str]) -> list[str]:
    """The paths of files, or of their folders with numbers if there are many."""
    if len(files) <= _FILES_NAMED:
        return files
    folders = Counter(str(Path(file).parent) for file in files)
    alone = {str(Path(file).parent): file for file in files}
    return [alone[folder] if count == 1 else f"{folder}  ({count} files)" for folder, count in folders.items()]


def _table(rows: list[dict[str, Any]]) -> Table:
    """A table with a row for each dict. The key `file` is left out, as files are listed with their paths."""
    columns = [name for name in rows[0] if name != "file"]
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for name in columns:
        table.add_column(_line(name))
    for row in rows:
        table.add_row(*(_line(str(row.get(name, ""))) for name in columns))
    return table


def _line(*parts: _Part) -> Text:
    """Styled text; markup in the parts is not interpreted."""
    line = Text()
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        line.append(visible(text), style)
    return line


def visible(text: str) -> str:
    """A printable text: control characters become symbols, and bytes that are not UTF-8 become escapes."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return whole.replace("\r\n", "\n").translate(_PICTURES)
