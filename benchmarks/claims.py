"""Rows of results: a case, the measured variants, their ratio, and the target if there is one."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.harness import Measure, Timed

Kind = Literal["faster", "within", "at_most", "at_most_more"]


@dataclass(frozen=True)
class Target:
    """The figure to reach.

    `faster`: other / ours >= `limit`. `within`: ours / other <= `limit`. `at_most`: ours <= `limit`. `at_most_more`:
    ours - other <= `limit`. The last two are in seconds, megabytes (peak) or kilobytes (size).
    """

    kind: Kind
    limit: float


@dataclass(frozen=True)
class Claim:
    """One row of the table. `against` is the key of the variant that `ours` is compared with."""

    case: str
    variants: Mapping[str, Timed]
    against: str = "peer"
    measure: Measure = "cpu"
    target: Target | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the row with medians, spreads, ratio and all samples."""
        figure = self._figure()
        return {
            "case": self.case,
            "measure": self.measure,
            "against": self.against,
            "other": _summary(self.variants.get(self.against)),
            "ours": _summary(self.variants["ours"]),
            "floor": _summary(self.variants.get("floor")),
            "figure": figure,
            "target": {"kind": self.target.kind, "limit": self.target.limit} if self.target else None,
            "reached": _reached(self.target, figure["median"]) if self.target else None,
            "note": self.note,
        }

    def _figure(self) -> dict[str, Any]:
        """Return the spread over the rounds of the ratio, of the difference, or of ours alone."""
        kind = self.target.kind if self.target else ("within" if self.against in ("floor", "commit") else "faster")
        ours = self.variants["ours"].values(self.measure)
        if kind == "at_most":
            return {"kind": kind, **_spread(ours)}
        pairs = list(zip(self.variants[self.against].values(self.measure), ours, strict=True))
        if kind == "faster":
            return {"kind": kind, **_spread([other / own for other, own in pairs])}
        if kind == "within":
            return {"kind": kind, **_spread([own / other for other, own in pairs])}
        return {"kind": kind, **_spread([own - other for other, own in pairs])}


@dataclass(frozen=True)
class Missing:
    """A row that could not be measured because this machine lacks the peer. The table shows the reason."""

    case: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return the row, which holds only the reason."""
        return {"case": self.case, "unavailable": self.why}


@dataclass(frozen=True)
class Outcome:
    """The result of one comparison. `broke` is the error that ended it early, if any."""

    title: str
    rows: list[dict[str, Any]]
    versions: Mapping[str, str] = field(default_factory=dict)
    broke: str | None = None


def _reached(target: Target, median: float) -> bool:
    return median >= target.limit if target.kind == "faster" else median <= target.limit


def _summary(timed: Timed | None) -> dict[str, Any] | None:
    if timed is None:
        return None
    measures: tuple[Measure, ...] = ("wall", "cpu", "peak", "size")
    summary: dict[str, Any] = {"name": timed.name}
    summary.update((measure, _spread(timed.values(measure))) for measure in measures if timed.values(measure))
    return summary


def _spread(values: list[float]) -> dict[str, Any]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "samples": values}
