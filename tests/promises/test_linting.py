"""cfn-lint runs once for what it has not seen, by rules that no machine changes."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from blueprints.promises import check, linting
from blueprints.states_language.definition import parse
from blueprints.template.reading import load

GOOD = (Path(__file__).parent / "good_pattern" / "template.yaml").read_text()
BAD = GOOD.replace("ComparisonOperator: Greater", "ComparisonOperator: Larger", 1)


@pytest.fixture
def template(tmp_path, monkeypatch):
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "template.yaml"
    path.write_text(BAD)
    return path


def test_kept_findings_are_reported_without_running_the_linter(template, monkeypatch):
    first = linting.lint_file(template)
    monkeypatch.setattr(linting.cfn_lint, "linter", lambda: pytest.fail("the linter was loaded"))

    assert linting.lint_file(template) == first
    assert [(match.line, "E3030" in match.message) for match in first] == [
        (BAD.splitlines().index("      ComparisonOperator: LargerThanOrEqualToThreshold") + 1, True)
    ]


def test_a_template_that_is_not_utf8_is_a_finding(template):
    template.write_bytes(b"Resources:\n  Topic:\n    Type: AWS::SNS::Topic # \xe9\n")
    (report,) = check([template])
    assert [each.rule for each in report.findings if "not UTF-8" in each.message] == ["sam-takes-the-template"]


def test_a_changed_template_is_linted_again(template):
    assert linting.lint_file(template)
    template.write_text(GOOD)
    assert linting.lint_file(template) == []


def test_the_users_settings_change_nothing(template, monkeypatch):
    """What is found here is found on every machine: no .cfnlintrc is read."""
    (template.parent / ".cfnlintrc").write_text("ignore_checks: [E3030]\n")
    monkeypatch.chdir(template.parent)
    monkeypatch.setenv("HOME", str(template.parent))
    linting.cfn_lint.linter.cache_clear()

    assert len(linting.lint_file(template)) == 1


def test_a_circular_dependency_is_one_finding_at_the_written_resource():
    expanded = {
        "Resources": {
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"Tags": [{"Key": "a", "Value": {"Ref": "MadeQueue"}}]},
            },
            "MadeQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "${MadeTopic}"}}},
            "MadeTopic": {"Type": "AWS::SNS::Topic", "DependsOn": "Bucket"},
            "Apart": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "Bucket"}}},
        }
    }
    (match,) = linting._cycles(expanded, {"Bucket", "Apart"})
    assert match.place == ("Resources", "Bucket")
    assert match.message.startswith("Bucket, MadeQueue, MadeTopic depend on each other")


@pytest.mark.parametrize(
    ("message", "shorter"),
    [
        (
            f"'getrecord' is not one of {['getrecords', *map(str, range(20))]}",
            "known values; did you mean 'getrecords'?",
        ),
        (f"'x' is not one of {[str(each) for each in range(20)]}", "'x' is not one of the 20 known values (cfn-lint"),
        ("'x' is not one of ['a', 'b']", "'x' is not one of ['a', 'b'] (cfn-lint"),
    ],
)
def test_a_long_list_of_allowed_values_is_replaced_by_the_nearest_ones(message, shorter):
    rule = SimpleNamespace(id="W3037", source_url="https://docs.example", shortdesc="")
    assert shorter in linting._said(message, rule)


VALID_JSONATA = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Principal: {Service: states.amazonaws.com}, Action: sts:AssumeRole}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      Definition:
        QueryLanguage: JSONata
        StartAt: Call
        States:
          Call:
            Type: Task
            Resource: arn:aws:states:::lambda:invoke
            TimeoutSeconds: "{% $states.input.seconds %}"
            Arguments: {FunctionName: work}
            Output: ["{% $states.result %}"]
            End: true
"""


@pytest.mark.parametrize("ignored", [True, False], ids=["ours", "cfn-lint alone"])
def test_valid_jsonata_in_definitions_is_no_finding(tmp_path, monkeypatch, ignored):
    """cfn-lint alone refuses it. When it no longer does, take E3601 out of the ignored checks."""
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path / "cache"))
    if not ignored:
        monkeypatch.setattr(linting, "_IGNORED", {})
    path = tmp_path / "template.yaml"
    path.write_text(VALID_JSONATA)

    assert {match.rule for match in linting.lint_file(path)} == (set() if ignored else {"E3601"})
    assert parse_definition(path)


def parse_definition(path):
    """The definition as the engine reads it, which refuses an invalid one."""
    properties = load(path).resources["Machine"]["Properties"]
    return parse(json.dumps(properties["Definition"]))
