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
PER_REQUEST, BYTES_PER_REQUEST = 500, 5_000_000  # that PutRecords takes at most
BYTES_PER_RECORD = 2**20  # that a stream takes unless its MaxRecordSize is raised
ATTEMPTS = 12
PATIENCE = 180  # seconds from the last put to the last object, a cold start and the batching window included


class BadInput(ValueError):
    """The file of events is invalid; the message says where and why, and `result` has the same for programs."""

    @property
    def result(self) -> dict[str, str]:
        """The result of the demo."""
        return {"state": "refused", "reason": str(self)}


class RecordsAmiss(Exception):
    """What lies in the lake is not what was put into the stream."""


def run(stack: Any) -> dict[str, Any]:
    """Put events, some of ours poison, and count them back; raises when one is missing or there twice."""
    outputs, story = stack.outputs, uuid.uuid4().hex[:12]
    stream = outputs["StreamName"]
    records = read_records(stack.input, story) if stack.input else make_records(EVENTS, story)
    (stack.folder / "events.ndjson").write_bytes(b"".join(record + b"\n" for record in records))
    with stack.step(f"Put {len(records):,} events into {stream}"):
        put_all(stack.client("kinesis"), stream, records, story)
    lake = Lake(stack.client("s3"), outputs, stack.folder, story)
    with stack.step(f"Find them in {outputs['LakeBucket']}"):
        lake.wait_for(len(records))
    result = counted(records, lake)
    if result["duplicates"] or result["missing"]:
        amiss = f"{result['missing']} records are missing and {result['duplicates']} too many"
        raise RecordsAmiss(f"{amiss}; {advice(outputs)}")
    return result


def advice(outputs: dict[str, str]) -> str:
    """Where to look when the story goes wrong."""
    return f"look into the logs ({outputs['LogGroup']}) and the failed batches ({outputs['FailedBatchesBucket']})"


def make_records(count: int, story: str) -> list[bytes]:
    """Events of a shop as they go into the stream, and poison among them."""
    records = [tagged(event, story, number) for number, event in enumerate(make_events(count))]
    records[POISON_EVERY - 1 :: POISON_EVERY] = [
        poison(story, number) for number in range(POISON_EVERY - 1, count, POISON_EVERY)
    ]
    return records


def make_events(count: int) -> Iterator[dict[str, Any]]:
    """Events of a shop: the same ones every time."""
    chance = random.Random(20_261_112)  # noqa: S311 - a story, no secret
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


def read_records(path: Path, story: str) -> list[bytes]:
    """Your own events: a file with one JSON object a line. Raises BadInput."""
    lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n")
    records = [
        read_record(line, f"{path.name}, line {number}", story, number)
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not records:
        raise BadInput(f"{path.name} has no events: write one JSON object a line")
    return records


def read_record(line: bytes, place: str, story: str, number: int) -> bytes:
    """One of your own events as it goes into the stream. Raises BadInput."""
    try:
        event = json.loads(line.decode(), parse_constant=refuse_constant)
        record = tagged(event, story, number) if isinstance(event, dict) else None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{place} is not JSON in UTF-8: {error}") from error
    if record is None:
        raise BadInput(f"{place} is no JSON object: write one on every line")
    if len(record) > BYTES_PER_RECORD:
        raise BadInput(f"{place} makes a record of {len(record):,} bytes; the stream takes {BYTES_PER_RECORD:,}")
    return record


def refuse_constant(name: str) -> None:
    """What Python would take for a number, and JSON does not have."""
    raise ValueError(f"it has no {name}")


def tagged(event: dict[str, Any], story: str, number: int) -> bytes:
    """An event as it goes into the stream, with an id that it is known by in the lake."""
    return json.dumps({"event_id": f"{story}-{number}", **event}, ensure_ascii=False).encode()


def poison(story: str, number: int) -> bytes:
    """A record that cannot be read: cut short, in another encoding, or with a number that JSON has not."""
    text = f'{{"event_id": "{story}-{number}", '
    return (
        text.encode(),
        (text + '"note": "Grüße"}').encode("latin-1"),
        (text + '"total": NaN}').encode(),
    )[number // POISON_EVERY % 3]


def put_all(kinesis: Any, stream: str, records: list[bytes], story: str) -> None:
    """Put all records, a few requests at a time; in order within each of the partition keys."""
    entries = [{"Data": data, "PartitionKey": f"{story}-{number % 997}"} for number, data in enumerate(records)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda request: put(kinesis, stream, request), requests(entries)))


def requests(entries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Entries in groups that PutRecords takes."""
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
    """Put one request's records; those that the stream refuses (it throttles record by record) are put again."""
    for attempt in range(ATTEMPTS):
        answer = kinesis.put_records(StreamName=stream, Records=entries)
        if not answer["FailedRecordCount"]:
            return
        entries = [entry for entry, said in zip(entries, answer["Records"], strict=True) if "ErrorCode" in said]
        time.sleep(random.uniform(0, min(5, 0.1 * 2**attempt)))  # noqa: S311
    raise RuntimeError(f"{stream} refused {len(entries)} records {ATTEMPTS} times: {answer['Records'][-1]}")


@dataclass
class Lake:
    """The objects of this story that were found so far, with their lines."""

    s3: Any
    outputs: dict[str, str]
    folder: Path
    story: str
    etags: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def wait_for(self, count: int) -> None:
        """Download objects until they hold `count` records of the story, and no object has changed since."""
        deadline = time.monotonic() + PATIENCE
        while self.look() or sum(map(len, self.lines.values())) < count:
            if time.monotonic() > deadline:
                found = sum(map(len, self.lines.values()))
                raise TimeoutError(
                    f"{found:,} of {count:,} records are there after {PATIENCE} s; {advice(self.outputs)}"
                )
            time.sleep(0.2)

    def look(self) -> bool:
        """Download what is new or changed; whether there was any."""
        seen = dict(self.etags)
        for prefix in (f"{self.outputs['DataPrefix']}/", "errors/"):
            for page in self.s3.get_paginator("list_objects_v2").paginate(
                Bucket=self.outputs["LakeBucket"], Prefix=prefix
            ):
                for item in page.get("Contents", ()):
                    if seen.get(item["Key"]) != item["ETag"]:
                        self.download(item["Key"])
        return seen != self.etags

    def download(self, key: str) -> None:
        """Keep an object's lines that are of this story; an object without any is another's."""
        answer = self.s3.get_object(Bucket=self.outputs["LakeBucket"], Key=key)
        content = answer["Body"].read()
        self.etags[key] = answer["ETag"]
        lines = (json.loads(line) for line in gzip.decompress(content).splitlines())
        self.lines[key] = [line for line in lines if (line["partition_key"] or "").startswith(self.story)]
        if self.lines[key]:
            path = self.folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def all_lines(self, prefix: str) -> Iterable[dict[str, Any]]:
        """The lines of all objects below a prefix."""
        return itertools.chain.from_iterable(lines for key, lines in self.lines.items() if key.startswith(prefix))


def counted(records: list[bytes], lake: Lake) -> dict[str, Any]:
    """What was put against what is there: records by their bytes, so that a changed one counts as missing too."""
    stored = [line["record"] for line in lake.all_lines(lake.outputs["DataPrefix"] + "/")]
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
