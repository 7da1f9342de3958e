"""The demo ends with the balance of the ledger, or with an exception that says what is wrong."""

import pytest

SHIPPED = {"reservation": "reserved", "payment": "charged", "shipment": "shipped", "status": "shipped", "charged": 100}
CANCELLED = {
    "reservation": "released",
    "payment": "refunded",
    "shipment": None,
    "status": "cancelled",
    "charged": 0,
}


def test_what_is_shipped_is_taken_and_charged(demo):
    orders = [{"order": "small", **SHIPPED}, {"order": "rejected", **CANCELLED}]
    assert demo.balance(orders, demo.IN_STOCK - demo.QUANTITY) == {
        "in_stock": demo.IN_STOCK - demo.QUANTITY,
        "shipped": demo.QUANTITY,
        "charged": 100,
    }


@pytest.mark.parametrize("part", ["reservation", "payment", "shipment"])
def test_an_order_that_is_done_in_part_is_wrong(part, demo):
    with pytest.raises(demo.WrongResult, match="done in part"):
        demo.balance([{"order": "small", **SHIPPED, part: CANCELLED[part]}], demo.IN_STOCK)


def test_an_order_that_ends_in_another_way_is_wrong(demo):
    with pytest.raises(demo.WrongResult, match="in another way"):
        demo.balance([{"order": "small", **CANCELLED}], demo.IN_STOCK)


def test_stock_that_is_missing_is_wrong(demo):
    with pytest.raises(demo.WrongResult, match="are not the"):
        demo.balance([{"order": "small", **SHIPPED}], demo.IN_STOCK)


def test_an_execution_that_says_otherwise_than_the_ledger_is_wrong(demo):
    with pytest.raises(demo.WrongResult, match="done in part"):
        demo.balance([{"order": "small", **SHIPPED, "status": "cancelled"}], demo.IN_STOCK)
