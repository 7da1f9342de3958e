"""The runner of JSONata's test suite, on a suite of a few cases."""

import json
from pathlib import Path

import pytest

from benchmarks.jsonata_suite import main

CASES = {
    "numbers/sum.json": {"expr": "$sum(lines.price)", "dataset": "order", "bindings": {}, "result": 3.5},
    "numbers/both.json": [
        {"expr": "$x + 1", "dataset": None, "bindings": {"x": 1}, "result": 2},
        {"expr": "1 / 0", "data": {}, "code": "D1001"},
    ],
    "errors/syntax.json": {"expr-file": "syntax.jsonata", "dataset": None, "code": "S0207"},
    "errors/type.json": {"expr": "1 + 'a'", "dataset": None, "error": {"code": "T2002"}},
    "paths/none.json": {"expr": "nothing", "dataset": "order", "undefinedResult": True},
    "function-eval/left-out.json": {"expr": "$eval('1')", "dataset": None, "result": 1},
}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    for name, case in CASES.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(case))
    (tmp_path / "groups/errors/syntax.jsonata").write_text("1 +")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets/order.json").write_text('{"lines": [{"price": 1}, {"price": 2.5}]}')
    return tmp_path


def test_cases_that_pass_are_counted(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(suite)]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "6 of 6 cases pass"


@pytest.mark.parametrize("wrong", [{"result": True}, {"undefinedResult": True}, {"code": "T2001"}])
def test_a_case_that_fails_is_shown(suite: Path, capsys: pytest.CaptureFixture[str], wrong: dict[str, object]) -> None:
    (suite / "groups/numbers/wrong.json").write_text(json.dumps({"expr": "1", "dataset": None, **wrong}))
    assert main([str(suite)]) == 1
    assert "numbers/wrong[0]: 1" in capsys.readouterr().out


def test_a_folder_without_cases_is_an_error(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1
