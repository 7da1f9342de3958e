"""The companion templates: a VPC connection is deployed, and Lake Formation's permissions name what exists."""

import json

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from jsonschema import Draft7Validator
from order_rules import ORDERS_SCHEMA, columns

from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.supported_types import check_types
from blueprints.pattern import Pattern, find
from blueprints.template.reading import load

COMPANIONS = find("glue-data-lake").folder / "companions"
TEMPLATE = load(find("glue-data-lake").template).body
PERMISSIONS = "AWS::LakeFormation::PrincipalPermissions"


def test_the_connection_puts_the_jobs_into_the_subnet_and_reaches_the_services():
    template = load(COMPANIONS / "vpc-connection.yaml")
    with Cloud() as cloud:
        ec2, glue = cloud.client("ec2"), cloud.client("glue")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZone="us-east-1a")["Subnet"]
        routes = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        given = {"VpcId": vpc, "SubnetId": subnet["SubnetId"], "AvailabilityZone": "us-east-1a", "RouteTableId": routes}
        stack = deploy(cloud, "lake-vpc", json.dumps(template.body), given)

        assert set(stack.outputs) <= set(TEMPLATE["Parameters"])
        connection = glue.get_connection(Name=stack.outputs["ConnectionName"])["Connection"]
        place = connection["PhysicalConnectionRequirements"]
        assert connection["ConnectionType"] == "NETWORK"
        assert (place["SubnetId"], place["AvailabilityZone"]) == (subnet["SubnetId"], "us-east-1a")
        (group,) = ec2.describe_security_groups(GroupIds=place["SecurityGroupIdList"])["SecurityGroups"]
        assert group["VpcId"] == vpc
        endpoints = {each["ServiceName"]: each for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]}
        services = {f"com.amazonaws.us-east-1.{name}" for name in ("s3", "glue", "logs")}
        assert set(endpoints) == services
        assert {each["VpcId"] for each in endpoints.values()} == {vpc}
        assert endpoints["com.amazonaws.us-east-1.s3"]["RouteTableIds"] == [routes]
        assert endpoints["com.amazonaws.us-east-1.glue"]["SubnetIds"] == [subnet["SubnetId"]]
        not_emulated = {each["resource"] for each in stack.not_emulated}
        assert {"Workers", "AmongWorkers", "S3", "Glue", "CloudWatchLogs"} <= not_emulated


def test_the_jobs_of_the_template_take_the_connection_and_may_use_it():
    """The actions are those of AWS's managed policy AWSGlueServiceRole for network interfaces."""
    resources = TEMPLATE["Resources"]
    jobs = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Glue::Job"]
    used = {"Fn::If": ["HasConnection", {"Connections": [{"Ref": "ConnectionName"}]}, {"Ref": "AWS::NoValue"}]}
    assert [each["Connections"] for each in jobs] == [used, used]
    policy = resources["JobsInVpc"]
    assert policy["Condition"] == "HasConnection"
    assert policy["Properties"]["Roles"] == [{"Ref": "JobRole"}]
    allowed = set()
    for each in policy["Properties"]["PolicyDocument"]["Statement"]:
        allowed |= {each["Action"]} if isinstance(each["Action"], str) else set(each["Action"])
    described = ("NetworkInterfaces", "RouteTables", "SecurityGroups", "Subnets", "VpcAttribute", "VpcEndpoints")
    assert allowed >= {
        "glue:GetConnection",
        *("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:CreateTags", "ec2:DeleteTags"),
        *(f"ec2:Describe{name}" for name in described),
    }


def test_the_permissions_of_lake_formation_fit_its_schema_and_hide_columns_that_exist():
    template = load(COMPANIONS / "lake-formation.yaml").body
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", PERMISSIONS).schema
    granted = template["Resources"]
    assert {each["Type"] for each in granted.values()} == {PERMISSIONS}
    values = {
        "AWS::AccountId": "000000000000",
        "Database": "lake",
        "ReaderArn": "arn:aws:iam::000000000000:role/reader",
    }
    hidden = template["Parameters"]["HiddenColumns"]["Default"].split(",")
    for each in granted.values():
        properties = resolved(each["Properties"], {**values, "HiddenColumns": hidden})
        assert not list(Draft7Validator(schema).iter_errors(properties))
    assert set(hidden) < {*columns(ORDERS_SCHEMA)}
    database = template["Parameters"]["Database"]
    assert database["Type"] == "String"
    assert "Database" in TEMPLATE["Outputs"]


def test_lake_formation_is_refused_by_name_here():
    """Without it, readers would see the hidden columns."""
    pattern, template = Pattern.load(COMPANIONS / "lake-formation.yaml"), load(COMPANIONS / "lake-formation.yaml")
    with pytest.raises(BlueprintError, match=f"ReadOrders is an {PERMISSIONS}, which the embedded AWS does not have"):
        check_types(pattern, template, template.body)


def resolved(value, values):
    """A property with the values that its references stand for."""
    if isinstance(value, dict) and set(value) == {"Ref"}:
        return values[value["Ref"]]
    if isinstance(value, dict):
        return {name: resolved(each, values) for name, each in value.items()}
    return [resolved(each, values) for each in value] if isinstance(value, list) else value
