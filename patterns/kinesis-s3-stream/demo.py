"""Puts the events of a shop into the stream, and checks that each of them is in the lake once.

blueprints play . --stack NAME [--input EVENTS.ndjson]
"""

import base64
import codecs
import gzip
import itertools
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EVENTS = 20_000
POISON_EVERY = 400
PER_REQUEST, BYTES_PER_REQUEST = 500, 5_000_000  # limits of PutRecords
BYTES_PER_RECORD = 2**20  # limit of a stream whose MaxRecordSize is the default
ATTEMPTS = 12
PATIENCE = 180  # seconds from the last put to the last object, with a cold start and the batching window


class BadInput(ValueError):
    """The file of events is invalid; the message says where and why, and `result` says it for programs."""

    @property
    def result(self) -> dict[str, str]:
        """The result of the demo."""
        return {"state": "refused", "reason": str(self)}


class WrongRecords(Exception):
    """The lake does not hold exactly the records that were put into the stream."""


def run(stack: Any) -> dict[str, Any]:
    """Put events, and count them in the lake; raise WrongRecords if one is missing or there twice."""
    outputs, run_id = stack.outputs, uuid.uuid4().hex[:12]
    stream = outputs["StreamName"]
    records = read_records(stack.input, run_id) if stack.input else make_records(EVENTS, run_id)
    (stack.folder / "events.ndjson").write_bytes(b"".join(record + b"\n" for record in records))
    with stack.step(f"Put {len(records):,} events into {stream}"):
        put_all(stack.client("kinesis"), stream, records, run_id)
    lake = Lake(stack.client("s3"), outputs, stack.folder, run_id)
    with stack.step(f"Find them in {outputs['LakeBucket']}"):
        lake.wait_for(len(records))
    result = counted(records, lake)
    if result["duplicates"] or result["missing"]:
        wrong = f"{result['missing']} records are missing and {result['duplicates']} are duplicates"
        raise WrongRecords(f"{wrong}; {advice(outputs)}")
    return result


def advice(outputs: dict[str, str]) -> str:
    """Where to look if the demo fails."""
    return f"look into the logs ({outputs['LogGroup']}) and the failed batches ({outputs['FailedBatchesBucket']})"


def make_records(count: int, run_id: str) -> list[bytes]:
    """Records with events of a shop; every POISON_EVERY-th is invalid."""
    records = [tagged(event, run_id, number) for number, event in enumerate(make_events(count))]
    records[POISON_EVERY - 1 :: POISON_EVERY] = [
        poison(run_id, number) for number in range(POISON_EVERY - 1, count, POISON_EVERY)
    ]
    return records


def make_events(count: int) -> Iterator[dict[str, Any]]:
    """Events of a shop, the same ones each time."""
    chance = random.Random(20_261_112)  # noqa: S311 - no secret
    articles = [(f"SKU-{number:04}", round(chance.uniform(2, 400), 2)) for number in range(300)]
    for _ in range(count):
        kind = chance.choices(("page_viewed", "cart_updated", "order_placed"), (70, 22, 8))[0]
        items = [
            {"sku": sku, "price": price, "quantity": chance.randint(1, 3)}
            for sku, price in chance.sample(articles, chance.randint(1, 4))
        ]
        yield {
            "type": kind,
            "customer_id": f"c-{chance.randrange(4000):05}",
            "country": chance.choice(("AT", "DE", "FR", "JP", "PL", "US")),
            "items": items,
            "total": round(sum(item["price"] * item["quantity"] for item in items), 2),
            "note": chance.choice(("", "", "ギフト包装でお願いします", "Bitte klingeln – danke!")),
        }


def read_records(path: Path, run_id: str) -> list[bytes]:
    """Records with your events, from a file with one JSON object per line. Raises BadInput."""
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    records = [
        read_record(line, f"{path.name}, line {number}", run_id, number)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not records:
        raise BadInput(f"{path.name} has no events: write one JSON object per line")
    return records


def read_record(line: bytes, place: str, run_id: str, number: int) -> bytes:
    """A record with one of your events. Raises BadInput."""
    try:
        event = json.loads(line.decode(), parse_constant=refuse_constant)
        record = tagged(event, run_id, number) if isinstance(event, dict) else None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place} is not JSON in UTF-8: {error}") from error
    if record is None:
        raise BadInput(f"{place} is not a JSON object: write one on every line")
    if len(record) > BYTES_PER_RECORD:
        raise BadInput(f"{place} makes a record of {len(record):,} bytes; the stream accepts {BYTES_PER_RECORD:,}")
    return record


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(f"JSON has no {name}")


