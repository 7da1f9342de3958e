"""An approval: the token is kept and never shown, the first decision holds, and nothing is decided after its time."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

ORDER = {"order_id": "A-1", "lines": [], "amount": 90000, "payment_method": "card", "ship_to": "here"}


class Topic:
    def __init__(self):
        self.messages = []

    def publish(self, *, TopicArn, Subject, Message):
        self.messages.append(Message)


class States:
    """Accepts answers to the tokens that wait."""

    def __init__(self, *waiting, error=None):
        self.waiting, self.error, self.woken = waiting, error, []

    def send_task_success(self, *, taskToken, output):
        if self.error:
            raise ClientError({"Error": {"Code": self.error}}, "SendTaskSuccess")
        if taskToken not in self.waiting:
            raise ClientError({"Error": {"Code": "TaskTimedOut"}}, "SendTaskSuccess")
        self.woken.append(taskToken)


@pytest.fixture
def topic():
    return Topic()


@pytest.fixture
def approvals(load, context, topic):
    """Run a step of Approvals."""
    module = load("Approvals", sns=topic)

    def run(step, token="token-1", asked="000-000"):
        return module.handler({"step": step, "order": ORDER, "token": token, "asked": asked}, context)

    return run


@pytest.fixture
def decide(load, context):
    """Decide on the order; returns the answer of Decide."""

    def run(decision, states=None):
        states = states or States("token-1")
        module = load("Decide", stepfunctions=states)
        return module.handler({"order_id": "A-1", "decision": decision, "by": "me"}, context)

    return run


def test_a_request_keeps_the_token_and_does_not_show_it(approvals, topic, entry, capsys):
    assert approvals("request") == {"outcome": "requested"}
    (message,) = topic.messages
    assert "Order A-1 over 900.00" in message
    assert "token-1" not in message + capsys.readouterr().out
    assert entry("order#A-1", "approval")["token"] == "token-1"


def test_the_token_of_a_later_attempt_replaces_an_earlier_one_only(approvals, entry):
    approvals("request", "token-2", "000-001")
    assert approvals("request", "token-1", "000-000") == {"outcome": "superseded"}
    assert entry("order#A-1", "approval")["token"] == "token-2"
    approvals("request", "token-3", "001-000")
    assert entry("order#A-1", "approval")["token"] == "token-3"


def test_a_request_whose_response_was_lost_is_sent_again(approvals, topic):
    approvals("request")
    assert approvals("request") == {"outcome": "requested"}
    assert len(topic.messages) == 2


@pytest.mark.parametrize(("decision", "outcome"), [("approve", "approved"), ("reject", "rejected")])
def test_a_decision_wakes_the_state_machine_and_holds(decision, outcome, approvals, decide, entry, capsys):
    approvals("request")
    states = States("token-1")
    answer = decide(decision, states)
    assert (answer["outcome"], answer["changed"]) == (outcome, True)
    assert states.woken == ["token-1"]
    assert approvals("settle") == {"outcome": outcome}
    assert entry("order#A-1", "approval")["decided_by"] == "me"
    assert "token-1" not in capsys.readouterr().out


def test_a_second_decision_is_told_the_first(approvals, decide):
    approvals("request")
    decide("approve")
    answer = decide("reject")
    assert (answer["outcome"], answer["changed"]) == ("approved", False)


def test_a_decision_that_could_not_wake_the_state_machine_is_made_again(approvals, decide):
    approvals("request")
    with pytest.raises(Exception, match="ThrottlingException"):
        decide("approve", States("token-1", error="ThrottlingException"))
    states = States("token-1")
    assert decide("approve", states)["outcome"] == "approved"
    assert states.woken == ["token-1"]


def test_a_decision_holds_although_its_token_has_expired(approvals, decide):
    approvals("request")
    assert decide("approve", States())["changed"]
    with pytest.raises(Exception, match="approved") as raised:
        approvals("request", "token-2", "001-000")
    assert type(raised.value).__name__ == "AlreadyDecided"
    assert approvals("settle") == {"outcome": "approved"}


def test_a_decision_after_the_time_is_refused(approvals, decide):
    approvals("request")
    assert approvals("settle") == {"outcome": "expired"}
    answer = decide("approve")
    assert (answer["outcome"], answer["changed"]) == ("expired", False)
    assert "Too late" in answer["message"]


def test_an_order_that_is_cancelled_is_not_decided_on(approvals, decide, load, context):
    approvals("request")
    load("Shipping").handler({"step": "cancel", "order": ORDER}, context)
    assert decide("approve")["outcome"] == "cancelled"


@pytest.mark.parametrize(("is_cancelled", "is_counted"), [(False, True), (True, False)])
def test_only_orders_that_nobody_cancelled_count_as_expired(approvals, load, context, capsys, is_cancelled, is_counted):
    approvals("request")
    if is_cancelled:
        load("Shipping").handler({"step": "cancel", "order": ORDER}, context)
    capsys.readouterr()
    assert approvals("settle") == {"outcome": "expired"}
    assert ("ApprovalsExpired" in capsys.readouterr().out) == is_counted


def test_an_order_without_a_request_is_unknown(decide):
    assert decide("approve")["outcome"] == "unknown"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"order_id": "A-1"},
        {"order_id": "A-1", "decision": "maybe"},
        {"decision": "approve"},
        {"order_id": "A-1", "decision": []},
    ],
)
def test_a_malformed_decision_says_what_to_write(event, load, context):
    with pytest.raises(ValueError, match='"decision": "approve"'):
        load("Decide", stepfunctions=SimpleNamespace()).handler(event, context)


def test_the_samples_are_handled(sample, load, context, topic):
    request = sample("request")
    load("Approvals", sns=topic).handler(request, context)
    answer = load("Decide", stepfunctions=States(request["token"])).handler(sample("decide"), context)
    assert answer["outcome"] == "approved"
