"""Invokes an alias with weights on the embedded AWS, in every way, and counts which version ran.

    python -m benchmarks.alias_weights [--invocations 2000] [--weight 0.3]

Prints the share of the additional version for each way, and how many standard deviations it is away from its weight.
The exit status is 1 if that is more than 3 for one of them, which happens by chance once in 75 runs.
"""

import argparse
import json
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy

_CODE = """
def handler(event, context):
    records = event.get("Records") or [event]
    if "kinesis" in records[0]:
        way, number = "stream", records[0]["kinesis"]["partitionKey"]
    elif "body" in records[0]:
        way, number = "queue", records[0]["body"]
    else:
        way, number = event["way"], event["number"]
    print("ran", way, number, context.function_version)
"""
_READING = ["kinesis:*", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
_SECONDS = 600


def shares(cloud: Cloud, invocations: int, weight: float) -> Mapping[str, tuple[int, int]]:
    """How many of the invocations the additional version had, and how many there were, by the way of invocation."""
    name = f"weights-{uuid.uuid4().hex[:12]}"
    for second in (False, True):
        outputs = deploy(cloud, name, json.dumps(_template(name, weight, with_second=second))).outputs
    alias = outputs["Alias"]
    aws_lambda, sqs, kinesis = (cloud.client(each) for each in ("lambda", "sqs", "kinesis"))

    def invoke(way: str, kind: str, number: int) -> None:
        payload = json.dumps({"way": way, "number": number}).encode()
        aws_lambda.invoke(FunctionName=alias, InvocationType=kind, Payload=payload)

    ways: Mapping[str, Callable[[int], Any]] = {
        "synchronous": lambda number: invoke("synchronous", "RequestResponse", number),
        "asynchronous": lambda number: invoke("asynchronous", "Event", number),
        "queue": lambda number: sqs.send_message(QueueUrl=outputs["Queue"], MessageBody=str(number)),
        "stream": lambda number: kinesis.put_record(
            StreamName=outputs["Stream"], PartitionKey=str(number), Data=b"data"
        ),
    }
    for send in ways.values():
        for number in range(invocations):
            send(number)
    ran = _ran(cloud, outputs["Function"], invocations * len(ways))
    versions = Counter((way, version) for way, _, version in ran)
    return {way: (versions[way, "2"], sum(versions[way, each] for each in "12")) for way in ways} | {
        "state machine": (_executions(cloud, outputs["MachineAlias"], invocations), invocations)
    }


def deviations(found: int, of: int, weight: float) -> float:
    """How many standard deviations a count is away from what the weight makes likely."""
    return float(abs(found - of * weight) / (of * weight * (1 - weight)) ** 0.5)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the shares; return 1 if one of them is too far from the weight."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--invocations", type=int, default=2000, help="of each kind (default: 2000)")
    parser.add_argument("--weight", type=float, default=0.3, help="of the additional version (default: 0.3)")
    chosen = parser.parse_args(arguments)
    with Cloud() as cloud:
        counted = shares(cloud, chosen.invocations, chosen.weight)
    away = {way: deviations(*counts, chosen.weight) for way, counts in counted.items()}
    for way, (found, of) in counted.items():
        print(f"{way:14} {found:5} of {of} = {found / of:.3f}, {away[way]:.2f} standard deviations away")
    return 1 if max(away.values()) > 3 or any(of < chosen.invocations for _, of in counted.values()) else 0


def _ran(cloud: Cloud, function: str, expected: int) -> set[tuple[str, str, str]]:
    """The way, the number and the version of every invocation that was logged, once they are all there."""
    logs = cloud.client("logs").get_paginator("filter_log_events")
    deadline = time.monotonic() + _SECONDS
    while True:
        pages = logs.paginate(logGroupName=f"/aws/lambda/{function}", filterPattern="ran")
        lines = [event["message"].split() for page in pages for event in page["events"]]
        ran = {(way, number, version) for _, way, number, version in lines}
        if len(ran) >= expected or time.monotonic() > deadline:
            return ran
        time.sleep(0.1)


