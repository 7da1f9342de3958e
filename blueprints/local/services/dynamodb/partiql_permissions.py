"""Asks IAM for the permission that each PartiQL statement needs, on the table it names.

ExecuteStatement, BatchExecuteStatement and ExecuteTransaction are no IAM actions.
Source: Amazon DynamoDB Developer Guide, "IAM security policies with PartiQL for DynamoDB".
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal

CHECKS = Internal("core.iam_actions", "dynamodb_transaction_checks", ("iam_action", "body", "region", "account_id"))
TABLE_ARN = Internal("core.iam_actions", "_dynamodb_table_arn", ("table", "region", "account_id"))
PARSE = Internal("services.dynamodb", "_parse_partiql", ("statement", "parameters"))

_STATEMENTS_IN = {
    "dynamodb:ExecuteStatement": None,
    "dynamodb:BatchExecuteStatement": "Statements",
    "dynamodb:ExecuteTransaction": "TransactStatements",
}
_ACTIONS = {
    "SELECT": "dynamodb:PartiQLSelect",
    "EXISTS": "dynamodb:PartiQLSelect",
    "INSERT": "dynamodb:PartiQLInsert",
    "UPDATE": "dynamodb:PartiQLUpdate",
    "DELETE": "dynamodb:PartiQLDelete",
}

_Checks = list[tuple[str, str]]


def install() -> None:
    """Check the permissions of PartiQL requests; the base emulator checks those of others."""
    original: Callable[..., _Checks] = CHECKS.current()

    def checks(iam_action: str, body: bytes, region: str, account_id: str) -> _Checks:
        if iam_action not in _STATEMENTS_IN:
            return original(iam_action, body, region, account_id)
        found = (_check(each, region, account_id) for each in _statements(iam_action, body))
        return [each for each in found if each]

    CHECKS.replace(checks)


def _statements(iam_action: str, body: bytes) -> list[dict[str, Any]]:
    try:
        given = read_json(body or b"{}")
    except ValueError:
        return []  # the service itself refuses it
    if not isinstance(given, dict):
        return []
    member = _STATEMENTS_IN[iam_action]
    found = given.get(member) or [] if member else [given]
    return [each for each in found if isinstance(each, dict)]


def _check(statement: dict[str, Any], region: str, account_id: str) -> tuple[str, str] | None:
    """The IAM action and the table's ARN, or None for a statement that the service will refuse."""
    try:
        parsed = PARSE.current()(statement.get("Statement", ""), statement.get("Parameters", []))
    except ValueError:
        return None
    read = parsed.get("select") or parsed
    index = f"/index/{read['index']}" if read.get("index") else ""
    return _ACTIONS[parsed["op"]], TABLE_ARN.current()(read["table"], region, account_id) + index
