"""Lets the demo make the sample payment provider and carrier refuse an order or be down for it.

A copy that has its own provider and carrier does not need this file.
"""

from typing import Literal

from ledger import Ledger
from steps import Unavailable

USUAL = "as usual"
Party = Literal["payment-provider", "carrier"]


def check(ledger: Ledger, party: Party, order_id: str) -> str | None:
    """Act as the entry `sandbox#PARTY` of an order says in its attribute `state`: "down", "broken", or a reason.

    Returns the reason why the party refuses the order, or None. Raises Unavailable if "down", RuntimeError if "broken".
    """
    behaviour = ledger.read(order_id, f"sandbox#{party}").get("state", USUAL)
    if behaviour == "down":
        raise Unavailable(f"the {party} is down")
    if behaviour == "broken":
        raise RuntimeError(f"the {party} is broken")
    return None if behaviour == USUAL else behaviour
