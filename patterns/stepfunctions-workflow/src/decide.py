"""A person approves or rejects an order: keep the decision, and wake its state machine."""

from typing import Any

from botocore.exceptions import ClientError
from ledger import open_ledger
from steps import retriable

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit

_DECISIONS = {"approve": "approved", "reject": "rejected"}
_METRICS = {"approved": "ApprovalsGiven", "rejected": "ApprovalsRefused"}
# The attempt that waited with this token has ended; the next one finds the decision in the ledger.
_NOBODY_WAITS = ("InvalidToken", "TaskDoesNotExist", "TaskTimedOut")
_MESSAGES = {
    "approved": "The order is approved.",
    "rejected": "The order is rejected; payment and stock are given back.",
    "expired": "Too late: nobody decided in time, so the order is cancelled.",
    "cancelled": "Too late: the order is cancelled.",
    "unknown": "No approval is requested for this order.",
}

logger = Logger()
metrics = Metrics()
ledger = open_ledger()
states = client("stepfunctions", connect_timeout=1, read_timeout=3, attempts=2)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Decide on an order: `{"order_id": …, "decision": "approve" or "reject", "by": …}`; `by` may be left out.

    Answers with `outcome`: what holds now, which may be an earlier decision. Raises ValueError for a malformed event.
    """
    decision = _DECISIONS.get(str(event.get("decision")))
    order_id = event.get("order_id")
    if decision is None or not isinstance(order_id, str) or not order_id:
        raise ValueError('write {"order_id": "…", "decision": "approve"}, or "reject"')
    outcome, changed = decide(order_id, decision, str(event.get("by", "")))
    logger.info("decision", extra={"order_id": order_id, "asked_for": decision, "outcome": outcome, "changed": changed})
    return {"order_id": order_id, "outcome": outcome, "changed": changed, "message": _MESSAGES[outcome]}


def decide(order_id: str, decision: str, by: str) -> tuple[str, bool]:
    """Keep the decision unless there is one, and wake the state machine.

    Returns what holds now, and whether this call changed it.
    """
    if ledger.read(order_id, "shipment").get("state") == "cancelled":
        return "cancelled", False
    decided = {"state": decision, "decided_by": by}
    before = ledger.change(order_id, "approval", decided, "#state = :requested", requested="requested")
    approval = before or ledger.read(order_id, "approval")
    if before:
        metrics.add_metric(_METRICS[decision], MetricUnit.Count, 1)
    elif approval.get("state") not in _METRICS:
        return approval.get("state", "unknown"), False
    # Also after an earlier decision: the call that made it may have failed before it woke the state machine.
    wake(approval["token"])
    return (decision if before else approval["state"]), bool(before)


def wake(token: str) -> None:
    """Tell the state machine to look into the ledger."""
    try:
        with retriable():
            states.send_task_success(taskToken=token, output="{}")
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOBODY_WAITS:
            raise
