"""Checks PartiQL's writes as DynamoDB does: keys against the schema, transactions against their rules.

The base emulator stores an item under a key of the wrong type, changes a key in place, and takes transactions that
DynamoDB refuses.
Sources: Amazon DynamoDB Developer Guide, "PartiQL update statements" and "Performing transactions with PartiQL".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

INSERT = Internal("services.dynamodb", "_partiql_insert", ("table", "parsed"))
UPDATE = Internal("services.dynamodb", "_partiql_update", ("table", "parsed", "data"))
DELETE = Internal("services.dynamodb", "_partiql_delete", ("table", "parsed", "data"))
TRANSACTION = Internal("services.dynamodb", "_execute_transaction", ("data",))
PARSE = Internal("services.dynamodb", "_parse_partiql", ("statement", "parameters"))
TABLES = Internal("services.dynamodb", "_tables")
TYPE_MISMATCH = Internal("services.dynamodb", "_key_type_mismatch_reason", ("table", "attrs"))
CHECK_ITEM = Internal("services.dynamodb", "_validate_item", ("item", "pk_name", "sk_name", "size_msg"))
CHECK_INDEXES = Internal("services.dynamodb", "_validate_index_key_values", ("table", "item", "update_expr"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_Table = dict[str, Any]
_Statement = dict[str, Any]


def install() -> None:
    """Check every statement before it runs."""
    insert: Callable[..., Any] = INSERT.current()
    transaction: Callable[..., Any] = TRANSACTION.current()

    def insert_checked(table: _Table, parsed: _Statement) -> Any:
        return _refuse_item(table, _inserted(parsed)) or insert(table, parsed)

    def transaction_checked(data: dict[str, Any]) -> Any:
        return _refuse_transaction(data) or transaction(data)

    INSERT.replace(insert_checked)
    UPDATE.replace(_with_key_checked(UPDATE.current()))
    DELETE.replace(_with_key_checked(DELETE.current()))
    TRANSACTION.replace(transaction_checked)


def _with_key_checked(run: Callable[..., Any]) -> Callable[..., Any]:
    def run_checked(table: _Table, parsed: _Statement, data: dict[str, Any] | None = None) -> Any:
        return _refuse_key(table, parsed) or run(table, parsed, data)

    return run_checked


def _refuse_item(table: _Table, item: dict[str, Any]) -> Any:
    if not item:
        return None  # the base emulator says what is missing
    for name in _keys(table):
        if name not in item:
            return _refused(f"One or more parameter values were invalid: Missing the key {name} in the item")
    mismatch = TYPE_MISMATCH.current()(table, item)
    if mismatch:
        return _refused(mismatch)
    return CHECK_ITEM.current()(item, table["pk_name"], table["sk_name"]) or CHECK_INDEXES.current()(table, item)


def _refuse_key(table: _Table, parsed: _Statement) -> Any:
    """Refuse a statement that changes a key, or compares one with a value of another type."""
    changed = [parts for parts, _ in parsed.get("assignments") or []] + list(parsed.get("removes") or [])
    for name in _keys(table):
        if any(parts[0] == name for parts in changed):
            return _refused(f"Cannot update attribute {name}. This attribute is part of the key")
    mismatch = TYPE_MISMATCH.current()(table, _named(table, parsed))
    return _refused(mismatch) if mismatch else None


def _refuse_transaction(data: dict[str, Any]) -> Any:
    try:
        statements = [
            PARSE.current()(each.get("Statement", ""), each.get("Parameters", []))
            for each in data.get("TransactStatements") or []
        ]
    except ValueError:
        return None  # the base emulator says which statement is wrong
    reads = {parsed["op"] == "SELECT" for parsed in statements}
    if len(reads) > 1:
        return _refused("A transaction consists either of reads or of writes and EXISTS checks")
    if True in reads:
        return None
    items = [item for parsed in statements if (item := _item_of(parsed))]
    if len(set(items)) < len(items):
        return _refused("Transaction request cannot include multiple operations on one item")
    return None


def _item_of(parsed: _Statement) -> tuple[str, str] | None:
    """The table and the key that a statement of a transaction addresses."""
    read = parsed.get("select") or parsed
    table = TABLES.current().get(read["table"])
    if not table:
        return None
    attributes = _inserted(read) if read["op"] == "INSERT" else _named(table, read)
    return read["table"], repr([attributes.get(name) for name in _keys(table)])


def _named(table: _Table, parsed: _Statement) -> dict[str, Any]:
    """The key attributes that a statement's WHERE clause names."""
    conditions = parsed.get("conditions") or []
    return {name: value for name, operator, value in conditions if operator == "=" and name in _keys(table)}


def _inserted(parsed: _Statement) -> dict[str, Any]:
    item: dict[str, Any] = parsed.get("item") or {}
    return item["M"] if set(item) == {"M"} else item


def _keys(table: _Table) -> list[str]:
    return [name for name in (table["pk_name"], table["sk_name"]) if name]


def _refused(message: str) -> Any:
    return ERROR.current()("ValidationException", message, 400)
