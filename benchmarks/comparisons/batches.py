"""kinesis-s3-stream's work on one batch, without AWS: 3,000 records of 1 KB in, the bytes of two objects out.

The peer is what public samples do: Powertools' BatchProcessor passes one record at a time to a function that decodes
it, validates the fields it needs and encodes a line; `gzip.compress` makes the object. Before measuring, the comparison
verifies that the peer's lines have the same content as ours. For all variants, S3 is a dictionary in memory.

There are three floors. The first decodes and compresses. The second also validates each record as the pattern does:
UTF-8, JSON grammar, schema, depth. The third also adds each record's position. What ours takes beyond the third is the
cost of calling `transform`, of handling in order, of reading the clock and of looking for line ends.

Each process handles the batch once as a warm-up, and then five times while it is measured.
"""

import base64
import gzip
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks import events
from benchmarks.claims import Claim, Missing, Target
from benchmarks.harness import Bench, Sample, Variant
from benchmarks.processes import ROOT, measure_and_print, own_peak, run_for_json, run_self_measuring

TITLE = "A batch of a stream, compressed"

RECORDS = 3_000
_TIMES = 5
_PATTERN = ROOT / "patterns" / "kinesis-s3-stream"
_CLEAR_REFS = Path("/proc/self/clear_refs")
_WAYS = {
    "peer": "Powertools' BatchProcessor, gzip.compress",
    "ours": "ours",
    "floor": "decode and compress alone",
    "checked": "decode, check and compress alone",
    "placed": "decode, check, put positions and compress alone",
}


def compare(bench: Bench) -> Iterable[Claim | Missing]:
    """Yield the speed against the peer and the floors, then the memory."""
    records = RECORDS // 10 if bench.quick else RECORDS
    for name, version in run_for_json(_command("versions")).items():
        bench.uses(name, version)
    with tempfile.TemporaryDirectory() as folder:
        payload = Path(folder, "event.json")
        payload.write_text(json.dumps(events.batch(records)), encoding="utf-8")
        yield from _speed(bench, f"{records:,} records of 1 KB", payload)
        yield _memory(bench, f"{records:,} records of 1 KB: peak memory above the idle runtime", payload)


def _speed(bench: Bench, named: str, payload: Path) -> Iterable[Claim]:
    sizes = run_for_json(_command("same", payload))
    timed = bench.measure(named, {role: _way(role, payload) for role in _WAYS}, rounds=3 if bench.quick else 15)
    note = f"Objects of {sizes['ours']:,} bytes, the peer's {sizes['peer']:,}, the floor's {sizes['floor']:,}"
    yield Claim(named, timed, target=Target("faster", 7), note=note)
    yield Claim(named, timed, against="floor", target=Target("within", 1.6))
    for role, does in (("checked", "checks"), ("placed", "checks and puts positions")):
        yield Claim(f"{named}, against a floor that {does}", {**timed, "floor": timed[role]}, against="floor")


def _memory(bench: Bench, named: str, payload: Path) -> Claim | Missing:
    if not _CLEAR_REFS.exists():
        return Missing(named, "this system does not tell a process's peak anew")
    size = payload.stat().st_size / 2**20
    variants = {
        "event": Variant("the event as Lambda sends it", lambda: Sample(peak=size)),
        "ours": Variant("ours", lambda: Sample(**run_for_json(_command("peak", payload, "ours")))),
    }
    timed = bench.measure(named, variants, rounds=3 if bench.quick else 5, warm_up=False)
    return Claim(named, timed, against="event", measure="peak", target=Target("within", 2))


def _way(role: str, payload: Path) -> Variant:
    return Variant(_WAYS[role], lambda: run_self_measuring(_command("tell", payload, role)))


def _command(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "benchmarks.comparisons.batches", *arguments]


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────

Work = Callable[[dict[str, Any]], dict[str, bytes]]
"""Turns an event into the objects of the bucket."""


