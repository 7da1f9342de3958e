"""One mistake is one finding that names its other places; a promise that cannot be checked yet is not kept."""

import re
import shutil
from pathlib import Path

import pytest

from blueprints.findings import Finding
from blueprints.promises import check, promises
from blueprints.promises.causes import once_each
from blueprints.promises.reporting import as_json, as_text
from blueprints.template.references import Undeclared

GOOD = Path(__file__).parent / "good_pattern"
TEMPLATE = Path("template.yaml")


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(GOOD, tmp_path / "good-pattern", ignore=shutil.ignore_patterns("__pycache__"))


def report_on(folder, *changes, file="template.yaml"):
    path = folder / file
    text = path.read_text()
    for old, new in changes:
        assert old in text, f"{file} has no {old!r} any more"
        text = text.replace(old, new)
    path.write_text(text)
    (report,) = check([folder])
    return report


def lines_with(folder, words):
    return [
        number for number, line in enumerate((folder / "template.yaml").read_text().splitlines(), 1) if words in line
    ]


def lines_named(finding):
    """The line where it stands and those that its message lists."""
    listed = re.search(r"\(lines? ([\d, and]+) names? it too\)", finding.message)
    return [finding.line, *map(int, re.findall(r"\d+", listed[1] if listed else ""))]


UNDECLARED = {
    "misspelt Ref": ("!Ref DeploymentPreference", "!Ref DeploymentPreferense", "DeploymentPreferense"),
    "misspelt GetAtt": ("Destination: !GetAtt DeadLetters.Arn", "Destination: !GetAtt DeadLeters.Arn", "DeadLeters"),
    "misspelt Sub": ("${Greet.Arn}", "${Gret.Arn}", "Gret"),
    "misspelt alarm of a deployment": ("[!Ref GreetErrors]", "[!Ref GreetErors]", "GreetErors"),
    "renamed function": ("\n  Greet:\n", "\n  Welcome:\n", "Greet"),
    "renamed bucket": ("\n  Failed:\n", "\n  GivenUp:\n", "Failed"),
    "renamed queue": ("\n  DeadLetters:\n", "\n  Undelivered:\n", "DeadLetters"),
    "renamed stream": ("\n  Passers:\n", "\n  Visitors:\n", "Passers"),
    "renamed condition": ("  HasKmsKey: !Not", "  HasKey: !Not", "HasKmsKey"),
    "never declared": ("      Timeout: 10", "      Timeout: 10\n      Description: !Ref Greeting", "Greeting"),
}


@pytest.mark.parametrize(("old", "new", "name"), UNDECLARED.values(), ids=UNDECLARED)
def test_a_name_that_is_not_declared_is_one_breach_that_lists_its_lines(folder, old, new, name):
    report = report_on(folder, (old, new))

    (finding,) = report.findings
    assert finding.rule == "template-has-no-problems"
    assert re.search(rf"there is no [a-z ]+ {name}\b", finding.message)
    uses = rf"(!Ref |!GetAtt |\$\{{|\[|Ref: ){name}\b|!If \[{name}\b"
    text = (folder / "template.yaml").read_text().splitlines()
    assert set(lines_named(finding)) >= {number for number, line in enumerate(text, 1) if re.search(uses, line)}


@pytest.mark.parametrize(
    ("old", "new"),
    [("Greet", "Welcome"), ("Failed", "GivenUp"), ("DeadLetters", "Undelivered"), ("Passers", "Visitors")],
)
def test_after_a_change_of_name_the_new_name_is_what_is_suggested(folder, old, new):
    (finding,) = report_on(folder, (f"\n  {old}:\n", f"\n  {new}:\n")).findings
    assert re.search(rf"did you mean [^?]*\b{new}\b[^?]*\? Nothing refers to that\.", finding.message)


def test_a_name_that_sam_would_make_of_an_undeclared_one_is_no_breach_of_its_own(folder):
    (finding,) = report_on(folder, ("\n  Greet:\n", "\n  Welcome:\n")).findings
    assert set(lines_named(finding)) >= set(lines_with(folder, "!GetAtt GreetCame.Arn"))


def test_two_undeclared_names_are_two_breaches(folder):
    report = report_on(folder, ("${Greet.Arn}", "${Gret.Arn}"), ("[!Ref GreetErrors]", "[!Ref GreetErors]"))
    assert [re.search(r"there is no [a-z ]+ (\w+)", each.message)[1] for each in report.findings] == [
        "GreetErors",
        "Gret",
    ]


def test_a_parameter_that_was_renamed_where_it_is_declared_alone_is_one_breach(folder):
    (finding,) = report_on(folder, ("  AlarmTopicArn:\n", "  AlarmTopic:\n")).findings
    assert "there is no parameter or resource AlarmTopicArn" in finding.message
    assert "did you mean AlarmTopic? Nothing refers to that." in finding.message


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      Timeout: 10", "      Timeot: 10", "did you mean Timeout?"),
        ("    Tracing: Active", "    Tracng: Active", "Tracng"),
        ("      MessageRetentionPeriod:", "      MessageRetentionPeriods:", "did you mean MessageRetentionPeriod?"),
        ("Type: AWS::SQS::QueuePolicy", "Type: AWS::SQS::QueuePolcy", "did you mean AWS::SQS::QueuePolicy?"),
        ("StartingPosition: LATEST", "StartingPositn: LATEST", "did you mean StartingPosition?"),
        ("    CodeUri: src/", "    CodeUri: source/", "'source/' does not exist"),
        ("Handler: greet.handler", "Handler: welcome.handler", "there is no welcome.py in src/"),
        ("Handler: greet.handler", "Handler: greet.welcome", "greet.py defines no 'welcome'"),
    ],
)
def test_a_slip_in_the_template_is_one_breach(folder, old, new, said):
    (finding,) = report_on(folder, (old, new)).findings
    assert said in finding.message
    assert finding.rule in ("template-has-no-problems", "sam-takes-the-template")


