"""Plays random schedules of one pattern: python -m tests.patterns.soak FOLDER [COUNT] [--seed FIRST].

Ends 1 if a schedule breaks a promise.
"""

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.patterns.fixtures import load_fixtures


def soak(folder: Path, count: int, first: int = 0, say: Callable[[str], None] = print) -> int:
    """Play `count` schedules, the kinds in turn; name each that breaks a promise, and return how many did."""
    load_fixtures(folder)
    simulations = importlib.import_module("schedules").SIMULATIONS
    began, broken = time.monotonic(), 0
    for seed in range(first, first + count):
        simulation, options = simulations[seed % len(simulations)]
        try:
            simulation(seed, **options).play()
        except AssertionError as error:
            broken += 1
            say(f"{simulation.__name__}({seed}, **{options}).play(): {error}")
        if (seed - first + 1) % 10_000 == 0:
            say(f"{seed - first + 1:,} schedules, {broken} wrong, {time.monotonic() - began:.0f} s")
    say(f"{count:,} schedules from seed {first}: {broken} wrong")
    return broken


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="scripts/soak", description="Play random schedules of a pattern.", usage="%(prog)s [COUNT] [--seed FIRST]"
    )
    parser.add_argument("folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("count", type=int, nargs="?", default=50_000, help="how many schedules (default: 50,000)")
    parser.add_argument("--seed", type=int, default=0, help="the first one (default: 0)")
    given = parser.parse_args()
    sys.exit(1 if soak(given.folder.resolve(), given.count, given.seed) else 0)
