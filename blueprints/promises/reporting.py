"""Reports for people and for programs, and the page that lists the promises."""

import importlib
from collections.abc import Sequence
from typing import Any

from blueprints.counting import counted
from blueprints.findings import Finding
from blueprints.promises.checking import Report, promises, rule_of

_PAGE = """\
# What every pattern promises

`blueprints check` verifies these rules for every pattern, on the template that SAM generates. It exits with status 1
unless all are kept.
This page is generated from docstrings in `blueprints/promises/`: `python -m blueprints.promises > docs/promises.md`.
"""


def as_text(reports: Sequence[Report]) -> str:
    """The findings as `file:line: rule: message` below each pattern's name, and how many there are."""
    blocks = [_block(report) for report in reports]
    found = sum(len(report.findings) for report in reports)
    asked = len(promises()) * len(reports)
    broken = sum(len({finding.rule for finding in report.findings}) for report in reports)
    waiting = sum(len(report.waiting) for report in reports)
    kept = f"{counted(asked - broken - waiting, 'promise')} kept / {counted(found, 'finding')}"
    if waiting:
        kept += f" / {waiting} not checked until the template is corrected"
    return "\n\n".join([*blocks, kept])


def as_json(reports: Sequence[Report]) -> dict[str, Any]:
    """The same for a program."""
    patterns = [
        {
            "name": report.name,
            "findings": [_fields(finding) for finding in report.findings],
            "waiting": list(report.waiting),
        }
        for report in reports
    ]
    return {"patterns": patterns, "rules": len(promises())}


def page() -> str:
    """docs/promises.md: a table for each module, a row for each promise in it."""
    parts = [_PAGE]
    modules: list[str] = list(dict.fromkeys(promise.__module__ for promise in promises()))
    for name in modules:
        title, _, why = (importlib.import_module(name).__doc__ or "").strip().partition(": ")
        rows = [
            f"| `{rule_of(promise)}` | {(promise.__doc__ or '').strip()} |"
            for promise in promises()
            if promise.__module__ == name
        ]
        why = why[:1].upper() + why[1:]
        parts.append("\n".join([f"## {title}", "", why, "", "| promise | rule |", "| --- | --- |", *rows, ""]))
    return "\n".join(parts)


def _block(report: Report) -> str:
    lines = [str(finding) for finding in report.findings] or ["all promises kept"]
    return "\n".join([report.name, *(f"  {line}" for line in lines)])


def _fields(finding: Finding) -> dict[str, object]:
    return {"file": str(finding.file), "line": finding.line, "rule": finding.rule, "message": finding.message}
