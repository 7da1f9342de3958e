"""Whatever fails, an order is done as a whole or not at all, and one that stops is reported and can be resumed."""

import json
from unittest import mock

import order_system
import pytest
from order_system import DEFINITION, handlers
from schedules import SIMULATIONS

COUNT = 2000
ENOUGH = 600  # schedules in which a mistake has to show
SINGLE, ANYTHING, LATE, BROKEN, _, INTERRUPTED = SIMULATIONS


@pytest.mark.parametrize("part", range(4))
def test_balances_hold_and_open_orders_are_reported(part):
    for seed in range(part, COUNT, 4):
        simulation, options = SIMULATIONS[seed % len(SIMULATIONS)]
        try:
            simulation(seed, **options).play()
        except AssertionError as error:
            pytest.fail(f"{simulation.__name__}({seed}, **{options}).play(): {error}")


def found(mistake, kind):
    """What the first schedule of a kind says in which a mistake shows; None if it shows in none."""
    simulation, options = kind
    with mistake:
        for seed in range(ENOUGH):
            try:
                simulation(seed, **options).play()
            except AssertionError as error:
                return str(error)
    return None


def definition_with(change):
    """The system with a changed definition; `change` gets its states."""
    changed = json.loads(DEFINITION)
    change(changed["States"])
    play = order_system.OrderSystem.__init__
    return mock.patch.object(
        order_system.OrderSystem,
        "__init__",
        lambda self, plan, stock: play(self, plan, stock, json.dumps(changed)),
    )


def catch(states, state, next_state):
    states[state]["Catch"] = [{"ErrorEquals": ["States.ALL"], "Next": next_state}]


IN_DEFINITION = {
    "no refund when the payment fails": (BROKEN, lambda states: catch(states, "TakePayment", "ReleaseStock")),
    "no release when the reservation fails": (BROKEN, lambda states: catch(states, "ReserveStock", "Cancelled")),
    "a refund while the shipment may still come": (LATE, lambda states: catch(states, "ShipOrder", "RefundPayment")),
    "a refund of what was shipped after all": (
        ANYTHING,
        lambda states: states["IsShippedAfterAll"]["Choices"][0].update(Next="RefundPayment"),
    ),
    "a failed refund is swallowed": (BROKEN, lambda states: catch(states, "RefundPayment", "ReleaseStock")),
    "a decision that is not read": (ANYTHING, lambda states: catch(states, "RequestApproval", "RefundPayment")),
    "shipped without an approval": (ANYTHING, lambda states: states["IsApproved"].update(Default="ShipOrder")),
    "no retry of a reservation": (SINGLE, lambda states: states["ReserveStock"].pop("Retry")),
    "no retry of a shipment": (SINGLE, lambda states: states["ShipOrder"].pop("Retry")),
}


@pytest.mark.parametrize("mistake", IN_DEFINITION)
def test_a_mistake_in_the_definition_shows(mistake):
    kind, change = IN_DEFINITION[mistake]
    assert found(definition_with(change), kind) is not None


def charge_again(provider, order_id, amount, method):
    provider._ledger.change(order_id, "payment", {"state": "charged", "amount": amount})


def refund_if_charged(provider, order_id):
    if provider._ledger.read(order_id, "payment").get("state") == "charged":
        provider._ledger.change(order_id, "payment", {"state": "refunded"})


def release_if_reserved(order):
    ledger, order_id = handlers()["Stock"].ledger, order["order_id"]
    found = ledger.read(order_id, "reservation")
    if found.get("state") == "reserved":
        move = ledger.move(order_id, "reservation", "reserved", "released")
        ledger.transact(move, *(ledger.put_back(*line) for line in found["lines"].items()))
    return {"outcome": "released"}


def release_in_steps(order):
    ledger, order_id = handlers()["Stock"].ledger, order["order_id"]
    found = ledger.create(order_id, "reservation", {"state": "released"})
    if found["state"] == "reserved":
        for line in found["lines"].items():
            ledger.transact(ledger.put_back(*line))
        ledger.change(order_id, "reservation", {"state": "released"})
    return {"outcome": "released"}


def cancel_without_trace(carrier, order_id):
    return carrier._ledger.read(order_id, "shipment").get("state") != "shipped"


def settle_without_trace(order):
    found = handlers()["Approvals"].ledger.read(order["order_id"], "approval")
    return {"outcome": found["state"] if found.get("state") in ("approved", "rejected") else "expired"}


IN_HANDLERS = {
    "a late charge undoes its refund": (LATE, "Payments", "PaymentProvider.charge", charge_again),
    "a refund that comes first leaves no trace": (LATE, "Payments", "PaymentProvider.refund", refund_if_charged),
    "a release that comes first leaves no trace": (LATE, "Stock", "release", release_if_reserved),
    "a release in several writes": (ANYTHING, "Stock", "release", release_in_steps),
    "a cancelled shipment leaves no trace": (LATE, "Shipping", "Carrier.cancel", cancel_without_trace),
    "an expired approval leaves no trace": (ANYTHING, "Approvals", "settle", settle_without_trace),
}


@pytest.mark.parametrize("mistake", IN_HANDLERS)
def test_a_mistake_in_a_handler_shows(mistake):
    kind, function, path, wrong = IN_HANDLERS[mistake]
    *place, name = path.split(".")
    owner = handlers()[function]
    for part in place:
        owner = getattr(owner, part)
    assert found(mock.patch.object(owner, name, wrong), kind) is not None


@pytest.mark.parametrize("metric", order_system.METRICS.values())
def test_a_metric_that_the_alarm_leaves_out_shows(metric):
    rest = [each for each in order_system.watched_metrics() if each != metric]
    assert len(rest) == 2
    assert found(mock.patch.object(order_system, "watched_metrics", return_value=rest), INTERRUPTED) is not None


def test_the_rule_reports_what_the_alarm_counts():
    assert set(order_system.reported_statuses()) == set(order_system.METRICS)
