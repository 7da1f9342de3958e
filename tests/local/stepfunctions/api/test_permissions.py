"""Least-privilege policies: which resource, condition keys and further actions a request needs."""

import json
import uuid

import boto3
import pytest

from blueprints.local.cloud import ACCOUNT
from tests.local.resources import client_settings
from tests.local.stepfunctions.api.machines import LONG_WAIT, PASS, definition, refused, unique
from tests.local.waiting import messages


@pytest.fixture
def caller(cloud):
    """Makes a client whose role has the statements."""

    def make(*statements):
        iam, name = cloud.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*statements))
        session = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        settings = client_settings(cloud) | {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        return boto3.client("stepfunctions", **settings)

    return make


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resource, **conditions):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **conditions}


def denied(action):
    return refused("AccessDeniedException", f"is not authorized to perform: {action}")


def test_starting_needs_permission_on_the_machine_without_its_qualifier(caller, machines, states):
    arn, other = machines.create(PASS, publish=True), machines.create(PASS)
    states.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    )
    client = caller(allow("states:StartExecution", arn))

    for target in (arn, f"{arn}:1", f"{arn}:live"):
        assert client.start_execution(stateMachineArn=target)["executionArn"]
    with denied("states:StartExecution"):
        client.start_execution(stateMachineArn=other)
    with denied("states:DescribeStateMachine"):
        client.describe_state_machine(stateMachineArn=arn)


def test_a_condition_limits_a_permission_to_an_alias(caller, machines, states):
    arn = machines.create(PASS, publish=True)
    states.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": f"{arn}:1", "weight": 100}]
    )
    only_live = {"StringEquals": {"states:StateMachineQualifier": "live"}}
    client = caller(allow("states:StartExecution", arn, Condition=only_live))

    assert client.start_execution(stateMachineArn=f"{arn}:live")["executionArn"]
    for target in (arn, f"{arn}:1"):
        with denied("states:StartExecution"):
            client.start_execution(stateMachineArn=target)


def test_executions_are_resources_of_their_own(caller, machines, states):
    arn = machines.create(LONG_WAIT)
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    pattern = f"{arn.replace(':stateMachine:', ':execution:')}:*"
    client = caller(allow(["states:DescribeExecution", "states:StopExecution"], pattern))

    assert client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    with denied("states:GetExecutionHistory"):
        client.get_execution_history(executionArn=execution)
    with denied("states:DescribeExecution"):
        client.describe_execution(executionArn=execution.replace(":machine-", ":other-"))
    with denied("states:ListExecutions"):
        client.list_executions(stateMachineArn=arn)
    client.stop_execution(executionArn=execution)
    assert states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def test_task_tokens_are_answered_with_permission_on_everything(caller):
    client = caller(allow("states:SendTaskSuccess", "*"))

    with refused("InvalidToken", "Invalid Token"):
        client.send_task_success(taskToken="none", output="{}")
    with denied("states:SendTaskFailure"):
        client.send_task_failure(taskToken="none")


def test_activities_and_machines_to_create_are_named_by_their_arns(caller, role):
    name = unique("mine")
    client = caller(
        allow("states:CreateActivity", f"arn:aws:states:us-east-1:{ACCOUNT}:activity:mine-*"),
        allow("states:CreateStateMachine", f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:mine-*"),
        allow("iam:PassRole", role, Condition={"StringEquals": {"iam:PassedToService": "states.amazonaws.com"}}),
    )
    given = {"definition": definition(PASS), "roleArn": role}

    assert client.create_activity(name=name)["activityArn"].endswith(f":activity:{name}")
    assert client.create_state_machine(name=name, **given)["stateMachineArn"].endswith(f":stateMachine:{name}")
    with denied("states:CreateActivity"):
        client.create_activity(name="theirs")
    with denied("states:CreateStateMachine"):
        client.create_state_machine(name="theirs", **given)


def test_a_machine_is_created_with_a_role_that_the_caller_may_pass(caller, role, states):
    name = unique("passed")
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}"
    client = caller(allow(["states:CreateStateMachine", "states:UpdateStateMachine"], "*"))

    with denied("iam:PassRole"):
        client.create_state_machine(name=name, definition=definition(PASS), roleArn=role)

    with refused("StateMachineDoesNotExist", arn):
        states.describe_state_machine(stateMachineArn=arn)


def test_publishing_with_a_creation_needs_permission_of_its_own(caller, role):
    client = caller(allow("states:CreateStateMachine", "*"), allow("iam:PassRole", role))

    with denied("states:PublishStateMachineVersion"):
        client.create_state_machine(name=unique("published"), definition=definition(PASS), roleArn=role, publish=True)


def test_tags_of_a_machine_are_conditions(caller, machines):
    mine = machines.create(PASS, tags=[{"key": "team", "value": "orders"}])
    client = caller(
        allow("states:*", "*", Condition={"StringEquals": {"aws:ResourceTag/team": "orders"}}),
    )

    assert client.start_execution(stateMachineArn=mine)["executionArn"]
    with denied("states:StartExecution"):
        client.start_execution(stateMachineArn=machines.create(PASS))


@pytest.mark.parametrize("kind", ["stateMachine", "activity"])
def test_an_answer_to_a_token_needs_permission_on_the_machine_or_the_activity(kind, cloud, caller, machines, states):
    waiting = wait_for_activity if kind == "activity" else wait_for_token
    names = [f"{kind}-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    activities = [states.create_activity(name=name)["activityArn"] for name in names]
    queues = [cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"] for name in names]
    arns = [machines.create(waiting(activities[at], queues[at])) for at in range(2)]
    for arn in arns:
        states.start_execution(stateMachineArn=arn)
    if kind == "activity":
        tokens = [states.get_activity_task(activityArn=arn)["taskToken"] for arn in activities]
        client = caller(allow("states:SendTaskSuccess", activities[0]))
    else:
        tokens = [messages(cloud, url)[0]["body"]["token"] for url in queues]
        client = caller(allow("states:SendTaskSuccess", arns[0]))

    with denied("states:SendTaskSuccess"):
        client.send_task_success(taskToken=tokens[1], output="{}")
    client.send_task_success(taskToken=tokens[0], output="{}")
    with refused("TaskTimedOut", "does not exist anymore"):
        client.send_task_success(taskToken=tokens[0], output="{}")


def wait_for_activity(activity, queue):
    return {"Ask": {"Type": "Task", "Resource": activity, "End": True}}


def wait_for_token(activity, queue):
    resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    given = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    return {"Ask": {"Type": "Task", "Resource": resource, "Parameters": given, "End": True}}
