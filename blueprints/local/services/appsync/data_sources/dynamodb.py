"""Data sources of type AMAZON_DYNAMODB: runs the operations of resolvers, in the data source's role.

Source: AWS AppSync Developer Guide, "AWS AppSync JavaScript resolver function reference for DynamoDB".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from blueprints.local.services.appsync.data_sources import page_tokens
from blueprints.local.services.appsync.data_sources.attribute_values import from_boto3, to_boto3, unusable
from blueprints.local.services.appsync.data_sources.calls import TIMED_OUT, Call, Outcome, SourceFailed
from blueprints.local.services.appsync.data_sources.roles import Roles
from blueprints.local.services.appsync.records import GraphqlApi

_SECONDS = 30
_CONDITION_FAILED = "ConditionalCheckFailedException"
_CANCELED = "TransactionCanceledException"

_Operation = Mapping[str, Any]


class DynamoDbTables:
    """Calls DynamoDB with the operations of resolvers."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def call(self, api: GraphqlApi, call: Call) -> Outcome:
        """Make one call. Raises SourceFailed."""
        config = call.source.get("dynamodbConfig") or {}
        if config.get("useCallerCredentials") in (True, "true"):
            raise SourceFailed("BadRequestException", "Data sources with useCallerCredentials are not emulated.")
        region = str(config.get("awsRegion") or api.region)
        client = self._roles.client(api, call.source, "dynamodb", region, _SECONDS)
        operation = str(call.operation.get("operation") or "")
        run = _OPERATIONS.get(operation)
        if run is None:
            missing = "Value for field '$[operation]' not found."
            raise unusable(f"The operation {operation} of DynamoDB is not emulated." if operation else missing)
        try:
            return Outcome(run(_Table(client, str(config.get("tableName") or "")), call.operation))
        except ClientError as error:
            raise _failure(error) from None
        except ParamValidationError as error:
            raise unusable(str(error)) from None
        except BotoCoreError as error:
            raise SourceFailed("DynamoDB:AmazonDynamoDBException", f"{TIMED_OUT} ({error})") from None


