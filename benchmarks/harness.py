"""Runs the ways of doing one thing in turn (A B C A B C …), so that whatever else the machine does hits all alike."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Measure = Literal["wall", "cpu", "peak", "size"]
Progress = Callable[[str], None]


class Unavailable(Exception):
    """A peer that this machine cannot run; the message says why."""


@dataclass(frozen=True)
class Sample:
    """One run: seconds by the clock, seconds of CPU, peak megabytes, kilobytes made; None where not measured."""

    wall: float | None = None
    cpu: float | None = None
    peak: float | None = None
    size: float | None = None


@dataclass(frozen=True)
class Way:
    """One way of doing the thing: what people call it, and how to do it once."""

    name: str
    run: Callable[[], Sample]


@dataclass(frozen=True)
class Timed:
    """A way and its samples, in the order of the rounds."""

    name: str
    samples: tuple[Sample, ...]

    def values(self, measure: Measure) -> list[float]:
        """The samples of one measure; empty where it was not taken."""
        found = (getattr(sample, measure) for sample in self.samples)
        return [value for value in found if value is not None]

    def median(self, measure: Measure) -> float | None:
        """The median of one measure; None where it was not taken."""
        values = self.values(measure)
        return statistics.median(values) if values else None


def interleaved(ways: Mapping[str, Way], rounds: int, *, warm_up: bool = True) -> dict[str, Timed]:
    """Run every way once per round, one after the other; a warm-up round goes before and is not counted."""
    if warm_up:
        for way in ways.values():
            way.run()
    samples: dict[str, list[Sample]] = {role: [] for role in ways}
    for _ in range(rounds):
        for role, way in ways.items():
            samples[role].append(way.run())
    return {role: Timed(way.name, tuple(samples[role])) for role, way in ways.items()}


@dataclass
class Bench:
    """What a comparison gets: how thorough to be, where to say what it is doing, which versions it used."""

    quick: bool = False
    chosen_rounds: int | None = None
    progress: Progress = lambda _: None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """How often each way is run."""
        return self.chosen_rounds or (3 if self.quick else 7)

    def measure(
        self, what: str, ways: Mapping[str, Way], *, rounds: int | None = None, warm_up: bool = True
    ) -> dict[str, Timed]:
        """Run the ways in turn; roles are `peer`, `ours`, `floor` and whatever else a claim names."""
        count = self.chosen_rounds or rounds or self.rounds
        self.progress(f"{what}: {count} rounds of {', '.join(dict.fromkeys(way.name for way in ways.values()))}")
        return interleaved(ways, count, warm_up=warm_up)

    def uses(self, name: str, version: Any) -> None:
        """Note the version of something whose speed is reported."""
        self.versions[name] = str(version)
