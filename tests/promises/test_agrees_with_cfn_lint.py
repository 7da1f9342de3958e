"""`blueprints check` finds what cfn-lint finds: in the file as it is written, and in what SAM makes of it.

cfn-lint is asked as any user asks it, in a process of its own.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from blueprints import cache, cfn_lint
from blueprints.errors import BlueprintError
from blueprints.promises import check
from blueprints.promises.checking import Report
from blueprints.promises.linting import IGNORED_IN_EXPANDED
from blueprints.template.expansion import expand
from blueprints.template.reading import Template, load
from tests.promises.broken_templates import BROKEN, WHOLE, template

_IDS = re.compile(r"[(\[]cfn-lint ([EWI]\d{4}(?:, [EWI]\d{4})*)[)\]]")
_LINES = re.compile(r"\blines? ([\d, and]+)")

NAMES = ["whole", *BROKEN]
CAUSES = {"sam-takes-the-template", "template-has-no-problems"}
EXPANDED = "expanded-template-passes-cfn-lint"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pattern's folder for every template, with what SAM makes of it beside where SAM takes it."""
    home = tmp_path_factory.mktemp("broken")
    for name in NAMES:
        (home / name / "src").mkdir(parents=True)
        (home / name / "src" / "app.py").write_text("def handler(event, context):\n    return 'fine'\n")
        path = home / name / "template.yaml"
        path.write_text(WHOLE if name == "whole" else template(name))
        try:
            (home / name / "expanded.json").write_text(json.dumps(expand(load(path))))
        except BlueprintError:
            continue
    return home


@pytest.fixture(scope="module")
def output(folder) -> list[dict[str, Any]]:
    """What cfn-lint itself finds in every file, as its command line prints it.

    The run takes most of this file's time, so its output is cached: it depends on nothing but the version of cfn-lint
    and the files.
    """
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*") if path.is_file())
    facts = [each for file in files for each in (file, (folder / file).read_bytes())]
    place = cache.folder("tests", "cfn-lint") / cache.digest(version("cfn-lint"), *facts)

    def run(fresh):
        command = [Path(sys.executable).with_name("cfn-lint"), "--format", "json", *files]
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
        (fresh / "findings.json").write_text(json.dumps(json.loads(done.stdout)))

    if cache.made_once(place, run):
        cache.keep_newest(place.parent, 5)
    found = json.loads((place / "findings.json").read_text())
    return [{**each, "Filename": str(folder / each["Filename"])} for each in found]


@pytest.fixture(scope="module")
def linted(output) -> dict[str, list[tuple[str, list[Any], int]]]:
    """What cfn-lint itself finds in every file: rule, path, line."""
    found = defaultdict(list)
    for each in output:
        where = each["Location"]
        found[each["Filename"]].append((each["Rule"]["Id"], where["Path"] or [], where["Start"]["LineNumber"]))
    return found


@pytest.fixture(scope="module")
def reports(folder, tmp_path_factory) -> dict[str, Report]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLUEPRINTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return {report.name: report for report in check([folder / name for name in NAMES])}


def named(report: Report, text: str) -> set[tuple[str, str]]:
    """The rules of cfn-lint that a report names, each with the resource or section."""
    return {
        (rule, _owner(text, line))
        for finding in report.findings
        for ids in _IDS.findall(finding.message)
        for rule in ids.split(", ")
        for line in {finding.line, *_lines(finding.message)}
    }


def test_the_findings_are_exactly_those_of_cfn_lint(folder, output):
    """cfn-lint is made faster here; its rules, places and messages stay the same."""
    from cfnlint.runner.template import run_template_by_data, run_template_by_file_path

    config, rules = cfn_lint.linter()
    expected, found = defaultdict(list), defaultdict(list)
    for each in output:
        place = [str(part) for part in each["Location"]["Path"] or []]
        expected[each["Filename"]].append((each["Rule"]["Id"], place, _sorted_sets(each["Message"])))
    for path in folder.glob("*/*"):
        if path.name == "template.yaml":
            matches = run_template_by_file_path(str(path), config, rules, ignore_bad_template=False)
        elif path.name == "expanded.json":
            matches = run_template_by_data(cfn_lint.document(json.loads(path.read_text())), config, rules)
        else:
            continue
        for match in matches:
            place = [str(part) for part in getattr(match, "path", None) or []]
            found[str(path)].append((match.rule.id, place, _sorted_sets(match.message)))
    assert len(expected) > 50
    assert {name: sorted(each) for name, each in found.items()} == {
        name: sorted(each) for name, each in expected.items()
    }


def _sorted_sets(message: str) -> str:
    """Some messages print a set, whose order differs from process to process."""
    return re.sub(r"\{[^{}:]*\}", lambda found: str(sorted(found[0][1:-1].split(", "))), message)


def test_the_whole_template_passes(reports):
    assert not named(reports["whole"], WHOLE)


@pytest.mark.parametrize("name", BROKEN)
def test_findings_of_cfn_lint_in_the_template_are_reported(name, folder, linted, reports):
    path = folder / name / "template.yaml"
    text = path.read_text()
    expected = {(rule, _owner(text, line)) for rule, _, line in linted[str(path)]}
    assert expected <= named(reports[name], text)


@pytest.mark.parametrize("name", BROKEN)
def test_findings_of_cfn_lint_in_the_expanded_template_are_reported(name, folder, linted, reports):
    """Names that stand for nothing come first: what SAM makes of them is judged when they are mended."""
    path = folder / name / "template.yaml"
    if EXPANDED in reports[name].waiting:
        assert any(finding.rule in CAUSES for finding in reports[name].findings)
        return
    expected = {
        (rule, _written(load(path), str(place[1])))
        for rule, place, _ in linted[str(path.with_name("expanded.json"))]
        if rule not in IGNORED_IN_EXPANDED and place[:1] == ["Resources"]
    }
    found = named(reports[name], path.read_text())
    assert not {each for each in expected - found if (each[0], "Globals") not in found}


@pytest.mark.parametrize(
    ("name", "rule", "owner"),
    [
        ("queue-shorter-than-function", "E3505", "Queue"),
        ("function-longer-by-globals", "E3505", "Queue"),
        ("ring-through-a-function", "E3004", "Bucket"),
        ("written-twice", "E0000", "Mapping"),
    ],
)
def test_a_rule_that_joins_resources_is_named(name, rule, owner, folder, reports):
    assert (rule, owner) in named(reports[name], (folder / name / "template.yaml").read_text())


def test_rules_that_a_resource_ignores_are_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context):\n    return 'fine'\n")
    quiet = "    Metadata: { cfn-lint: { config: { ignore_checks: [E3505] } } }\n"
    text = template("queue-shorter-than-function").replace("  Queue:\n", f"  Queue:\n{quiet}")
    (tmp_path / "template.yaml").write_text(text)
    (report,) = check([tmp_path])
    assert not named(report, text)


def _owner(text: str, line: int) -> str:
    """The resource a line belongs to; outside of Resources the section."""
    section = name = ""
    for each in text.splitlines()[:line]:
        if re.match(r"\w", each):
            section, name = each.split(":")[0], ""
        elif found := re.match(r"  (\w+):", each):
            name = found[1]
    return name if section == "Resources" else section


def _written(template: Template, logical_id: str) -> str:
    fitting = [name for name in template.resources if logical_id.startswith(name)]
    return max(fitting, key=len, default=logical_id)


def _lines(message: str) -> set[int]:
    return {int(number) for lines in _LINES.findall(message) for number in re.findall(r"\d+", lines)}
