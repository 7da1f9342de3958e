"""Definitions of state machines are read as the service gets them: with substitutions, from the template or a file."""

import json

import pytest

from blueprints.pattern import Pattern
from blueprints.promises import CheckedPattern, findings
from blueprints.promises.runs_state_machines import (
    definitions_are_valid,
    roles_of_distributed_maps_may_run_executions,
    state_machines_time_out,
)

HEAD = """Transform: AWS::Serverless-2016-10-31
Parameters:
  Most:
    Type: Number
    Default: 40
Conditions:
  IsBusy: !Equals [!Ref Most, 40]
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties:
      Handler: work.handler
      Runtime: python3.13
      InlineCode: "def handler(event, context): return event"
"""
STATES = """StartAt: Each
TimeoutSeconds: 60
States:
  Each:
    Type: Map
    MaxConcurrency: ${Most}
    ItemProcessor:
      StartAt: Call
      States:
        Call:
          Type: Task
          Resource: ${WorkArn}
          End: true
    Next: Done
  Done:
    Type: Succeed
"""
SUBSTITUTED = """  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: machine.asl.yaml
      DefinitionSubstitutions:
        WorkArn: !GetAtt Work.Arn
        Most: !If [IsBusy, !Ref Most, 1]
"""


@pytest.fixture
def found(tmp_path):
    """The findings in a template with one state machine, and perhaps a file with its definition."""

    def look(machine, definition=""):
        (tmp_path / "template.yaml").write_text(HEAD + machine)
        if definition:
            (tmp_path / "machine.asl.yaml").write_text(definition)
        checked = CheckedPattern(Pattern.load(tmp_path))
        assert checked.state_machines
        return findings(checked, [definitions_are_valid, state_machines_time_out])

    return look


def test_a_substitution_may_make_a_number(found):
    """Of a placeholder without quotes; an ARN stands for what is known at deployment alone."""
    assert found(SUBSTITUTED, STATES) == []


def test_a_fault_is_found_on_its_line_of_the_file(found):
    broken = found(SUBSTITUTED, STATES.replace("StartAt: Call", "StartAt: Cal"))

    assert {each.file.name for each in broken} == {"machine.asl.yaml"}
    assert "StartAt: Call" in {STATES.splitlines()[each.line - 1].strip() for each in broken}


def test_a_definition_in_the_template_may_name_resources(found):
    """SAM makes substitutions of these functions; a fault is on its line of the template."""
    written = """  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition:
        StartAt: Call
        TimeoutSeconds: 60
        States:
          Call:
            Type: Task
            Resource: !GetAtt Work.Arn
            Next: Done
          Done:
            Type: Succeed
"""
    assert found(written) == []

    broken = found(written.replace("Next: Done", "Next: Don"))
    assert "Next: Done" in {(HEAD + written).splitlines()[each.line - 1].strip() for each in broken}


@pytest.mark.parametrize("seconds", ["", '"TimeoutSeconds": 60, '])
def test_a_definition_may_be_a_text_with_functions(found, seconds):
    """A plain state machine, whose text is a Sub."""
    call = '{"Type": "Task", "Resource": "${Work.Arn}", "End": true}'
    text = f'{{"StartAt": "Call", {seconds}"States": {{"Call": {call}}}}}'
    written = f"""  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {{}}
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      RoleArn: !GetAtt Role.Arn
      DefinitionString: !Sub {json.dumps(text)}
"""
    assert [each.rule for each in found(written)] == ([] if seconds else ["state-machines-time-out"])


def test_an_express_execution_ends_by_itself(found):
    written = SUBSTITUTED.replace("      DefinitionUri", "      Type: EXPRESS\n      DefinitionUri")

    assert found(written, STATES.replace("TimeoutSeconds: 60\n", "")) == []


DISTRIBUTED = STATES.replace(
    "    ItemProcessor:\n", "    ItemProcessor:\n      ProcessorConfig: {Mode: DISTRIBUTED, ExecutionType: STANDARD}\n"
)
POLICY = """  Batches:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: batches
      Roles: [!Ref MachineRole]
      PolicyDocument:
        Statement:
          - {Effect: Allow, Action: states:StartExecution, Resource: !Ref Machine}
          - {Effect: Allow, Action: [states:RedriveExecution], Resource: !Sub "${Machine}/*"}
"""


@pytest.mark.parametrize("missing", ["", "StartExecution", "RedriveExecution"])
def test_the_role_of_a_distributed_map_runs_its_executions(tmp_path, missing):
    policy = POLICY.replace(f"states:{missing}", "states:DescribeExecution") if missing else POLICY
    (tmp_path / "template.yaml").write_text(HEAD + SUBSTITUTED + policy)
    (tmp_path / "machine.asl.yaml").write_text(DISTRIBUTED)
    checked = CheckedPattern(Pattern.load(tmp_path))

    found = findings(checked, [roles_of_distributed_maps_may_run_executions])

    assert [each.message.count(f"states:{missing} on") for each in found] == ([1] if missing else [])
    assert all(DISTRIBUTED.splitlines()[each.line - 1] == "  Each:" for each in found)
