"""A DynamoDB client in memory with one table, for the calls and expressions that the ledger uses.

`turn` runs each call; a test may raise there, before or after its effect.
"""

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]
_TOKEN = re.compile(r"attribute_not_exists\(([#\w]+)\)|(OR|AND)|(=|<|>=)|([#:]?\w+)|([()])|\s+")
_SET = re.compile(r"([#\w]+) = (?:([#\w]+) - )?(:\w+)")


class ConditionalCheckFailed(ClientError):
    pass


class TransactionCanceled(ClientError):
    pass


class Exceptions:
    ConditionalCheckFailedException = ConditionalCheckFailed
    TransactionCanceledException = TransactionCanceled


class InMemoryTable:
    def __init__(self) -> None:
        self.exceptions = Exceptions
        self.items: dict[tuple[str, str], Item] = {}
        self.turn: Callable[[Callable[[], Any]], Any] = lambda effect: effect()

    def get(self, pk: str, sk: str) -> Item:
        """An item as plain values; empty if there is none."""
        return {name: _plain(value) for name, value in self.items.get((pk, sk), {}).items()}

    def get_item(self, *, Key: Item, **_: Any) -> Any:
        def effect() -> Any:
            found = self.items.get(_place(Key))
            return {"Item": dict(found)} if found else {}

        return self.turn(effect)

    def put_item(self, **call: Any) -> Any:
        def effect() -> None:
            failed = self._failed({"Put": call})
            if failed is not None:
                raise ConditionalCheckFailed(
                    {"Error": {"Code": "ConditionalCheckFailedException"}, **failed}, "PutItem"
                )
            self._apply({"Put": call})

        return self.turn(effect)

    def update_item(self, **call: Any) -> Any:
        def effect() -> Any:
            if self._failed({"Update": call}) is not None:
                raise ConditionalCheckFailed({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")
            before = dict(self.items.get(_place(call["Key"]), {}))
            self._apply({"Update": call})
            return {"Attributes": before} if before else {}

        return self.turn(effect)

    def transact_write_items(self, *, TransactItems: list[Item]) -> Any:
        def effect() -> None:
            places = [_place(write.get("Put", {}).get("Item") or write["Update"]["Key"]) for write in TransactItems]
            assert len(set(places)) == len(places), "a transaction writes an item twice"
            reasons = [self._failed(write) for write in TransactItems]
            if any(reason is not None for reason in reasons):
                codes = [
                    {"Code": "None"} if reason is None else {"Code": "ConditionalCheckFailed", **reason}
                    for reason in reasons
                ]
                error = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": codes}
                raise TransactionCanceled(error, "TransactWriteItems")
            for write in TransactItems:
                self._apply(write)

        return self.turn(effect)

    def _failed(self, write: Item) -> Item | None:
        """None if the condition of a write is met, otherwise what DynamoDB tells of the item that fails it."""
        ((_, call),) = write.items()
        item = self.items.get(_place(call.get("Item") or call["Key"]), {})
        condition = call.get("ConditionExpression")
        if condition is None or _holds(condition, item, call):
            return None
        wanted = item and call.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        return {"Item": dict(item)} if wanted else {}

    def _apply(self, write: Item) -> None:
        ((kind, call),) = write.items()
        if kind == "Put":
            self.items[_place(call["Item"])] = dict(call["Item"])
            return
        item = self.items.setdefault(_place(call["Key"]), dict(call["Key"]))
        names, values = call.get("ExpressionAttributeNames", {}), call["ExpressionAttributeValues"]
        verb, _, expression = call["UpdateExpression"].partition(" ")
        if verb == "ADD":
            name, value = expression.split()
            item[name] = _number(_plain(item.get(name, {"N": "0"})) + _plain(values[value]))
            return
        for name, minuend, value in _SET.findall(expression):
            given = values[value]
            item[names.get(name, name)] = _number(_plain(item[minuend]) - _plain(given)) if minuend else given


def _holds(condition: str, item: Item, call: Item) -> bool:
    names, values = call.get("ExpressionAttributeNames", {}), call.get("ExpressionAttributeValues", {})

    def operand(name: str) -> str:
        if name.startswith(":"):
            return repr(_plain(values[name]))
        place = names.get(name, name)
        return repr(_plain(item[place])) if place in item else "ABSENT"

    def translated(token: re.Match[str]) -> str:
        absent, word, comparison, name, bracket = token.groups()
        if absent:
            return str(names.get(absent, absent) not in item)
        if name:
            return operand(name)
        return {"OR": " or ", "AND": " and ", "=": "=="}.get(word or comparison, word or comparison or bracket or " ")

    return bool(eval(_TOKEN.sub(translated, condition), {"ABSENT": _Absent()}))


class _Absent:
    """An attribute that does not exist: every comparison with it is false."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False

    __lt__ = __ge__ = __gt__ = __le__ = __eq__


def _place(key: Item) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]


def _plain(value: Item) -> Any:
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: _plain(each) for name, each in content.items()}
    return int(content) if kind == "N" else content


def _number(value: int) -> Item:
    return {"N": str(value)}
