"""Every promise can be kept, and can be seen to be broken: at the right place, under the right rule."""

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.pattern import Pattern
from blueprints.promises import CheckedPattern, check, findings, promises, rule_of
from blueprints.promises.reporting import page
from tests.promises.broken import FAST, SLOW, Broken

GOOD = Path(__file__).parent / "promises" / "good_pattern"
LINT = {"template-passes-cfn-lint", "expanded-template-passes-cfn-lint"}
WHAT_TO_DO = r"[;:] (write|put|take|make|give|correct|remove|see|use|generate|create|shorten|it has)\b|did you mean"
QUICK = [promise for promise in promises() if rule_of(promise) not in LINT]


def numbered(cases: list[Broken]) -> list[str]:
    """A name for each case: its rule, and which of that rule's cases it is."""
    rules = [case.rule for case in cases]
    return [f"{rule}-{rules[:index].count(rule) + 1}" for index, rule in enumerate(rules)]


@pytest.fixture
def folder(tmp_path):
    """A copy of the good pattern, to be changed."""
    return shutil.copytree(GOOD, tmp_path / "good-pattern", ignore=shutil.ignore_patterns("__pycache__"))


def breaking(folder: Path, case: Broken) -> None:
    path = folder / case.file
    text = path.read_text()
    assert case.old in text, f"{case.file} has no {case.old!r} any more"
    if case.old == case.new:
        path.unlink()
        return
    for old, new in [(case.old, case.new), *([case.more] if case.more else [])]:
        text = text.replace(old, new, 1)
    path.write_text(text)


def line_of(folder: Path, case: Broken) -> int:
    """The line on which the words stand; `@Logical ids Property` finds a property below nested names."""
    lines = (folder / case.file).read_text().splitlines() if case.line else []
    words = case.line.removeprefix("@").split() if case.line.startswith("@") else [case.line]
    number = 0
    for each in words:
        wanted = f"{each}:" if case.line.startswith("@") else each
        number = next((n for n, line in enumerate(lines[number:], number + 1) if wanted in line), number)
    return number or 1


def found_in(folder: Path, asked=QUICK):
    return findings(CheckedPattern(Pattern.load(folder)), asked)


def test_a_good_pattern_keeps_every_promise(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path))
    (report,) = check([GOOD])
    assert report.findings == []


@pytest.mark.parametrize("case", FAST, ids=numbered(FAST))
def test_a_broken_promise_is_found_where_it_is_broken(folder, case):
    breaking(folder, case)
    found = found_in(folder)

    places = {(each.file.relative_to(folder).as_posix(), each.line) for each in found if each.rule == case.rule}
    assert (case.file, line_of(folder, case)) in places, [str(each) for each in found]
    assert {each.rule for each in found} == {case.rule} | case.also
    assert not [str(each) for each in found if not re.search(WHAT_TO_DO, each.message)], "say what to write"