def test_a_code_folder_or_handler_that_several_functions_miss_is_one_breach(folder):
    text = (folder / "template.yaml").read_text()
    (folder / "template.yaml").write_text(
        text.replace("    CodeUri: src/\n", "").replace("      Handler: ", "      CodeUri: code/\n      Handler: ")
    )
    (finding,) = check([folder])[0].findings
    assert lines_named(finding) == lines_with(folder, "CodeUri: code/")

    (folder / "code").mkdir()
    for name in ("greet", "probe_greet", "check_greet"):
        text = text.replace(f"Handler: {name}.handler", "Handler: one.handler")
    (folder / "template.yaml").write_text(text)
    (finding,) = check([folder])[0].findings
    assert lines_named(finding) == lines_with(folder, "Handler: one.handler")


def test_a_parameter_that_environments_set_and_the_template_lacks_is_one_breach(folder):
    path = folder / "samconfig.toml"
    path.write_text(
        path.read_text().replace("Environment=dev", "Environment=dev Lodly=true").replace("Loudly", "Lodly")
    )
    (finding,) = report_on(folder).findings
    assert finding.message.startswith("dev (and staging) sets Lodly, which the template does not have; write")


def test_a_parameter_that_was_renamed_in_the_template_is_one_breach_of_the_readme(folder):
    report = report_on(folder, ("AlarmTopicArn", "AlarmTopic"))
    said = [each.message for each in report.findings if each.rule == "readme-lists-every-parameter-and-output"]
    assert said == ["The template has AlarmTopic and no AlarmTopicArn; write the new name, or another row."]


@pytest.mark.parametrize("file", ["README.md", "LICENSE", "samconfig.toml", "demo.py"])
def test_a_missing_file_is_one_breach(folder, file):
    (folder / file).unlink()
    (report,) = check([folder])
    assert [(each.rule, each.file.name) for each in report.findings] == [("the-folder-is-complete", file)]


def test_missing_sections_of_the_readme_are_one_breach(folder):
    report = report_on(folder, ("## What it costs", "## Money"), ("## Clean up", "## The end"), file="README.md")
    (finding,) = report.findings
    assert "There are no sections 'What it costs', 'Clean up'; write" in finding.message


def test_findings_of_cfn_lint_with_the_same_cause_are_named_in_the_breach(folder):
    (finding,) = report_on(folder, ("\n  Passers:\n", "\n  Visitors:\n")).findings
    assert re.search(r" \[cfn-lint E6001(, [EWI]\d{4})+\]$", finding.message)


def test_promises_that_a_misspelt_template_leaves_open_are_not_called_kept(folder):
    report = report_on(folder, ("[!Ref GreetErrors]", "[!Ref GreetErors]"))

    assert "alarms-stop-a-deployment" in report.waiting
    assert "readme-has-its-sections-in-order" not in report.waiting
    kept = len(promises()) - 1 - len(report.waiting)
    assert as_text([report]).splitlines()[-1] == (
        f"{kept} promises kept / 1 finding / {len(report.waiting)} not checked until the template is corrected"
    )
    assert as_json([report])["patterns"][0]["waiting"] == list(report.waiting)


def test_mistakes_that_have_nothing_to_do_with_an_undeclared_name_are_reported_beside_it(folder):
    (folder / "samconfig.toml").write_text((folder / "samconfig.toml").read_text().replace("Loudly=", "Loud="))
    report = report_on(
        folder, ("${Greet.Arn}", "${Gret.Arn}"), ("    Description: Whether greetings are shouted.\n", "")
    )
    assert {each.rule for each in report.findings} == {
        "template-has-no-problems",
        "every-parameter-has-a-description",
        "samconfig-sets-parameters-that-exist",
    }


def lint(line, message, rule="template-passes-cfn-lint"):
    return Finding(TEMPLATE, line, message, rule=rule)


def test_what_several_checks_of_cfn_lint_say_of_one_value_is_one_finding_in_the_plainest_words():
    plain = lint(7, "'x' is not one of ['a', 'b'] (cfn-lint E3030); see E3030.")
    vague = lint(7, "'x' is not valid under any of the given schemas (cfn-lint E1020); see E3030.")
    again = lint(7, "'x' is not one of ['a', 'b'] (cfn-lint E3030); see E3030.", "expanded-template-passes-cfn-lint")
    other = lint(7, "'y' is not one of ['a', 'b'] (cfn-lint E3030); see E3030.")
    elsewhere = lint(9, plain.message)

    kept = once_each([vague, again, other, elsewhere, plain], [])

    assert [(each.line, each.rule, each.message) for each in kept] == [
        (7, plain.rule, f"{plain.message} [cfn-lint E1020]"),
        (7, other.rule, other.message),
        (9, elsewhere.rule, elsewhere.message),
    ]


def test_nothing_is_left_out_where_no_finding_says_that_a_name_is_not_declared():
    found = [lint(3, "Condition Bar not used (cfn-lint W8001); see E3030."), lint(7, "Foo is strange.")]
    assert once_each(found, [Undeclared("Foo", "name", (), ("Bar",), meant_is_idle=True)]) == found
