"""Latency of the embedded AWS against the unmodified base emulator: an S3 event, and a synchronous invocation.

The same stack is deployed to both: a bucket, an EventBridge rule and a function that copies the new object. A second
function returns at once, to measure an invocation alone. Functions are warm, clients stay open, and the same calls poll
for the copy without a pause. The floor is the handler called directly in this process.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks import emulators
from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Sample, Variant

TITLE = "The embedded AWS, warm"

_STACK = "latency"
_PATIENCE = 30.0
_WARM_UPS = 5

_COPY = """
import os
import boto3

s3 = boto3.client("s3")

def handler(event, context):
    detail = event["detail"]
    source = {"Bucket": detail["bucket"]["name"], "Key": detail["object"]["key"]}
    s3.copy_object(Bucket=os.environ["COPIES"], Key=source["Key"], CopySource=source)
"""
_ECHO = """
def handler(event, context):
    return event
"""


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the time from the put of an object to its copy, and that of one synchronous invocation."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    rounds = 10 if bench.quick else 60
    bench.progress("starting and deploying to both")
    with Cloud() as cloud, emulators.stock() as stock:
        theirs, ours = DeployedStack.deployed(stock), DeployedStack.deployed(cloud.endpoint)
        for _ in range(_WARM_UPS):
            for variant in (theirs.put_to_copy, ours.put_to_copy, theirs.invoke, ours.invoke):
                variant()
        named = "S3 put to its copy"
        variants = {
            "peer": Variant("ministack as it is", theirs.put_to_copy),
            "ours": Variant("ours", ours.put_to_copy),
            "floor": Variant("the handler called directly", ours.handler_alone),
        }
        timed = bench.measure(named, variants, rounds=rounds)
        yield Claim(named, timed, measure="wall", target=Target("faster", 4))
        yield Claim(named, timed, against="floor", measure="wall", target=Target("at_most_more", 0.015))
        named = "synchronous invocation"
        variants = {"peer": Variant("ministack as it is", theirs.invoke), "ours": Variant("ours", ours.invoke)}
        yield Claim(named, bench.measure(named, variants, rounds=rounds), measure="wall", target=Target("faster", 4))


@dataclass(frozen=True)
class DeployedStack:
    """A stack on a running emulator, with clients that stay open."""

    s3: Any
    functions: Any
    originals: str
    copies: str
    echo: str
    handler: Callable[[Any, Any], None]

    @classmethod
    def deployed(cls, endpoint: str) -> "DeployedStack":
        """Deploy the stack to a running emulator."""
        s3, functions = (emulators.client(name, endpoint) for name in ("s3", "lambda"))
        outputs = emulators.deploy(endpoint, _STACK, _template())
        return cls(s3, functions, outputs["Originals"], outputs["Copies"], outputs["Echo"], _handler(s3, outputs))

    def put_to_copy(self) -> Sample:
        """Put an object and wait for its copy."""
        from botocore.exceptions import ClientError

        key = f"{time.time_ns()}"
        began = time.perf_counter()
        self.s3.put_object(Bucket=self.originals, Key=key, Body=b"x")
        while True:
            try:
                self.s3.head_object(Bucket=self.copies, Key=key)
            except ClientError:
                if time.perf_counter() - began > _PATIENCE:
                    raise
            else:
                return Sample(time.perf_counter() - began)

    def handler_alone(self) -> Sample:
        """Call the handler directly, which copies the object."""
        key = f"{time.time_ns()}"
        self.s3.put_object(Bucket=self.originals, Key=key, Body=b"x")
        event = {"detail": {"bucket": {"name": self.originals}, "object": {"key": key}}}
        began = time.perf_counter()
        self.handler(event, None)
        return Sample(time.perf_counter() - began)

    def invoke(self) -> Sample:
        """Invoke the function that answers at once, and verify its answer."""
        began = time.perf_counter()
        answer = self.functions.invoke(FunctionName=self.echo, Payload=b'{"said": 1}')
        passed = time.perf_counter() - began
        said = json.loads(answer["Payload"].read())
        if said != {"said": 1}:
            raise RuntimeError(f"the function answered {said!r}")
        return Sample(passed)


def _handler(s3: Any, outputs: dict[str, str]) -> Callable[[Any, Any], None]:
    """Return the deployed handler's function, with a client that is already open."""

    def handler(event: Any, _: Any) -> None:
        detail = event["detail"]
        source = {"Bucket": detail["bucket"]["name"], "Key": detail["object"]["key"]}
        s3.copy_object(Bucket=outputs["Copies"], Key=source["Key"], CopySource=source)

    return handler


def _template() -> dict[str, Any]:
    """Return a SAM template with inline code."""
    copies = {"Ref": "Copies"}
    rule = {
        "Type": "EventBridgeRule",
        "Properties": {
            "Pattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {"bucket": {"name": [{"Ref": "Originals"}]}},
            }
        },
    }
    notified = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    allowed = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}
    copy = {
        **_function(_COPY),
        "Environment": {"Variables": {"COPIES": copies}},
        "Events": {"Created": rule},
        "Policies": [{"Statement": [allowed]}],
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Originals": {"Type": "AWS::S3::Bucket", "Properties": {"NotificationConfiguration": notified}},
            "Copies": {"Type": "AWS::S3::Bucket"},
            "Copy": {"Type": "AWS::Serverless::Function", "Properties": copy},
            "Echo": {"Type": "AWS::Serverless::Function", "Properties": _function(_ECHO)},
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Originals", "Copies", "Echo")},
    }


def _function(source: str) -> dict[str, Any]:
    return {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "InlineCode": source,
        "Timeout": 10,
        "MemorySize": 512,
    }
