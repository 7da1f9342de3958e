"""Unsupported resource types are refused before anything starts; types that are only stored deploy."""

import json

import pytest
from ministack.services.cloudformation import provisioners

from blueprints.errors import BlueprintError
from blueprints.local.base.not_emulated import STORED
from blueprints.local.bring_up import prepare
from blueprints.local.deployment import deploy
from blueprints.local.supported_types import supported_types
from blueprints.pattern import find
from blueprints.progress import Progress

HEAD = 'AWSTemplateFormatVersion: "2010-09-09"\nTransform: AWS::Serverless-2016-10-31\nResources:\n'
QUEUE = "  Queue: {Type: AWS::SQS::Queue}\n"


def prepared(folder, resources):
    (folder / "template.yaml").write_text(HEAD + QUEUE + resources)
    return prepare(find(str(folder)), Progress(None))


def test_the_base_emulators_types_are_read_whole():
    assert set(provisioners._RESOURCE_HANDLERS) <= supported_types()


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ("{Type: AWS::DAX::SubnetGroup, Properties: {SubnetIds: [a]}}", "AWS::DAX::SubnetGroup, which the embedded"),
        (
            "{Type: AWS::RDS::DBInstance, Properties: {Engine: postgres, DBInstanceClass: db.t4g.micro}}",
            "AWS::RDS::DBInstance, and of RDS only aurora-postgresql",
        ),
        ("{Type: AWS::RDS::DBCluster, Properties: {Engine: aurora-mysql}}", "AWS::RDS::DBCluster, and of RDS only"),
    ],
)
def test_a_type_that_is_not_here_is_refused_before_anything_starts(tmp_path, resource, reason):
    with pytest.raises(BlueprintError, match=reason) as refused:
        prepared(tmp_path, f"  Other: {resource}\n")

    assert "template.yaml:5: Other is an AWS::" in str(refused.value)
    assert "copy the template without Other and the references to it" in str(refused.value)
    prepared(tmp_path, "")  # the remedy


@pytest.mark.parametrize(
    "resource",
    [
        "{Type: Custom::Thing, Properties: {ServiceToken: x}}",
        "{Type: AWS::RDS::DBInstance, Properties: {Engine: aurora-postgresql, DBClusterIdentifier: x}}",
        "{Type: AWS::CodePipeline::Pipeline, Properties: {RoleArn: x, Stages: []}}",
    ],
)
def test_supported_resources_are_accepted(tmp_path, resource):
    prepared(tmp_path, f"  Other: {resource}\n")


def test_resources_with_a_false_condition_are_not_refused(tmp_path):
    prepared(
        tmp_path,
        "  Other: {Type: AWS::DAX::SubnetGroup, Condition: Never, Properties: {SubnetIds: [a]}}\n"
        "Conditions: {Never: !Equals [a, b]}\n",
    )


def test_every_type_that_is_only_stored_deploys_and_is_listed(stack):
    resources = {name.replace("::", ""): {"Type": name} for name in STORED}

    deployed = stack(
        **resources,
        Gateway={
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"AllocationId": {"Fn::GetAtt": "AWSEC2EIP.AllocationId"}},
        },
    )

    assert {each["resource"] for each in deployed.not_emulated} == {*resources, "Gateway"}


def test_a_public_parameter_that_is_not_here_is_refused_with_a_remedy(cloud):
    parameters = {"Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/aws/service/image"}}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Image"}}}

    with pytest.raises(BlueprintError, match="'/aws/service/image' does not exist") as refused:
        deploy(cloud, "public-parameter", json.dumps({"Parameters": parameters, "Resources": {"Queue": queue}}))
    assert "write the value as Default and a Type without AWS::SSM" in str(refused.value)

    parameters["Image"] = {"Type": "String", "Default": "image"}
    deploy(cloud, "public-parameter", json.dumps({"Parameters": parameters, "Resources": {"Queue": queue}}))
