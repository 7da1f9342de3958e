"""CloudFormation accepts resource types that run here, lists those it only stores, and refuses the rest."""

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.bring_up import prepare
from blueprints.local.deployment import check_event_sources
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from tests.local.resources import QUEUE, arn, function_resource, role_with

RULE = """
Parameters:
  State: {{ Type: String, Default: DISABLED, AllowedValues: [ENABLED, DISABLED] }}
Conditions:
  IsOn: !Equals [!Ref State, ENABLED]
Resources:
  Rule:
    Type: AWS::Events::Rule
    Properties: {{ State: {state}, EventPattern: {{ source: [shop] }} }}
"""


def test_resources_that_are_only_stored_are_listed(stack):
    deployed = stack(
        Archive={"Type": "AWS::Events::Archive", "Properties": {"SourceArn": arn("events", "event-bus/default")}},
        Watcher={"Type": "AWS::CloudWatch::AnomalyDetector", "Properties": {"Stat": "Sum"}},
        Queue=QUEUE,
    )

    listed = {each["resource"]: each["consequence"] for each in deployed.not_emulated}

    assert set(listed) == {"Archive", "Watcher"}
    assert "no events are archived" in listed["Archive"]


def test_an_unknown_type_refuses_the_stack(stack):
    with pytest.raises(BlueprintError, match="AWS::S3::Bukket"):
        stack(Photos={"Type": "AWS::S3::Bukket"})


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Runtime": "java21", "Handler": "x"}, "its runtime is java21"),
        ({"Code": {"S3Bucket": "no-such-bucket", "S3Key": "code.zip"}}, "NoSuchKey.*s3://no-such-bucket/code.zip"),
    ],
)
def test_a_function_that_could_not_run_refuses_the_stack(stack, properties, reason):
    with pytest.raises(BlueprintError, match=rf"Function \(AWS::Lambda::Function\): .*{reason}"):
        stack(Function=function_resource("def handler(e, c): pass", **properties))


def test_a_rule_that_is_off_is_no_deployment(cloud, stack):
    deployed = stack(
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {"State": "DISABLED", "EventPattern": {"source": ["shop"]}},
        }
    )

    with pytest.raises(BlueprintError, match="rule Rule is DISABLED"):
        check_event_sources(cloud, deployed)


@pytest.mark.parametrize("state", ["DISABLED", "!Ref State", "!If [IsOn, ENABLED, DISABLED]"])
def test_a_rule_that_the_template_switches_off_is_meant_to_be_off(tmp_path, state):
    (tmp_path / "template.yaml").write_text(RULE.format(state=state))

    assert prepare(Pattern.load(tmp_path), Progress()).off == {"Rule"}


def test_an_event_source_mapping_that_is_off_is_no_deployment(cloud, stack):
    deployed = stack(
        Role=role_with("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
        Queue=QUEUE,
        Function=function_resource("def handler(event, context): pass"),
        Mapping={
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "Enabled": False,
            },
        },
    )

    with pytest.raises(BlueprintError, match="event source mapping Mapping is Disabled"):
        check_event_sources(cloud, deployed)
