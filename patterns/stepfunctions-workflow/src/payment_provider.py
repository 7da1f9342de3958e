"""The payment provider. This sample keeps its accounts in the ledger: replace it with the client of your provider.

Yours has to keep what the comments say, or a payment that comes late could be taken after its refund:

- Both calls carry the order id as their idempotency key: repeated, they do nothing more.
- A refund that comes before its charge stops the charge. Providers that have payment intents let you cancel an intent;
  for others, write an entry before you call, refuse to refund while a call may be under way, and let it be retried.
- A call ends within the function's time: give its client a time-out.
"""

from typing import Any

from ledger import Ledger
from sandbox import check


class Declined(Exception):
    """The provider does not take this payment; the message is for the customer."""


class PaymentProvider:
    """Takes payments for orders, and gives them back. Amounts are in the smallest unit of the currency."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def charge(self, order_id: str, amount: int, method: Any) -> None:  # noqa: ARG002 - yours needs the method
        """Take the payment of an order, once. Raises Declined, or Unavailable if it is worth another attempt."""
        if reason := check(self._ledger, "payment-provider", order_id):
            raise Declined(reason)
        payment = self._ledger.create(order_id, "payment", {"state": "charged", "amount": amount})
        if payment["state"] != "charged":
            raise Declined("the order was cancelled")

    def refund(self, order_id: str) -> None:
        """Give back the payment of an order, if there is one, and never take one. Raises Unavailable."""
        check(self._ledger, "payment-provider", order_id)
        self._ledger.change(order_id, "payment", {"state": "refunded"})
