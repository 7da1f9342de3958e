"""Throughput of a stream through the embedded AWS, against the unmodified base emulator.

The same stack is deployed to both, with IAM enforced: a stream of four shards, an event source mapping with the
settings of kinesis-s3-stream (in one case with Lambda's default batch size of 100), and a function that compresses a
batch into one object. Each round deploys a new stack and warms it up with a few records, because the base emulator
accepts records more slowly the more it holds.

The first case measures from the first put to the last object; most of this time goes into accepting the records. In the
others the records are in the stream before the mapping is enabled, and the time runs from then. Afterwards the objects
are opened and every record is counted.

The base emulator reads the shards one after the other, one batch at a time, and does less: it checks no permissions of
the role, and supports no partial batch responses, bisecting, maximum record age, batching window or on-failure
destination. The floor is the handler called directly with the same records.
"""

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from benchmarks import emulators
from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Sample, Timed, Variant

TITLE = "A stream through the embedded AWS"

_STACK = "throughput"
_SHARDS = 4
_PATTERNS_OWN = {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 5}
_BY_DEFAULT = {"BatchSize": 100}
_PER_REQUEST = 500  # records that PutRecords takes at most
_STACKS = count()
_WARM_UP = 200
_PATIENCE = 120.0
_BETWEEN_LOOKS = 0.01

_STORE = """
import base64
import gzip
import os
import boto3

s3 = boto3.client("s3")

def handler(event, context):
    records = event["Records"]
    lines = b"\\n".join(base64.b64decode(record["kinesis"]["data"]) for record in records)
    key = f'{records[0]["eventID"].replace(":", "-")}.{len(records)}'
    s3.put_object(Bucket=os.environ["LAKE"], Key=key, Body=gzip.compress(lines, 1))
"""


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the time until all records of a round are in objects."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    records = 2_000 if bench.quick else 20_000
    bench.progress("starting both")
    with Cloud() as cloud, emulators.stock() as stock:
        cases = {
            f"{records:,} records through {_SHARDS} shards, from the first put": (DeployedStack.play, _PATTERNS_OWN),
            f"{records:,} records that wait in {_SHARDS} shards": (DeployedStack.drain, _PATTERNS_OWN),
            f"{records:,} records that wait, in batches of 100": (DeployedStack.drain, _BY_DEFAULT),
        }
        for named, (play, batches) in cases.items():
            variants = {
                "peer": Variant("ministack as it is", partial(_once, stock, batches, play, records)),
                "ours": Variant("ours", partial(_once, cloud.endpoint, batches, play, records)),
                "floor": Variant(
                    "the handler called directly", partial(_once, cloud.endpoint, batches, DeployedStack.alone, records)
                ),
            }
            timed = bench.measure(named, variants, rounds=3 if bench.quick else 5)
            yield Claim(named, timed, measure="wall", target=Target("faster", 1), note=_rates(timed, records))


def _rates(timed: Mapping[str, Timed], records: int) -> str:
    seconds = {variant.name: variant.median("wall") or 0.0 for variant in timed.values()}
    return "Records a second: " + ", ".join(f"{name} {records / taken:,.0f}" for name, taken in seconds.items())


def _once(
    endpoint: str, batches: Mapping[str, int], play: "Callable[[DeployedStack, int], Sample]", records: int
) -> Sample:
    """Run one variant once, on a new stack."""
    name = f"{_STACK}-{next(_STACKS)}"
    stack = DeployedStack.deployed(endpoint, name, batches)
    try:
        stack.play(_WARM_UP)
        return play(stack, records)
    finally:
        emulators.delete(endpoint, name)


