"""Executions are logged to CloudWatch Logs at the level of their state machine, with or without payloads."""

import json
import re

import pytest

from tests.local.stepfunctions.machines import LOG_GROUP, Stacks, logging, machine, run

SECRET = "payload-that-must-not-be-logged"
FAILING = {
    "StartAt": "Keep",
    "States": {
        "Keep": {"Type": "Pass", "Result": {"kept": SECRET}, "ResultPath": "$.kept", "Next": "Stop"},
        "Stop": {"Type": "Fail", "Error": "Broken", "Cause": "as it should"},
    },
}
CHAIN = {
    "StartAt": "S1",
    "States": {
        **{f"S{number}": {"Type": "Pass", "Next": f"S{number + 1}"} for number in range(1, 100)},
        "S100": {"Type": "Pass", "End": True},
    },
}


@pytest.fixture
def logged(cloud):
    """Runs a definition once; returns the execution, its log lines and the names of the streams."""

    def play(definition, level, *, data=False, kind="STANDARD", given=None):
        deployed = Stacks(cloud)(
            Logs=LOG_GROUP,
            Machine=machine(
                Definition=definition, LoggingConfiguration=logging(level, data=data), StateMachineType=kind
            ),
        )
        arn = deployed.outputs["Machine"]
        if kind == "EXPRESS":
            execution = cloud.client("stepfunctions").start_sync_execution(
                stateMachineArn=arn, input=json.dumps(given or {})
            )
        else:
            execution = run(cloud, arn, given)
        logs, group = cloud.client("logs"), deployed.outputs["Logs"]
        events = logs.filter_log_events(logGroupName=group)["events"]
        streams = [each["logStreamName"] for each in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        return execution, [json.loads(each["message"]) for each in events], streams

    return play


def test_a_line_has_the_form_of_aws(logged):
    """They are there when the execution has ended, in the order of the history."""
    execution, lines, streams = logged(FAILING, "ALL", data=True, given={"a": 1})

    first = lines[0]
    assert [line["id"] for line in lines] == ["1", "2", "3", "4", "5"]
    assert [line["previous_event_id"] for line in lines] == ["0", "0", "2", "3", "4"]
    assert set(first) == {
        *("id", "type", "details", "previous_event_id", "event_timestamp", "execution_arn", "redrive_count")
    }
    assert first["type"] == "ExecutionStarted"
    assert json.loads(first["details"]["input"]) == {"a": 1}
    assert first["details"]["inputDetails"] == {"truncated": False}
    assert first["execution_arn"] == execution["executionArn"]
    assert first["redrive_count"] == "0"
    assert abs(int(first["event_timestamp"]) - execution["startDate"].timestamp() * 1000) < 1000
    assert lines[-1]["details"] == {"error": "Broken", "cause": "as it should"}
    (stream,) = streams
    name = re.escape(execution["stateMachineArn"].rpartition(":")[2])
    assert re.fullmatch(rf"states/{name}/\d{{4}}-\d\d-\d\d-\d\d-\d\d/[0-9a-f]{{8}}", stream)


@pytest.mark.parametrize(
    ("level", "types"),
    [
        ("ALL", ["ExecutionStarted", "PassStateEntered", "PassStateExited", "FailStateEntered", "ExecutionFailed"]),
        ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
        ("FATAL", ["ExecutionFailed"]),
        ("OFF", []),
    ],
)
def test_a_level_chooses_the_events(logged, level, types):
    assert [line["type"] for line in logged(FAILING, level)[1]] == types


def test_no_payload_is_logged_unless_the_machine_says_so(logged):
    """Neither inputs nor outputs of the execution and its states are in any line."""
    _, lines, _ = logged(FAILING, "ALL", given={"secret": SECRET})

    assert lines
    assert SECRET not in json.dumps(lines)
    assert lines[0]["details"].keys() == {"roleArn"}
    assert lines[1]["details"] == {"name": "Keep"}


def test_payloads_are_logged_if_the_machine_says_so(logged):
    _, lines, _ = logged(FAILING, "ALL", data=True, given={"secret": SECRET})

    assert sum(SECRET in json.dumps(line) for line in lines) == len(lines) - 1


def test_an_express_execution_is_logged(logged):
    """Its only history."""
    execution, lines, _ = logged(CHAIN, "ALL", kind="EXPRESS")

    assert [line["type"] for line in lines][:: len(lines) - 1] == ["ExecutionStarted", "ExecutionSucceeded"]
    assert {line["execution_arn"] for line in lines} == {execution["executionArn"]}


def test_every_event_of_a_long_execution_is_logged_once(logged):
    _, lines, _ = logged(CHAIN, "ALL")

    assert [int(line["id"]) for line in lines] == list(range(1, 203))


def test_a_log_group_that_is_gone_is_named_once(cloud):
    """The execution goes on."""
    deployed = Stacks(cloud)(Logs=LOG_GROUP, Machine=machine(Definition=FAILING, LoggingConfiguration=logging("ALL")))
    group = deployed.outputs["Logs"]
    cloud.client("logs").delete_log_group(logGroupName=group)

    for _ in range(2):
        assert run(cloud, deployed.outputs["Machine"])["error"] == "Broken"

    assert cloud.server_log().count(f"there is no log group {group}") == 1
