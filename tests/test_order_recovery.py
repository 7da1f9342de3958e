"""An order that stops is reported and comes to its end, on the embedded AWS: redriven, cancelled or expired."""

import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.local.waiting import until

DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
ADDRESS = "1 Example Street"
PARAMETERS = {
    "Environment": "prod",
    "DeploymentPreference": "Canary10Percent5Minutes",
    "ApprovalTimeoutHours": "1",
    "ApproverEmail": "approver@example.com",
}


class Shop:
    """The pattern, deployed with an hour for approvals, which passes in seconds."""

    def __init__(self, pattern, cloud, stack):
        self.pattern, self.cloud, self.stack = pattern, cloud, stack
        self.states, self.outputs = cloud.client("stepfunctions"), stack.outputs
        self.put("stock#chair", "stock", available={"N": "1000"})

    def put(self, pk, sk, **attributes):
        item = {"pk": {"S": pk}, "sk": {"S": sk}, **attributes}
        self.cloud.client("dynamodb").put_item(TableName=self.outputs["TableName"], Item=item)

    def entry(self, pk, sk):
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found = self.cloud.client("dynamodb").get_item(TableName=self.outputs["TableName"], Key=key).get("Item", {})
        return {name: next(iter(value.values())) for name, value in found.items()}

    def parts(self, order_id):
        names = ("reservation", "payment", "shipment")
        return [self.entry(f"order#{order_id}", name).get("state") for name in names]

    def place(self, amount, **sandbox):
        """Send an order to the queue; returns its id."""
        order_id = f"order-{uuid.uuid4().hex[:8]}"
        for party, behaviour in sandbox.items():
            self.put(f"order#{order_id}", f"sandbox#{party.replace('_', '-')}", state={"S": behaviour})
        lines = [{"sku": "chair", "quantity": 2}]
        self.send(
            {"order_id": order_id, "lines": lines, "amount": amount, "payment_method": "card", "ship_to": ADDRESS}
        )
        return order_id

    def send(self, message):
        body = json.dumps(message)
        self.cloud.client("sqs").send_message(QueueUrl=self.outputs["OrdersUrl"], MessageBody=body)

    def decide(self, order_id, decision):
        return self.cloud.invoke(self.outputs["DecideFunction"], {"order_id": order_id, "decision": decision}).payload

    def execution(self, name):
        arn = f"{self.outputs['StateMachineArn'].replace(':stateMachine:', ':execution:')}:{name}"
        try:
            return self.states.describe_execution(executionArn=arn)
        except self.states.exceptions.ExecutionDoesNotExist:
            return {"status": "none"}

    def wait(self, name, status):
        return until(lambda: self.execution(name) if self.execution(name)["status"] == status else None, seconds=40)

    def end(self, name):
        return json.loads(self.wait(name, "SUCCEEDED")["output"])

    def waiting(self, url):
        names = ["ApproximateNumberOfMessages"]
        attributes = self.cloud.client("sqs").get_queue_attributes(QueueUrl=self.outputs[url], AttributeNames=names)
        return int(attributes["Attributes"][names[0]])

    def replay(self, *options):
        """Run the pattern's own command, as a person on call would; returns its status and its output."""
        environment = {"PATH": os.environ["PATH"], **self.cloud.environment()}
        command = [sys.executable, self.pattern.folder / "replay.py", self.stack.name, *options]
        ended = subprocess.run(command, env=environment, capture_output=True, check=False, text=True, timeout=60)
        assert not ended.stderr, ended.stderr
        return ended.returncode, ended.stdout

    def requested(self, order_id):
        return until(lambda: self.entry(f"order#{order_id}", "approval").get("token"), seconds=40)


