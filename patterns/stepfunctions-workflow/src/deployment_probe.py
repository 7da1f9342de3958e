"""The order that the deployment hooks place: for an article that no stock has, so nothing is taken, paid or shipped."""

import json
import time
from typing import Any

from ledger import key

from blueprints_shared.deployment_hooks import CheckFailed, TimeLeft

_PARTS = ("reservation", "payment", "approval", "shipment")
_POLL_INTERVAL = 0.2  # seconds


def order_for(order_id: str) -> dict[str, Any]:
    """The order; order ids of the hooks begin with `_`."""
    lines = [{"sku": "_probe", "quantity": 1}]
    return {"order_id": order_id, "lines": lines, "amount": 0, "payment_method": "none", "ship_to": "nowhere"}


def check_cancelled(states: Any, execution: str, time_left: TimeLeft) -> None:
    """Wait until the execution (its ARN) has ended, and check that it cancelled the order. Raises CheckFailed."""
    while (found := _describe(states, execution)).get("status", "RUNNING") == "RUNNING":
        if time_left() < _POLL_INTERVAL:
            raise CheckFailed(f"{execution} has not ended in time")
        time.sleep(_POLL_INTERVAL)
    if found["status"] != "SUCCEEDED" or json.loads(found["output"])["status"] != "cancelled":
        raise CheckFailed(f"{execution} did not cancel the order: {found['status']} {found.get('output', '')}")


def remove(dynamodb: Any, table: str, order_id: str) -> None:
    """Remove what the steps wrote about the order."""
    for part in _PARTS:
        dynamodb.delete_item(TableName=table, Key=key(order_id, part))


def _describe(states: Any, execution: str) -> dict[str, Any]:
    try:
        return dict(states.describe_execution(executionArn=execution))
    except states.exceptions.ExecutionDoesNotExist:
        return {}  # it is not started yet
