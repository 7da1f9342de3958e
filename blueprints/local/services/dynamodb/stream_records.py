"""Puts a record into a table's stream for every write that changes an item, PartiQL's included.

The base emulator writes no records for PartiQL, and takes a set in another order for a change.
Sources: Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams" and "PartiQL for DynamoDB".
"""

from collections.abc import Callable
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from blueprints.local.base.internals import Internal

SET = Internal("services.dynamodb", "_set_item", ("table", "pk_val", "sk_val", "item"))
REMOVE = Internal("services.dynamodb", "_remove_item", ("table", "pk_val", "sk_val"))
EMIT = Internal(
    "services.dynamodb", "_emit_stream_event", ("table_name", "event_name", "old_item", "new_item", "replicate")
)
EQUAL = Internal("services.dynamodb", "_ddb_equals", ("a", "b"))
# BatchExecuteStatement runs each of its statements by the first: they succeed and fail one by one.
STATEMENTS = (
    Internal("services.dynamodb", "_execute_statement", ("data",)),
    Internal("services.dynamodb", "_execute_transaction", ("data",)),
)

_Item = dict[str, Any]
_Change = tuple[str, _Item | None, _Item | None]

_changes: ContextVar[list[_Change] | None] = ContextVar("changes made by the PartiQL request", default=None)


def install() -> None:
    """Record the changes of PartiQL requests, and put them into the stream if the request succeeds."""
    set_item: Callable[..., Any] = SET.current()
    remove_item: Callable[..., Any] = REMOVE.current()

    def set_and_note(table: dict[str, Any], pk_val: str, sk_val: str, item: _Item) -> Any:
        old = set_item(table, pk_val, sk_val, item)
        _note(table, old, item)
        return old

    def remove_and_note(table: dict[str, Any], pk_val: str, sk_val: str) -> Any:
        old = remove_item(table, pk_val, sk_val)
        _note(table, old, None)
        return old

    SET.replace(set_and_note)
    REMOVE.replace(remove_and_note)
    for statement in STATEMENTS:
        statement.replace(_emitting(statement.current()))
    EMIT.replace(_only_of_changes(EMIT.current()))


def _note(table: dict[str, Any], old: _Item | None, new: _Item | None) -> None:
    changes = _changes.get()
    if changes is not None and (old is not None or new is not None):
        changes.append((table["TableName"], old, new))


def _emitting(execute: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """`execute`, with its changes put into the streams once it succeeded: a refused transaction leaves no record."""

    def emitting(data: dict[str, Any]) -> Any:
        changes: list[_Change] = []
        token = _changes.set(changes)
        try:
            answer = execute(data)
        finally:
            _changes.reset(token)
        if answer[0] == HTTPStatus.OK:
            for table_name, old, new in changes:
                event = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
                EMIT.current()(table_name, event, old, new)
        return answer

    return emitting


def _only_of_changes(emit: Callable[..., Any]) -> Callable[..., Any]:
    """`emit`, which drops a MODIFY of equal images, given equal images when they differ in the order of sets alone."""

    def only_of_changes(
        table_name: str, event_name: str, old_item: _Item | None, new_item: _Item | None, replicate: bool = True
    ) -> Any:
        if event_name == "MODIFY" and old_item and new_item and _hold_the_same(old_item, new_item):
            new_item = old_item
        return emit(table_name, event_name, old_item, new_item, replicate)

    return only_of_changes


def _hold_the_same(old: _Item, new: _Item) -> bool:
    if old.keys() != new.keys():
        return False
    equal = EQUAL.current()
    return all(old[name] == new[name] or equal(old[name], new[name]) for name in old)
