"""A put, a function, an object: how soon the embedded AWS answers, against the emulator that it extends, unmodified.

In both the same stack is deployed: S3, an EventBridge rule, a function that copies the object. A second function
answers at once, for the price of an invocation alone. Both are warm, their clients stay open, and the copy is looked
for in a tight loop by the same calls. The floor is the handler called directly, in this process.
"""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks import emulators
from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Sample, Way

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
    """From the put to the copy, and one synchronous invocation."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    rounds = 10 if bench.quick else 60
    bench.progress("starting and deploying to both")
    with Cloud() as cloud, emulators.stock() as stock:
        theirs, ours = Subject.deployed(stock), Subject.deployed(cloud.endpoint)
        for _ in range(_WARM_UPS):
            for way in (theirs.put_to_copy, ours.put_to_copy, theirs.invoke, ours.invoke):
                way()
        named = "S3 put to its copy"
        ways = {
            "peer": Way("ministack as it is", theirs.put_to_copy),
            "ours": Way("ours", ours.put_to_copy),
            "floor": Way("the handler called directly", ours.handler_alone),
        }
        timed = bench.measure(named, ways, rounds=rounds)
        yield Claim(named, timed, measure="wall", target=Target("faster", 4))
        yield Claim(named, timed, against="floor", measure="wall", target=Target("at_most_more", 0.015))
        named = "synchronous invocation"
        ways = {"peer": Way("ministack as it is", theirs.invoke), "ours": Way("ours", ours.invoke)}
        yield Claim(named, bench.measure(named, ways, rounds=rounds), measure="wall", target=Target("faster", 4))


@dataclass(frozen=True)
class Subject:
    """An emulator with the stack deployed, and clients that stay open."""

    s3: Any
    functions: Any
    originals: str
    copies: str
    echo: str
    handler: Callable[[Any, Any], None]

    @classmethod
    def deployed(cls, endpoint: str) -> "Subject":
        """Deploy to an emulator that is running."""
        s3, functions = (emulators.client(name, endpoint) for name in ("s3", "lambda"))
        outputs = emulators.deploy(endpoint, _STACK, _template())
        return cls(s3, functions, outputs["Originals"], outputs["Copies"], outputs["Echo"], _handler(s3, outputs))

    def put_to_copy(self) -> Sample:
        """Put an object and wait until its copy is there."""
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
        """The handler's own work: the copy, by a direct call."""
        key = f"{time.time_ns()}"
        self.s3.put_object(Bucket=self.originals, Key=key, Body=b"x")
        event = {"detail": {"bucket": {"name": self.originals}, "object": {"key": key}}}
        began = time.perf_counter()
        self.handler(event, None)
        return Sample(time.perf_counter() - began)

    def invoke(self) -> Sample:
        """Invoke the function that answers at once, and look at its answer."""
        began = time.perf_counter()
        answer = self.functions.invoke(FunctionName=self.echo, Payload=b'{"said": 1}')
        passed = time.perf_counter() - began
        said = json.loads(answer["Payload"].read())
        if said != {"said": 1}:
            raise RuntimeError(f"the function answered {said!r}")
        return Sample(passed)


def _handler(s3: Any, outputs: dict[str, str]) -> Callable[[Any, Any], None]:
    """The deployed handler's source, with a client that is open already."""

    def handler(event: Any, _: Any) -> None:
        detail = event["detail"]
        source = {"Bucket": detail["bucket"]["name"], "Key": detail["object"]["key"]}
        s3.copy_object(Bucket=outputs["Copies"], Key=source["Key"], CopySource=source)

    return handler


def _template() -> dict[str, Any]:
    """SAM as a pattern would write it, the code in the template."""
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
