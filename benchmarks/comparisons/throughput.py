"""Records through a stream: how soon they are in objects, against the base emulator, unmodified.

In both the same stack is deployed: a stream of four shards, an event source mapping set as kinesis-s3-stream's is (and
once with batches of 100, Lambda's default), a function that compresses a batch into one object, with IAM on. Each round
has a new one, warmed by a few records, for the base emulator takes records the slower the more it has. Once the clock
runs from the first put to the last object; most of that is the taking of records. Else the records are in the stream
already, and it runs from the mapping's being enabled. The objects are opened afterwards and every record counted. The
base emulator reads the shards in turn, one batch at a time, and does less: it asks no role's permission, and knows no
partial answer, bisecting, record age, batching window or failed batch. The floor is the handler called directly, with
the same records.
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
from benchmarks.harness import Bench, Sample, Timed, Way

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
    """All records of a round, from the first put to the last object."""
    from importlib.metadata import version

    from blueprints.local.cloud import Cloud

    bench.uses("ministack", version("ministack"))
    records = 2_000 if bench.quick else 20_000
    bench.progress("starting both")
    with Cloud() as cloud, emulators.stock() as stock:
        cases = {
            f"{records:,} records through {_SHARDS} shards, from the first put": (Subject.play, _PATTERNS_OWN),
            f"{records:,} records that wait in {_SHARDS} shards": (Subject.drain, _PATTERNS_OWN),
            f"{records:,} records that wait, in batches of 100": (Subject.drain, _BY_DEFAULT),
        }
        for named, (play, batches) in cases.items():
            ways = {
                "peer": Way("ministack as it is", partial(_once, stock, batches, play, records)),
                "ours": Way("ours", partial(_once, cloud.endpoint, batches, play, records)),
                "floor": Way(
                    "the handler called directly", partial(_once, cloud.endpoint, batches, Subject.alone, records)
                ),
            }
            timed = bench.measure(named, ways, rounds=3 if bench.quick else 5)
            yield Claim(named, timed, measure="wall", target=Target("faster", 1), note=_rates(timed, records))


def _rates(timed: Mapping[str, Timed], records: int) -> str:
    seconds = {way.name: way.median("wall") or 0.0 for way in timed.values()}
    return "Records a second: " + ", ".join(f"{name} {records / taken:,.0f}" for name, taken in seconds.items())


def _once(endpoint: str, batches: Mapping[str, int], play: "Callable[[Subject, int], Sample]", records: int) -> Sample:
    """One way of one round, on a stack that is there for it alone."""
    name = f"{_STACK}-{next(_STACKS)}"
    subject = Subject.deployed(endpoint, name, batches)
    try:
        subject.play(_WARM_UP)
        return play(subject, records)
    finally:
        emulators.delete(endpoint, name)


@dataclass
class Subject:
    """An emulator with the stack deployed, and clients that stay open."""

    kinesis: Any
    s3: Any
    functions: Any
    stream: str
    lake: str
    handler: Callable[[Any, Any], None]
    batch: int
    rounds: "count[int]" = field(default_factory=count)

    @classmethod
    def deployed(cls, endpoint: str, name: str, batches: Mapping[str, int]) -> "Subject":
        """Deploy to an emulator that is running."""
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
        """Put the records and wait until as many are in objects; then look for each."""
        sent = self._made(records)
        began = time.perf_counter()
        self._put(sent)
        self._await(records, began)
        passed = time.perf_counter() - began
        self._look_for(sent)
        return Sample(passed)

    def drain(self, records: int) -> Sample:
        """Put the records while nobody reads; then have them read, and wait as above."""
        sent = self._made(records)
        self._enable(False)
        self._put(sent)
        if self._keys():
            raise RuntimeError("the mapping is disabled and reads")
        began = time.perf_counter()
        self._enable(True)
        self._await(records, began)
        passed = time.perf_counter() - began
        self._look_for(sent)
        return Sample(passed)

    def alone(self, records: int) -> Sample:
        """The handler's own work: the same batches, by direct calls."""
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
        """Switch the mapping; when it is off, wait until it is."""
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
                raise RuntimeError(f"{found:,} of {records:,} records are there after {_PATIENCE:.0f} s")
            time.sleep(_BETWEEN_LOOKS)

    def _look_for(self, sent: list[bytes]) -> None:
        keys = self._keys()
        bodies = [self.s3.get_object(Bucket=self.lake, Key=key)["Body"].read() for key in keys]
        found = sorted(line for body in bodies for line in gzip.decompress(body).split(b"\n"))
        if found != sorted(sent):
            raise RuntimeError(f"{len(found):,} records are there, and they are not the {len(sent):,} that were put")
        self._remove(keys)

    def _keys(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.lake).get("Contents", ())]

    def _remove(self, keys: list[str]) -> None:
        for key in keys:
            self.s3.delete_object(Bucket=self.lake, Key=key)


def _record(story: int, number: int) -> bytes:
    """About as long as an event of the stream pattern's demo."""
    return json.dumps({"story": story, "number": number, "text": f"{number:07}" * 32}).encode()


def _event(numbers: Iterable[int]) -> dict[str, Any]:
    data = {number: base64.b64encode(_record(0, number)).decode() for number in numbers}
    return {"Records": [{"eventID": f"alone:{number}", "kinesis": {"data": text}} for number, text in data.items()]}


def _handler(s3: Any, lake: str) -> Callable[[Any, Any], None]:
    """The deployed handler's work, with a client that is open already."""

    def handler(event: Any, _: Any) -> None:
        records = event["Records"]
        lines = b"\n".join(base64.b64decode(record["kinesis"]["data"]) for record in records)
        key = f"{records[0]['eventID'].replace(':', '-')}.{len(records)}"
        s3.put_object(Bucket=lake, Key=key, Body=gzip.compress(lines, 1))

    return handler


def _template(batches: Mapping[str, int]) -> dict[str, Any]:
    """SAM as a pattern would write it, the code in the template."""
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
