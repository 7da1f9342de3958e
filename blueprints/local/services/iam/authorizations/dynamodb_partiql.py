"""PartiQL statements: each needs the action of its kind on the table or index that it names.

ExecuteStatement, BatchExecuteStatement and ExecuteTransaction are no actions of IAM.
Source: Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB".
"""

from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations import dynamodb_keys
from blueprints.local.services.iam.authorizations.call import Authorization, Call

PARSE = Internal("services.dynamodb", "_parse_partiql", ("statement", "parameters"))

OPERATIONS = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
_STATEMENTS = {"BatchExecuteStatement": "Statements", "ExecuteTransaction": "TransactStatements"}
_ACTIONS = {
    "SELECT": "dynamodb:PartiQLSelect",
    "EXISTS": "dynamodb:PartiQLSelect",
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
}
_ENCLOSING = "dynamodb:EnclosingOperation"
_FULL_SCAN = "dynamodb:FullTableScan"


def authorizations(call: Call) -> list[Authorization]:
    """What the statements of a request need; nothing for one that the service refuses, since it cannot be read."""
    member = _STATEMENTS.get(call.operation)
    given = call.objects(member) if member else [call.request]
    return [found for each in given if (found := _of_statement(call, each))]


def _of_statement(call: Call, statement: dict[str, Any]) -> Authorization | None:
    try:
        parsed = PARSE.current()(statement.get("Statement", ""), statement.get("Parameters", []))
    except ValueError:
        return None
    read = parsed.get("select") or parsed
    index = f"/index/{read['index']}" if read.get("index") else ""
    table = str(read["table"])
    arn = table if table.startswith("arn:") else call.arn(f"table/{table}", "dynamodb")
    keys = _keys(parsed["op"], read)
    if call.operation == "ExecuteTransaction":
        keys[_ENCLOSING] = call.operation
    return Authorization(_ACTIONS[parsed["op"]], arn + index, keys)


def _keys(kind: str, parsed: dict[str, Any]) -> dict[str, Any]:
    item = _inserted(parsed)
    compared = _compared(parsed)
    partition = dynamodb_keys.partition_key(parsed["table"], parsed.get("index"))
    leading = [item[partition]] if partition in item else compared.get(partition, [])
    keys: dict[str, Any] = {}
    if leading:
        keys[dynamodb_keys.LEADING_KEYS] = [str(next(iter(value.values()))) for value in leading]
    attributes = [*item, *(name for name in compared if name), *_changed(parsed), *_projected(parsed)]
    if attributes:
        keys[dynamodb_keys.ATTRIBUTES] = list(dict.fromkeys(attributes))
    if kind in ("SELECT", "EXISTS"):
        keys[dynamodb_keys.SELECT] = "SPECIFIC_ATTRIBUTES" if parsed.get("projections") else "ALL_ATTRIBUTES"
        keys[_FULL_SCAN] = str(not leading).lower()
    return keys


def _compared(parsed: dict[str, Any]) -> dict[str | None, list[Any]]:
    """The values to which the WHERE clause says that attributes are equal, by attribute."""
    compared: dict[str | None, list[Any]] = {}
    for name, operator, value in parsed.get("conditions") or []:
        equal = [value] if operator == "=" else value if operator == "IN" else []
        compared.setdefault(name, []).extend(each for each in equal if isinstance(each, dict))
    return compared


def _inserted(parsed: dict[str, Any]) -> dict[str, Any]:
    item = parsed.get("item") or {}
    inner = item["M"] if set(item) == {"M"} else item
    return inner if isinstance(inner, dict) else {}


def _changed(parsed: dict[str, Any]) -> list[str]:
    """The top-level attributes that an UPDATE sets or removes."""
    paths = [parts for parts, _ in parsed.get("assignments") or []] + list(parsed.get("removes") or [])
    return [str(parts[0]) for parts in paths]


def _projected(parsed: dict[str, Any]) -> list[str]:
    return [str(each).split(".")[0].split("[")[0] for each in parsed.get("projections") or []]