class _Table:
    """The table of a data source."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def get_item(self, operation: _Operation) -> Any:
        """The item of a key, or None."""
        found = self.client.get_item(TableName=self.name, **_read_parameters(operation))
        return from_boto3(found.get("Item"))

    def put_item(self, operation: _Operation) -> Any:
        """Write an item; returns it."""
        key = _key(operation)
        item = {**to_boto3(operation.get("attributeValues") or {}), **key}
        try:
            self.client.put_item(TableName=self.name, Item=item, **_condition(operation))
        except ClientError as error:
            self._after_failed_condition(error, operation, key, from_boto3(item))
        return from_boto3(item)

    def update_item(self, operation: _Operation) -> Any:
        """Change an item; returns the new item."""
        key = _key(operation)
        update = operation.get("update")
        if not isinstance(update, Mapping):
            raise unusable("Value for field '$[update]' not found.")
        parts = [("UpdateExpression", update), ("ConditionExpression", operation.get("condition"))]
        try:
            changed = self.client.update_item(
                TableName=self.name, Key=key, ReturnValues="ALL_NEW", **_expressions(parts)
            )
        except ClientError as error:
            raise self._with_current_item(error, operation, key) from None
        return from_boto3(changed.get("Attributes"))

    def delete_item(self, operation: _Operation) -> Any:
        """Delete an item; returns the deleted item, or None."""
        key = _key(operation)
        try:
            deleted = self.client.delete_item(
                TableName=self.name, Key=key, ReturnValues="ALL_OLD", **_condition(operation)
            )
        except ClientError as error:
            self._after_failed_condition(error, operation, key, None)
            return None
        return from_boto3(deleted.get("Attributes"))

    def query(self, operation: _Operation) -> Any:
        """A page of the items with a partition key."""
        query = operation.get("query")
        if not isinstance(query, Mapping):
            raise unusable("Value for field '$[query]' not found.")
        parameters = self._page_parameters(operation, [("KeyConditionExpression", query)])
        forward = operation.get("scanIndexForward")
        return self._page(self.client.query(**parameters, ScanIndexForward=forward is None or bool(forward)))

    def scan(self, operation: _Operation) -> Any:
        """A page of all items."""
        parameters = self._page_parameters(operation, [])
        for name, given in (("totalSegments", "TotalSegments"), ("segment", "Segment")):
            if operation.get(name) is not None:
                parameters[given] = int(operation[name])
        return self._page(self.client.scan(**parameters))

    def _page_parameters(self, operation: _Operation, parts: list[tuple[str, Any]]) -> dict[str, Any]:
        parts = [
            *parts,
            ("FilterExpression", operation.get("filter")),
            ("ProjectionExpression", operation.get("projection")),
        ]
        parameters: dict[str, Any] = {"TableName": self.name, **_expressions(parts)}
        if operation.get("index"):
            parameters["IndexName"] = operation["index"]
        if operation.get("limit") is not None:
            parameters["Limit"] = int(operation["limit"])
        if operation.get("consistentRead") is not None:
            parameters["ConsistentRead"] = bool(operation["consistentRead"])
        if operation.get("select"):
            parameters["Select"] = operation["select"]
        if operation.get("nextToken"):
            parameters["ExclusiveStartKey"] = page_tokens.open_token(self.name, str(operation["nextToken"]))
        return parameters

    def _page(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "items": [from_boto3(each) for each in found.get("Items", ())],
            "nextToken": page_tokens.seal(self.name, found.get("LastEvaluatedKey")),
            "scannedCount": found.get("ScannedCount"),
        }

    def _after_failed_condition(self, error: ClientError, operation: _Operation, key: Any, wanted: Any) -> None:
        """Accept a failed condition if the item is already as the operation wants it. Raises SourceFailed otherwise."""
        failure = self._with_current_item(error, operation, key)
        if error.response["Error"]["Code"] != _CONDITION_FAILED:
            raise failure
        ignored = frozenset((operation.get("condition") or {}).get("equalsIgnore") or ())
        if _without(failure.outcome.result, ignored) != _without(wanted, ignored):
            raise failure

    def _with_current_item(self, error: ClientError, operation: _Operation, key: Any) -> SourceFailed:
        """The failure; that of a condition has the item as it is, which AppSync reads for it."""
        if error.response["Error"]["Code"] != _CONDITION_FAILED:
            return _failure(error)
        condition = operation.get("condition") or {}
        if ((condition.get("conditionalCheckFailedHandler") or {}).get("strategy") or "Reject") != "Reject":
            raise unusable("The strategy Custom of conditionalCheckFailedHandler is not emulated.")
        consistent = condition.get("consistentRead") is not False
        found = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=consistent)
        return _failure(error, from_boto3(found.get("Item")))

    def batch_get(self, operation: _Operation) -> Any:
        """Items of several keys of several tables; a missing one is None."""
        asked, keys = {}, {}
        for table, each in _tables(operation).items():
            keys[table] = [to_boto3(key) for key in each.get("keys") or ()]
            asked[table] = {"Keys": keys[table], **_read_options(each)}
        found = self.client.batch_get_item(RequestItems=asked)
        data = {
            table: [_matching(found["Responses"].get(table, ()), key) for key in wanted]
            for table, wanted in keys.items()
        }
        unprocessed = {
            table: [from_boto3(key) for key in each["Keys"]] for table, each in found.get("UnprocessedKeys", {}).items()
        }
        return {"data": data, "unprocessedKeys": {table: unprocessed.get(table, []) for table in keys}}

    def batch_put(self, operation: _Operation) -> Any:
        """Write items of several tables; returns them, and those that were not written."""
        return self._batch_write(operation, "PutRequest", "Item", "unprocessedItems")

    def batch_delete(self, operation: _Operation) -> Any:
        """Delete items of several tables; returns their keys, and those that were not deleted."""
        return self._batch_write(operation, "DeleteRequest", "Key", "unprocessedKeys")

    def _batch_write(self, operation: _Operation, request: str, member: str, unprocessed: str) -> Any:
        items = {table: [to_boto3(each) for each in listed] for table, listed in _tables(operation).items()}
        asked = {table: [{request: {member: each}} for each in listed] for table, listed in items.items()}
        left = self.client.batch_write_item(RequestItems=asked).get("UnprocessedItems", {})
        return {
            "data": {table: [from_boto3(each) for each in listed] for table, listed in items.items()},
            unprocessed: {
                table: [from_boto3(each[request][member]) for each in left.get(table, ())] for table in items
            },
        }

    def transact_get(self, operation: _Operation) -> Any:
        """Items of several keys as of one moment; a missing one is None."""
        asked = [
            {
                "Get": {
                    "TableName": each.get("table"),
                    "Key": _key(each),
                    **_expressions([("ProjectionExpression", each.get("projection"))]),
                }
            }
            for each in _transact_items(operation)
        ]
        found = self.client.transact_get_items(TransactItems=asked)
        return {"items": [from_boto3(each.get("Item")) for each in found["Responses"]], "cancellationReasons": None}

    def transact_write(self, operation: _Operation) -> Any:
        """Write all items or none; returns their keys."""
        items = _transact_items(operation)
        self.client.transact_write_items(TransactItems=[_transact_write_item(each) for each in items])
        return {"keys": [from_boto3(_key(each)) for each in items], "cancellationReasons": None}


_OPERATIONS: Mapping[str, Callable[[_Table, _Operation], Any]] = {
    "GetItem": _Table.get_item,
    "PutItem": _Table.put_item,
    "UpdateItem": _Table.update_item,
    "DeleteItem": _Table.delete_item,
    "Query": _Table.query,
    "Scan": _Table.scan,
    "BatchGetItem": _Table.batch_get,
    "BatchPutItem": _Table.batch_put,
    "BatchDeleteItem": _Table.batch_delete,
    "TransactGetItems": _Table.transact_get,
    "TransactWriteItems": _Table.transact_write,
}


def _key(operation: _Operation) -> dict[str, Any]:
    if not isinstance(operation.get("key"), Mapping):
        raise unusable("Value for field '$[key]' not found.")
    return to_boto3(operation["key"])


def _read_parameters(operation: _Operation) -> dict[str, Any]:
    return {"Key": _key(operation), **_read_options(operation)}


def _read_options(operation: _Operation) -> dict[str, Any]:
    options = _expressions([("ProjectionExpression", operation.get("projection"))])
    if operation.get("consistentRead") is not None:
        options["ConsistentRead"] = bool(operation["consistentRead"])
    return options


def _condition(operation: _Operation) -> dict[str, Any]:
    return _expressions([("ConditionExpression", operation.get("condition"))])


def _expressions(parts: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The parameters for several expressions, which share their names and values."""
    parameters: dict[str, Any] = {}
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    for parameter, part in parts:
        if not isinstance(part, Mapping) or not part.get("expression"):
            continue
        parameters[parameter] = part["expression"]
        names.update(part.get("expressionNames") or {})
        values.update(to_boto3(part.get("expressionValues") or {}))
    if names:
        parameters["ExpressionAttributeNames"] = names
    if values:
        parameters["ExpressionAttributeValues"] = values
    return parameters


