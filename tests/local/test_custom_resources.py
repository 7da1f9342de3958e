"""Inline code has CloudFormation's module `cfnresponse`, and custom resources get its answers."""

import pytest

from blueprints.errors import BlueprintError
from blueprints.stacks.client import Wait
from tests.local.resources import function_resource

SOURCE = """
import cfnresponse

def handler(event, context):
    if event["RequestType"] == "Delete":
        cfnresponse.send(event, context, cfnresponse.SUCCESS, {})
    elif "Name" in event["ResourceProperties"]:
        data = {"Loud": event["ResourceProperties"]["Name"].upper()}
        cfnresponse.send(event, context, cfnresponse.SUCCESS, data, "id-of-mine")
    else:
        cfnresponse.send(event, context, cfnresponse.FAILED, {}, reason="there is no Name")
"""
INLINE = function_resource("", Code={"ZipFile": SOURCE}, Handler="index.handler")


def thing(**properties):
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    return {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, **properties}}


def test_the_answer_reaches_the_stack(cloud, stack):
    reader = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": "Thing.Loud"}}}

    deployed = stack(Function=INLINE, Thing=thing(Name="abc"), Reader=reader)

    assert deployed.outputs["Thing"] == "id-of-mine"
    stored = cloud.client("ssm").get_parameter(Name=deployed.outputs["Reader"])
    assert stored["Parameter"]["Value"] == "ABC"


def test_a_failure_fails_the_stack_with_its_reason(stack):
    with pytest.raises(BlueprintError, match=r"Thing \(Custom::Thing\): there is no Name"):
        stack(Function=INLINE, Thing=thing())


def test_a_custom_resource_without_a_response_is_named(stack, monkeypatch):
    monkeypatch.setattr("blueprints.stacks.client._EMBEDDED", Wait(interval=0.05, timeout=0.5))
    silent = function_resource("def handler(event, context): raise KeyError('Name')")

    with pytest.raises(BlueprintError, match=r"waiting for Thing \(Custom::Thing\)") as refused:
        stack(Function=silent, Thing=thing(ServiceTimeout=1))

    assert "has sent a response to the event's ResponseURL" in str(refused.value)
