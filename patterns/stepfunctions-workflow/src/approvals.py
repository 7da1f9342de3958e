"""Asks a person to approve an order, and ends the time to do so.

The ledger has the decision; the task token only wakes the state machine. So a decision holds even if the token is of
an attempt that has ended, and no decision can be made after the time has ended.
"""

from dataclasses import dataclass
from typing import Any

from ledger import open_ledger
from steps import Order, retriable, run_step

from blueprints_shared.clients import client
from blueprints_shared.observability import Logger, Metrics, MetricUnit
from blueprints_shared.settings import load

_MAY_ASK = "attribute_not_exists(#state) OR (#state = :requested AND #asked < :asked)"
_UNDECIDED = "attribute_not_exists(#state) OR #state = :requested"


class AlreadyDecided(Exception):
    """There is a decision, or its time has ended, so nobody is asked; the state machine goes on at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets."""

    topic_arn: str


logger = Logger()
metrics = Metrics()
settings = load(Settings)
ledger = open_ledger()
sns = client("sns", connect_timeout=1, read_timeout=3, attempts=2)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Run the step `request` or `settle`."""
    steps = {"request": lambda order: request(order, event["token"], event["asked"]), "settle": settle}
    return run_step(steps, event, logger)


def request(order: Order, token: str, asked: str) -> dict[str, Any]:
    """Keep the task token, and ask for a decision through the topic. Raises AlreadyDecided.

    `asked` orders the attempts: the token of an earlier one, that comes late, does not replace that of a later one.
    """
    changes = {"state": "requested", "token": token, "asked": asked, "amount": order["amount"]}
    if ledger.change(order["order_id"], "approval", changes, _MAY_ASK, requested="requested", asked=asked) is None:
        found = ledger.read(order["order_id"], "approval")
        if found["state"] != "requested":
            raise AlreadyDecided(found["state"])
        if found["asked"] != asked:
            return {"outcome": "superseded"}
    with retriable():
        sns.publish(TopicArn=settings.topic_arn, Subject="An order waits for approval", Message=_message(order))
    metrics.add_metric("ApprovalsRequested", MetricUnit.Count, 1)
    return {"outcome": "requested"}


def settle(order: Order) -> dict[str, Any]:
    """End the time for a decision: the outcome is "approved", "rejected" or, if nobody decided, "expired"."""
    is_cancelled = ledger.read(order["order_id"], "shipment").get("state") == "cancelled"
    expired = {"state": "expired"}
    before = ledger.change(order["order_id"], "approval", expired, _UNDECIDED, requested="requested")
    if before is None:
        return {"outcome": ledger.read(order["order_id"], "approval")["state"]}
    if before and not is_cancelled:  # an order that was cancelled needed no decision
        metrics.add_metric("ApprovalsExpired", MetricUnit.Count, 1)
    return {"outcome": "expired"}


def _message(order: Order) -> str:
    return (
        f"Order {order['order_id']} over {order['amount'] / 100:.2f} waits for approval.\n"
        "Decide with the function in the stack's output DecideFunction:\n"
        f'{{"order_id": "{order["order_id"]}", "decision": "approve"}}  or  "reject"'
    )
