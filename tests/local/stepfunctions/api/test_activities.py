"""Activities: workers poll for tasks, and answer with the task's token."""

import json

import pytest

from tests.local.stepfunctions.api.machines import refused, unique


@pytest.fixture
def activity(states):
    return states.create_activity(name=unique("activity"), tags=[{"key": "team", "value": "orders"}])["activityArn"]


def waiting_for(activity_arn):
    return {"Work": {"Type": "Task", "Resource": activity_arn, "TimeoutSeconds": 99_999_999, "End": True}}


def test_a_worker_gets_the_task_and_answers_it(states, machines, activity):
    execution = states.start_execution(stateMachineArn=machines.create(waiting_for(activity)), input='{"order": 1}')[
        "executionArn"
    ]

    task = states.get_activity_task(activityArn=activity, workerName="worker-1")
    states.send_task_heartbeat(taskToken=task["taskToken"])
    states.send_task_success(taskToken=task["taskToken"], output='{"done": true}')

    assert json.loads(task["input"]) == {"order": 1}
    described = machines.ended(execution)
    assert (described["status"], json.loads(described["output"])) == ("SUCCEEDED", {"done": True})
    events = states.get_execution_history(executionArn=execution)["events"]
    started = next(each for each in events if each["type"] == "ActivityStarted")
    assert started["activityStartedEventDetails"] == {"workerName": "worker-1"}
    with refused("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"):
        states.send_task_success(taskToken=task["taskToken"], output="{}")


def test_a_worker_fails_the_task(states, machines, activity):
    execution = states.start_execution(stateMachineArn=machines.create(waiting_for(activity)))["executionArn"]

    token = states.get_activity_task(activityArn=activity)["taskToken"]
    states.send_task_failure(taskToken=token, error="Broken", cause="no paper")

    described = machines.ended(execution)
    assert (described["status"], described["error"], described["cause"]) == ("FAILED", "Broken", "no paper")


def test_tokens_and_outputs_that_are_not_valid_are_refused(states, machines, activity):
    execution = states.start_execution(stateMachineArn=machines.create(waiting_for(activity)))["executionArn"]
    token = states.get_activity_task(activityArn=activity)["taskToken"]

    with refused("InvalidToken", "Invalid Token: 'Invalid token'"):
        states.send_task_success(taskToken="made up", output="{}")
    with refused("InvalidToken", "Invalid Token: 'Invalid token'"):
        states.send_task_heartbeat(taskToken="made up")
    with refused("InvalidOutput", "Invalid Output"):
        states.send_task_success(taskToken=token, output="not json")

    assert states.describe_execution(executionArn=execution)["status"] == "RUNNING"
    states.stop_execution(executionArn=execution)


def test_activities_are_created_once_described_listed_and_deleted(states):
    name = unique("activity")
    first = states.create_activity(name=name)
    arn = first["activityArn"]

    assert states.create_activity(name=name)["creationDate"] == first["creationDate"]
    described = states.describe_activity(activityArn=arn)
    assert (described["name"], described["creationDate"]) == (name, first["creationDate"])
    assert described["encryptionConfiguration"] == {"type": "AWS_OWNED_KEY"}
    pages = states.get_paginator("list_activities").paginate(PaginationConfig={"PageSize": 1})
    assert name in [each["name"] for page in pages for each in page["activities"]]
    with refused("ActivityAlreadyExists", arn):
        states.create_activity(
            name=name, encryptionConfiguration={"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "alias/mine"}
        )
    states.delete_activity(activityArn=arn)
    states.delete_activity(activityArn=arn)
    with refused("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'"):
        states.describe_activity(activityArn=arn)
    with refused("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'"):
        states.get_activity_task(activityArn=arn)


def test_names_and_arns_of_activities_are_checked(states):
    with refused("InvalidName", "Invalid Name: 'with space'"):
        states.create_activity(name="with space")
    with refused("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: printer'"):
        states.describe_activity(activityArn="printer")


def test_tags_of_activities_are_kept(states, activity):
    states.tag_resource(resourceArn=activity, tags=[{"key": "stage", "value": "test"}])

    tags = {each["key"]: each["value"] for each in states.list_tags_for_resource(resourceArn=activity)["tags"]}

    assert tags == {"team": "orders", "stage": "test"}
