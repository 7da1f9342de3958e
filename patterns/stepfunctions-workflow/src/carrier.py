"""The carrier. This sample keeps its shipments in the ledger: replace it with the client of your carrier.

Yours has to keep this: an order is shipped once, however often it is called; and of `ship` and `cancel`, the one that
comes first decides, so that an order whose money is given back never leaves.
"""

from typing import Any

from ledger import Ledger
from sandbox import check


class Undeliverable(Exception):
    """The carrier does not take this order; the message is for the customer."""


class Carrier:
    """Ships orders."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def ship(self, order_id: str, address: Any) -> bool:  # noqa: ARG002 - yours needs the address
        """Hand the order over; False if it was handed over before.

        Raises Undeliverable, or Unavailable if it is worth another attempt.
        """
        if reason := check(self._ledger, "carrier", order_id):
            raise Undeliverable(reason)
        shipped = {"state": "shipped"}
        found = self._ledger.create(order_id, "shipment", shipped)
        if found["state"] != "shipped":
            raise Undeliverable("the order was cancelled")
        return found is shipped

    def cancel(self, order_id: str) -> bool:
        """Stop the shipment; from then on the order cannot be shipped. False if it was shipped before."""
        shipment = self._ledger.create(order_id, "shipment", {"state": "cancelled"})
        return bool(shipment["state"] == "cancelled")
