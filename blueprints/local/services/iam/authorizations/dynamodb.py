"""Amazon DynamoDB and its streams: tables and indexes, the tables of batches, the items of transactions, streams.

Sources: Service Authorization Reference, "Amazon DynamoDB"; DynamoDB Developer Guide, "Using IAM with DynamoDB backup
and restore".
"""

from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations import dynamodb_keys, dynamodb_partiql
from blueprints.local.services.iam.authorizations.call import Authorization, Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

MORE_TABLES = Internal("core.iam_actions", "dynamodb_resource_arns", ("body", "region", "account_id"))
TRANSACTION_ITEMS = Internal(
    "core.iam_actions", "dynamodb_transaction_checks", ("iam_action", "body", "region", "account_id")
)
KEYS = Internal("core.iam_actions", "dynamodb_service_context", ("body",))
DECODE_ITERATOR = Internal("services.dynamodb_streams", "_decode_iterator", ("token",))

_TRANSACTION_ACTIONS = {
    "ConditionCheck": "ConditionCheckItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Get": "GetItem",
}
_RESTORING = ("BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
"""What a restoration does to the new table, for which the caller needs permission."""


def table_arn(call: Call, table: object, index: object = None) -> str:
    """The ARN of a table, which a request names by its name or ARN, or of an index of it; `*` without a table."""
    if not isinstance(table, str) or not table:
        return "*"
    arn = table if table.startswith("arn:") else call.arn(f"table/{table}", "dynamodb")
    return f"{arn}/index/{index}" if isinstance(index, str) and index else arn


def _table(call: Call) -> str:
    return table_arn(call, call.request.get("TableName"))


def _table_or_index(call: Call) -> str:
    return table_arn(call, call.request.get("TableName"), call.request.get("IndexName"))


def _named(parameter: str) -> Any:
    """The resource whose ARN a parameter of the request gives."""
    return lambda call: call.text(parameter) or "*"


def _global_table(call: Call) -> str:
    return f"arn:aws:dynamodb::{call.account}:global-table/{call.text('GlobalTableName')}"


def _target(call: Call) -> str:
    return table_arn(call, call.request.get("TargetTableName"))


def _restored(call: Call) -> str:
    return call.text("SourceTableArn") or table_arn(call, call.request.get("SourceTableName"))


def _imported(call: Call) -> str:
    parameters = call.request.get("TableCreationParameters")
    return table_arn(call, parameters.get("TableName") if isinstance(parameters, dict) else None)


def _batch(call: Call) -> list[Authorization]:
    """The batch on each of its tables."""
    tables = call.request.get("RequestItems")
    return [
        Authorization(
            f"dynamodb:{call.operation}",
            table_arn(call, table),
            dynamodb_keys.of_batch(call.operation, table, requests, call.request),
        )
        for table, requests in (tables.items() if isinstance(tables, dict) else ())
    ]


def _transaction(call: Call) -> list[Authorization]:
    """Each item of a transaction as the operation on a single item; a transaction is no action of its own."""
    return [
        Authorization(
            f"dynamodb:{action}",
            table_arn(call, item[member].get("TableName")),
            {
                **dynamodb_keys.of_request(action, item[member]),
                "dynamodb:EnclosingOperation": call.operation,
            },
        )
        for item in call.objects("TransactItems")
        for member, action in _TRANSACTION_ACTIONS.items()
        if isinstance(item.get(member), dict)
    ]


def _item_keys(call: Call) -> Mapping[str, Any]:
    return dynamodb_keys.of_request(call.operation, call.request)


_ON_ITEMS = ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
_WITHOUT_RESOURCE = (
    "DescribeEndpoints",
    "DescribeLimits",
    "ListBackups",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
    "ListTables",
)

_OPERATIONS: Operations = {
    **{name: (Needs(name, any_resource),) for name in _WITHOUT_RESOURCE},
    **{name: (Needs(name, _table, keys=_item_keys),) for name in _ON_ITEMS},
    **{name: (Needs(name, _table_or_index, keys=_item_keys),) for name in ("Query", "Scan")},
    **{name: (Needs(name, _table_or_index),) for name in ("DescribeContributorInsights", "UpdateContributorInsights")},
    **{name: (Needs(name, _named("BackupArn")),) for name in ("DescribeBackup", "DeleteBackup")},
    **{
        name: (Needs(name, _named("ResourceArn")),)
        for name in (
            "TagResource",
            "UntagResource",
            "ListTagsOfResource",
            "GetResourcePolicy",
            "PutResourcePolicy",
            "DeleteResourcePolicy",
        )
    },
    **{
        name: (Needs(name, _global_table),)
        for name in (
            "CreateGlobalTable",
            "DescribeGlobalTable",
            "DescribeGlobalTableSettings",
            "UpdateGlobalTable",
            "UpdateGlobalTableSettings",
        )
    },
    "CreateTable": (
        Needs("CreateTable", _table),
        Needs("PutResourcePolicy", _table, when=lambda call: call.has("ResourcePolicy")),
    ),
    "RestoreTableFromBackup": (
        Needs("RestoreTableFromBackup", _named("BackupArn")),
        *(Needs(action, _target) for action in _RESTORING),
    ),
    "RestoreTableToPointInTime": (
        Needs("RestoreTableToPointInTime", _restored),
        *(Needs(action, _target) for action in _RESTORING),
    ),
    "ExportTableToPointInTime": (Needs("ExportTableToPointInTime", _named("TableArn")),),
    "DescribeExport": (Needs("DescribeExport", _named("ExportArn")),),
    "ImportTable": (Needs("ImportTable", _imported),),
    "DescribeImport": (Needs("DescribeImport", _named("ImportArn")),),
}
_OF_SINGLE_TABLES = by_operation("dynamodb", _OPERATIONS, default=_table)
_OF_SEVERAL = {
    "BatchGetItem": _batch,
    "BatchWriteItem": _batch,
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
    **dict.fromkeys(dynamodb_partiql.OPERATIONS, dynamodb_partiql.authorizations),
}


def _of_tables(call: Call) -> list[Authorization]:
    return _OF_SEVERAL.get(call.operation, _OF_SINGLE_TABLES)(call)


def _stream_of_iterator(call: Call) -> str:
    """An iterator has its stream's ARN in it."""
    decoded = DECODE_ITERATOR.current()(call.text("ShardIterator")) or {}
    return str(decoded.get("arn") or "*")


_OF_STREAMS: Operations = {
    "ListStreams": (Needs("ListStreams", any_resource),),
    "GetRecords": (Needs("GetRecords", _stream_of_iterator),),
}

SERVICES = {
    "dynamodb": _of_tables,
    "dynamodbstreams": by_operation("dynamodb", _OF_STREAMS, default=_named("StreamArn")),
}
SUPERSEDED = {
    MORE_TABLES: lambda body, region, account_id: [],  # noqa: ARG005 - the internal's signature
    TRANSACTION_ITEMS: lambda iam_action, body, region, account_id: [],  # noqa: ARG005
    KEYS: lambda body: {},  # noqa: ARG005
}
