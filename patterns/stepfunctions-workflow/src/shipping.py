"""Ships an order, or makes sure that it is not shipped any more."""

from typing import Any

from carrier import Carrier, Undeliverable
from ledger import open_ledger
from steps import Order, refused, run_step

from blueprints_shared.observability import Logger, Metrics, MetricUnit

logger = Logger()
metrics = Metrics()
carrier = Carrier(open_ledger())


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Run the step `ship` or `cancel`."""
    return run_step({"ship": ship, "cancel": cancel}, event, logger)


def ship(order: Order) -> dict[str, Any]:
    """Hand the order to the carrier, once."""
    try:
        is_new = carrier.ship(order["order_id"], order["ship_to"])
    except Undeliverable as reason:
        return refused(f"not shipped: {reason}")
    if is_new:
        metrics.add_metric("OrdersShipped", MetricUnit.Count, 1)
    return {"outcome": "shipped"}


def cancel(order: Order) -> dict[str, Any]:
    """Stop the shipment. The outcome is "shipped" if that is too late: an attempt that seemed to fail shipped it."""
    return {"outcome": "cancelled" if carrier.cancel(order["order_id"]) else "shipped"}