def tagged(event: dict[str, Any], run_id: str, number: int) -> bytes:
    """A record with an event, and with an id by which the demo finds it in the lake."""
    return json.dumps({"event_id": f"{run_id}-{number}", **event}, ensure_ascii=False).encode()


def poison(run_id: str, number: int) -> bytes:
    """An invalid record: truncated, in another encoding, or with a number that JSON does not have."""
    text = f'{{"event_id": "{run_id}-{number}", '
    return (
        text.encode(),
        (text + '"note": "Grüße"}').encode("latin-1"),
        (text + '"total": NaN}').encode(),
    )[number // POISON_EVERY % 3]


def put_all(kinesis: Any, stream: str, records: list[bytes], run_id: str) -> None:
    """Put all records, a few requests at a time."""
    entries = [{"Data": data, "PartitionKey": f"{run_id}-{number % 997}"} for number, data in enumerate(records)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda request: put(kinesis, stream, request), requests(entries)))


def requests(entries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Split entries into groups that PutRecords accepts."""
    group: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        added = len(entry["Data"]) + len(entry["PartitionKey"])
        if group and (len(group) == PER_REQUEST or size + added > BYTES_PER_REQUEST):
            yield group
            group, size = [], 0
        group.append(entry)
        size += added
    if group:
        yield group


def put(kinesis: Any, stream: str, entries: list[dict[str, Any]]) -> None:
    """Put the records of one request, and put again those that the stream refuses: it throttles record by record."""
    for attempt in range(ATTEMPTS):
        answer = kinesis.put_records(StreamName=stream, Records=entries)
        if not answer["FailedRecordCount"]:
            return
        entries = [entry for entry, result in zip(entries, answer["Records"], strict=True) if "ErrorCode" in result]
        time.sleep(random.uniform(0, min(5, 0.1 * 2**attempt)))  # noqa: S311
    raise RuntimeError(f"{stream} refused {len(entries)} records {ATTEMPTS} times: {answer['Records'][-1]}")


@dataclass
class Lake:
    """The lines of this demo run that were found in the lake so far, by object."""

    s3: Any
    outputs: dict[str, str]
    folder: Path
    run_id: str
    etags: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def wait_for(self, count: int) -> None:
        """Download objects until they hold `count` records of this run and no object has changed since."""
        deadline = time.monotonic() + PATIENCE
        while self.look() or sum(map(len, self.lines.values())) < count:
            if time.monotonic() > deadline:
                found = sum(map(len, self.lines.values()))
                raise TimeoutError(
                    f"{found:,} of {count:,} records are there after {PATIENCE} s; {advice(self.outputs)}"
                )
            time.sleep(0.2)

    def look(self) -> bool:
        """Download new and changed objects; return whether there were any."""
        seen = dict(self.etags)
        for prefix in ("data/", "errors/"):
            for page in self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.outputs["LakeBucket"], Prefix=prefix
            ):
                for item in page.get("Contents", ()):
                    if seen.get(item["Key"]) != item["ETag"]:
                        self.download(item["Key"])
        return seen != self.etags

    def download(self, key: str) -> None:
        """Keep the lines of an object that belong to this run, and the object if it has any."""
        answer = self.s3.get_object(Bucket=self.outputs["LakeBucket"], Key=key)
        content = answer["Body"].read()
        self.etags[key] = answer["ETag"]
        lines = (json.loads(line) for line in gzip.decompress(content).splitlines())
        self.lines[key] = [line for line in lines if (line["partition_key"] or "").startswith(self.run_id)]
        if self.lines[key]:
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def all_lines(self, prefix: str) -> Iterable[dict[str, Any]]:
        """All lines of the objects below a prefix."""
        return itertools.chain.from_iterable(lines for key, lines in self.lines.items() if key.startswith(prefix))


def counted(records: list[bytes], lake: Lake) -> dict[str, Any]:
    """Compare the records that were put with those in the lake, by their bytes: a changed record counts as missing."""
    stored = [line["record"] for line in lake.all_lines("data/")]
    set_aside = [base64.b64decode(line["data"]) for line in lake.all_lines("errors/")]
    found = Counter(json.dumps(record, ensure_ascii=False).encode() for record in stored) + Counter(set_aside)
    put = Counter(records)
    return {
        "put": len(records),
        "stored": len(stored),
        "poison": len(set_aside),
        "objects": sum(bool(lines) for lines in lake.lines.values()),
        "duplicates": sum((found - put).values()),
        "missing": sum((put - found).values()),
        "files": sorted(str(path.resolve()) for path in lake.folder.rglob("*") if path.is_file()),
    }
