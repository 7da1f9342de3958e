"""What the deployment hooks report about new versions: an order goes through the real handlers, and nothing is left."""

import io
import json
from types import SimpleNamespace

import pytest
from template_facts import handler_of

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders"  # as in conftest.py


DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
VERSIONS = {
    "PLACE_ORDERS": "PlaceOrders",
    "STOCK": "Stock",
    "PAYMENTS": "Payments",
    "APPROVALS": "Approvals",
    "SHIPPING": "Shipping",
    "DECIDE": "Decide",
}
for function in ("ProbeNewVersions", "CheckLiveTraffic"):
    handler_of(function)  # fails with one line if the template has no such function


class States:
    """Every order is cancelled as soon as it is placed, or ends as `execution` says."""

    def __init__(self):
        self.execution = {"status": "SUCCEEDED", "output": '{"status": "cancelled"}'}
        self.started = []
        self.exceptions = SimpleNamespace(ExecutionAlreadyExists=KeyError, ExecutionDoesNotExist=LookupError)

    def start_execution(self, *, name, **_):
        self.started.append(name)
        return {"executionArn": f"{MACHINE.replace('stateMachine', 'execution')}:{name}"}

    def describe_execution(self, *, executionArn):
        if executionArn.rpartition(":")[2] not in self.started:
            raise LookupError
        return self.execution


class Hooks:
    """Both hooks, with the real handlers behind Lambda's Invoke; `answers` replaces those of a step."""

    def __init__(self, load, context, dynamodb, monkeypatch):
        self.load, self.context, self.dynamodb, self.monkeypatch = load, context, dynamodb, monkeypatch
        self.states, self.answers, self.reports, self.sent = States(), {}, [], []

    def run(self, function):
        from blueprints_shared import deployment_hooks

        report = SimpleNamespace(put_lifecycle_event_hook_execution_status=lambda **call: self.reports.append(call))
        clients = {
            "lambda": SimpleNamespace(invoke=self.invoke),
            "stepfunctions": self.states,
            "sqs": SimpleNamespace(send_message=self.send),
            "codedeploy": report,
        }
        module = self.load(function, **clients)
        self.monkeypatch.setattr(deployment_hooks, "client", lambda service, **_: clients[service])
        answer = module.handler(DEPLOYMENT, self.context)
        assert [call["status"] for call in self.reports] == [answer["status"]]
        assert self.dynamodb.scan(TableName="ledger")["Count"] == 1, "something of the probe is left"
        return answer

    def invoke(self, *, FunctionName, Payload):
        event = json.loads(Payload)
        if FunctionName == "Decide":
            event.pop("step", None)
        step = event.get("step", FunctionName)
        if step in self.answers:
            return {"Payload": io.BytesIO(json.dumps(self.answers[step]).encode())}
        module = self.load(FunctionName, stepfunctions=self.states)
        return {"Payload": io.BytesIO(json.dumps(module.handler(event, self.context)).encode())}

    def send(self, *, QueueUrl, MessageBody):
        assert QueueUrl == "https://orders"
        self.sent.append(json.loads(MessageBody))
        self.states.started.append(self.sent[-1]["order_id"])


@pytest.fixture
def hooks(load, context, dynamodb, monkeypatch):
    for variable, function in VERSIONS.items():
        monkeypatch.setenv(variable, function)
    return Hooks(load, context, dynamodb, monkeypatch)


def test_new_versions_that_refuse_a_cancelled_order_pass(hooks, entry):
    assert hooks.run("ProbeNewVersions")["status"] == "Succeeded"
    assert hooks.states.started == ["_probe-d-1"]
    assert entry("stock#chair", "stock")["available"] == 10


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("cancel", {"outcome": "shipped"}),
        ("settle", {"outcome": "approved"}),
        ("refund", {}),
        ("reserve", {"outcome": "reserved"}),
        ("charge", {"outcome": "charged"}),
        ("ship", {"outcome": "shipped"}),
        ("Decide", {"outcome": "approved"}),
    ],
)
def test_a_version_that_serves_a_cancelled_order_fails(step, answer, hooks):
    hooks.answers[step] = answer
    result = hooks.run("ProbeNewVersions")
    assert result["status"] == "Failed"
    assert "cancelled order" in result["reason"]


@pytest.mark.parametrize("function", ["ProbeNewVersions", "CheckLiveTraffic"])
@pytest.mark.parametrize(
    "execution", [{"status": "FAILED"}, {"status": "SUCCEEDED", "output": '{"status": "shipped"}'}]
)
def test_an_execution_that_ends_in_another_way_fails(execution, function, hooks):
    hooks.states.execution = execution
    result = hooks.run(function)
    assert result["status"] == "Failed"
    assert "did not cancel the order" in result["reason"]


def test_live_traffic_is_checked_through_the_queue(hooks):
    assert hooks.run("CheckLiveTraffic")["status"] == "Succeeded"
    assert [order["order_id"] for order in hooks.sent] == ["_check-d-1"]


def test_an_execution_that_does_not_end_fails_in_time(hooks, monkeypatch, context):
    monkeypatch.setattr(context, "get_remaining_time_in_millis", lambda: 12_500)
    hooks.states.execution = {"status": "RUNNING"}
    result = hooks.run("CheckLiveTraffic")
    assert result["status"] == "Failed"
    assert "has not ended in time" in result["reason"]
