"""Filtering records of event source mappings: the embedded AWS's matcher of event patterns against ministack's.

The peer compiles patterns once for streams, as the matcher of its EventBridge does, and reads them for each batch of a
queue. The floor reads the JSON of each record. Records of a DynamoDB stream are not read, so that this is the matching
alone; there the floor compares one text. A quarter of the records match. Both matchers keep the same records, which is
checked before they are measured.
"""

import base64
import json
import random
import sys
from collections.abc import Callable, Iterable
from typing import Any

from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Variant
from benchmarks.processes import measure_and_print, run_for_json, run_self_measuring
from blueprints.local.base.internals import Internal

TITLE = "Filters of event source mappings"

_RECORDS, _QUICK_RECORDS = 40_000, 2_000
_BATCH = 100
_SOURCES = {
    "kinesis": "records of Kinesis with 1 KB of JSON",
    "sqs": "messages of SQS with 1 KB of JSON",
    "dynamodb": "records of a DynamoDB stream",
}
_WAYS = {"peer": "ministack's matcher", "ours": "ours", "floor": "json.loads of each record, or one comparison"}

_PAYLOAD_PATTERN = {
    "type": ["order.paid"],
    "customer": {"country": [{"anything-but": ["XX"]}]},
    "total": [{"numeric": [">", 0]}],
}
_PATTERNS = {
    "kinesis": {"data": _PAYLOAD_PATTERN},
    "sqs": {"body": _PAYLOAD_PATTERN},
    "dynamodb": {
        "eventName": ["MODIFY"],
        "dynamodb": {
            "NewImage": {"type": {"S": ["order.paid"]}, "total": {"N": [{"exists": True}]}},
            "OldImage": {"type": {"S": [{"anything-but": "order.sent"}]}},
        },
    },
}


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the times for each kind of source."""
    for name, version in run_for_json(_command("versions")).items():
        bench.uses(name, version)
    records = _QUICK_RECORDS if bench.quick else _RECORDS
    for source, named in _SOURCES.items():
        run_for_json(_command("same", source))
        variants = {role: Variant(name, _run(source, records, role)) for role, name in _WAYS.items()}
        timed = bench.measure(named, variants)
        is_read = source != "dynamodb"
        yield Claim(named, timed, target=None if is_read else Target("faster", 2))
        yield Claim(named, timed, against="floor", target=Target("within", 1) if is_read else None)


def _run(source: str, records: int, role: str) -> Callable[[], Any]:
    return lambda: run_self_measuring(_command("tell", source, records, role))


def _command(*arguments: str | int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.comparisons.event_filters", *map(str, arguments)]


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────

APPLY = Internal("services.lambda_svc", "_apply_filter_criteria", ("records", "esm"))
OF_KINESIS = Internal("services.lambda_svc", "_kinesis_record_for_match", ("rec",))
COMPILE = Internal("services.eventbridge", "_compiled_pattern", ("pattern_str",))
MATCHES = Internal("services.eventbridge", "_matches_detail", ("detail", "pattern"))

_Event = dict[str, Any]
Keep = Callable[[list[_Event]], list[_Event]]


def _main(command: str, source: str = "", records: str = "0", role: str = "") -> None:
    if command == "versions":
        print(json.dumps(_versions()))
        return
    batch = _events(source)
    if command == "same":
        print(json.dumps(_same(source, batch)))
        return
    keep = _filter(role, source)
    keep(batch)
    measure_and_print(lambda: _filter_often(keep, batch, int(records) // _BATCH))


def _filter_often(keep: Keep, batch: list[_Event], times: int) -> None:
    for _ in range(times):
        keep(batch)


def _filter(role: str, source: str) -> Keep:
    made = {"peer": _peer, "ours": _ours, "floor": _floor}[role]
    return made(source, json.dumps(_PATTERNS[source]))


def _peer(source: str, pattern: str) -> Keep:
    if source == "sqs":
        mapping = {"FilterCriteria": {"Filters": [{"Pattern": pattern}]}}
        apply = APPLY.current()
        return lambda events: apply(events, mapping)
    alternatives, matches, of_kinesis = COMPILE.current()(pattern), MATCHES.current(), OF_KINESIS.current()

    def keep(event: _Event) -> bool:
        seen = of_kinesis(event) if source == "kinesis" else event
        return any(matches(seen, each) for each in alternatives)

    return lambda events: list(filter(keep, events))


def _ours(source: str, pattern: str) -> Keep:  # noqa: ARG001 - the others need it
    from blueprints.local.services.lambda_.event_source_mappings.filters import matching

    criteria = {"Filters": [{"Pattern": pattern}]}
    return lambda events: matching(events, criteria)


def _floor(source: str, pattern: str) -> Keep:  # noqa: ARG001 - the others need it
    if source == "dynamodb":
        return lambda events: [event for event in events if event["dynamodb"]["NewImage"]["type"]["S"] == "order.paid"]
    if source == "sqs":
        return lambda events: [json.loads(event["body"]) for event in events]
    return lambda events: [json.loads(base64.b64decode(event["kinesis"]["data"])) for event in events]


def _events(source: str) -> list[_Event]:
    chance = random.Random(20_261_128)  # noqa: S311 - an input, no secret
    return [_event(source, chance, number) for number in range(_BATCH)]


def _event(source: str, chance: random.Random, number: int) -> _Event:
    kind = ("order.paid", "order.sent", "order.open", "order.lost")[number % 4]
    if source == "dynamodb":
        return _change(kind, number)
    order = {
        "type": kind,
        "id": f"o-{number:08}",
        "customer": {"id": f"c-{chance.randrange(10_000)}", "country": chance.choice(("AT", "DE", "JP"))},
        "lines": [{"sku": f"S-{line}", "quantity": line, "price": chance.randrange(9_999) / 100} for line in range(4)],
        "total": chance.randrange(1, 99_999) / 100,
        "note": "n" * 600,
    }
    text = json.dumps(order)
    if source == "sqs":
        return {"messageId": f"m-{number}", "body": text, "eventSource": "aws:sqs"}
    data = base64.b64encode(text.encode()).decode()
    return {"eventSource": "aws:kinesis", "kinesis": {"partitionKey": f"k-{number}", "data": data}}


def _change(kind: str, number: int) -> _Event:
    image = {"pk": {"S": f"order#{number}"}, "type": {"S": kind}, "total": {"N": str(number)}, "note": {"S": "n" * 600}}
    images = {"NewImage": image, "OldImage": {**image, "type": {"S": "order.open"}}}
    return {"eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": {"Keys": {"pk": image["pk"]}, **images}}


def _same(source: str, batch: list[_Event]) -> int:
    """Return how many records match. Raises RuntimeError unless both matchers keep the same quarter."""
    kept = _filter("ours", source)(batch)
    if kept != _filter("peer", source)(batch) or len(kept) != _BATCH // 4:
        raise RuntimeError(f"the filters of {source} keep other records")
    return len(kept)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"ministack": version("ministack")}


if __name__ == "__main__":
    _main(*sys.argv[1:])
