"""Records the metrics of AWS/DynamoDB: requests by table and operation, errors, and the capacity they consume.

Source: Amazon DynamoDB Developer Guide, "DynamoDB metrics and dimensions".
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Dimensions, Scope, Value, record

CAPACITY = Internal(
    "services.dynamodb",
    "_add_consumed_capacity",
    ("result", "data", "table_name", "write", "old_item", "new_item", "index_name"),
)
PARSE = Internal("services.dynamodb", "_parse_partiql", ("statement", "parameters"))
# Those that say what they consumed through CAPACITY.
SINGLE = {
    "PutItem": Internal("services.dynamodb", "_put_item", ("data",)),
    "GetItem": Internal("services.dynamodb", "_get_item", ("data",)),
    "UpdateItem": Internal("services.dynamodb", "_update_item", ("data",)),
    "DeleteItem": Internal("services.dynamodb", "_delete_item", ("data",)),
    "Query": Internal("services.dynamodb", "_query", ("data",)),
    "Scan": Internal("services.dynamodb", "_scan", ("data",)),
}
OTHERS = {
    "BatchGetItem": Internal("services.dynamodb", "_batch_get_item", ("data",)),
    "BatchWriteItem": Internal("services.dynamodb", "_batch_write_item", ("data",)),
    "TransactGetItems": Internal("services.dynamodb", "_transact_get_items", ("data",)),
    "TransactWriteItems": Internal("services.dynamodb", "_transact_write_items", ("data",)),
    "ExecuteStatement": Internal("services.dynamodb", "_execute_statement", ("data",)),
    "BatchExecuteStatement": Internal("services.dynamodb", "_batch_execute_statement", ("data",)),
    "ExecuteTransaction": Internal("services.dynamodb", "_execute_transaction", ("data",)),
}

_NAMESPACE = "AWS/DynamoDB"
_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
_WANTED, _CONSUMED = "ReturnConsumedCapacity", "ConsumedCapacity"
_CONDITION_FAILED, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
_CANCELLED = "TransactionCanceledException"
_THROTTLED = ("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded")

_recorded: ContextVar[bool] = ContextVar("recorded", default=False)
"""Whether a request is being recorded."""

_Data = dict[str, Any]
_Answer = tuple[int, Any, Any]
_Operation = Callable[[_Data], _Answer]


def install() -> None:
    """Record every request for items, also those that services make."""
    CAPACITY.replace(_recording_capacity(CAPACITY.current()))
    for name, internal in SINGLE.items():
        internal.replace(_recording(name, internal.current(), internal.current()))
    for name, internal in OTHERS.items():
        internal.replace(_recording(name, internal.current(), _telling_capacity(name, internal.current())))


def record_expired_item(table_name: str) -> None:
    """Record that an item was deleted because its time to live had passed."""
    record(_NAMESPACE, [{"TableName": table_name}], [("TimeToLiveDeletedItemCount", 1.0, "Count")])


def record_stream_read(stream_arn: str, records: int, size: int, scope: Scope) -> None:
    """Record that records of a table's stream were read; `size` is in bytes."""
    parts = stream_arn.rpartition(":table/")[2].split("/")
    dimensions = {"TableName": parts[0], "StreamLabel": parts[-1], "Operation": "GetRecords"}
    values = [("ReturnedRecordsCount", records, "Count"), ("ReturnedBytes", size, "Bytes")]
    record(_NAMESPACE, [dimensions], values, scope)


def _recording(name: str, operation: _Operation, telling_capacity: _Operation) -> _Operation:
    def recorded(data: _Data) -> _Answer:
        if _recorded.get():
            return operation(data)  # a part of a batch, which is recorded as one request
        token = _recorded.set(True)
        begun = time.monotonic()
        try:
            answer = telling_capacity(data)
        finally:
            _recorded.reset(token)
        milliseconds = (time.monotonic() - begun) * 1000
        tables = tables_of(name, data)
        if answer[0] == HTTPStatus.OK:
            by_operation = [{"TableName": table, "Operation": name} for table in tables]
            record(_NAMESPACE, by_operation, [("SuccessfulRequestLatency", milliseconds, "Milliseconds")])
        else:
            _record_failure(name, tables, answer)
        return answer

    return recorded


def tables_of(operation: str, data: _Data) -> list[str]:
    """The names of the tables that a request is about."""
    if "RequestItems" in data:
        named: Iterable[Any] = data["RequestItems"] or ()
    elif "TransactItems" in data:
        actions = (each for item in data["TransactItems"] or () for each in item.values())
        named = (each.get("TableName") for each in actions if isinstance(each, dict))
    elif operation == "ExecuteStatement":
        named = [_table_of_statement(data)]
    elif "Statements" in data or "TransactStatements" in data:
        named = map(_table_of_statement, data.get("Statements") or data.get("TransactStatements") or ())
    else:
        named = [data.get("TableName")]
    return list(dict.fromkeys(str(each).rpartition("/")[2] for each in named if each))


