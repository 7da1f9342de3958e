"""A DynamoDB client in memory with one table, for the calls and expressions that RecordTable makes.

Each write and each page goes through `turn`, which a simulation replaces to let others act in between, or to raise
before or after the effect. Pages may be cut anywhere, as DynamoDB cuts them after 1 MB, and a batch may come in parts.
"""

import random
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, Any]

INDEXES = {"listing": "listed", "changes": "changed"}


class ConditionalCheckFailed(ClientError):
    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")


class Exceptions:
    ConditionalCheckFailedException = ConditionalCheckFailed


class InMemoryTable:
    def __init__(self, chance: random.Random | None = None) -> None:
        self.exceptions = Exceptions
        self.items: dict[tuple[str, str], Item] = {}
        self.chance = chance
        self.turn: Callable[[Callable[[], Any]], Any] = lambda effect: effect()
        self.written: Callable[[Item | None, Item], None] = lambda before, after: None
        self.queries = 0

    def put_item(self, *, TableName: str, Item: Item, ConditionExpression: str = "", **values: Any) -> Item:
        def effect() -> Item:
            place = _place(Item)
            stored = self.items.get(place)
            if not _holds(ConditionExpression, stored, values):
                raise ConditionalCheckFailed
            self.items[place] = Item
            self.written(stored, Item)
            return {}

        return self.turn(effect)

    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool) -> Item:
        assert ConsistentRead
        found = self.items.get(_place(Key))
        return {"Item": found} if found else {}

    def batch_get_item(self, *, RequestItems: Item) -> Item:
        ((table, request),) = RequestItems.items()
        assert request["ConsistentRead"]
        keys = request["Keys"]
        assert 0 < len(keys) <= 100, "DynamoDB takes up to 100 keys"
        assert len({_place(key) for key in keys}) == len(keys), "DynamoDB refuses a key that is given twice"
        read, left = self._cut(keys)
        found = [self.items[_place(key)] for key in read if _place(key) in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {table: {"Keys": left}} if left else {}}

    def query(
        self,
        *,
        TableName: str,
        IndexName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Item,
        ConsistentRead: bool,
        Limit: int,
    ) -> Item:
        key = INDEXES[IndexName]
        assert KeyConditionExpression == f"pk = :pk AND {key} BETWEEN :lowest AND :highest"
        assert ConsistentRead
        assert Limit > 0
        pk, lowest, highest = (ExpressionAttributeValues[name]["S"] for name in (":pk", ":lowest", ":highest"))

        def effect() -> Item:
            self.queries += 1
            partition = (item for (place, _), item in self.items.items() if place == pk and key in item)
            found = [item for item in partition if lowest <= item[key]["S"] <= highest]
            read, _ = self._cut(sorted(found, key=lambda item: item[key]["S"])[:Limit])
            # DynamoDB also gives a last key after a page that is full, though nothing may follow.
            more = len(read) < len(found) or len(read) == Limit
            return {"Items": read, **({"LastEvaluatedKey": {}} if more else {})}

        return self.turn(effect)

    def expire(self, seconds: float, is_removed: Callable[[], bool] = lambda: True) -> None:
        """Remove items whose time is over, as DynamoDB does some time later: those that `is_removed` chooses."""
        for place, item in list(self.items.items()):
            if "expiresAt" in item and int(item["expiresAt"]["N"]) < seconds and is_removed():
                del self.items[place]

    def _cut(self, items: list[Any]) -> tuple[list[Any], list[Any]]:
        """A first part, and the rest."""
        if self.chance is None or len(items) < 2 or self.chance.random() < 0.7:
            return items, []
        at = self.chance.randint(1, len(items))
        return items[:at], items[at:]


def _place(key: Item) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]


def _holds(condition: str, stored: Item | None, values: Item) -> bool:
    if condition in ("", "attribute_not_exists(pk)"):
        return not condition or stored is None
    assert condition == "#version = :before", f"the table does not know the condition {condition}"
    name = values["ExpressionAttributeNames"]["#version"]
    return stored is not None and stored.get(name) == values["ExpressionAttributeValues"][":before"]
