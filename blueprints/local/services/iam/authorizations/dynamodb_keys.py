"""DynamoDB's condition keys: partition keys, attributes and what a request selects and returns.

Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from blueprints.local.base.internals import Internal

TABLES = Internal("services.dynamodb", "_tables")

LEADING_KEYS = "dynamodb:LeadingKeys"
ATTRIBUTES = "dynamodb:Attributes"
SELECT = "dynamodb:Select"
RETURN_VALUES = "dynamodb:ReturnValues"
_CAPACITY = "dynamodb:ReturnConsumedCapacity"

_READS = ("GetItem", "BatchGetItem", "Query", "Scan")
_RETURNING = ("PutItem", "UpdateItem", "DeleteItem")
_EXPRESSIONS = frozenset(
    ("ProjectionExpression", "KeyConditionExpression", "FilterExpression", "ConditionExpression", "UpdateExpression")
)
_BY_ATTRIBUTE = frozenset(("Key", "Item", "KeyConditions", "QueryFilter", "ScanFilter", "Expected", "AttributeUpdates"))
"""Parameters whose members are attributes; the later ones are the legacy form of expressions."""
_NAME = re.compile(r"(?<![.:#\w])#?[A-Za-z_]\w*(?!\w|\s*\()")
"""A top-level attribute or its placeholder in an expression; no value, function or nested attribute."""
_KEYWORDS = frozenset(("and", "or", "not", "between", "in", "set", "remove", "add", "delete"))

Request = Mapping[str, Any]


def of_request(action: str, request: Request) -> dict[str, Any]:
    """The keys of an operation on one table, or of one item of a transaction."""
    keys: dict[str, Any] = {}
    _add_leading(keys, _leading_of_request(request))
    attributes = list(dict.fromkeys(_attributes(request)))
    if attributes:
        keys[ATTRIBUTES] = attributes
    if action in _READS:
        keys[SELECT] = _select(request)
    if action in _RETURNING:
        keys[RETURN_VALUES] = str(request.get("ReturnValues") or "NONE")
    _add_capacity(keys, request)
    return keys


def of_batch(operation: str, table: str, requests: Any, request: Request) -> dict[str, Any]:
    """The keys of the part of a batch that is about one table; `requests` is its member of RequestItems."""
    keys: dict[str, Any] = {}
    reading = requests if isinstance(requests, dict) else {}
    items = _objects(reading.get("Keys")) if operation == "BatchGetItem" else list(_written(requests))
    partition = partition_key(table)
    _add_leading(keys, [_value(item[partition]) for item in items if partition in item])
    attributes = list(dict.fromkeys((*(name for item in items for name in item), *_attributes(reading))))
    if attributes:
        keys[ATTRIBUTES] = attributes
    if operation in _READS:
        keys[SELECT] = _select(reading)
    _add_capacity(keys, request)
    return keys


def partition_key(table: object, index: object = None) -> str | None:
    """The name of the partition key of a table, named by its name or ARN, or of an index of it."""
    if not isinstance(table, str):
        return None
    found = TABLES.current().get(table.rpartition("/")[2]) or {}
    for each in found.get("GlobalSecondaryIndexes") or []:
        if index and each.get("IndexName") == index:
            return next((key["AttributeName"] for key in each["KeySchema"] if key["KeyType"] == "HASH"), None)
    name = found.get("pk_name")
    return str(name) if name else None


def _leading_of_request(request: Request) -> list[str]:
    partition = partition_key(request.get("TableName"), request.get("IndexName"))
    if partition is None:
        return []
    for member in ("Key", "Item"):
        item = request.get(member)
        if isinstance(item, dict) and partition in item:
            return [_value(item[partition])]
    return [_value(value) for value in _compared_with_equals(partition, request)]


def _compared_with_equals(name: str, request: Request) -> Iterator[Any]:
    """The values to which a query compares its partition key, in an expression or in the legacy KeyConditions."""
    legacy = request.get("KeyConditions")
    if isinstance(legacy, dict) and isinstance(legacy.get(name), dict):
        yield from legacy[name].get("AttributeValueList") or []
    expression = request.get("KeyConditionExpression")
    if not isinstance(expression, str):
        return
    placeholders, values = _object(request, "ExpressionAttributeNames"), _object(request, "ExpressionAttributeValues")
    written = "|".join(
        re.escape(each) for each in (name, *(key for key, value in placeholders.items() if value == name))
    )
    for found in re.finditer(rf"(?<![.:#\w])(?:{written})\s*=\s*(:\w+)", expression):
        if found[1] in values:
            yield values[found[1]]


def _attributes(request: Request) -> Iterator[str]:
    """The top-level attributes that a request names."""
    for member, value in request.items():
        if member in _BY_ATTRIBUTE and isinstance(value, dict):
            yield from value
        elif member in _EXPRESSIONS and isinstance(value, str):
            yield from _named_in(value, _object(request, "ExpressionAttributeNames"))
        elif member == "AttributesToGet":
            yield from (name for name in _list(value) if isinstance(name, str))


def _named_in(expression: str, names: Mapping[str, Any]) -> Iterator[str]:
    for found in _NAME.findall(expression):
        if found.lower() not in _KEYWORDS:
            yield str(names.get(found, found))


def _select(request: Request) -> str:
    """What a read selects; without the parameter, as DynamoDB chooses it."""
    given = request.get("Select")
    if isinstance(given, str) and given:
        return given
    if request.get("ProjectionExpression") or request.get("AttributesToGet"):
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_PROJECTED_ATTRIBUTES" if request.get("IndexName") else "ALL_ATTRIBUTES"


def _written(requests: Any) -> Iterator[dict[str, Any]]:
    """The items and keys that a batch puts and deletes."""
    for each in _objects(requests):
        for member, part in (("PutRequest", "Item"), ("DeleteRequest", "Key")):
            item = _object(_object(each, member), part)
            if item:
                yield item


def _value(attribute: Any) -> str:
    """The value of an attribute such as `{"S": "x"}` as conditions compare it: text, number or base64."""
    value = next(iter(attribute.values()), "") if isinstance(attribute, dict) else attribute
    return str(value)


def _add_leading(keys: dict[str, Any], values: Iterable[str]) -> None:
    found = list(dict.fromkeys(values))
    if found:
        keys[LEADING_KEYS] = found


def _add_capacity(keys: dict[str, Any], request: Request) -> None:
    if isinstance(request.get("ReturnConsumedCapacity"), str):
        keys[_CAPACITY] = request["ReturnConsumedCapacity"]


def _object(request: Request, member: str) -> dict[str, Any]:
    value = request.get(member)
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
