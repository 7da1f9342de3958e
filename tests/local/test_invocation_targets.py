"""`blueprints invoke` finds what a name means before it packages or starts anything."""

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.errors import BlueprintError
from blueprints.local.invocation_targets import Target, find_target
from blueprints.pattern import Pattern

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  File: { Type: String, Default: orders.handler }
Globals: { Function: { Runtime: python3.13, CodeUri: src/ } }
Resources:
  Greet: { Type: AWS::Serverless::Function, Properties: { Handler: greet.handler } }
  Orders: { Type: AWS::Serverless::Function, Properties: { Handler: !Ref File, FunctionName: take-orders } }
  Inline:
    Type: AWS::Serverless::Function
    Properties: { Handler: index.handler, InlineCode: "def handler(event, context): return 1" }
  First: { Type: AWS::Serverless::Function, Properties: { Handler: same.handler } }
  Second: { Type: AWS::Serverless::Function, Properties: { Handler: same.handler } }
  Order: { Type: AWS::Serverless::StateMachine, Properties: { Name: order, DefinitionUri: order.asl.json } }
  Queue: { Type: AWS::SQS::Queue }
"""


@pytest.fixture
def pattern(tmp_path):
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return Pattern.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "logical_id"),
    [
        ("Greet", "Greet"),
        ("greet.handler", "Greet"),
        ("orders.handler", "Orders"),
        ("take-orders", "Orders"),
        ("Inline", "Inline"),
        ("index.handler", "Inline"),
    ],
)
def test_a_function_is_known_by_its_names(pattern, name, logical_id):
    assert find_target(pattern, name) == Target(logical_id, is_state_machine=False)


@pytest.mark.parametrize("name", ["Order", "order"])
def test_a_state_machine_is_known_by_its_names(pattern, name):
    assert find_target(pattern, name) == Target("Order", is_state_machine=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "greet",
            ["has no function or state machine greet", "Did you mean Greet?", "Orders (orders.handler, take-orders)"],
        ),
        ("Queue", ["has no function or state machine Queue", "It has: Greet (greet.handler)"]),
        ("same.handler", ["several: First, Second", "logical id of one of them"]),
    ],
)
def test_an_unknown_name_lists_functions_and_state_machines(pattern, name, words):
    with pytest.raises(BlueprintError) as refused:
        find_target(pattern, name)
    assert all(each in str(refused.value) for each in words)


def test_invoke_asks_before_it_deploys(pattern, monkeypatch):
    monkeypatch.setattr("blueprints.local.bring_up.prepare", lambda *_: pytest.fail("the functions were packaged"))
    ended = CliRunner().invoke(main, ["invoke", str(pattern.folder), "NoSuch", "--event", "-"], input="{}")
    assert ended.exit_code == 1
    assert "has no function or state machine NoSuch" in ended.output + ended.stderr
