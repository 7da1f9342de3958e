"""More schedules than a test run has time for: python tests/soak.py [COUNT] [--seed FIRST]; 1 when one goes wrong."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATTERN = Path(__file__).resolve().parent.parent
KINDS = (
    {},
    {"late": True},
    {"overtaken": True},
    {"again": True},
    {"relaned": True},
    {"rewound": True},
    {"resharded": True},
    {"late": True, "overtaken": True},
    {"late": True, "overtaken": True, "again": True},
    {"resharded": True, "late": True, "overtaken": True, "again": True},
)


def soak(count: int, first: int = 0, say: Callable[[str], None] = print) -> int:
    """Play `count` schedules, in turn of each kind; returns how many went wrong, each of which is named."""
    sys.path[:0] = [str(PATTERN / "tests"), str(PATTERN)]
    from template_facts import code_folder

    sys.path.insert(0, str(code_folder()))
    from stream_simulation import Life

    began, wrong = time.monotonic(), 0
    for seed in range(first, first + count):
        kind = KINDS[seed % len(KINDS)]
        try:
            Life(seed, **kind).play()
        except AssertionError as error:
            wrong += 1
            say(f"Life({seed}, **{kind}).play(): {error}")
        if (seed - first + 1) % 10_000 == 0:
            say(f"{seed - first + 1:,} schedules, {wrong} wrong, {time.monotonic() - began:.0f} s")
    say(f"{count:,} schedules from seed {first}: {wrong} wrong")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sys.exit(1 if soak(given.count, given.seed) else 0)
