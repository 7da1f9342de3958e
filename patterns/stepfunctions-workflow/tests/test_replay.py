"""The command for the person on call: it redrives, cancels or places again, and leaves what it cannot."""

import io
import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from blueprints_shared.replay import replay

ARN = "arn:aws:states:eu-west-1:123456789012:execution:OrderMachine:"  # as in the sample


class Queue:
    """Messages of two queues, by URL and id."""

    def __init__(self, **bodies):
        self.messages = {url: dict(enumerate(map(json.dumps, given))) for url, given in bodies.items()}
        self.received = set()

    def receive_message(self, *, QueueUrl, **_):
        new = {} if QueueUrl in self.received else self.messages[QueueUrl]
        self.received.add(QueueUrl)
        return {"Messages": [{"MessageId": f"{one}", "Body": new[one], "ReceiptHandle": one} for one in new]}

    def get_queue_attributes(self, **_):
        return {"Attributes": {}}

    def delete_message(self, *, QueueUrl, ReceiptHandle):
        del self.messages[QueueUrl][ReceiptHandle]

    def change_message_visibility_batch(self, **_):
        """Nothing is hidden here."""


class States:
    """One execution; `listed` are the names that ListExecutions has, `cancelled` those of orders cancelled since."""

    def __init__(self, status="FAILED", error=None, cancel=False, listed=(), cancelled=()):
        self.status, self.error, self.redriven = status, error, []
        self.listed, self.cancelled = listed, cancelled
        self.input = json.dumps({"cancel": cancel, "order": {"order_id": "A-1001"}})
        self.exceptions = SimpleNamespace(ExecutionDoesNotExist=LookupError)

    def get_paginator(self, operation):
        assert operation == "list_executions"
        return self

    def paginate(self, *, stateMachineArn, statusFilter):
        names = self.listed if statusFilter == self.status else ()
        yield {"executions": [{"executionArn": ARN + name, "name": name, "status": self.status} for name in names]}

    def describe_execution(self, *, executionArn):
        if executionArn.endswith("_cancel"):
            if executionArn.rpartition(":")[2].removesuffix("_cancel") in self.cancelled:
                return {"status": "SUCCEEDED"}
            raise LookupError
        return {"executionArn": executionArn, "status": self.status, "input": self.input}

    def redrive_execution(self, *, executionArn):
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": "no"}}, "RedriveExecution")
        self.redriven.append(executionArn)


class Functions:
    def __init__(self, error=None):
        self.error, self.events = error, []

    def invoke(self, *, FunctionName, Payload):
        assert FunctionName == "place:live"
        self.events.append(json.loads(Payload))
        failed = {"FunctionError": "Unhandled"} if self.error else {}
        return {**failed, "Payload": io.BytesIO(json.dumps({"errorMessage": self.error}).encode())}


@pytest.fixture
def replayed(replaying):
    """Replay with these clients; returns the outcome."""

    def run(queue, states=None, functions=None, *, cancel=False):
        outputs = {
            "OpenOrdersUrl": "open",
            "DeadLettersUrl": "dead",
            "PlaceFunction": "place:live",
            "StateMachineArn": "machine",
        }
        clients = {"sqs": queue, "stepfunctions": states or States(), "lambda": functions or Functions()}
        stack = SimpleNamespace(outputs=outputs, client=clients.__getitem__)
        return replay(replaying.orders(stack, SimpleNamespace(cancel=cancel)), print)

    return run


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_an_execution_that_stopped_is_redriven(status, replayed, sample, capsys):
    event, queue, states = sample("order-stopped"), None, States(status)
    queue = Queue(open=[event], dead=[])
    assert replayed(queue, states).replayed == 1
    assert states.redriven == [event["detail"]["executionArn"]]
    assert not queue.messages["open"]
    assert "A-1001" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "PENDING_REDRIVE"])
def test_an_execution_that_goes_on_is_left_alone(status, replayed, sample):
    queue, states = Queue(open=[sample("order-stopped")], dead=[]), States(status)
    assert replayed(queue, states).left == 0
    assert not states.redriven


def test_an_execution_that_no_message_reports_is_found(replayed, sample, capsys):
    states = States("TIMED_OUT", listed=["A-1001", "A-1002"])
    assert replayed(Queue(open=[sample("order-stopped")], dead=[]), states).replayed == 2
    assert states.redriven == [ARN + "A-1001", ARN + "A-1002"]
    assert "A-1002: execution A-1002 is TIMED_OUT" in capsys.readouterr().out


def test_an_order_that_was_cancelled_since_is_left_alone(replayed, sample):
    states = States(listed=["A-1001"], cancelled=["A-1001"])
    assert replayed(Queue(open=[sample("order-stopped")], dead=[]), states).replayed == 1
    assert not states.redriven


def test_with_cancel_the_order_is_cancelled(replayed, sample):
    functions, states = Functions(), States()
    replayed(Queue(open=[sample("order-stopped")], dead=[]), states, functions, cancel=True)
    assert functions.events == [{"order_id": "A-1001", "cancel": True}]
    assert not states.redriven


def test_a_cancellation_that_stopped_is_redriven_in_any_case(replayed, sample):
    states = States(cancel=True)
    replayed(Queue(open=[sample("order-stopped")], dead=[]), states, cancel=True)
    assert len(states.redriven) == 1


def test_an_execution_that_cannot_be_redriven_is_left_with_advice(replayed, sample, capsys):
    queue = Queue(open=[sample("order-stopped")], dead=[])
    assert replayed(queue, States(error="ExecutionNotRedrivable")).left == 1
    assert "with --cancel" in capsys.readouterr().out
    assert queue.messages["open"]


def test_an_order_in_the_dead_letters_is_placed_again(replayed, sample):
    queue, functions = Queue(open=[], dead=[sample("order")]), Functions()
    assert replayed(queue, functions=functions).replayed == 1
    assert functions.events == [sample("order")]
    assert not queue.messages["dead"]


def test_an_order_that_is_invalid_stays_with_its_reason(replayed, sample, capsys):
    queue = Queue(open=[], dead=[sample("order")])
    assert replayed(queue, functions=Functions("amount is not a number")).left == 1
    assert "amount is not a number" in capsys.readouterr().out
    assert queue.messages["dead"]
