"""The histories of the embedded Step Functions, read as timelines and pictures."""

import json
import time
from pathlib import Path

import pytest

from blueprints.executions import MACHINE, running
from blueprints.executions.demos import executions_started
from blueprints.executions.outcomes import outcomes_of
from blueprints.executions.reading import Executions
from blueprints.executions.timeline import rows
from blueprints.stacks.stack import Resource, Stack
from tests.local.stepfunctions.api.machines import PASS

MANY_KINDS = {
    "QueryLanguage": "JSONata",
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "First",
                    "States": {"First": {"Type": "Pass", "Next": "Second"}, "Second": {"Type": "Pass", "End": True}},
                },
                {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 900, "End": True}}},
            ],
            "Next": "Items",
        },
        "Items": {
            "Type": "Map",
            "Items": [1, 2, 3, 4],
            "ItemProcessor": {
                "StartAt": "Is it 3?",
                "States": {
                    "Is it 3?": {
                        "Type": "Choice",
                        "Choices": [{"Condition": "{% $states.input = 3 %}", "Next": "Broken"}],
                        "Default": "Fine",
                    },
                    "Fine": {"Type": "Succeed"},
                    "Broken": {"Type": "Fail", "Error": "Three", "Cause": "It is 3"},
                },
            },
            "Retry": [{"ErrorEquals": ["Three"], "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Wrong"}],
            "Next": "Never",
        },
        "Never": {"Type": "Succeed"},
        "Wrong": {"Type": "Fail", "Error": "Wrong"},
    },
}


@pytest.fixture
def stack(machines):
    return Stack("orders", {}, (Resource("Order", machines.create(PASS, definition=json.dumps(MANY_KINDS)), MACHINE),))


def test_an_execution_is_run_and_shown(cloud, stack):
    (machine,) = Executions(cloud.client, stack).machines.values()
    arn = running.start(cloud.client, running.machine_to_start(cloud.client, machine), {"a": "é"})
    running.wait(cloud.client, arn, lambda _: None)

    execution = Executions(cloud.client, stack).get(arn)
    assert (execution.machine, execution.status, execution.succeeded) == ("Order", "FAILED", False)
    shown = [(each.name, each.depth, each.label, each.status) for each in rows(execution)]
    assert shown[:4] == [
        ("Both", 0, "", "succeeded"),
        ("First", 1, "1.", "succeeded"),
        ("Second", 1, "", "succeeded"),
        ("Pause", 1, "2.", "succeeded"),
    ]
    items = next(each for each in rows(execution) if each.name == "Items")
    assert (items.status, items.notes[0]) == ("caught", "2 attempts")
    assert ("Broken", 1, "", "failed") in shown
    assert shown[-1] == ("Wrong", 0, "", "failed")
    assert execution.history.error == "Wrong"
    assert outcomes_of(execution.history)["Items"].lines[-2:] == ("4 items: 1 failed, 3 succeeded", "Three")
    assert [each.error for each in rows(execution) if each.name == "Broken"] == ["Three: It is 3"]


def test_a_redriven_execution_shows_its_new_end(cloud, stack, states):
    (machine,) = Executions(cloud.client, stack).machines.values()
    arn = running.start(cloud.client, machine, {})
    running.wait(cloud.client, arn, lambda _: None)
    states.redrive_execution(executionArn=arn)
    running.wait(cloud.client, arn, lambda _: None)

    execution = Executions(cloud.client, stack).get(arn)
    assert (execution.status, execution.history.redrives) == ("FAILED", 1)
    assert [each.status for each in rows(execution) if each.name == "Wrong"][-1] == "failed"


def test_a_demo_shows_its_executions_and_draws_them(cloud, stack, tmp_path):
    began = time.time()
    (machine,) = Executions(cloud.client, stack).machines.values()
    for _ in range(2):
        running.wait(cloud.client, running.start(cloud.client, machine, {}), lambda _: None)
    started, files = executions_started(cloud.client, lambda: stack, began, tmp_path)

    assert started.unread == ""
    assert len(started.as_json()) == 2
    assert len(files) == len(started.kinds)
    assert all('data-state="Items" data-status="caught"' in Path(each).read_text() for each in files)


def test_an_express_state_machine_is_run_synchronously(cloud, machines):
    machine = machines.create({"Only": {"Type": "Pass", "Result": {"b": 1}, "End": True}}, type="EXPRESS")
    assert running.is_express(cloud.client, machine)
    answer = running.run_synchronously(cloud.client, machine, {})
    assert (answer.status, answer.output, answer.error) == ("SUCCEEDED", {"b": 1}, "")

    started, files = executions_started(
        cloud.client, lambda: Stack("s", {}, (Resource("Quick", machine, MACHINE),)), 0, None
    )
    assert (started.kinds, started.unread, files) == ((), "", [])
