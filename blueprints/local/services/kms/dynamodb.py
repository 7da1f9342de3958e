"""Tables that are encrypted with a key of KMS: reading and writing items need Decrypt, for the key of the table.

Creating a table, or changing its key, needs what DynamoDB asks of the key for itself, among it CreateGrant.
Source: Amazon DynamoDB Developer Guide, "Encryption at rest: How it works" and "DynamoDB encryption at rest usage
notes"; AWS KMS Developer Guide, "How DynamoDB uses AWS KMS".
"""

from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.kms.encrypted_resources import READING, of_table
from blueprints.local.services.kms.keys import ACCOUNT, REGION, find
from blueprints.local.services.kms.permissions import Encryption, KeyRefused, require_caller

ITEM_OPERATIONS = tuple(
    Internal("services.dynamodb", name, ("data",))
    for name in (
        *("_put_item", "_get_item", "_delete_item", "_update_item", "_query", "_scan"),
        *("_batch_write_item", "_batch_get_item", "_transact_write_items", "_transact_get_items"),
    )
)
STATEMENTS = tuple(
    Internal("services.dynamodb", name, ("data",))
    for name in ("_execute_statement", "_batch_execute_statement", "_execute_transaction")
)
PARSE = Internal("services.dynamodb", "_parse_partiql", ("statement", "parameters"))
CREATE = Internal("services.dynamodb", "_create_table", ("data",))
UPDATE = Internal("services.dynamodb", "_update_table", ("data",))
DESCRIBE_KEY = Internal("services.dynamodb", "_sse_description_from_spec", ("spec",))
TABLES = Internal("services.dynamodb", "_tables")
STREAM_RECORDS = Internal("services.dynamodb_streams", "_get_records", ("data",))
DECODE = Internal("services.dynamodb_streams", "_decode_iterator", ("token",))
ERROR = Internal("core.responses", "error_response_json")

_TABLE_SETUP = ("DescribeKey", "CreateGrant", "Encrypt", "Decrypt", "GenerateDataKey")

_Data = dict[str, Any]
_Operation = Callable[[_Data], Any]


def install() -> None:
    """Check the caller's permission on the key of each table that a request names."""
    for internal in ITEM_OPERATIONS:
        internal.replace(_checking(internal.current(), _named_tables))
    for internal in STATEMENTS:
        internal.replace(_checking(internal.current(), _tables_of_statements))
    STREAM_RECORDS.replace(_checking_stream(STREAM_RECORDS.current()))
    DESCRIBE_KEY.replace(_describing(DESCRIBE_KEY.current()))
    for internal in (CREATE, UPDATE):
        internal.replace(_setting_up(internal.current()))


def _checking(operation: _Operation, tables: Callable[[_Data], Iterator[str]]) -> _Operation:
    def checking(data: _Data) -> Any:
        for name in set(tables(data)):
            table = TABLES.current().get(name.rpartition(":table/")[2])
            encryption = of_table(table) if table else None
            refused = _refusal(encryption, READING) if encryption else None
            if refused:
                return refused
        return operation(data)

    return checking


def _named_tables(data: _Data) -> Iterator[str]:
    if isinstance(data.get("TableName"), str):
        yield data["TableName"]
    if isinstance(data.get("RequestItems"), dict):
        yield from data["RequestItems"]
    for item in data.get("TransactItems") or ():
        for request in item.values() if isinstance(item, dict) else ():
            if isinstance(request, dict) and isinstance(request.get("TableName"), str):
                yield request["TableName"]


def _tables_of_statements(data: _Data) -> Iterator[str]:
    for each in [data, *(data.get("Statements") or ()), *(data.get("TransactStatements") or ())]:
        try:
            yield PARSE.current()(each["Statement"], each.get("Parameters"))["table"]
        except (KeyError, TypeError, ValueError):
            continue  # the service itself refuses it


def _checking_stream(operation: _Operation) -> _Operation:
    def checking(data: _Data) -> Any:
        decoded = DECODE.current()(data.get("ShardIterator") or "") or {}
        table = TABLES.current().get(decoded.get("t"))
        encryption = of_table(table) if table else None
        return (_refusal(encryption, READING) if encryption else None) or operation(data)

    return checking


def _describing(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A table shows the ARN of its key, whatever names the key."""

    def describing(spec: Any) -> Any:
        description = describe(spec)
        if description and description.get("KMSMasterKeyArn"):
            key = find(description["KMSMasterKeyArn"], _here())
            description["KMSMasterKeyArn"] = key.arn if key else description["KMSMasterKeyArn"]
        return description

    return describing


def _setting_up(operation: _Operation) -> _Operation:
    return lambda data: setup_refusal(data) or operation(data)


def setup_refusal(data: _Data) -> Any:
    """The answer that refuses a table's key to the caller of CreateTable or UpdateTable; None if it may be used."""
    specification = data.get("SSESpecification") or {}
    key = specification.get("KMSMasterKeyId") if specification.get("Enabled") else None
    if not key:
        return None
    context = {
        "aws:dynamodb:tableName": str(data.get("TableName")).rpartition(":table/")[2],
        "aws:dynamodb:subscriberId": ACCOUNT.current()(),
    }
    return _refusal(Encryption(key, "dynamodb", _here(), context), _TABLE_SETUP)


def _here() -> str:
    """An ARN of the request's account and Region, in which an id or alias of a key is looked up."""
    return f"arn:aws:dynamodb:{REGION.current()()}:{ACCOUNT.current()()}:table/"


def _refusal(encryption: Encryption, operations: tuple[str, ...]) -> Any:
    try:
        require_caller(encryption, *operations)
    except KeyRefused as refused:
        if refused.reason == "AccessDenied":
            return ERROR.current()("AccessDeniedException", f"KMS key access denied error: {refused}", 400)
        return ERROR.current()("ValidationException", f"KMS validation error: {refused}", 400)
    return None