def _tables(operation: _Operation) -> Mapping[str, Any]:
    tables = operation.get("tables")
    if not isinstance(tables, Mapping) or not tables:
        raise unusable("Value for field '$[tables]' not found.")
    return tables


def _transact_items(operation: _Operation) -> list[_Operation]:
    items = operation.get("transactItems")
    if not isinstance(items, list) or not items:
        raise unusable("Value for field '$[transactItems]' not found.")
    return items


def _transact_write_item(item: _Operation) -> dict[str, Any]:
    kind, key = item.get("operation"), _key(item)
    condition = item.get("condition")
    returned = {}
    if isinstance(condition, Mapping) and condition.get("returnValuesOnConditionCheckFailure", True):
        returned["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    common = {"TableName": item.get("table"), **returned}
    parts = [("ConditionExpression", condition)]
    if kind == "PutItem":
        put = {**to_boto3(item.get("attributeValues") or {}), **key}
        return {"Put": {**common, "Item": put, **_expressions(parts)}}
    if kind == "UpdateItem":
        return {"Update": {**common, "Key": key, **_expressions([("UpdateExpression", item.get("update")), *parts])}}
    if kind in ("DeleteItem", "ConditionCheck"):
        return {kind.removesuffix("Item"): {**common, "Key": key, **_expressions(parts)}}
    raise unusable(f"The operation {kind} of transactItems is not one of DynamoDB's.")


def _matching(items: Sequence[Mapping[str, Any]], key: Mapping[str, Any]) -> Any:
    found = next((each for each in items if all(each.get(name) == value for name, value in key.items())), None)
    return from_boto3(found)


def _without(item: Any, names: frozenset[str]) -> Any:
    return {name: value for name, value in item.items() if name not in names} if isinstance(item, Mapping) else item


def _failure(error: ClientError, item: Any = None) -> SourceFailed:
    """An error of DynamoDB as AppSync reports it; a transaction's has the reasons in its result."""
    code = str(error.response["Error"]["Code"])
    metadata = error.response.get("ResponseMetadata", {})
    details = (
        f"Service: DynamoDb, Status Code: {metadata.get('HTTPStatusCode')}, Request ID: {metadata.get('RequestId')}"
    )
    result = item
    if code == _CANCELED:
        reasons = error.response.get("CancellationReasons") or ()
        result = {"keys": None, "items": None, "cancellationReasons": [_reason(each) for each in reasons]}
    return SourceFailed(f"DynamoDB:{code}", f"{error.response['Error'].get('Message')} ({details})", result)


def _reason(reason: Mapping[str, Any]) -> dict[str, Any]:
    return {"item": from_boto3(reason.get("Item")), "type": reason.get("Code"), "message": reason.get("Message")}
