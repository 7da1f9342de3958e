"""Sends messages to a queue whose mapping invokes a function, on an embedded AWS; prints the seconds to the last one.

The function sends a message to another queue for each one, in its role. Runs in the environment of the tree whose
embedded AWS it starts. Arguments: `each` to send a message when the last one was handled, or `waiting` to let all
messages wait in the queue first; and the number of messages.
"""

import json
import sys
import time
from typing import Any

from blueprints.local.cloud import Cloud

_AT_ONCE = 10
_CODE = """
import os
import boto3
sqs = boto3.client("sqs")

def handler(event, context):
    entries = [{"Id": str(number), "MessageBody": each["body"]} for number, each in enumerate(event["Records"])]
    sqs.send_message_batch(QueueUrl=os.environ["RESULTS"], Entries=entries)
"""
_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
_ALLOWED = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
_RESOURCES = {
    "Sources": {"Type": "AWS::SQS::Queue"},
    "Results": {"Type": "AWS::SQS::Queue"},
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [_TRUST]},
            "Policies": [
                {"PolicyName": "queues", "PolicyDocument": {"Version": "2012-10-17", "Statement": [_ALLOWED]}}
            ],
        },
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": _CODE},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Timeout": 30,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Environment": {"Variables": {"RESULTS": {"Ref": "Results"}}},
        },
    },
    "Mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Ref": "Function"}, "EventSourceArn": {"Fn::GetAtt": ["Sources", "Arn"]}},
    },
}


def measure(way: str, messages: int) -> float:
    """Seconds from the first message, or from the start of the mapping, to the last result."""
    with Cloud() as cloud:
        queues = _deploy(cloud)
        sqs = cloud.client("sqs")
        _send(sqs, queues["Sources"], _AT_ONCE)
        _take(sqs, queues["Results"], _AT_ONCE)
        if way == "each":
            return _handle_each(sqs, queues, messages)
        return _handle_waiting(sqs, cloud.client("lambda"), queues, messages)


def _deploy(cloud: Cloud) -> dict[str, str]:
    """The physical ids of the resources."""
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(
        StackName="messages",
        TemplateBody=json.dumps({"Resources": _RESOURCES}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName="messages", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    found = cloudformation.describe_stack_resources(StackName="messages")["StackResources"]
    return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}


def _handle_each(sqs: Any, queues: dict[str, str], messages: int) -> float:
    began = time.monotonic()
    for _ in range(messages):
        _send(sqs, queues["Sources"], 1)
        _take(sqs, queues["Results"], 1)
    return time.monotonic() - began


def _handle_waiting(sqs: Any, mappings: Any, queues: dict[str, str], messages: int) -> float:
    mappings.update_event_source_mapping(UUID=queues["Mapping"], Enabled=False)
    while mappings.get_event_source_mapping(UUID=queues["Mapping"])["State"] != "Disabled":
        time.sleep(0.01)
    for _ in range(0, messages, _AT_ONCE):
        _send(sqs, queues["Sources"], _AT_ONCE)
    began = time.monotonic()
    mappings.update_event_source_mapping(UUID=queues["Mapping"], Enabled=True)
    _take(sqs, queues["Results"], messages)
    return time.monotonic() - began


def _send(sqs: Any, queue: str, messages: int) -> None:
    entries = [{"Id": str(number), "MessageBody": "word " * 20} for number in range(messages)]
    sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def _take(sqs: Any, queue: str, messages: int) -> None:
    """Receive so many messages and delete them."""
    deadline = time.monotonic() + 120
    while messages > 0:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(received)]
        if entries:
            sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
        messages -= len(received)
        if time.monotonic() > deadline:
            raise SystemExit(f"{messages} results did not come within two minutes")
        if not received:
            time.sleep(0.002)


if __name__ == "__main__":
    print(json.dumps({"wall": measure(sys.argv[1], int(sys.argv[2]))}))
