"""Each account and Region has its own state; a reset empties them all, and answers those who wait."""

import threading

import pytest

from blueprints.local.base.clients import Caller
from blueprints.local.cloud import Cloud
from tests.local.stepfunctions.api.conftest import make_role
from tests.local.stepfunctions.api.machines import LONG_WAIT, PASS, Machines, definition, refused
from tests.local.waiting import until

OTHER = "111111111111"


@pytest.fixture(scope="module")
def own_cloud():
    """An embedded AWS that other tests do not use, so that it can be emptied."""
    with Cloud(time_scale=60) as running:
        yield running


def test_accounts_and_regions_have_machines_of_their_own(own_cloud):
    states, role = own_cloud.client("stepfunctions"), make_role(own_cloud, "states.amazonaws.com")
    arn = Machines(states, role).create(PASS, name="shared-name")
    elsewhere = Caller.owner("000000000000", "eu-west-1", own_cloud.endpoint).client("stepfunctions")
    other = Caller.owner(OTHER, "us-east-1", own_cloud.endpoint).client("stepfunctions")

    in_europe = elsewhere.create_state_machine(name="shared-name", definition=definition(LONG_WAIT), roleArn=role)

    assert in_europe["stateMachineArn"] == arn.replace("us-east-1", "eu-west-1")
    assert other.list_state_machines()["stateMachines"] == []
    for client in (elsewhere, other):
        with refused("StateMachineDoesNotExist", arn):
            client.describe_state_machine(stateMachineArn=arn)
    assert states.describe_state_machine(stateMachineArn=arn)["definition"] == definition(PASS)
    own_cloud.reset()
    assert elsewhere.list_state_machines()["stateMachines"] == []


def test_a_reset_deletes_everything_and_answers_those_who_wait(own_cloud):
    states, role = own_cloud.client("stepfunctions"), make_role(own_cloud, "states.amazonaws.com")
    machines = Machines(states, role)
    activity = states.create_activity(name="printer")["activityArn"]
    running = states.start_execution(stateMachineArn=machines.create(LONG_WAIT), name="again")["executionArn"]
    express = machines.create({"Waiting": {"Type": "Wait", "Seconds": 250, "End": True}}, type="EXPRESS")
    calls = {
        "activity": lambda: own_cloud.client("stepfunctions").get_activity_task(activityArn=activity),
        "synchronous": lambda: own_cloud.client("stepfunctions").start_sync_execution(stateMachineArn=express),
    }
    waiting = [threading.Thread(target=_quietly, args=(call,), daemon=True) for call in calls.values()]
    for each in waiting:
        each.start()

    own_cloud.reset()

    for each in waiting:
        each.join(3)
        assert not each.is_alive()
    assert states.list_state_machines()["stateMachines"] == []
    assert states.list_activities()["activities"] == []
    with refused("ExecutionDoesNotExist", running):
        states.describe_execution(executionArn=running)
    role = make_role(own_cloud, "states.amazonaws.com")
    again = Machines(states, role)
    assert again.run(again.create(PASS))["status"] == "SUCCEEDED"


def test_a_reset_stops_no_job_of_a_later_account(own_cloud):
    def nested():
        machines = Machines(own_cloud.client("stepfunctions"), make_role(own_cloud, "states.amazonaws.com", "*"))
        child = machines.create(LONG_WAIT, name="child")
        start = {"StateMachineArn": child, "Name": "same"}
        work = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": start}
        parent = machines.create({"Work": {**work, "End": True}})
        machines.client.start_execution(stateMachineArn=parent)
        return until(lambda: machines.client.list_executions(stateMachineArn=child)["executions"])

    nested()
    own_cloud.reset()

    (execution,) = nested()
    assert execution["status"] == "RUNNING"
    assert "was not stopped" not in own_cloud.server_log()


def _quietly(call):
    try:
        call()
    except Exception:  # noqa: BLE001 - an error is an answer too
        return
