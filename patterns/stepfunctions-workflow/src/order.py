"""An order, as it comes in: checked once, before anything is done for it."""

import re
from collections.abc import Callable
from typing import Any

_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,72}")
_SKU = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_MOST_LINES = 50  # one transaction reserves them all; DynamoDB takes 100 writes in one
_MOST_QUANTITY = 1_000_000
_MOST_AMOUNT = 10**12  # in the smallest unit of the currency
_TEXT = re.compile(r".{1,2000}", re.DOTALL)  # a state machine's input has up to 256 KB
CANCEL = "_cancel"
"""Ends the names of executions that cancel an order."""


class InvalidOrder(ValueError):
    """The order cannot be placed, now or later; the message says why."""


def parse(message: Any) -> dict[str, Any]:
    """The input of the state machine for a message: an order, or `{"order_id": …, "cancel": true}`.

    Raises InvalidOrder.
    """
    if not isinstance(message, dict):
        raise InvalidOrder("it is not a JSON object")
    order_id = _value(message, "order_id", str, "text")
    if not _ORDER_ID.fullmatch(order_id) or order_id.endswith(CANCEL):
        raise InvalidOrder(f"order_id is not 1 to 72 letters, digits, - and _ that do not end with {CANCEL}")
    if message.get("cancel", False) not in (True, False):
        raise InvalidOrder("cancel is not true or false")
    if message.get("cancel"):
        return {"cancel": True, "order": {"order_id": order_id}}
    order = {
        "order_id": order_id,
        "lines": _lines(message),
        "amount": _value(
            message, "amount", int, f"a whole number from 0 to {_MOST_AMOUNT}", lambda n: 0 <= n <= _MOST_AMOUNT
        ),
        "payment_method": _value(message, "payment_method", str, "text of 1 to 2000 characters", _TEXT.fullmatch),
        "ship_to": _value(message, "ship_to", str, "text of 1 to 2000 characters", _TEXT.fullmatch),
    }
    return {"cancel": False, "order": order}


def _lines(message: dict[str, Any]) -> list[dict[str, Any]]:
    lines = _value(message, "lines", list, f"a list of 1 to {_MOST_LINES}", lambda found: 0 < len(found) <= _MOST_LINES)
    read = [_line(line) for line in lines]
    if len({line["sku"] for line in read}) < len(read):
        raise InvalidOrder("lines name an article twice")
    return read


def _line(line: Any) -> dict[str, Any]:
    if not isinstance(line, dict):
        raise InvalidOrder("lines has an item that is not an object")
    quantity = f"a whole number from 1 to {_MOST_QUANTITY}"
    return {
        "sku": _value(line, "sku", str, "1 to 100 letters, digits, _, . and -", _SKU.fullmatch),
        "quantity": _value(line, "quantity", int, quantity, lambda found: 1 <= found <= _MOST_QUANTITY),
    }


def _value(parent: dict[str, Any], name: str, kind: type, words: str, test: Callable[[Any], Any] | None = None) -> Any:
    value = parent.get(name)
    if not isinstance(value, kind) or isinstance(value, bool) or (test and not test(value)):
        raise InvalidOrder(f"{name} is not {words}")
    return value
