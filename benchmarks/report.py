"""Writes results as JSON and Markdown. docs/speed.md is made from benchmarks/results.json alone."""

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "speed.md"


_HEADER = ("comparison", "peer", "ours", "floor", "ratio (lowest–highest)", "target", "reached")
_UNITS = {"cpu": " CPU", "wall": "", "peak": "", "size": ""}


@dataclass(frozen=True)
class Section:
    """A table of the page between two markers, and the key of results.json that holds its comparisons."""

    key: str
    command: str
    """The command that makes it."""

    @property
    def begin(self) -> str:
        """The line before the table."""
        return f"<!-- begin: made by {self.command} -->"

    @property
    def end(self) -> str:
        """The line after the table."""
        return f"<!-- end: made by {self.command} -->"


COMPARISONS = Section("comparisons", "scripts/bench --record")
AGAINST = Section("against", "scripts/bench --against COMMIT --record")
SECTIONS = (COMPARISONS, AGAINST)


def as_json(results: Mapping[str, Any]) -> str:
    """Return results as the text of a JSON file."""
    return json.dumps(results, indent=1, ensure_ascii=False) + "\n"


def without_samples(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return results without single samples, and with figures of four digits."""
    return dict(_thinned(copy.deepcopy(dict(results))))


def record(
    results: Mapping[str, Any], file: Path = RESULTS, page: Path = PAGE, *, section: Section = COMPARISONS
) -> None:
    """Put the results of a full run into results.json and the page; they replace older ones of the same comparisons."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    merged = {**kept.get(section.key, {}), **without_samples(results)}
    kept[section.key] = {name: merged[name] for name in sorted(merged)}
    file.write_text(as_json(kept), encoding="utf-8")
    page.write_text(with_table(page.read_text(encoding="utf-8"), merged, section), encoding="utf-8")


def with_table(text: str, results: Mapping[str, Any], section: Section = COMPARISONS) -> str:
    """Return a page's text with one section's table made anew. Raises ValueError if the page lacks its markers."""
    block = re.compile(re.escape(section.begin) + ".*?" + re.escape(section.end), re.DOTALL)
    if not block.search(text):
        raise ValueError(f"the page lacks the lines {section.begin!r} and {section.end!r}")
    return block.sub(lambda _: f"{section.begin}\n{markdown(results)}\n{section.end}", text)


def markdown(results: Mapping[str, Any]) -> str:
    """Return a table of all comparisons, followed by the notes and by the machine and versions of each."""
    ordered = [results[name] for name in sorted(results)]
    lines = [_row(_HEADER), _row("---" for _ in _HEADER)]
    notes: list[str] = []
    for outcome in ordered:
        lines.append(_row([f"**{outcome['title']}**", *[""] * (len(_HEADER) - 1)]))
        lines += [_row(_cells(row, notes)) for row in outcome["rows"]]
        if outcome.get("broke"):
            lines.append(_row([f"broke: {outcome['broke']}", *[""] * (len(_HEADER) - 1)]))
    parts = ["\n".join(lines)]
    if notes:
        parts.append("\n".join(f"{number}. {note}" for number, note in enumerate(notes, start=1)))
    parts += dict.fromkeys(_ran_on(outcome) for outcome in ordered)
    return "\n\n".join(parts)


def _cells(row: Mapping[str, Any], notes: list[str]) -> list[str]:
    case = str(row["case"])
    if "unavailable" in row:
        return [case, f"not there: {row['unavailable']}", "", "", "", "", "not measured"]
    if row["note"]:
        notes.append(row["note"])
        case += f" <sup>{len(notes)}</sup>"
    measure = row["measure"]
    peer = None if row["against"] == "floor" else row["other"]
    reached = {True: "yes", False: "**no**", None: ""}[row["reached"]]
    return [
        case,
        f"{peer['name']}: {_taken(peer, measure)}" if peer else "",
        _taken(row["ours"], measure),
        _taken(row["floor"], measure) if row["floor"] else "",
        _figure(row["figure"], row),
        _target(row["target"], measure) if row["target"] else "",
        reached,
    ]


def _taken(variant: Mapping[str, Any], compared: str) -> str:
    """Return all medians of a variant; the measure that is compared comes first, in bold."""
    order = [compared, *(measure for measure in ("cpu", "wall", "peak", "size") if measure != compared)]
    said = [
        f"{_amount(variant[measure]['median'], measure)}{_UNITS[measure]}" for measure in order if measure in variant
    ]
    return ", ".join([f"**{said[0]}**", *said[1:]])


def _figure(figure: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    kind, measure = figure["kind"], row["measure"]
    median, least, most = figure["median"], figure["min"], figure["max"]
    if kind in ("faster", "within"):
        than = {"faster": "less" if measure in ("peak", "size") else "faster", "within": f"the {row['against']}"}[kind]
        return f"{_times(median)} {than} ({_times(least)}–{_times(most)})"
    more = " more" if kind == "at_most_more" else ""
    return f"{_amount(median, measure)}{more} ({_amount(least, measure)}–{_amount(most, measure)})"


def _target(target: Mapping[str, Any], measure: str) -> str:
    limit = target["limit"]
    return {
        "faster": f"≥ {limit:g}x",
        "within": f"≤ {limit:g}x",
        "at_most": f"≤ {_amount(limit, measure)}",
        "at_most_more": f"≤ {_amount(limit, measure)} more",
    }[target["kind"]]


def _amount(value: float, measure: str) -> str:
    if measure == "peak":
        return f"{value:.0f} MB"
    if measure == "size":
        return f"{value:.0f} kB"
    if abs(value) >= 1:
        return f"{value:.3g} s"
    return f"{value * 1000:.3g} ms" if abs(value) < 0.1 else f"{value * 1000:.0f} ms"


def _times(value: float) -> str:
    return f"{value:.3g}x"


def _ran_on(outcome: Mapping[str, Any]) -> str:
    machine = ", ".join(
        f"{value}" if name == "system" else f"{name} {value}" for name, value in outcome["machine"].items()
    )
    versions = ", ".join(f"{name} {version}" for name, version in outcome["versions"].items())
    quick = " A quick run on smaller inputs, to which the targets do not apply." if outcome.get("quick") else ""
    return f"{outcome['title']}: {machine}" + (f"; {versions}." if versions else ".") + quick


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _thinned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _thinned(each) for name, each in value.items() if name != "samples"}
    if isinstance(value, list):
        return [_thinned(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