@dataclass
class DeployedStack:
    """A stack on a running emulator, with clients that stay open."""

    kinesis: Any
    s3: Any
    functions: Any
    stream: str
    lake: str
    handler: Callable[[Any, Any], None]
    batch: int
    rounds: "count[int]" = field(default_factory=count)

    @classmethod
    def deployed(cls, endpoint: str, name: str, batches: Mapping[str, int]) -> "DeployedStack":
        """Deploy the stack to a running emulator."""
        outputs = emulators.deploy(endpoint, name, _template(batches))
        kinesis, s3, functions = (emulators.client(name, endpoint) for name in ("kinesis", "s3", "lambda"))
        return cls(
            kinesis,
            s3,
            functions,
            outputs["Stream"],
            outputs["Lake"],
            _handler(s3, outputs["Lake"]),
            batches["BatchSize"],
        )

    def play(self, records: int) -> Sample:
        """Put the records and wait until as many are in objects; then verify that each is there."""
        sent = self._made(records)
        began = time.perf_counter()
        self._put(sent)
        self._await(records, began)
        passed = time.perf_counter() - began
        self._look_for(sent)
        return Sample(passed)

    def drain(self, records: int) -> Sample:
        """Put the records while the mapping is disabled; then enable it, wait and verify as above."""
        sent = self._made(records)
        self._enable(False)
        self._put(sent)
        if self._keys():
            raise RuntimeError("the mapping is disabled and still reads records")
        began = time.perf_counter()
        self._enable(True)
        self._await(records, began)
        passed = time.perf_counter() - began
        self._look_for(sent)
        return Sample(passed)

    def alone(self, records: int) -> Sample:
        """Call the handler directly with the same batches."""
        numbers = range(records)
        events = [_event(numbers[at : at + self.batch]) for at in range(0, records, self.batch)]
        began = time.perf_counter()
        for event in events:
            self.handler(event, None)
        passed = time.perf_counter() - began
        self._remove(self._keys())
        return Sample(passed)

    def _made(self, records: int) -> list[bytes]:
        story = next(self.rounds)
        return [_record(story, number) for number in range(records)]

    def _put(self, sent: list[bytes]) -> None:
        for at in range(0, len(sent), _PER_REQUEST):
            some = sent[at : at + _PER_REQUEST]
            entries = [{"Data": data, "PartitionKey": f"{number}"} for number, data in enumerate(some)]
            if self.kinesis.put_records(StreamName=self.stream, Records=entries)["FailedRecordCount"]:
                raise RuntimeError("the stream refused records")

    def _enable(self, enabled: bool) -> None:
        """Enable or disable the mapping; after disabling wait until it takes effect."""
        (mapping,) = self.functions.list_event_source_mappings()["EventSourceMappings"]
        self.functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)
        deadline = time.monotonic() + _PATIENCE
        while not enabled and self._state(mapping["UUID"]) != "Disabled":
            if time.monotonic() > deadline:
                raise RuntimeError(f"the mapping is {self._state(mapping['UUID'])} and not disabled")
            time.sleep(_BETWEEN_LOOKS)

    def _state(self, mapping: str) -> str:
        return str(self.functions.get_event_source_mapping(UUID=mapping)["State"])

    def _await(self, records: int, began: float) -> None:
        while (found := sum(int(key.rpartition(".")[2]) for key in self._keys())) < records:
            if time.perf_counter() - began > _PATIENCE:
                raise RuntimeError(f"{found:,} of {records:,} records are in objects after {_PATIENCE:.0f} s")
            time.sleep(_BETWEEN_LOOKS)

    def _look_for(self, sent: list[bytes]) -> None:
        keys = self._keys()
        bodies = [self.s3.get_object(Bucket=self.lake, Key=key)["Body"].read() for key in keys]
        found = sorted(line for body in bodies for line in gzip.decompress(body).split(b"\n"))
        if found != sorted(sent):
            raise RuntimeError(
                f"{len(found):,} records are in objects, and they differ from the {len(sent):,} that were put"
            )
        self._remove(keys)

    def _keys(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.lake).get("Contents", ())]

    def _remove(self, keys: list[str]) -> None:
        for key in keys:
            self.s3.delete_object(Bucket=self.lake, Key=key)


def _record(story: int, number: int) -> bytes:
    """Return a record of about the size of those in the stream pattern's demo."""
    return json.dumps({"story": story, "number": number, "text": f"{number:07}" * 32}).encode()


def _event(numbers: Iterable[int]) -> dict[str, Any]:
    data = {number: base64.b64encode(_record(0, number)).decode() for number in numbers}
    return {"Records": [{"eventID": f"alone:{number}", "kinesis": {"data": text}} for number, text in data.items()]}


def _handler(s3: Any, lake: str) -> Callable[[Any, Any], None]:
    """Return the deployed handler's function, with a client that is already open."""

    def handler(event: Any, _: Any) -> None:
        records = event["Records"]
        lines = b"\n".join(base64.b64decode(record["kinesis"]["data"]) for record in records)
        key = f"{records[0]['eventID'].replace(':', '-')}.{len(records)}"
        s3.put_object(Bucket=lake, Key=key, Body=gzip.compress(lines, 1))

    return handler


def _template(batches: Mapping[str, int]) -> dict[str, Any]:
    """Return a SAM template with inline code."""
    mapping = {
        "Stream": {"Fn::GetAtt": ["Stream", "Arn"]},
        "StartingPosition": "TRIM_HORIZON",
        **batches,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    allowed = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": {"Fn::Sub": "${Lake.Arn}/*"}}
    store = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "InlineCode": _STORE,
        "Timeout": 60,
        "MemorySize": 1769,
        "Environment": {"Variables": {"LAKE": {"Ref": "Lake"}}},
        "Events": {"Records": {"Type": "Kinesis", "Properties": mapping}},
        "Policies": [{"Statement": [allowed]}],
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Stream": {"Type": "AWS::Kinesis::Stream", "Properties": {"ShardCount": _SHARDS}},
            "Lake": {"Type": "AWS::S3::Bucket"},
            "Store": {"Type": "AWS::Serverless::Function", "Properties": store},
        },
        "Outputs": {name: {"Value": {"Ref": name}} for name in ("Stream", "Lake")},
    }
