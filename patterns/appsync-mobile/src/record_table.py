"""The table: one partition for each audience, and two local indexes, which can be read consistently.

    pk (audience)    sk                listed (index `listing`)    changed (index `changes`)
    user:4f1c        notebook#b-1      notebook#b-1                notebook#0001764340000000#b-1
    group:family     note#n-1          note#b-2#n-1                note#0001764340000017#n-1
    group:family     note#n-2          (deleted)                   note#0001764340000023#n-2

`listing` has the notebooks of an audience and the notes of a notebook; a deleted record leaves it. `changes` has the
records in the order of their last change, so that a client reads only what changed since its last visit.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from refusals import Refused
from versions import Record

from blueprints_shared import clients

NOTEBOOK, NOTE = "notebook", "note"

MAX_RECORD_BYTES = 390_000
"""DynamoDB takes 400 KB; the rest is for keys, bookkeeping and the names of attributes."""

_LONGEST_PK, _LONGEST_SK = 2048, 1024
"""Bytes of keys. DynamoDB answers with an error if a longer one is read."""
_KEYS = ("pk", "sk", "listed", "changed", "kind", "expiresAt")
_LAST_MILLISECOND = 9_999_999_999_999
_PAUSES = (0.05, 0.1, 0.2, 0.4)  # seconds before records are read again that DynamoDB did not read


@dataclass(frozen=True, slots=True)
class Page:
    """Some records in the order of an index."""

    records: list[Record]
    last: str | None
    """The sort key to go on after, or None if there are no more records."""


class RecordTable:
    """Reads and writes records; `dynamodb` is a low-level client, `pause` waits for so many seconds."""

    def __init__(self, dynamodb: Any, table: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._dynamodb, self._table, self._pause = dynamodb, table, pause

    def find(self, audiences: Iterable[str], kind: str, record_id: str) -> Record | None:
        """The record with this id in the first of the audiences that has one."""
        keys = [(audience, kind, record_id) for audience in audiences if _is_key(audience, kind, record_id)]
        found = self.read(keys)
        return next((found[key] for key in keys if key in found), None)

    def read(self, keys: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], Record]:
        """Records by audience, kind and id, without those that do not exist. Reads are consistent."""
        wanted = [{"pk": {"S": pk}, "sk": {"S": _sort_key(kind, one)}} for pk, kind, one in dict.fromkeys(keys)]
        found: dict[tuple[str, str, str], Record] = {}
        pauses = iter(_PAUSES)
        while wanted:
            request = {self._table: {"Keys": wanted[:100], "ConsistentRead": True}}
            answer = self._dynamodb.batch_get_item(RequestItems=request)
            for item in answer["Responses"].get(self._table, ()):
                found[item["pk"]["S"], item["kind"]["S"], item["id"]["S"]] = _record(item)
            if left := answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", []):
                if (seconds := next(pauses, None)) is None:
                    raise TimeoutError(f"DynamoDB did not read {len(left)} records in {len(_PAUSES) + 1} attempts")
                self._pause(seconds)
            wanted = left + wanted[100:]
        return found

    def write(self, kind: str, record: Record, before: int | None, expires_at: int | None = None) -> bool:
        """Write a record unless it has changed since version `before` (None: unless it exists); False if it has.

        `expires_at` is when DynamoDB may remove it, in seconds since 1970. Raises Refused for a record that is too
        large.
        """
        if (size := size_of(record)) > MAX_RECORD_BYTES:
            raise Refused("TooLarge", f"The record has {size} bytes; at most {MAX_RECORD_BYTES} can be stored.")
        item = _typed({**record, **_index_keys(kind, record), "kind": kind, "expiresAt": expires_at})
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if before is not None:
            condition = {
                "ConditionExpression": "#version = :before",
                "ExpressionAttributeNames": {"#version": "_version"},
                "ExpressionAttributeValues": {":before": {"N": str(before)}},
            }
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        except ClientError as error:
            if "ItemCollectionSizeLimitExceeded" in error.response["Error"]["Code"]:
                raise Refused("Full", "The user or group has 10 GB of records, which is the most.") from error
            raise
        return True

    def notebooks(self, audience: str, after: str | None, limit: int) -> Page:
        """The notebooks of an audience, by id."""
        return self._page(audience, "listing", "listed", f"{NOTEBOOK}#", after, limit)

    def notes(self, audience: str, notebook_id: str, after: str | None, limit: int) -> Page:
        """The notes of a notebook, by id."""
        return self._page(audience, "listing", "listed", f"{NOTE}#{notebook_id}#", after, limit)

    def changes(self, audience: str, kind: str, since: int, after: str | None, limit: int) -> Page:
        """Records, deleted ones too, that changed at `since` (milliseconds since 1970) or later, in that order."""
        return self._page(audience, "changes", "changed", f"{kind}#", after, limit, f"{kind}#{_digits(since)}")

    def _page(
        self, audience: str, index: str, key: str, prefix: str, after: str | None, limit: int, first: str | None = None
    ) -> Page:
        """The records whose `key` begins with `prefix`, is not less than `first`, and is greater than `after`."""
        lowest = after + "\0" if after else first or prefix
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=f"pk = :pk AND {key} BETWEEN :lowest AND :highest",
            ExpressionAttributeValues=_typed({":pk": audience, ":lowest": lowest, ":highest": prefix + "\U0010ffff"}),
            ConsistentRead=True,
            Limit=limit,
        )
        items = answer["Items"]
        more = "LastEvaluatedKey" in answer
        return Page([_record(item) for item in items], items[-1][key]["S"] if more and items else None)

    def groups_changed_at(self, caller: str, kind: str, audiences: tuple[str, ...], now: int) -> int:
        """When the caller first synced records of this kind with these audiences in place of others; milliseconds.

        It is 0 for a caller that was never seen with others. Instances that see a caller for the first time at once
        agree, because the first item is written on condition.
        """
        key = {"pk": {"S": audiences[0]}, "sk": {"S": f"seen#{caller}#{kind}"}}
        seen = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        listed = " ".join(audiences)
        if seen and seen["audiences"]["S"] == listed:
            return int(seen["since"]["N"])
        since = now if seen else 0
        item = {**key, "audiences": {"S": listed}, "since": {"N": str(since)}}
        condition = {} if seen else {"ConditionExpression": "attribute_not_exists(pk)"}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return self.groups_changed_at(caller, kind, audiences, now)
        return since

    def shared_value(self, name: str, proposed: str) -> str:
        """The value that all instances of the function share under `name`: `proposed`, if there was none."""
        key = {"pk": {"S": "settings"}, "sk": {"S": name}}
        try:
            answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            if "Item" not in answer:
                item = {**key, "value": {"S": proposed}}
                self._dynamodb.put_item(
                    TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)"
                )
                return proposed
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return str(answer["Item"]["value"]["S"])


def size_of(record: Record) -> int:
    """The bytes of a record's names and values, about as DynamoDB counts them."""
    total = 0
    for name, value in record.items():
        total += len(name) + (size_of(value) if isinstance(value, dict) else len(str(value).encode()))
    return total


