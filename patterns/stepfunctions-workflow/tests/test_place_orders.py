"""An order starts one execution; an invalid one is set aside with its reason; one that fails is delivered again."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from order import InvalidOrder, parse

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders"  # as in conftest.py


class AlreadyExists(ClientError):
    pass


class States:
    """Executions by name."""

    def __init__(self):
        self.inputs, self.failures = {}, []
        self.exceptions = SimpleNamespace(ExecutionAlreadyExists=AlreadyExists)

    def start_execution(self, *, stateMachineArn, name, input):  # noqa: A002 - the API's name
        assert stateMachineArn == f"{MACHINE}:live"
        if self.failures:
            raise self.failures.pop()
        if name in self.inputs:
            raise AlreadyExists({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        self.inputs[name] = input
        return {"executionArn": f"{MACHINE.replace('stateMachine', 'execution')}:{name}"}

    def describe_execution(self, *, executionArn):
        return {"input": self.inputs[executionArn.rpartition(":")[2]]}


class Queue:
    def __init__(self):
        self.sent = []

    def send_message(self, *, QueueUrl, MessageBody, MessageAttributes):
        assert QueueUrl == "https://dead-letters"
        self.sent.append((MessageBody, MessageAttributes["ERROR_MESSAGE"]["StringValue"]))


@pytest.fixture
def states():
    return States()


@pytest.fixture
def dead_letters():
    return Queue()


@pytest.fixture
def place(load, context, states, dead_letters):
    """Invoke the function with an event."""
    module = load("PlaceOrders", stepfunctions=states, sqs=dead_letters)
    return lambda event: module.handler(event, context)


def batch(*bodies):
    return {"Records": [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]}


def test_an_order_in_the_queue_starts_an_execution_of_its_name(place, states, sample):
    assert place(sample("place-orders")) == {"batchItemFailures": []}
    given = json.loads(states.inputs["A-1001"])
    assert given["cancel"] is False
    assert given["order"]["lines"] == [{"sku": "chair", "quantity": 4}]


def test_an_order_that_comes_again_is_placed_once(place, states, sample, dead_letters):
    order = sample("order")
    assert place(order)["outcome"] == "placed"
    again = place(order)
    assert again["outcome"] == "placed before"
    assert again["execution"] == f"{MACHINE.replace('stateMachine', 'execution')}:A-1001"
    assert list(states.inputs) == ["A-1001"]
    assert not dead_letters.sent


def test_another_order_with_the_same_id_is_set_aside(place, sample, dead_letters):
    order = sample("order")
    place(order)
    other = json.dumps({**order, "amount": 1})
    assert place(batch(other)) == {"batchItemFailures": []}
    assert dead_letters.sent == [(other, "order A-1001 was placed before, with another content")]


def test_a_cancellation_starts_an_execution_beside_that_of_its_order(place, states):
    place({"order_id": "A-1", "cancel": True})
    assert json.loads(states.inputs["A-1_cancel"]) == {"cancel": True, "order": {"order_id": "A-1"}}


def test_one_order_that_fails_does_not_hold_up_the_others(place, states, sample):
    states.failures = [ClientError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")]
    order = sample("order")
    first, second = json.dumps(order), json.dumps({**order, "order_id": "A-1002"})
    assert place(batch(first, second)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert list(states.inputs) == ["A-1002"]


def test_a_batch_that_fails_as_a_whole_is_an_error(place, states, sample):
    states.failures = [ClientError({"Error": {"Code": "ThrottlingException"}}, "StartExecution")]
    with pytest.raises(RuntimeError, match="no order of the batch"):
        place(batch(json.dumps(sample("order"))))


def test_a_caller_is_told_why_an_order_is_invalid(place, sample):
    with pytest.raises(InvalidOrder, match="amount is not a whole number"):
        place({**sample("order"), "amount": "many"})


@pytest.mark.parametrize("body", ["", "no JSON", "[" * 100_000, "[]", "null", "{}"])
def test_what_is_no_order_is_set_aside(body, place, states, dead_letters):
    assert place(batch(body)) == {"batchItemFailures": []}
    assert [sent for sent, _ in dead_letters.sent] == [body]
    assert not states.inputs


LINE = {"sku": "chair", "quantity": 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"order_id": None}, "order_id is not text"),
        ({"order_id": "a b"}, "order_id is not 1 to 72 letters"),
        ({"order_id": "x" * 73}, "order_id is not 1 to 72 letters"),
        ({"order_id": "A-1_cancel"}, "do not end with _cancel"),
        ({"lines": []}, "lines is not a list of 1 to 50"),
        ({"lines": [LINE] * 51}, "lines is not a list of 1 to 50"),
        ({"lines": [LINE, LINE]}, "lines name an article twice"),
        ({"lines": ["chair"]}, "lines has an item that is not an object"),
        ({"lines": [{"sku": "", "quantity": 1}]}, "sku is not"),
        ({"lines": [{"sku": "chair", "quantity": 0}]}, "quantity is not a whole number from 1"),
        ({"lines": [{"sku": "chair", "quantity": True}]}, "quantity is not a whole number from 1"),
        ({"lines": [{"sku": "chair", "quantity": 1.5}]}, "quantity is not a whole number from 1"),
        ({"amount": -1}, "amount is not a whole number from 0"),
        ({"amount": 10**13}, "amount is not a whole number from 0"),
        ({"payment_method": ""}, "payment_method is not text"),
        ({"ship_to": 7}, "ship_to is not text"),
        ({"ship_to": "x" * 300_000}, "ship_to is not text of 1 to 2000 characters"),
        ({"cancel": "true"}, "cancel is not true or false"),
    ],
)
def test_an_invalid_order_says_what_is_wrong(change, reason, sample):
    with pytest.raises(InvalidOrder, match=reason):
        parse({**sample("order"), **change})


def test_only_known_fields_reach_the_state_machine(sample):
    order = sample("order")
    assert parse({**order, "note": "x"}) == {"cancel": False, "order": order}
