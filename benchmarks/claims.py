"""Claims about what was measured: a case, the ways it compares, a target, and whether the target was reached."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchmarks.harness import Measure, Timed

Kind = Literal["faster", "within", "at_most", "at_most_more"]


@dataclass(frozen=True)
class Target:
    """What ours has to reach.

    `faster`: the other takes at least `limit` times what ours takes. `within`: ours takes at most `limit` times what
    the other takes. `at_most`: ours takes at most `limit`. `at_most_more`: ours takes at most `limit` more than the
    other. In seconds, or in megabytes for memory.
    """

    kind: Kind
    limit: float


@dataclass(frozen=True)
class Claim:
    """One row of the table. `against` is the role that ours is compared with."""

    case: str
    ways: Mapping[str, Timed]
    against: str = "peer"
    measure: Measure = "cpu"
    target: Target | None = None
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The row with medians, spread, ratio and raw samples."""
        figure = self._figure()
        return {
            "case": self.case,
            "measure": self.measure,
            "against": self.against,
            "other": _summary(self.ways.get(self.against)),
            "ours": _summary(self.ways["ours"]),
            "floor": _summary(self.ways.get("floor")),
            "figure": figure,
            "target": {"kind": self.target.kind, "limit": self.target.limit} if self.target else None,
            "reached": _reached(self.target, figure["median"]) if self.target else None,
            "note": self.note,
        }

    def _figure(self) -> dict[str, Any]:
        """What the target is about, round by round: a ratio, a difference or ours alone."""
        kind = self.target.kind if self.target else ("within" if self.against in ("floor", "commit") else "faster")
        ours = self.ways["ours"].values(self.measure)
        if kind == "at_most":
            return {"kind": kind, **_spread(ours)}
        pairs = list(zip(self.ways[self.against].values(self.measure), ours, strict=True))
        if kind == "faster":
            return {"kind": kind, **_spread([other / own for other, own in pairs])}
        if kind == "within":
            return {"kind": kind, **_spread([own / other for other, own in pairs])}
        return {"kind": kind, **_spread([own - other for other, own in pairs])}


@dataclass(frozen=True)
class Missing:
    """A row that could not be measured because a peer is not there; it is said, not left out."""

    case: str
    why: str

    def as_json(self) -> dict[str, Any]:
        """The row with nothing in it but the reason."""
        return {"case": self.case, "unavailable": self.why}


@dataclass(frozen=True)
class Outcome:
    """What a comparison came to."""

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
