"""The command line of scripts/bench: which comparisons, how thoroughly, and where the results go."""

import argparse
import importlib
import os
import pkgutil
import platform
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import comparisons, report
from benchmarks.claims import Outcome
from benchmarks.harness import Bench


def main(arguments: Sequence[str] | None = None) -> int:
    """Run comparisons and say what came of them; 1 when one broke, 0 when all ran, whatever they found."""
    chosen = _parser().parse_args(arguments)
    if chosen.record and chosen.quick:
        _parser().error("--record keeps full runs only; leave out --quick")
    results = {name: _as_json(run(name, quick=chosen.quick, say=_say), quick=chosen.quick) for name in _names(chosen)}
    if chosen.json:
        chosen.json.write_text(report.as_json(results), encoding="utf-8")
    if chosen.markdown:
        chosen.markdown.write_text(report.markdown(results) + "\n", encoding="utf-8")
    if chosen.record:
        report.record({name: outcome for name, outcome in results.items() if not outcome["broke"]})
    print(report.markdown(results))
    return 1 if any(outcome["broke"] for outcome in results.values()) else 0


def names() -> list[str]:
    """Every comparison there is: the files of their folder."""
    return sorted(module.name for module in pkgutil.iter_modules(comparisons.__path__))


def run(name: str, *, quick: bool, say: Callable[[str], None]) -> Outcome:
    """Run one comparison; what it measured before it broke is kept."""
    module = importlib.import_module(f"{comparisons.__name__}.{name}")
    return compared(module, Bench(quick=quick, progress=lambda what: say(f"{name}: {what}")))


def compared(module: ModuleType | Any, bench: Bench) -> Outcome:
    """What a comparison's module makes of a bench."""
    rows: list[dict[str, Any]] = []
    broke = None
    try:
        rows.extend(claim.as_json() for claim in module.compare(bench))
    except Exception as error:  # noqa: BLE001 - the others go on, and the exit status tells
        traceback.print_exc()
        broke = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Outcome(module.TITLE, rows, bench.versions, broke)


def machine() -> dict[str, str]:
    """What the figures depend on and a reader may know."""
    system = f"{platform.system()} {platform.machine()}"
    return {"system": system, "CPUs": str(os.cpu_count() or "?"), "Python": platform.python_version()}


def _as_json(outcome: Outcome, *, quick: bool) -> dict[str, Any]:
    return {**asdict(outcome), "machine": machine(), "date": time.strftime("%Y-%m-%d"), "quick": quick}


def _names(chosen: argparse.Namespace) -> list[str]:
    known = names()
    for name in chosen.names:
        if name not in known:
            _parser().error(f"there is no comparison {name!r}; there are {', '.join(known)}")
    return list(dict.fromkeys(chosen.names)) or known


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/bench", description="Compare speeds: a peer's usual way, ours and a floor."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="three rounds on smaller inputs, to see that all runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument(
        "--record", action="store_true", help="keep the results: benchmarks/results.json, docs/speed.md"
    )
    return parser


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
