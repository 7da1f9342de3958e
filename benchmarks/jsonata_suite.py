"""Runs JSONata's own test suite on the JSONata of Step Functions.

    git clone --depth 1 --branch v2.0.6 https://github.com/jsonata-js/jsonata FOLDER
    python -m benchmarks.jsonata_suite FOLDER/test/test-suite

Prints how many cases pass, and those that do not. The group `function-eval` is left out: Step Functions has no `$eval`.
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from blueprints.states_language import jsonata
from blueprints.states_language.visible_data import VisibleData

LEFT_OUT = frozenset({"function-eval"})
UNDEFINED = "undefined"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; return 0 if every case passes."""
    parser = argparse.ArgumentParser(description="Run JSONata's own test suite.")
    parser.add_argument("folder", type=Path, help="the folder test/test-suite of JSONata's repository")
    folder = parser.parse_args(arguments).folder
    count, failed = 0, []
    for name, case in cases(folder):
        count += 1
        found = outcome(case, folder)
        if not passes(case, found):
            failed.append(f"{name}: {case['expr']}\n    {found}")
    print(*failed, f"{count - len(failed)} of {count} cases pass", sep="\n")
    return 1 if failed or not count else 0


def cases(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every case of the suite with its name."""
    for path in sorted((folder / "groups").glob("*/*.json")):
        if path.parent.name in LEFT_OUT:
            continue
        written = json.loads(path.read_text(encoding="utf-8"))
        for number, case in enumerate(written if isinstance(written, list) else [written]):
            if "expr" not in case:
                case["expr"] = (path.parent / case["expr-file"]).read_text(encoding="utf-8")
            yield f"{path.parent.name}/{path.stem}[{number}]", case


def outcome(case: Mapping[str, Any], folder: Path) -> tuple[str, Any]:
    """Evaluate a case: its value, `undefined`, or the code of its error."""
    library = jsonata._library()  # noqa: SLF001  # states have no input of their own, so there is no public way
    visible = jsonata._Bound(VisibleData(None, {}, case.get("bindings") or {}))  # noqa: SLF001
    try:
        compiled = jsonata._compile_expression(case["expr"])  # noqa: SLF001
        value = compiled.evaluate(_input(case, folder, library.MISSING), visible)
        return (UNDEFINED, None) if value is library.MISSING else ("value", jsonata._as_json(value))  # noqa: SLF001
    except jsonata.InvalidExpression as error:
        return "error", getattr(error.__cause__, "error_code", None)
    except (library.JsonataEvaluationError, jsonata._OutOfRange) as error:  # noqa: SLF001
        return "error", error.error_code


def passes(case: Mapping[str, Any], found: tuple[str, Any]) -> bool:
    """Whether what was found is what the case expects."""
    kind, value = found
    if "result" in case:
        return kind == "value" and _same(value, case["result"])
    if "undefinedResult" in case:
        return kind == UNDEFINED
    code = case["code"] if "code" in case else case["error"]["code"]
    return kind == "error" and value == code


def _input(case: Mapping[str, Any], folder: Path, missing: Any) -> Any:
    if "data" in case:
        return case["data"]
    if case.get("dataset") is None:
        return missing
    return json.loads((folder / "datasets" / f"{case['dataset']}.json").read_text(encoding="utf-8"))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-15)
    return type(one) is type(other) and bool(one == other)


if __name__ == "__main__":
    sys.exit(main())
