"""CloudFormation resources that the tests deploy."""

import textwrap
from typing import Any

from blueprints.local.cloud import ACCOUNT, REGION, SECRET, Cloud

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}


def function_resource(source: str, **properties: Any) -> dict[str, Any]:
    """A function whose code stands in the template."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": textwrap.dedent(source)},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 10,
            **properties,
        },
    }


def role_with(*actions: str) -> dict[str, Any]:
    """A role allowed to do the given actions anywhere."""
    policy = {
        "PolicyName": "test",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
        },
    }
    return {**ROLE, "Properties": {**ROLE["Properties"], "Policies": [policy]}}


def arn(service: str, resource: str) -> str:
    """The ARN of a resource of the embedded account."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def aliased(name: str, source: str, **properties: Any) -> dict[str, dict[str, Any]]:
    """A function with a version and the alias `live`, as SAM makes them of AutoPublishAlias."""
    return {
        name: function_resource(source, **properties),
        f"{name}Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": name}}},
        f"{name}Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": name},
                "FunctionVersion": {"Fn::GetAtt": [f"{name}Version", "Version"]},
            },
        },
    }


QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue"}


def queue_policy(queue: str, service: str) -> dict[str, Any]:
    """Lets an AWS service send to a queue of the same stack."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": [queue, "Arn"]},
    }
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": queue}],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        },
    }


def permission(function: dict[str, Any], service: str) -> dict[str, Any]:
    """Lets an AWS service invoke a function, or an alias of it."""
    properties = {"Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": service}
    return {"Type": "AWS::Lambda::Permission", "Properties": properties}


def client_settings(cloud: Cloud) -> dict[str, Any]:
    """What a boto3 client made by hand needs to reach the embedded AWS."""
    return {
        "endpoint_url": cloud.endpoint,
        "region_name": REGION,
        "aws_access_key_id": ACCOUNT,
        "aws_secret_access_key": SECRET,
    }
