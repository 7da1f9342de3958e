"""Reserves the articles of an order, and releases them."""

from typing import Any

from ledger import open_ledger, plain
from steps import Order, refused, run_step

from blueprints_shared.observability import Logger, Metrics, MetricUnit

logger = Logger()
metrics = Metrics()
ledger = open_ledger()


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Run the step `reserve` or `release`."""
    return run_step({"reserve": reserve, "release": release}, event, logger)


def reserve(order: Order) -> dict[str, Any]:
    """Take all lines of the order out of stock, or none. Repeating it changes nothing."""
    lines = {line["sku"]: line["quantity"] for line in order["lines"]}
    reservation = ledger.put(order["order_id"], "reservation", {"state": "reserved", "lines": lines})
    reasons = ledger.transact(reservation, *(ledger.take(sku, quantity) for sku, quantity in lines.items()))
    if not reasons:
        return {"outcome": "reserved"}
    if found := reasons[0].get("Item"):
        return {"outcome": "reserved"} if plain(found)["state"] == "reserved" else refused("the order was cancelled")
    missing = [sku for sku, reason in zip(lines, reasons[1:], strict=True) if reason["Code"] != "None"]
    return refused(f"not enough in stock: {', '.join(missing)}")


def release(order: Order) -> dict[str, Any]:
    """Put back what the order reserved, if anything. From then on the order cannot reserve."""
    released = {"state": "released"}
    found = ledger.create(order["order_id"], "reservation", released)
    if found["state"] == "reserved":
        move = ledger.move(order["order_id"], "reservation", "reserved", "released")
        # None of these writes is made if another attempt has released it meanwhile.
        changed = not ledger.transact(move, *(ledger.put_back(*line) for line in found["lines"].items()))
    else:
        changed = found is released
    if changed:
        metrics.add_metric("OrdersCancelled", MetricUnit.Count, 1)
    return {"outcome": "released"}
