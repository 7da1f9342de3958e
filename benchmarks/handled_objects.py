"""Puts objects whose events a function handles on an embedded AWS; prints the seconds until all results are there.

Each event goes through EventBridge to the alias of a function, which writes an object in its role. Runs in the
environment of the tree whose embedded AWS it starts. Argument: the number of objects.
"""

import json
import sys
import time
from typing import Any

from blueprints.local.cloud import Cloud

_AT_ONCE = 8
_CODE = """
import boto3
s3 = boto3.client("s3")

def handler(event, context):
    key = event["detail"]["object"]["key"]
    bucket = event["detail"]["bucket"]["name"]
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket="results", Key=key, Body=body.upper())
"""
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::sources/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::results/*"},
    ],
}
_PATTERN = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["sources"]}}}
_RESOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "Sources": (
        "AWS::S3::Bucket",
        {
            "BucketName": "sources",
            "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}},
        },
    ),
    "Results": ("AWS::S3::Bucket", {"BucketName": "results"}),
    "Role": (
        "AWS::IAM::Role",
        {
            "AssumeRolePolicyDocument": _TRUST,
            "Policies": [{"PolicyName": "objects", "PolicyDocument": _ALLOWED}],
        },
    ),
    "Function": (
        "AWS::Lambda::Function",
        {
            "Code": {"ZipFile": _CODE},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Timeout": 30,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    ),
    "Version": ("AWS::Lambda::Version", {"FunctionName": {"Ref": "Function"}}),
    "Alias": (
        "AWS::Lambda::Alias",
        {
            "Name": "live",
            "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
        },
    ),
    "Rule": (
        "AWS::Events::Rule",
        {"EventPattern": _PATTERN, "Targets": [{"Id": "Function", "Arn": {"Ref": "Alias"}}]},
    ),
    "Permission": (
        "AWS::Lambda::Permission",
        {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": "Alias"},
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
        },
    ),
}


def measure(objects: int) -> float:
    """Seconds from the first put to the last result, a few objects at a time."""
    with Cloud() as cloud:
        resources = {name: {"Type": kind, "Properties": properties} for name, (kind, properties) in _RESOURCES.items()}
        cloudformation = cloud.client("cloudformation")
        template = json.dumps({"Resources": resources})
        cloudformation.create_stack(StackName="objects", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName="objects", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        s3 = cloud.client("s3")
        _handle(s3, "warm", _AT_ONCE)
        began = time.monotonic()
        for first in range(0, objects, _AT_ONCE):
            _handle(s3, str(first), _AT_ONCE)
        return time.monotonic() - began


def _handle(s3: Any, prefix: str, objects: int) -> None:
    """Put objects and wait for their results."""
    for each in range(objects):
        s3.put_object(Bucket="sources", Key=f"{prefix}/{each}", Body=b"word " * 200)
    deadline = time.monotonic() + 60
    while s3.list_objects_v2(Bucket="results", Prefix=f"{prefix}/")["KeyCount"] < objects:
        if time.monotonic() > deadline:
            raise SystemExit(f"the results of {prefix}/ did not come within a minute")
        time.sleep(0.002)


if __name__ == "__main__":
    print(json.dumps({"wall": measure(int(sys.argv[1]))}))
