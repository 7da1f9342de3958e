"""Makes a batch of a shop's events as Lambda delivers it: the same seed gives the same events on every machine.

Each is 1 KB of JSON: random ids, times and amounts, which compress badly, and member names and words, which compress
well (gzip reduces an event to 36 %). One in a hundred is invalid: truncated, not UTF-8, or of another type.
"""

import base64
import json
import random
from typing import Any

TYPES = ("page_viewed", "cart_updated", "order_placed")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["event_id", "type", "customer_id", "total"],
    "properties": {
        "event_id": {"type": "string"},
        "type": {"enum": list(TYPES)},
        "customer_id": {"type": "string"},
        "total": {"type": "number", "minimum": 0},
    },
}
POISON_EVERY = 100
_BYTES = 1024
_FIRST = 49590338271490256608559692538361571095921575989136588898
_STREAM = {
    "eventSource": "aws:kinesis",
    "eventVersion": "1.0",
    "eventName": "aws:kinesis:record",
    "invokeIdentityArn": "arn:aws:iam::123456789012:role/store-batch",
    "awsRegion": "eu-west-1",
    "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
}


def batch(count: int) -> dict[str, Any]:
    """Return a Kinesis event of `count` records, as Lambda delivers it."""
    chance = random.Random(20_261_112)  # noqa: S311 - an input, no secret
    vocabulary = _vocabulary(chance)
    return {"Records": [_delivered(chance, number, _data(chance, vocabulary, number)) for number in range(count)]}


def _vocabulary(chance: random.Random) -> list[str]:
    letters = "etaoinshrdlucmfwygpbvk"
    weights = range(len(letters), 0, -1)
    return ["".join(chance.choices(letters, weights, k=chance.randint(3, 9))) for _ in range(2000)]


def _data(chance: random.Random, vocabulary: list[str], number: int) -> bytes:
    event = {
        "event_id": f"{chance.getrandbits(128):032x}",
        "type": chance.choice(TYPES),
        "occurred_at": f"2026-11-12T10:{chance.randrange(60):02}:{chance.uniform(0, 60):06.3f}Z",
        "customer_id": f"c-{chance.randrange(400_000):06}",
        "session": f"{chance.getrandbits(128):032x}",
        "address": ".".join(str(chance.randrange(256)) for _ in range(4)),
        "country": chance.choice(("AT", "DE", "FR", "JP", "PL", "US")),
        "total": round(chance.uniform(2, 4000), 2),
        "items": [
            {"sku": f"SKU-{chance.randrange(30_000):05}", "price": round(chance.uniform(2, 400), 2), "quantity": 1}
            for _ in range(chance.randint(1, 4))
        ],
        "note": chance.choice(("", "", "", "ギフト包装でお願いします")),
    }
    room = _BYTES - len(_encoded(event | {"text": ""}))
    data = _encoded(event | {"text": " ".join(chance.choices(vocabulary, k=room // 4))[:room]})
    if number % POISON_EVERY != POISON_EVERY // 2:
        return data
    wrong = (data[:-1], data.replace(b'"note"', b'"n\xfcte"'), data.replace(b'"total": ', b'"total": "none", "was": '))
    return wrong[number // POISON_EVERY % len(wrong)]


def _encoded(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def _delivered(chance: random.Random, number: int, data: bytes) -> dict[str, Any]:
    sequence_number = str(_FIRST + 1_000_003 * number)
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": f"c-{chance.randrange(400_000):06}",
        "sequenceNumber": sequence_number,
        "data": base64.b64encode(data).decode(),
        "approximateArrivalTimestamp": round(1_794_478_272 + number * 0.004, 3),
    }
    return {"kinesis": kinesis, "eventID": f"shardId-000000000006:{sequence_number}", **_STREAM}
