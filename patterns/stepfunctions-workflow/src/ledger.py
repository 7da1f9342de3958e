"""The ledger: one table that holds what each step did for an order, and the stock of each article.

    pk             sk            state                                    other attributes
    order#A-1001   reservation   reserved, released                       lines
    order#A-1001   payment       charged, refunded                        amount
    order#A-1001   approval      requested, approved, rejected, expired   token, asked, decided_by
    order#A-1001   shipment      shipped, cancelled
    stock#chair    stock                                                  available

A step changes only its own entry, by a conditional write. Entries are never removed: a step that comes late or twice
finds `released`, `refunded`, `expired` or `cancelled`, and does nothing, even if the compensation came before the step.
"""

from dataclasses import dataclass
from typing import Any

from steps import Unavailable, retriable

from blueprints_shared import clients
from blueprints_shared.settings import load

Entry = dict[str, Any]
"""An entry's attributes as plain values, among them `state`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets."""

    table: str


def open_ledger() -> "Ledger":
    """The ledger of this stack. A call ends within ten seconds, less than the time-out of any function."""
    dynamodb = clients.client("dynamodb", connect_timeout=1, read_timeout=3, attempts=2)
    return Ledger(dynamodb, load(Settings).table)


class Ledger:
    """Reads and writes the table; `dynamodb` is a low-level client. Raises Unavailable for transient errors."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb, self._table = dynamodb, table

    def read(self, order_id: str, part: str) -> Entry:
        """An entry, empty if there is none."""
        with retriable():
            found = self._dynamodb.get_item(TableName=self._table, Key=key(order_id, part), ConsistentRead=True)
        return plain(found.get("Item", {}))

    def create(self, order_id: str, part: str, entry: Entry) -> Entry:
        """Write an entry unless there is one; returns the entry that is there now."""
        try:
            with retriable():
                self._dynamodb.put_item(**self.put(order_id, part, entry)["Put"])
        except self._dynamodb.exceptions.ConditionalCheckFailedException as error:
            return plain(error.response["Item"])
        return entry

    def change(self, order_id: str, part: str, changes: Entry, condition: str = "", **values: Any) -> Entry | None:
        """Change an entry, or create it; returns what it was before (empty if it is new).

        If `condition` is not met, nothing changes, and None is returned. It may use `#state`, the names of the changes
        (`#asked`), and `values` by their names (`:asked`).
        """
        names = {"state", *changes} if "#state" in condition else set(changes)
        call: dict[str, Any] = {
            "TableName": self._table,
            "Key": key(order_id, part),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :new_{name}" for name in changes),
            "ExpressionAttributeNames": {f"#{name}": name for name in sorted(names)},
            "ExpressionAttributeValues": {
                **{f":new_{name}": typed(value) for name, value in changes.items()},
                **{f":{name}": typed(value) for name, value in values.items()},
            },
            "ReturnValues": "ALL_OLD",
        }
        if condition:
            call["ConditionExpression"] = condition
        try:
            with retriable():
                answer = self._dynamodb.update_item(**call)
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return None
        return plain(answer.get("Attributes", {}))

    def transact(self, *writes: dict[str, Any]) -> list[dict[str, Any]]:
        """Make all writes or none. Returns an empty list, or the `Code` and `Item` of each write that was not made.

        Raises Unavailable if a write was in conflict with another transaction.
        """
        try:
            with retriable():
                self._dynamodb.transact_write_items(TransactItems=list(writes))
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons: list[dict[str, Any]] = error.response["CancellationReasons"]
            if {reason["Code"] for reason in reasons} <= {"None", "ConditionalCheckFailed"}:
                return reasons
            raise Unavailable(str(error)) from error
        return []

    # --- writes for `transact` ----------------------------------------------------------------------------------------

    def put(self, order_id: str, part: str, entry: Entry) -> dict[str, Any]:
        """Writes an entry, which must not exist yet."""
        return {
            "Put": {
                "TableName": self._table,
                "Item": {**key(order_id, part), **{name: typed(value) for name, value in entry.items()}},
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def move(self, order_id: str, part: str, before: str, after: str) -> dict[str, Any]:
        """Changes the state of an entry, which must be `before`."""
        states = {":before": typed(before), ":after": typed(after)}
        names = {"#state": "state"}
        return self._update(key(order_id, part), "SET #state = :after", "#state = :before", states, names)

    def take(self, sku: str, quantity: int) -> dict[str, Any]:
        """Takes a quantity of an article out of stock, which must have as much."""
        expression, condition = "SET available = available - :quantity", "available >= :quantity"
        return self._update(stock_key(sku), expression, condition, {":quantity": typed(quantity)})

    def put_back(self, sku: str, quantity: int) -> dict[str, Any]:
        """Puts a quantity of an article back into stock."""
        return self._update(stock_key(sku), "ADD available :quantity", None, {":quantity": typed(quantity)})

    def _update(
        self,
        item: dict[str, Any],
        expression: str,
        condition: str | None,
        values: dict[str, Any],
        names: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        update = {
            "TableName": self._table,
            "Key": item,
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        return {"Update": {name: value for name, value in update.items() if value is not None}}


def key(order_id: str, part: str) -> dict[str, Any]:
    """The key of an entry, as DynamoDB takes it."""
    return {"pk": {"S": f"order#{order_id}"}, "sk": {"S": part}}


def stock_key(sku: str) -> dict[str, Any]:
    """The key of an article's stock."""
    return {"pk": {"S": f"stock#{sku}"}, "sk": {"S": "stock"}}


def typed(value: str | int | dict[str, int]) -> dict[str, Any]:
    """A plain value as DynamoDB takes it."""
    if isinstance(value, dict):
        return {"M": {name: typed(each) for name, each in value.items()}}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def plain(item: dict[str, Any]) -> Entry:
    """An item of DynamoDB as plain values."""
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "M":
        return plain(content)
    return int(content) if kind == "N" else content