def _executions(cloud: Cloud, alias: str, count: int) -> int:
    """How many of so many executions of an alias ran the second version."""
    states = cloud.client("stepfunctions")
    outputs = [states.start_sync_execution(stateMachineArn=alias)["output"] for _ in range(count)]
    return outputs.count('"second"')


def _template(name: str, weight: float, *, with_second: bool) -> dict[str, Any]:
    """A function and a state machine with an alias each; `with_second` adds a second version and the weights."""
    second = "second" if with_second else "first"
    resources: dict[str, Any] = {
        "Role": _role("lambda.amazonaws.com", _READING),
        "Function": _resource(
            "Lambda::Function",
            Code={"ZipFile": f"{_CODE}# {second}\n"},
            Handler="index.handler",
            Runtime="python3.13",
            Timeout=30,
            Role={"Fn::GetAtt": ["Role", "Arn"]},
        ),
        "First": _resource("Lambda::Version", FunctionName={"Ref": "Function"}),
        "Alias": _resource(
            "Lambda::Alias",
            Name="live",
            FunctionName={"Ref": "Function"},
            FunctionVersion={"Fn::GetAtt": ["First", "Version"]},
        ),
        "Queue": _resource("SQS::Queue", VisibilityTimeout=60),
        "Stream": _resource("Kinesis::Stream", ShardCount=1),
        "FromQueue": _mapping("Queue"),
        "FromStream": _mapping("Stream", StartingPosition="TRIM_HORIZON", ParallelizationFactor=10),
        "MachineRole": _role("states.amazonaws.com", ["lambda:InvokeFunction"]),
        "Machine": _resource(
            "StepFunctions::StateMachine",
            StateMachineName=name,
            StateMachineType="EXPRESS",
            RoleArn={"Fn::GetAtt": ["MachineRole", "Arn"]},
            Definition={"StartAt": "Say", "States": {"Say": {"Type": "Pass", "Result": second, "End": True}}},
        ),
        "FirstMachine": _resource("StepFunctions::StateMachineVersion", StateMachineArn={"Ref": "Machine"}),
        "MachineAlias": _resource(
            "StepFunctions::StateMachineAlias",
            Name="live",
            RoutingConfiguration=[{"StateMachineVersionArn": {"Ref": "FirstMachine"}, "Weight": 100}],
        ),
    }
    if with_second:
        share = round(weight * 100)
        resources["Second"] = _resource("Lambda::Version", FunctionName={"Ref": "Function"})
        resources["Alias"]["Properties"]["RoutingConfig"] = {
            "AdditionalVersionWeights": [
                {"FunctionVersion": {"Fn::GetAtt": ["Second", "Version"]}, "FunctionWeight": weight}
            ]
        }
        resources["SecondMachine"] = _resource(
            "StepFunctions::StateMachineVersion", StateMachineArn={"Ref": "Machine"}, Description="second"
        )
        resources["MachineAlias"]["Properties"]["RoutingConfiguration"] = [
            {"StateMachineVersionArn": {"Ref": "FirstMachine"}, "Weight": 100 - share},
            {"StateMachineVersionArn": {"Ref": "SecondMachine"}, "Weight": share},
        ]
    wanted = ("Function", "Alias", "Queue", "Stream", "MachineAlias")
    return {"Resources": resources, "Outputs": {each: {"Value": {"Ref": each}} for each in wanted}}


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def _mapping(source: str, **properties: Any) -> dict[str, Any]:
    return _resource(
        "Lambda::EventSourceMapping",
        FunctionName={"Ref": "Alias"},
        EventSourceArn={"Fn::GetAtt": [source, "Arn"]},
        BatchSize=1,
        **properties,
    )


def _role(service: str, actions: list[str]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return _resource(
        "IAM::Role",
        AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]},
        Policies=[{"PolicyName": "all", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}],
    )


if __name__ == "__main__":
    sys.exit(main())