class Bucket:
    """S3 in memory, with the calls that the pattern's lake makes."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def head_object(self, **_: Any) -> Any:
        """Report that there is no such object, as on a first attempt."""
        from botocore.exceptions import ClientError

        raise ClientError({"Error": {"Code": "404"}}, "HeadObject")

    def put_object(self, **given: Any) -> None:
        """Store the object."""
        self.objects[given["Key"]] = given["Body"]


def _main(command: str, payload: str = "", role: str = "") -> None:
    if command == "versions":
        print(json.dumps(_versions()))
    elif command == "same":
        print(json.dumps(_same(json.loads(Path(payload).read_bytes()))))
    elif command == "peak":
        print(json.dumps(_peak(_work(role), Path(payload))))
    else:
        work, event = _work(role), json.loads(Path(payload).read_bytes())
        work(event)
        measure_and_print(lambda: [work(event) for _ in range(_TIMES)])


def _work(role: str) -> Work:
    return {"peer": _peer, "ours": _ours, "floor": _floor, "checked": _checked, "placed": _placed}[role]()


def _peer() -> Work:
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
    from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamRecord

    processor = BatchProcessor(event_type=EventType.KinesisDataStreams)
    lines: list[str] = []
    poison: list[str] = []

    def handle(record: KinesisStreamRecord) -> None:
        payload = record.kinesis
        position = {
            "shard_id": record.event_id.split(":")[0],
            "sequence_number": payload.sequence_number,
            "sub_sequence_number": 0,
            "partition_key": payload.partition_key,
            "arrived_at": payload.approximate_arrival_timestamp,
        }
        try:
            event = payload.data_as_json()
            _look_at(event)
        except ValueError as error:
            poison.append(json.dumps({**position, "reason": str(error), "data": payload.data}))
        else:
            lines.append(json.dumps({**position, "record": event}, ensure_ascii=False))

    def work(event: dict[str, Any]) -> dict[str, bytes]:
        lines.clear()
        poison.clear()
        bucket = Bucket()
        with processor(records=event["Records"], handler=handle):
            processor.process()
        bucket.put_object(Key="data", Body=gzip.compress("\n".join(lines).encode()))
        bucket.put_object(Key="errors", Body=gzip.compress("\n".join(poison).encode()))
        return bucket.objects

    return work


def _look_at(event: Any) -> None:
    """Validate an event by hand-written code, one of the fastest ways to validate a dictionary."""
    valid = (
        isinstance(event, dict)
        and isinstance(event.get("event_id"), str)
        and isinstance(event.get("customer_id"), str)
        and event.get("type") in events.TYPES
        and isinstance(total := event.get("total"), int | float)
        and not isinstance(total, bool)
        and total >= 0
    )
    if not valid:
        raise ValueError("not an event of the shop")


def _ours() -> Work:
    sys.path.insert(0, str(_PATTERN / "src"))
    from commit_batch import commit_batch  # type: ignore[import-not-found]
    from lake import Lake  # type: ignore[import-not-found]
    from transform import transform  # type: ignore[import-not-found]

    from blueprints_shared.json_objects import build_check

    check = build_check(events.SCHEMA)
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)

    def work(event: dict[str, Any]) -> dict[str, bytes]:
        bucket = Bucket()
        commit_batch(Lake(bucket, "lake"), check, transform, event["Records"], context)
        return {key.partition("/")[0]: content for key, content in bucket.objects.items()}

    return work


def _floor() -> Work:
    from pybase64 import b64decode

    return _compressing(
        lambda event: b"\n".join([b64decode(each["kinesis"]["data"], None, True) for each in event["Records"]])
    )


def _checked() -> Work:
    valid = _valid()
    return _compressing(lambda event: b"\n".join([data for _, data in valid(event)]))


def _placed() -> Work:
    valid = _valid()
    import msgspec
    from stream_record import StreamRecord  # type: ignore[import-not-found]

    encode = msgspec.json.Encoder().encode_lines

    def lines(event: dict[str, Any]) -> bytes:
        shard = event["Records"][0]["eventID"].partition(":")[0]
        return encode(
            [
                StreamRecord(
                    shard,
                    kinesis["sequenceNumber"],
                    0,
                    kinesis["partitionKey"],
                    kinesis["approximateArrivalTimestamp"],
                    msgspec.Raw(data),
                )
                for kinesis, data in valid(event)
            ]
        )

    return _compressing(lines)


def _valid() -> Callable[[dict[str, Any]], Iterable[tuple[dict[str, Any], bytes]]]:
    """Return a function that gives an event's decoded records, without those that the pattern rejects."""
    sys.path.insert(0, str(_PATTERN / "src"))
    from pybase64 import b64decode

    from blueprints_shared.json_objects import InvalidJson, build_check

    check = build_check(events.SCHEMA)

    def valid(event: dict[str, Any]) -> Iterable[tuple[dict[str, Any], bytes]]:
        for each in event["Records"]:
            kinesis = each["kinesis"]
            data = b64decode(kinesis["data"], None, True)
            try:
                check(data)
            except InvalidJson:
                continue
            yield kinesis, data

    return valid


def _compressing(content: Callable[[dict[str, Any]], bytes]) -> Work:
    """Return a function that compresses the output of `content` at once, with the pattern's compressor and level."""
    from isal import isal_zlib

    def work(event: dict[str, Any]) -> dict[str, bytes]:
        bucket = Bucket()
        bucket.put_object(Key="data", Body=isal_zlib.compress(content(event), 2, wbits=31))
        return bucket.objects

    return work


def _same(event: dict[str, Any]) -> dict[str, int]:
    """Return the size of each variant's data object. Raises RuntimeError if the peer's content differs from ours."""
    made = {role: _work(role)(event) for role in ("peer", "ours", "floor")}
    peer, ours = ([_lines(made[role][place]) for place in ("data", "errors")] for role in ("peer", "ours"))
    if peer[0] != ours[0]:
        raise RuntimeError("the peer's lines differ from ours")
    if [_position(each) for each in peer[1]] != [_position(each) for each in ours[1]]:
        raise RuntimeError("the peer and ours reject different records")
    return {role: len(objects["data"]) for role, objects in made.items()}


def _lines(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(content).splitlines()]


def _position(line: dict[str, Any]) -> tuple[str, bytes]:
    return line["sequence_number"], base64.b64decode(line["data"])


def _peak(work: Work, payload: Path) -> dict[str, float]:
    """Return the memory in MB that a warm process takes for one batch, beyond what it takes when idle.

    The parsed event is included.
    """
    work(events.batch(10))
    idle = _resident()
    event = json.loads(payload.read_bytes())
    _CLEAR_REFS.write_text("5", encoding="ascii")  # resets the peak memory
    work(event)
    return {"peak": own_peak() - idle}


def _resident() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) / 1024


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {
        "Powertools": version("aws-lambda-powertools"),
        **{name: version(name) for name in ("msgspec", "pybase64", "isal")},
    }


if __name__ == "__main__":
    _main(*sys.argv[1:])