def _table_of_statement(statement: _Data) -> str | None:
    try:
        parsed = PARSE.current()(statement.get("Statement", ""), statement.get("Parameters", []))
    except (ValueError, AttributeError, TypeError):
        return None
    return str((parsed.get("select") or parsed)["table"])


def _record_failure(operation: str, tables: Sequence[str], answer: _Answer) -> None:
    status, headers, body = answer
    code = str(headers.get("x-amzn-errortype") or _error(body).get("__type") or "").rpartition("#")[2]
    by_table: list[Dimensions] = [{"TableName": table} for table in tables]
    by_operation: list[Dimensions] = [{"TableName": table, "Operation": operation} for table in tables]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        record(_NAMESPACE, by_operation, [("SystemErrors", 1.0, "Count")])
    elif code in _THROTTLED:
        record(_NAMESPACE, by_operation, [("ThrottledRequests", 1.0, "Count")])
        kind = "Read" if operation in _READS else "Write"
        record(_NAMESPACE, by_table, [(f"{kind}ThrottleEvents", 1.0, "Count")])
    elif values := _failed_conditions(code, body):
        record(_NAMESPACE, by_table, values)
    else:
        record(_NAMESPACE, [{}], [("UserErrors", 1.0, "Count")])


def _failed_conditions(code: str, body: Any) -> list[Value]:
    """Of a request that failed because of a condition, or of a cancelled transaction: why, with the number of times."""
    if code == _CANCELLED:
        reasons = [str(each.get("Code")) for each in _error(body).get("CancellationReasons") or ()]
    else:
        reasons = [code.removesuffix("Exception")]
    failed, conflicts = reasons.count(_CONDITION_FAILED), reasons.count(_CONFLICT)
    values = (("ConditionalCheckFailedRequests", failed, "Count"), (_CONFLICT, conflicts, "Count"))
    return [each for each in values if each[1]]


def _error(body: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _recording_capacity(add: Callable[..., None]) -> Callable[..., None]:
    def recorded(
        result: _Data,
        data: _Data,
        table_name: str,
        write: bool = False,
        old_item: Any = None,
        new_item: Any = None,
        index_name: str | None = None,
    ) -> None:
        counted: _Data = {}
        add(counted, {**data, _WANTED: "INDEXES"}, table_name, write, old_item, new_item, index_name)
        _record_capacity([counted[_CONSUMED]], "Write" if write else "Read")
        if "Count" in result:
            operation = "Query" if "KeyConditionExpression" in data or "KeyConditions" in data else "Scan"
            dimensions = {"TableName": table_name, "Operation": operation}
            record(_NAMESPACE, [dimensions], [("ReturnedItemCount", result["Count"], "Count")])
        add(result, data, table_name, write, old_item, new_item, index_name)

    return recorded


def _telling_capacity(name: str, operation: _Operation) -> _Operation:
    """Ask for the consumed capacity, record it, and leave it out of an answer to a client that did not ask."""

    def told(data: _Data) -> _Answer:
        asked = data.get(_WANTED, "NONE") != "NONE"
        status, headers, body = operation(data if asked else {**data, _WANTED: "INDEXES"})
        if status != HTTPStatus.OK:
            return status, headers, body
        content = json.loads(body)
        consumed = content.get(_CONSUMED) or []
        _record_capacity(consumed if isinstance(consumed, list) else [consumed], _kind(name, data))
        if asked or _CONSUMED not in content:
            return status, headers, body
        del content[_CONSUMED]
        return status, headers, json.dumps(content, ensure_ascii=False).encode()

    return told


def _kind(operation: str, data: _Data) -> str:
    statements = data.get("Statements") or data.get("TransactStatements") or [data]
    reads = all(str(each.get("Statement", "")).lstrip().upper().startswith("SELECT") for each in statements)
    return "Read" if operation in _READS or reads else "Write"


def _record_capacity(consumed: Iterable[Mapping[str, Any]], kind: str) -> None:
    """Record consumed units of tables and of their global indexes; `kind` is Read or Write."""
    name = f"Consumed{kind}CapacityUnits"
    for each in consumed:
        table = str(each["TableName"])
        indexes = {index: _units(units) for index, units in (each.get("GlobalSecondaryIndexes") or {}).items()}
        record(_NAMESPACE, [{"TableName": table}], [(name, _units(each) - sum(indexes.values()), "Count")])
        for index, units in indexes.items():
            record(_NAMESPACE, [{"TableName": table, "GlobalSecondaryIndexName": index}], [(name, units, "Count")])


def _units(consumed: Mapping[str, Any]) -> float:
    return float(consumed.get("CapacityUnits") or 0.0)
