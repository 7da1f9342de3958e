"""A SAM state machine with an alias deploys, and its rule, its schedules and its API start the alias."""

import json

import pytest

from tests.local.sam_folders_up import bring_folder_up, request
from tests.local.stepfunctions.machines import ended
from tests.local.waiting import until


@pytest.fixture(scope="module")
def deployed(cloud):
    return bring_folder_up(cloud, "state-machine-alias")


def started_by(cloud, deployed, given):
    """The first execution with an input, once there is one."""
    states, arn = cloud.client("stepfunctions"), deployed.outputs["Machine"]

    def look():
        for each in states.list_executions(stateMachineArn=arn, maxResults=1000)["executions"]:
            execution = ended(cloud, each["executionArn"])
            if json.loads(execution["input"]) == given:
                return execution
        return None

    return until(look)


def test_the_rule_starts_the_alias(cloud, deployed):
    detail = {"by": "rule"}
    entry = {"Source": f"door.{deployed.name}", "DetailType": "knock", "Detail": json.dumps(detail)}
    cloud.client("events").put_events(Entries=[entry])

    assert started_by(cloud, deployed, detail)["stateMachineAliasArn"] == f"{deployed.outputs['Machine']}:live"


@pytest.mark.parametrize("by", ["scheduler", "scheduled rule"])
def test_the_schedules_start_the_alias(cloud, deployed, by):
    execution = started_by(cloud, deployed, {"by": by})

    assert execution["stateMachineAliasArn"] == f"{deployed.outputs['Machine']}:live"


def test_the_api_starts_the_alias_and_returns_the_execution(cloud, deployed):
    """The body of the request is the input."""
    answer = request("POST", deployed.outputs["Url"], body=json.dumps({"by": 'an "API"'}))

    assert answer.status == 200
    execution = ended(cloud, answer.body["executionArn"])
    assert execution["output"] == {"by": 'an "API"'}
    assert execution["stateMachineAliasArn"] == f"{deployed.outputs['Machine']}:live"


def test_the_executions_are_logged(cloud, deployed):
    request("POST", deployed.outputs["Url"], body="{}")
    events = until(lambda: cloud.client("logs").filter_log_events(logGroupName=deployed.outputs["Logs"])["events"])

    assert {json.loads(each["message"])["type"] for each in events} >= {"ExecutionStarted"}
