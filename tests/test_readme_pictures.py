"""The pictures of state machines in a README: drawn from the definitions, and found when they are outdated."""

import json
import shutil
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern, discover
from blueprints.promises import CheckedPattern
from blueprints.promises.speaks import readme_shows_every_state_machine
from blueprints.readme_pictures import is_shown, pictures
from blueprints.readme_tables import marks
from blueprints.template.reading import load

TEMPLATE = """
Resources:
  OrderMachine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: statemachine/order.asl.json
      DefinitionSubstitutions:
        StockFunction: !Sub ${Stock.Arn}:live
        Limit: !Ref ApprovalLimit
"""
ORDER = {
    "Comment": "An order",
    "StartAt": "Reserve",
    "States": {
        "Reserve": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${StockFunction}"},
            "Next": "Large?",
        },
        "Large?": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $states.input.total > ${Limit} %}", "Next": "Done"}],
            "Default": "Reserve",
        },
        "Done": {"Type": "Succeed"},
    },
}
README = f"# x\n\n![An order](OrderMachine.svg)\n\n{marks('parameters')}\n\n{marks('outputs')}\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "statemachine").mkdir()
    (tmp_path / "statemachine" / "order.asl.json").write_text(json.dumps(ORDER))
    return tmp_path


def command(*arguments):
    ended = CliRunner().invoke(main, ["tables", *map(str, arguments)])
    assert "Traceback" not in ended.output
    return ended


def breaches(folder):
    found = readme_shows_every_state_machine(CheckedPattern(Pattern.load(folder)))
    return [(each.file.name, each.message) for each in found]


def texts(picture):
    return {each.text for each in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")}


def test_the_command_draws_each_state_machine(folder):
    ended = command(folder)

    assert ended.exit_code == 0, ended.output
    assert f"{folder / 'OrderMachine.svg'}: written\n" in ended.output
    picture = (folder / "OrderMachine.svg").read_text()
    assert {"Reserve", "lambda:invoke Stock", "total > Limit", "Done"} <= texts(picture)
    assert '<title id="title">OrderMachine: An order</title>' in picture
    assert f"{folder / 'OrderMachine.svg'}: unchanged\n" in command(folder).output
    assert breaches(folder) == []


def test_a_changed_definition_makes_the_picture_outdated(folder):
    command(folder)
    changed = json.dumps(ORDER).replace("Large?", "Is it large?")
    (folder / "statemachine" / "order.asl.json").write_text(changed)

    renewing = f"make it with 'blueprints tables {folder}'."
    assert breaches(folder) == [("OrderMachine.svg", f"The picture differs from the definition; {renewing}")]
    command(folder)
    assert breaches(folder) == []


def test_a_copy_under_another_name_has_the_same_pictures(folder, tmp_path):
    command(folder)
    copied = tmp_path / "copied"
    shutil.copytree(folder, copied, ignore=shutil.ignore_patterns("copied"))
    assert breaches(copied) == []


def test_a_picture_that_is_missing_or_not_shown_is_found(folder):
    (folder / "README.md").write_text(README.replace("![An order](OrderMachine.svg)", ""))
    assert breaches(folder) == [
        ("OrderMachine.svg", f"The picture is missing; make it with 'blueprints tables {folder}'."),
        ("README.md", "OrderMachine.svg is not shown; write '![what it shows](OrderMachine.svg)'."),
    ]


def test_a_definition_that_leads_nowhere_is_named_with_its_file(folder):
    (folder / "statemachine" / "order.asl.json").write_text(json.dumps(ORDER).replace('"Next": "Done"', '"Next": "x"'))
    with pytest.raises(BlueprintError) as raised:
        pictures(load(folder / "template.yaml"))
    assert raised.value.where.endswith("order.asl.json")
    assert "leads to the state 'x', which does not exist" in str(raised.value)
    assert command(folder).exit_code == 1
    assert [message for _, message in breaches(folder)] == [
        f"No picture can be drawn: {raised.value.what.rstrip('.')}; correct it."
    ]


def test_a_definition_that_is_missing_or_broken_is_named(folder):
    path = folder / "statemachine" / "order.asl.json"
    path.write_text("{")
    with pytest.raises(BlueprintError, match="cannot be read"):
        pictures(load(folder / "template.yaml"))
    path.unlink()
    with pytest.raises(BlueprintError, match="There is no such definition"):
        pictures(load(folder / "template.yaml"))


def test_definitions_in_yaml_and_in_the_template_are_drawn(tmp_path):
    (tmp_path / "one.asl.yaml").write_text("StartAt: a\nStates:\n  a: {Type: Pass, End: true}\n")
    (tmp_path / "template.yaml").write_text(
        """
Resources:
  One: {Type: "AWS::Serverless::StateMachine", Properties: {DefinitionUri: one.asl.yaml}}
  Two:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: b
        States:
          b: {Type: Task, Resource: !GetAtt Worker.Arn, Next: d}
          d:
            Type: Task
            Resource: arn:aws:states:::lambda:invoke
            Arguments: {FunctionName: !Ref Other.Version}
            End: true
  Three:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      DefinitionString: !Sub
        - '{"StartAt": "c", "States": {"c": {"Type": "Task", "Resource": "${Worker}", "End": true}}}'
        - Worker: !GetAtt Worker.Arn
  Elsewhere:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: {Bucket: b, Key: k}}
"""
    )
    drawn = pictures(load(tmp_path / "template.yaml"))
    assert list(drawn) == ["One.svg", "Two.svg", "Three.svg"]
    assert "a" in texts(drawn["One.svg"])
    assert {"b", "lambda:invoke Worker", "d", "lambda:invoke Other"} <= texts(drawn["Two.svg"])
    assert {"c", "lambda:invoke Worker"} <= texts(drawn["Three.svg"])


@pytest.mark.parametrize(
    ("readme", "shown"),
    [
        ("![What it does](Machine.svg)", True),
        ('![What it does](./Machine.svg "An order")', True),
        ('<img alt="order" src="Machine.svg" width="400">', True),
        ("[What it does](Machine.svg)", False),
        ("![What it does](OtherMachine.svg)", False),
    ],
)
def test_a_picture_is_shown_by_an_image(readme, shown):
    assert is_shown(readme, "Machine.svg") == shown


@pytest.mark.parametrize("pattern", discover(), ids=lambda each: each.name)
def test_the_pictures_of_a_pattern_are_up_to_date(pattern):
    for name, picture in pictures(load(pattern.template)).items():
        path = pattern.folder / name
        assert path.is_file(), f"run 'blueprints tables {pattern.name}'"
        assert path.read_text() == picture, f"run 'blueprints tables {pattern.name}'"
