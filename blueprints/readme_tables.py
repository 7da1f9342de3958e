"""The tables of parameters and outputs in a README, written from the template.

They stand between comments, which Markdown does not show; the text around them is left as it is:

    <!-- blueprints tables: parameters -->
    <!-- blueprints tables: end -->

and the same with `outputs`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from blueprints.template.reading import Template

_MARKED = re.compile(
    r"^<!-- blueprints tables: (?P<kind>parameters|outputs) -->\n(?P<table>.*?)^<!-- blueprints tables: end -->$",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"(`[^`]*`)")
_MARKUP = re.compile(r"[*<\[|\\]|(?<!\w)_|_(?!\w)")
_FEW = range(3, 6)
"""How many allowed values are listed: true and false say nothing, and nine would hide the description."""


def marks(kind: str, text: str = "") -> str:
    """The comments around the table of `parameters` or `outputs`, whose text ends with a line feed."""
    return f"<!-- blueprints tables: {kind} -->\n{text}<!-- blueprints tables: end -->"


def marked(readme: str) -> dict[str, tuple[int, str]]:
    """The tables that have comments around them: by kind, the line of the first comment, and the table's text."""
    return {
        found["kind"]: (readme.count("\n", 0, found.start()) + 1, found["table"]) for found in _MARKED.finditer(readme)
    }


def written(readme: str, template: Template) -> str:
    """A README's text with both tables as the template has them; where there are no comments, nothing changes."""
    return _MARKED.sub(lambda found: marks(found["kind"], table(found["kind"], template)), readme)


def table(kind: str, template: Template) -> str:
    """The table of `parameters` or `outputs`; a line for each, with a line feed at its end."""
    section = {"parameters": "Parameters", "outputs": "Outputs"}[kind]
    row, head = _ROWS[kind]
    named = {name: about for name, about in template.section(section).items() if isinstance(about, dict)}
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [head, rule, *(row(*each) for each in named.items())])


def _parameter(name: str, about: Mapping[str, Any]) -> list[str]:
    return [f"`{name}`", _default(about), " ".join(filter(None, (_description(about), _allowed(about))))]


def _output(name: str, about: Mapping[str, Any]) -> list[str]:
    return [f"`{name}`", _description(about)]


_ROWS: dict[str, tuple[Callable[[str, Mapping[str, Any]], list[str]], list[str]]] = {
    "parameters": (_parameter, ["parameter", "default", "description"]),
    "outputs": (_output, ["output", "description"]),
}


def _default(about: Mapping[str, Any]) -> str:
    if "Default" not in about:
        return "required"
    return _code(about["Default"]) if str(about["Default"]) else "none"


def _allowed(about: Mapping[str, Any]) -> str:
    allowed = about.get("AllowedValues")
    if not isinstance(allowed, list) or len(allowed) not in _FEW:
        return ""
    return f"One of {', '.join(map(_code, allowed[:-1]))} and {_code(allowed[-1])}."


def _code(value: object) -> str:
    text = str(value).replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _description(about: Mapping[str, Any]) -> str:
    """The description on one line; what Markdown would take for markup is shown as it is, but code stays code."""
    text = " ".join(str(about.get("Description", "")).split())
    parts = _CODE.split(text)
    return "".join(
        part.replace("|", "\\|") if part.startswith("`") else _MARKUP.sub(r"\\\g<0>", part) for part in parts
    )