def _index_keys(kind: str, record: Record) -> dict[str, Any]:
    listed = f"{kind}#{record['notebookId']}#{record['id']}" if kind == NOTE else f"{kind}#{record['id']}"
    return {
        "pk": record["audience"],
        "sk": _sort_key(kind, record["id"]),
        "listed": None if record["_deleted"] else listed,
        "changed": f"{kind}#{_digits(record['_lastChangedAt'])}#{record['id']}",
    }


def _sort_key(kind: str, record_id: str) -> str:
    return f"{kind}#{record_id}"


def _is_key(audience: str, kind: str, record_id: str) -> bool:
    """Whether DynamoDB can have a record with these keys."""
    return len(audience.encode()) <= _LONGEST_PK and len(_sort_key(kind, record_id).encode()) <= _LONGEST_SK


def _digits(milliseconds: int) -> str:
    """Milliseconds as text that sorts like the number."""
    return f"{max(0, min(milliseconds, _LAST_MILLISECOND)):016d}"


def _record(item: dict[str, Any]) -> Record:
    return {name: value for name, value in _plain(item).items() if name not in _KEYS}


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    return dict(_plain_values(item))


def _plain_values(item: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, typed in item.items():
        kind, value = next(iter(typed.items()))
        if kind == "N":
            yield name, int(value)
        elif kind == "M":
            yield name, _plain(value)
        else:
            yield name, value


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """The values as DynamoDB takes them, without those that are None."""
    return {name: _typed_value(value) for name, value in values.items() if value is not None}


def _typed_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    return {"M": _typed(value)} if isinstance(value, dict) else {"S": value}


def open_table(table: str) -> RecordTable:
    """The table of this stack. A call ends within eight seconds, less than the time-out of the function."""
    return RecordTable(clients.client("dynamodb", connect_timeout=1, read_timeout=3, attempts=2), table)
