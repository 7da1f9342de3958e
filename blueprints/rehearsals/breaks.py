"""Changes of a function that a gradual deployment has to stop, written into a copy of the pattern."""

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from blueprints.errors import BlueprintError, at
from blueprints.pattern import Function
from blueprints.rehearsals import one_in_ten


@dataclass(frozen=True)
class Break:
    """A way in which a new version can be wrong."""

    name: str
    what: str
    """What the changed function does, as the end of a sentence."""
    code: str = ""
    """Python that follows the handler, which is called `released` there; `{handler}` is its name."""
    head: str = ""
    """Python before everything else."""
    timeout: int | None = None
    """The function's Timeout in seconds, so that a rehearsal need not wait for the pattern's own."""


_WRAPPED = """

released = {handler}


def {handler}(event, context):
"""

BREAKS = {
    each.name: each
    for each in (
        Break("raises", "raises an exception for every event", '    raise RuntimeError("broken for the rehearsal")\n'),
        Break(
            "raises-sometimes",
            "raises an exception for one event in ten",
            textwrap.indent(f"{one_in_ten.SOURCE}return released(event, context)\n", "    "),
        ),
        Break(
            "times-out",
            "takes longer than its time-out",
            "    import time\n\n    time.sleep(context.get_remaining_time_in_millis() / 1000 + 5)\n",
            timeout=2,
        ),
        Break("wrong-result", "does nothing and returns null", "    return None\n"),
        Break("cannot-be-imported", "cannot be imported", head='__import__("a_module_that_is_not_in_the_package")\n'),
        Break(
            "memory",
            "takes twice the memory that it has",
            '    taken = b"x" * (2 * int(context.memory_limit_in_mb) * 2**20)\n'
            "    return released(event, context) if taken else None\n",
        ),
    )
}


def apply(change: Break, template: Path, function: Function) -> None:
    """Change the function's source in a copy, and its time-out. Raises BlueprintError if its handler is not found."""
    module, _, handler = function.handler.rpartition(".")
    source = function.code / f"{module.replace('.', '/')}.py"
    if not source.is_file() or not handler:
        raise BlueprintError(
            f"The handler {function.handler} of {function.logical_id} is not a function of a file in its folder.",
            where=at(template, function.line),
        )
    text = source.read_text(encoding="utf-8")
    if change.head:
        text = _after_future_imports(text, change.head)
    if change.code:
        text += _WRAPPED.format(handler=handler) + change.code
    source.write_text(text, encoding="utf-8")
    if change.timeout is not None:
        _edit(template, lambda written: _with_timeout(written, function.logical_id, change.timeout))


def _after_future_imports(text: str, head: str) -> str:
    found = list(re.finditer(r"^from __future__ import .*\n", text, re.MULTILINE))
    place = found[-1].end() if found else 0
    return text[:place] + head + text[place:]


def _edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def _with_timeout(text: str, logical_id: str, seconds: int | None) -> str:
    """A YAML template in which the function has this time-out of its own."""
    block = re.search(rf"^  {logical_id}:\n(?:(?:    .*)?\n)*", text, re.MULTILINE)
    if not block:
        return text
    lines = [line for line in block.group().splitlines(keepends=True) if not re.match(r"      Timeout:", line)]
    place = next(number for number, line in enumerate(lines) if re.match(r"    Properties:", line))
    lines.insert(place + 1, f"      Timeout: {seconds}\n")
    return text[: block.start()] + "".join(lines) + text[block.end() :]
