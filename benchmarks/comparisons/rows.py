"""Converting images of DynamoDB items to Python values: `blueprints_shared.streams.dynamodb_rows` against boto3.

The peer is boto3's TypeDeserializer, applied to one attribute after the other as most stream handlers do. The floor is
a function written by hand for this one shape of item, without checks. The rows of all three are compared before they
are measured. A hundred items, a small batch, fit into the processor's cache; ten thousand, the largest batch, do not,
so that all variants wait for memory.
"""

import json
import random
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from benchmarks.claims import Claim, Target
from benchmarks.harness import Bench, Variant
from benchmarks.processes import measure_and_print, run_for_json, run_self_measuring

TITLE = "An item of DynamoDB as a row"

_ROWS = 50_000
_BATCHES = (("a batch of 100 items, in the cache", 100, 5.0), ("a batch of 10,000 items, beyond it", 10_000, 5.0))
_WAYS = {"peer": "boto3's TypeDeserializer", "ours": "ours", "floor": "written by hand for this shape"}


def compare(bench: Bench) -> Iterable[Claim]:
    """Yield the times for a small batch, converted repeatedly, and for a large one."""
    for name, version in run_for_json(_command("versions")).items():
        bench.uses(name, version)
    for named, items, faster in _BATCHES:
        rows = items if bench.quick else _ROWS
        run_for_json(_command("same", items))
        variants = {role: Variant(name, _run(role, items, rows)) for role, name in _WAYS.items()}
        timed = bench.measure(named, variants)
        yield Claim(named, timed, target=Target("faster", faster))
        yield Claim(named, timed, against="floor")


def _run(role: str, items: int, rows: int) -> Callable[[], Any]:
    return lambda: run_self_measuring(_command("tell", items, rows, role))


def _command(*arguments: str | int) -> list[str]:
    return [sys.executable, "-m", "benchmarks.comparisons.rows", *map(str, arguments)]


# ── In a new process ────────────────────────────────────────────────────────────────────────────────────────────────

Convert = Callable[[dict[str, Any]], dict[str, Any]]


def _main(command: str, items: str = "0", rows: str = "0", role: str = "") -> None:
    images = _images(int(items))
    if command == "versions":
        print(json.dumps(_versions()))
    elif command == "same":
        print(json.dumps(_same(images)))
    else:
        convert = _converter(role)
        for image in images:
            convert(image)
        measure_and_print(lambda: _convert_all(convert, images, int(rows) // len(images)))


def _convert_all(convert: Convert, images: list[dict[str, Any]], times: int) -> None:
    for _ in range(times):
        for image in images:
            convert(image)


def _images(count: int) -> list[dict[str, Any]]:
    """Return new images of orders, as they are in an event parsed by the runtime."""
    chance = random.Random(20_261_112)  # noqa: S311 - an input, no secret
    images: list[dict[str, Any]] = json.loads(json.dumps([_image(chance, number) for number in range(count)]))
    return images


def _image(chance: random.Random, number: int) -> dict[str, Any]:
    address = {
        "street": {"S": f"Street {chance.randrange(1000)}"},
        "zip": {"S": f"{chance.randrange(99_999):05}"},
        "country": {"S": chance.choice(("AT", "DE", "JP"))},
    }
    line = {
        "sku": {"S": f"SKU-{chance.randrange(30_000):05}"},
        "price": {"N": f"{chance.uniform(1, 500):.2f}"},
        "quantity": {"N": str(chance.randrange(1, 5))},
    }
    return {
        "pk": {"S": f"customer#{chance.randrange(1_000_000):07}"},
        "sk": {"S": f"order#{number:08}"},
        "status": {"S": chance.choice(("placed", "paid", "sent"))},
        "total": {"N": f"{chance.uniform(1, 5000):.2f}"},
        "version": {"N": str(number)},
        "paid": {"BOOL": chance.random() < 0.5},
        "coupon": {"NULL": True},
        "address": {"M": address},
        "items": {"L": [{"M": line}] * 3},
        "updated_at": {"S": f"2026-11-12T10:{chance.randrange(60):02}:00Z"},
    }


def _converter(role: str) -> Convert:
    return _by_hand if role == "floor" else {"peer": _peer, "ours": _ours}[role]()


def _peer() -> Convert:
    from boto3.dynamodb.types import TypeDeserializer

    deserialize = TypeDeserializer().deserialize
    return lambda image: {name: deserialize(typed) for name, typed in image.items()}


def _ours() -> Convert:
    from blueprints_shared.streams.dynamodb_rows import row_converter

    return row_converter()


def _by_hand(image: dict[str, Any]) -> dict[str, Any]:
    address = image["address"]["M"]
    return {
        "pk": image["pk"]["S"],
        "sk": image["sk"]["S"],
        "status": image["status"]["S"],
        "total": Decimal(image["total"]["N"]),
        "version": Decimal(image["version"]["N"]),
        "paid": image["paid"]["BOOL"],
        "coupon": None,
        "address": {
            "street": address["street"]["S"],
            "zip": address["zip"]["S"],
            "country": address["country"]["S"],
        },
        "items": [
            {"sku": line["sku"]["S"], "price": Decimal(line["price"]["N"]), "quantity": Decimal(line["quantity"]["N"])}
            for line in (each["M"] for each in image["items"]["L"])
        ],
        "updated_at": image["updated_at"]["S"],
    }


def _same(images: list[dict[str, Any]]) -> int:
    """Return the number of rows. Raises RuntimeError unless all three variants make the same ones."""
    made = {role: list(map(_converter(role), images)) for role in _WAYS}
    if not made["peer"] == made["ours"] == made["floor"]:
        raise RuntimeError("boto3's rows differ from ours")
    return len(images)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"boto3": version("boto3")}


if __name__ == "__main__":
    _main(*sys.argv[1:])
