"""The command line of scripts/bench."""

import argparse
import importlib
import os
import pkgutil
import platform
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import against, comparisons, processes, report, trees
from benchmarks.claims import Claim, Missing, Outcome
from benchmarks.harness import Bench

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run comparisons and print their results.

    Return 0 if all ran, whatever they measured; 1 if one broke; 2 if the commit to compare with cannot be set up; 130
    after Ctrl-C.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    _validate(parser, chosen)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        results = _results(chosen)
    except trees.NoTree as error:
        _say(f"scripts/bench: {error}")
        return 2
    except KeyboardInterrupt:
        _say("scripts/bench: interrupted; the temporary folders are deleted, and nothing is recorded.")
        return _INTERRUPTED
    _write(chosen, results)
    return 1 if any(outcome["broke"] for outcome in results.values()) else 0


def names(package: ModuleType = comparisons) -> list[str]:
    """Return the names of a package's comparisons: the files of its folder."""
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def run(name: str, bench: Bench) -> Outcome:
    """Run one comparison of `benchmarks/comparisons/`."""
    module = importlib.import_module(f"{comparisons.__name__}.{name}")
    return compared(module.TITLE, module.compare(bench), bench)


def compared(title: str, claims: Iterable[Claim | Missing], bench: Bench) -> Outcome:
    """Collect a comparison's rows; after an error, keep those measured before it."""
    rows: list[dict[str, Any]] = []
    broke = None
    try:
        rows.extend(claim.as_json() for claim in claims)
    except Exception as error:  # noqa: BLE001 - the others go on, and the exit status tells
        traceback.print_exc()
        broke = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return Outcome(title, rows, bench.versions, broke)


def draw_pictures(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the pictures that comparisons draw of their results: those with a `PICTURE` and a function `picture`."""
    for name, outcome in results.items():
        module = importlib.import_module(f"{comparisons.__name__}.{name}")
        if hasattr(module, "PICTURE"):
            module.PICTURE.write_text(module.picture(report.without_samples(outcome)), encoding="utf-8")


def machine() -> dict[str, str]:
    """Return the facts about this machine that figures depend on."""
    system = f"{platform.system()} {platform.machine()}"
    return {"system": system, "CPUs": str(os.cpu_count() or "?"), "Python": platform.python_version()}


def _results(chosen: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the outcome of every chosen comparison, by name."""
    if chosen.against is None:
        outcomes = {name: run(name, _bench(chosen, name)) for name in _chosen_names(chosen)}
    else:
        with trees.both(chosen.against, _say, processes.ROOT) as (this, that):
            outcomes = {name: _against(name, _bench(chosen, name), this, that) for name in _chosen_names(chosen)}
    return {name: _as_json(outcome, quick=chosen.quick) for name, outcome in outcomes.items()}


def _against(name: str, bench: Bench, this: trees.Tree, that: trees.Tree) -> Outcome:
    """Run one comparison of `benchmarks/against/`."""
    module = importlib.import_module(f"{against.__name__}.{name}")
    bench.uses("this tree at", this.description)
    bench.uses("against", that.description)
    return compared(module.TITLE, module.compare(bench, this, that), bench)


def _bench(chosen: argparse.Namespace, name: str) -> Bench:
    return Bench(quick=chosen.quick, chosen_rounds=chosen.rounds, progress=lambda what: _say(f"{name}: {what}"))


def _as_json(outcome: Outcome, *, quick: bool) -> dict[str, Any]:
    return {**asdict(outcome), "machine": machine(), "date": time.strftime("%Y-%m-%d"), "quick": quick}


def _write(chosen: argparse.Namespace, results: Mapping[str, dict[str, Any]]) -> None:
    if chosen.json:
        chosen.json.write_text(report.as_json(results), encoding="utf-8")
    if chosen.markdown:
        chosen.markdown.write_text(report.markdown(results) + "\n", encoding="utf-8")
    if chosen.record:
        complete = {name: outcome for name, outcome in results.items() if not outcome["broke"]}
        report.record(complete, section=report.COMPARISONS if chosen.against is None else report.AGAINST)
        if chosen.against is None:
            draw_pictures(complete)
    print(report.markdown(results))


def _validate(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> None:
    known = names(comparisons if chosen.against is None else against)
    for name in chosen.names:
        if name not in known:
            parser.error(f"there is no comparison {name!r}; there are {', '.join(known)}")
    if chosen.record and chosen.quick:
        parser.error("--record keeps full runs only; leave out --quick")
    if chosen.rounds is not None and chosen.rounds < 1:
        parser.error("--rounds is at least 1")


def _chosen_names(chosen: argparse.Namespace) -> list[str]:
    package = comparisons if chosen.against is None else against
    return list(dict.fromkeys(chosen.names)) or [name for name in names(package) if not _only_when_named(package, name)]


def _only_when_named(package: ModuleType, name: str) -> bool:
    return bool(getattr(importlib.import_module(f"{package.__name__}.{name}"), "ONLY_WHEN_NAMED", False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/bench",
        description="Compare speeds in one interleaved run: a peer's usual solution, ours and a floor. With --against: "
        "this working tree and another commit of the project.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"{', '.join(names())}; with --against: {', '.join(names(against))} (suite runs only when named)",
    )
    parser.add_argument(
        "--against", metavar="COMMIT", help="compare this working tree with a clean one of that commit, branch or tag"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each variant runs (default: 7, or 3 to 15)")
    parser.add_argument("--quick", action="store_true", help="three rounds on smaller inputs, to see that all runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    parser.add_argument(
        "--record", action="store_true", help="keep the results: benchmarks/results.json, docs/speed.md"
    )
    return parser


def _interrupt(*_: object) -> None:
    """Treat SIGTERM as Ctrl-C, so that `kill` also ends child processes and deletes temporary folders."""
    raise KeyboardInterrupt


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
