"""EventBridge gets an event for every status of a STANDARD execution."""

import pytest

from tests.local.resources import QUEUE, queue_policy
from tests.local.stepfunctions.machines import Stacks, ended, machine, passing, run
from tests.local.waiting import messages, until

FAILING = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail", "Error": "Broken", "Cause": "as it should"}}}


@pytest.fixture
def watched(cloud):
    """Deploys a state machine whose status events go to a queue; returns its ARN and a way to receive them."""

    def make(**properties):
        deployed = Stacks(cloud)(
            Machine=machine(**properties),
            Queue=QUEUE,
            Policy=queue_policy("Queue", "events.amazonaws.com"),
            Rule={
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {
                        "source": ["aws.states"],
                        "detail-type": ["Step Functions Execution Status Change"],
                        "detail": {"stateMachineArn": [{"Ref": "Machine"}]},
                    },
                    "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}],
                },
            },
        )
        url = deployed.outputs["Queue"]
        return deployed.outputs["Machine"], lambda number: [
            each["body"] for each in messages(cloud, url, at_least=number)
        ]

    return make


def test_start_and_success_are_announced(cloud, watched):
    """With what DescribeExecution returns, and dates in milliseconds."""
    arn, events = watched(Definition=passing({"b": 2}))
    execution = run(cloud, arn, {"a": 1})

    running, succeeded = sorted(events(2), key=lambda each: each["detail"]["status"])
    assert running["detail"]["status"] == "RUNNING"
    assert running["detail"]["output"] is None
    assert running["detail"]["stopDate"] is None
    detail = succeeded["detail"]
    assert succeeded["source"] == "aws.states"
    assert succeeded["resources"] == [execution["executionArn"]]
    assert detail["executionArn"] == execution["executionArn"]
    assert detail["name"] == execution["name"]
    assert (detail["status"], detail["input"], detail["output"]) == ("SUCCEEDED", '{"a": 1}', '{"b":2}')
    assert detail["inputDetails"] == {"included": True}
    assert detail["startDate"] == int(execution["startDate"].timestamp() * 1000)
    assert detail["stopDate"] == int(execution["stopDate"].timestamp() * 1000)
    assert (detail["error"], detail["cause"]) == (None, None)


def test_a_failure_and_a_redrive_are_announced(cloud, watched):
    arn, events = watched(Definition=FAILING)
    execution = run(cloud, arn)["executionArn"]
    first = events(2)
    cloud.client("stepfunctions").redrive_execution(executionArn=execution)
    ended(cloud, execution)
    second = events(2)

    assert {each["detail"]["status"] for each in first} == {"RUNNING", "FAILED"}
    failed = next(each["detail"] for each in first if each["detail"]["status"] == "FAILED")
    assert (failed["error"], failed["cause"]) == ("Broken", "as it should")
    assert (failed["redriveCount"], failed["redriveStatus"]) == (0, "REDRIVABLE")
    assert {(each["detail"]["status"], each["detail"]["redriveCount"]) for each in second} == {
        ("RUNNING", 1), ("FAILED", 1),
    }  # fmt: skip


def test_a_payload_that_is_too_large_is_left_out(cloud, watched):
    arn, events = watched(Definition={"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    run(cloud, arn, {"large": "x" * 200_000})

    succeeded = next(each["detail"] for each in events(2) if each["detail"]["status"] == "SUCCEEDED")
    assert (succeeded["input"], succeeded["inputDetails"]) == (None, {"included": False})
    assert (succeeded["output"], succeeded["outputDetails"]) == (None, {"included": False})


def test_express_executions_are_not_announced(cloud, watched):
    """The events of a STANDARD execution after it are the only ones."""
    arn, events = watched(Definition=passing(1), StateMachineType="EXPRESS")
    cloud.client("stepfunctions").start_sync_execution(stateMachineArn=arn)
    other, announced = watched(Definition=passing(1))
    run(cloud, other)
    announced(2)

    assert events(0) == []


def test_a_failure_is_a_line_for_the_user(cloud):
    """`up` prints it."""
    arn = Stacks(cloud)(Machine=machine(Definition=FAILING)).outputs["Machine"]
    name = run(cloud, arn)["name"]

    until(lambda: f"execution {name} of {arn.rpartition(':')[2]} failed: Broken: as it should" in cloud.server_log())