def counted(shop, metric):
    """The sum of a metric of the state machine, which an alarm of the pattern watches."""
    now = datetime.now(UTC)
    points = shop.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName=metric,
        Dimensions=[{"Name": "StateMachineArn", "Value": shop.outputs["StateMachineArn"]}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(point["Sum"] for point in points)


def assert_no_log_holds_an_order(shop):
    """The logs tell of executions that stopped, and hold no address, card or token."""
    watched = {each.logical_id: each.physical_id for each in shop.stack.of_type("AWS::Logs::LogGroup")}
    logs = shop.cloud.client("logs")
    lines = [
        event["message"]
        for group in watched.values()
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]
    assert any('"ExecutionAborted"' in line for line in lines)
    assert not [line for line in lines if ADDRESS in line or '"card"' in line]
    tokens = [
        each["token"]["S"]
        for each in shop.cloud.client("dynamodb").scan(TableName=shop.outputs["TableName"])["Items"]
        if "token" in each
    ]
    assert tokens
    assert not [line for line in lines for token in tokens if token in line]


@pytest.fixture(scope="module")
def shop():
    pattern = find("stepfunctions-workflow")
    progress = Progress()
    prepared = prepare(pattern, progress, PARAMETERS)
    with Cloud(time_scale=120) as cloud:
        yield Shop(pattern, cloud, bring_up(cloud, prepared, progress))


def test_an_order_that_is_stopped_is_reported_and_redriven(shop):
    order_id = shop.place(90_000)
    token = shop.requested(order_id)
    shop.states.stop_execution(executionArn=shop.execution(order_id)["executionArn"], error="Stopped", cause="by hand")
    until(lambda: shop.waiting("OpenOrdersUrl") == 1)

    status, shown = shop.replay("--dry-run")
    assert (status, f"execution {order_id} is ABORTED (Stopped: by hand)" in shown) == (0, True), shown
    assert shop.replay()[0] == 0
    until(lambda: shop.entry(f"order#{order_id}", "approval")["token"] != token)
    assert shop.decide(order_id, "approve")["outcome"] == "approved"

    assert shop.end(order_id) == {"order_id": order_id, "status": "shipped"}
    assert shop.parts(order_id) == ["reserved", "charged", "shipped"]
    assert shop.waiting("OpenOrdersUrl") == 0
    assert counted(shop, "ExecutionsAborted") >= 1
    assert_no_log_holds_an_order(shop)


def test_an_approval_given_while_nothing_runs_holds_after_the_redrive(shop):
    order_id = shop.place(90_000)
    shop.requested(order_id)
    shop.states.stop_execution(executionArn=shop.execution(order_id)["executionArn"])
    assert shop.decide(order_id, "approve")["changed"]
    until(lambda: shop.waiting("OpenOrdersUrl") == 1)

    assert shop.replay()[0] == 0
    assert shop.end(order_id)["status"] == "shipped"


def test_a_compensation_that_fails_stops_the_order_which_is_cancelled_later(shop):
    order_id = shop.place(1_000, carrier="no such address", payment_provider="as usual")
    before = shop.end(order_id)
    broken = shop.place(90_000, carrier="no such address")
    shop.requested(broken)
    shop.put(f"order#{broken}", "sandbox#payment-provider", state={"S": "broken"})
    shop.decide(broken, "approve")
    shop.wait(broken, "FAILED")
    assert shop.parts(broken) == ["reserved", "charged", "cancelled"]
    assert counted(shop, "ExecutionsFailed") >= 1
    shop.put(f"order#{broken}", "sandbox#payment-provider", state={"S": "as usual"})
    until(lambda: shop.waiting("OpenOrdersUrl") == 1)

    assert shop.replay("--cancel")[0] == 0
    assert shop.end(f"{broken}_cancel")["status"] == "cancelled"
    assert shop.parts(broken) == ["released", "refunded", "cancelled"]
    assert before["reason"] == "not shipped: no such address"


def test_an_order_that_nobody_approves_is_cancelled(shop):
    order_id = shop.place(90_000)
    shop.requested(order_id)

    assert shop.end(order_id) == {"order_id": order_id, "status": "cancelled", "reason": "approval expired"}
    assert shop.decide(order_id, "approve")["outcome"] == "expired"
    assert shop.parts(order_id) == ["released", "refunded", None]


def test_an_invalid_order_is_kept_with_its_reason(shop):
    shop.send({"order_id": "A-1", "lines": []})
    until(lambda: shop.waiting("DeadLettersUrl") == 1)

    status, shown = shop.replay()
    assert status == 1
    assert "order A-1 is not placed (InvalidOrder: lines is not a list of 1 to 50)" in shown
    assert "lines is not a list" in shown.partition("left:")[2]


@pytest.mark.parametrize("hook", ["ProbeNewVersions", "CheckLiveTraffic"])
def test_a_deployment_hook_passes_and_leaves_nothing(hook, shop):
    (function,) = [each.physical_id for each in shop.stack.of_type("AWS::Lambda::Function") if each.logical_id == hook]
    answer = shop.cloud.invoke(function, DEPLOYMENT).payload

    assert answer["status"] == "Succeeded", answer["reason"]
    items = shop.cloud.client("dynamodb").scan(TableName=shop.outputs["TableName"])["Items"]
    assert not [each["pk"]["S"] for each in items if each["pk"]["S"].startswith("order#_")]
