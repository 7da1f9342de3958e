"""Takes the payment of an order, and gives it back."""

from typing import Any

from ledger import open_ledger
from payment_provider import Declined, PaymentProvider
from steps import Order, refused, run_step

from blueprints_shared.observability import Logger

logger = Logger()
provider = PaymentProvider(open_ledger())


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Run the step `charge` or `refund`."""
    return run_step({"charge": charge, "refund": refund}, event, logger)


def charge(order: Order) -> dict[str, Any]:
    """Take the payment, once."""
    try:
        provider.charge(order["order_id"], order["amount"], order["payment_method"])
    except Declined as reason:
        return refused(f"payment declined: {reason}")
    return {"outcome": "charged"}


def refund(order: Order) -> dict[str, Any]:
    """Give the payment back, if there is one. From then on the order cannot be charged."""
    provider.refund(order["order_id"])
    return {"outcome": "refunded"}