@pytest.mark.parametrize("case", SLOW, ids=numbered(SLOW))
def test_findings_of_cfn_lint_have_the_line_in_the_template(folder, case, tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    breaking(folder, case)
    found = found_in(folder, [promise for promise in promises() if rule_of(promise) in LINT])

    assert {(each.rule, each.line) for each in found} == {(case.rule, line_of(folder, case))}, [str(f) for f in found]


def test_every_promise_has_a_way_to_break_it():
    """A rule that no test breaks may hold nothing: write a Broken for it in tests/promises/broken.py."""
    assert {rule_of(promise) for promise in promises()} == {case.rule for case in [*FAST, *SLOW]}


@pytest.mark.parametrize("promise", promises(), ids=rule_of)
def test_a_promises_docstring_is_its_rule(promise):
    """One sentence on one line, that begins with a capital and ends with a full stop."""
    assert re.fullmatch(r"([A-Z]|cfn-lint ).*[^.]\.", promise.__doc__ or ""), "write the rule in a sentence"
    assert not re.search(r"\. [A-Z]", promise.__doc__)
    assert "\n" not in promise.__doc__


def test_names_of_rules_are_unique():
    names = [rule_of(promise) for promise in promises()]
    assert len(names) == len(set(names))


def everywhere(value: Any, place: tuple = ()) -> Iterator[tuple]:
    if place:
        yield place
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in pairs:
        yield from everywhere(child, (*place, name))


@pytest.mark.parametrize("junk", [None, "text", [], ["text"], 3], ids=repr)
def test_no_rule_falls_over_an_odd_template(junk):
    """Whatever stands anywhere in a resource, rules answer with findings or not at all."""
    pattern = Pattern.load(GOOD)
    good = CheckedPattern(pattern).expanded
    asked = [promise for promise in QUICK if rule_of(promise) != "template-has-no-problems"]
    for place in list(everywhere(good["Resources"]))[::23]:
        odd = CheckedPattern(pattern)
        odd._expansion = copy.deepcopy(good)
        holder = odd.expanded["Resources"]
        for name in place[:-1]:
            holder = holder[name]
        holder[place[-1]] = junk
        assert isinstance(findings(odd, asked), list)


def test_the_page_of_promises_is_up_to_date():
    """docs/promises.md is made out of the docstrings: python -m blueprints.promises > docs/promises.md."""
    assert (GOOD.parents[2] / "docs" / "promises.md").read_text() == page(), (
        "run: python -m blueprints.promises > docs/promises.md"
    )


def test_a_template_that_sam_refuses_is_one_finding(folder):
    text = (folder / "template.yaml").read_text()
    (folder / "template.yaml").write_text(text.replace("StartingPosition: LATEST", "StartingPositn: LATEST"))
    found = found_in(folder)
    assert {each.rule for each in found} == {"sam-takes-the-template"}
    assert "did you mean StartingPosition?" in found[0].message


def test_globals_count(folder):
    """What Globals says of every function is what is judged, and where it is told."""
    text = (folder / "template.yaml").read_text()
    (folder / "template.yaml").write_text(text.replace("Tracing: Active", "Tracing: PassThrough"))
    found = found_in(folder)
    assert len(found) == 3
    assert {text.splitlines()[each.line - 1].strip() for each in found} == {"Tracing: Active"}


@pytest.mark.parametrize(("name", "is_fixed"), [("/aws/x/${Guests}", False), ("/aws/x/${AWS::StackName}", True)])
def test_a_name_with_another_resources_name_in_it_is_not_fixed(name, is_fixed, folder):
    text = (folder / "template.yaml").read_text()
    changed = text.replace("      RetentionInDays", f"      LogGroupName: !Sub {name}\n      RetentionInDays")
    (folder / "template.yaml").write_text(changed)
    assert ("nothing-has-a-fixed-name" in {each.rule for each in found_in(folder)}) is is_fixed


def test_the_command_prints_places_and_ends_badly(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    breaking(folder, next(case for case in FAST if case.rule == "every-parameter-has-a-default"))
    line = line_of(folder, next(case for case in FAST if case.rule == "every-parameter-has-a-default"))

    ended = CliRunner().invoke(main, ["check", str(folder), str(GOOD)])
    as_json = CliRunner().invoke(main, ["check", str(folder), "--json"])

    assert ended.exit_code == 1
    assert f"  good-pattern/template.yaml:{line}: every-parameter-has-a-default: " in ended.output
    assert ended.output.splitlines()[-1] == f"{2 * len(promises()) - 1} promises kept / 1 finding"
    assert as_json.exit_code == 1
    report = json.loads(as_json.output)
    assert report["rules"] == len(promises())
    assert report["patterns"][0]["name"] == "good-pattern"
    assert report["patterns"][0]["findings"][0]["line"] == line


def test_the_command_ends_well_when_everything_is_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    ended = CliRunner().invoke(main, ["check", str(GOOD)])
    assert ended.exit_code == 0, ended.output
    assert ended.output.splitlines()[-1] == f"{len(promises())} promises kept / 0 findings"
