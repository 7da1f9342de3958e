"""Runs the variants of a comparison in turn (A B C A B C …), so that other load on the machine affects all of them."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Measure = Literal["wall", "cpu", "peak", "size"]
Progress = Callable[[str], None]


class Unavailable(Exception):
    """This machine cannot run a peer; the message says why."""


@dataclass(frozen=True)
class Sample:
    """One run: wall time and CPU time in seconds, peak memory in MB, size of the output in kB; None if not measured."""

    wall: float | None = None
    cpu: float | None = None
    peak: float | None = None
    size: float | None = None


@dataclass(frozen=True)
class Variant:
    """One implementation of what is compared: its name in the table, and a function that runs it once."""

    name: str
    run: Callable[[], Sample]


@dataclass(frozen=True)
class Timed:
    """A variant's samples, in the order of the rounds."""

    name: str
    samples: tuple[Sample, ...]

    def values(self, measure: Measure) -> list[float]:
        """Return the values of one measure; an empty list if it was not measured."""
        found = (getattr(sample, measure) for sample in self.samples)
        return [value for value in found if value is not None]

    def median(self, measure: Measure) -> float | None:
        """Return the median of one measure; None if it was not measured."""
        values = self.values(measure)
        return statistics.median(values) if values else None


def interleaved(variants: Mapping[str, Variant], rounds: int, *, warm_up: bool = True) -> dict[str, Timed]:
    """Run every variant once per round, in turn. With `warm_up`, a first round is not counted."""
    if warm_up:
        for variant in variants.values():
            variant.run()
    samples: dict[str, list[Sample]] = {role: [] for role in variants}
    for _ in range(rounds):
        for role, variant in variants.items():
            samples[role].append(variant.run())
    return {role: Timed(variant.name, tuple(samples[role])) for role, variant in variants.items()}


@dataclass
class Bench:
    """The settings of a run: number of rounds, where to report progress, and the versions of what is measured."""

    quick: bool = False
    chosen_rounds: int | None = None
    progress: Progress = lambda _: None
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """How often each variant runs: 7 times, 3 with `quick`, or as often as the user chose."""
        return self.chosen_rounds or (3 if self.quick else 7)

    def measure(
        self, what: str, variants: Mapping[str, Variant], *, rounds: int | None = None, warm_up: bool = True
    ) -> dict[str, Timed]:
        """Run the variants in turn. Their keys are `peer`, `ours`, `floor` and others that a claim refers to."""
        count = self.chosen_rounds or rounds or self.rounds
        self.progress(
            f"{what}: {count} rounds of {', '.join(dict.fromkeys(variant.name for variant in variants.values()))}"
        )
        return interleaved(variants, count, warm_up=warm_up)

    def uses(self, name: str, version: Any) -> None:
        """Record a version for the line below the table."""
        self.versions[name] = str(version)
