"""Each step and its compensation, on the real expressions: once, again, late, and in the wrong order."""

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

ORDER = {
    "order_id": "A-1",
    "lines": [{"sku": "chair", "quantity": 4}],
    "amount": 9000,
    "payment_method": "card",
    "ship_to": "here",
}


@pytest.fixture
def step(load, context):
    """Run a step of a function, as the state machine does; returns its answer."""

    def run(function, name, order=ORDER, **more):
        return load(function).handler({"step": name, "order": order, **more}, context)

    return run


def chairs(entry):
    return entry("stock#chair", "stock")["available"]


def test_an_order_is_reserved_once(step, entry):
    for _ in range(2):
        assert step("Stock", "reserve") == {"outcome": "reserved"}
    assert chairs(entry) == 6
    assert entry("order#A-1", "reservation")["lines"] == {"chair": 4}


def test_an_order_that_stock_does_not_have_takes_nothing(step, entry):
    lines = [{"sku": "chair", "quantity": 4}, {"sku": "unknown", "quantity": 1}]
    answer = step("Stock", "reserve", {**ORDER, "lines": lines})
    assert answer == {"outcome": "refused", "reason": "not enough in stock: unknown"}
    assert chairs(entry) == 10
    assert not entry("order#A-1", "reservation")


def test_a_reservation_is_released_once(step, entry):
    step("Stock", "reserve")
    for _ in range(2):
        assert step("Stock", "release", {"order_id": "A-1"}) == {"outcome": "released"}
    assert chairs(entry) == 10


def test_a_reservation_that_comes_after_its_release_is_refused(step, entry):
    step("Stock", "release")
    assert step("Stock", "reserve") == {"outcome": "refused", "reason": "the order was cancelled"}
    assert chairs(entry) == 10


def test_a_payment_is_taken_once_and_refunded(step, entry):
    for _ in range(2):
        assert step("Payments", "charge") == {"outcome": "charged"}
    assert entry("order#A-1", "payment")["amount"] == 9000
    for _ in range(2):
        assert step("Payments", "refund") == {"outcome": "refunded"}
    assert entry("order#A-1", "payment")["state"] == "refunded"


def test_a_payment_that_comes_after_its_refund_is_not_taken(step, entry):
    step("Payments", "refund")
    answer = step("Payments", "charge")
    assert answer == {"outcome": "refused", "reason": "payment declined: the order was cancelled"}
    assert entry("order#A-1", "payment")["state"] == "refunded"


def test_an_order_is_shipped_once_and_then_not_cancelled(step, entry):
    for _ in range(2):
        assert step("Shipping", "ship") == {"outcome": "shipped"}
    assert step("Shipping", "cancel") == {"outcome": "shipped"}
    assert entry("order#A-1", "shipment")["state"] == "shipped"


def test_an_order_that_is_cancelled_is_not_shipped(step):
    for _ in range(2):
        assert step("Shipping", "cancel") == {"outcome": "cancelled"}
    assert step("Shipping", "ship") == {"outcome": "refused", "reason": "not shipped: the order was cancelled"}


@pytest.mark.parametrize(
    ("function", "name", "party"), [("Payments", "charge", "payment-provider"), ("Shipping", "ship", "carrier")]
)
def test_the_sandbox_lets_the_demo_refuse_and_break(function, name, party, step, dynamodb):
    def behave(behaviour):
        key = {"pk": {"S": "order#A-1"}, "sk": {"S": f"sandbox#{party}"}}
        dynamodb.put_item(TableName="ledger", Item={**key, "state": {"S": behaviour}})

    behave("no")
    assert step(function, name)["reason"].endswith(": no")
    behave("down")
    with pytest.raises(Exception, match=f"the {party} is down") as raised:
        step(function, name)
    assert type(raised.value).__name__ == "Unavailable"
    behave("broken")
    with pytest.raises(RuntimeError, match="broken"):
        step(function, name)
    behave("as usual")
    assert step(function, name)["outcome"] != "refused"


def reasons(*codes):
    return {"CancellationReasons": [{"Code": code} for code in codes]}


@pytest.mark.parametrize(
    ("code", "more", "expected"),
    [
        ("ThrottlingException", {}, "Unavailable"),
        ("ProvisionedThroughputExceededException", {}, "Unavailable"),
        ("InternalServerError", {}, "Unavailable"),
        ("SomethingNew", {"ResponseMetadata": {"HTTPStatusCode": 503}}, "Unavailable"),
        ("TransactionCanceledException", reasons("None", "TransactionConflict"), "Unavailable"),
        ("AccessDeniedException", {"ResponseMetadata": {"HTTPStatusCode": 400}}, "ClientError"),
        (None, {}, "Unavailable"),
    ],
)
def test_only_transient_errors_are_unavailable(code, more, expected, load, context, monkeypatch, dynamodb):
    module = load("Stock")
    failure = ReadTimeoutError(endpoint_url="https://dynamodb")
    if code:
        kind = dynamodb.exceptions.from_code(code) if code == "TransactionCanceledException" else ClientError
        failure = kind({"Error": {"Code": code}, **more}, "TransactWriteItems")

    def fail(**_):
        raise failure

    monkeypatch.setattr(dynamodb, "transact_write_items", fail)
    with pytest.raises(Exception, match=r".") as raised:
        module.handler({"step": "reserve", "order": ORDER}, context)
    assert type(raised.value).__name__ == expected


def test_every_sample_of_a_step_is_handled(sample, step):
    expected = {
        "reserve": "reserved",
        "charge": "charged",
        "ship": "shipped",
        "cancel": "shipped",
        "refund": "refunded",
        "release": "released",
        "settle": "expired",
    }
    functions = {"reserve": "Stock", "release": "Stock", "charge": "Payments", "refund": "Payments"}
    functions |= {"ship": "Shipping", "cancel": "Shipping", "settle": "Approvals"}
    for name, outcome in expected.items():
        event = sample(name)
        assert step(functions[name], event["step"], event["order"])["outcome"] == outcome
