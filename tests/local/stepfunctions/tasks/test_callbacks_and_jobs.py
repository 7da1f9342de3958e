"""Tasks that wait: for a token's answer, an activity's worker, or the end of what they started."""

import json

import pytest

from tests.local.building import project, role, spec
from tests.local.stepfunctions.api.machines import FAIL, LONG_WAIT, PASS, Machines, refused
from tests.local.waiting import messages, until

SEND_AND_WAIT = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
TOKEN = "{% $states.context.Task.Token %}"
START = "arn:aws:states:::states:startExecution"


@pytest.fixture
def queue(cloud, unique):
    return cloud.client("sqs").create_queue(QueueName=unique)["QueueUrl"]


@pytest.fixture
def child(cloud, any_role):
    return Machines(cloud.client("stepfunctions"), any_role).create


def ask(play, queue, **fields):
    return play(SEND_AND_WAIT, {"QueueUrl": queue, "MessageBody": {"token": TOKEN}}, **fields)


def token_of(cloud, queue):
    (message,) = messages(cloud, queue)
    return message["body"]["token"]


def test_the_answer_to_a_token_is_the_output(cloud, play, queue, states_client):
    played = ask(play, queue)
    token = token_of(cloud, queue)
    states_client.send_task_heartbeat(taskToken=token)
    states_client.send_task_success(taskToken=token, output='{"approved": true}')

    assert played.output == {"approved": True}
    assert played.types == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    assert json.loads(played.event("TaskSubmitted")["output"])["MessageId"]
    with refused("TaskTimedOut", "Provided task does not exist anymore"):
        states_client.send_task_success(taskToken=token, output="{}")


def test_a_failure_sent_with_the_token_fails_the_task(cloud, play, queue, states_client):
    played = ask(play, queue)
    states_client.send_task_failure(taskToken=token_of(cloud, queue), error="Rejected", cause="too expensive")
    assert played.failure == ("Rejected", "too expensive")
    assert played.types[-1] == "TaskFailed"


@pytest.mark.parametrize(
    ("limits", "error"),
    [({"HeartbeatSeconds": 60}, "States.HeartbeatTimeout"), ({"TimeoutSeconds": 600}, "States.Timeout")],
)
def test_without_an_answer_the_task_times_out(cloud, play, queue, states_client, limits, error):
    played = ask(play, queue, **limits)
    assert played.failure == (error, "")
    assert played.types == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskTimedOut"]
    with refused("TaskTimedOut", ""):
        states_client.send_task_success(taskToken=token_of(cloud, queue), output="{}")


def test_a_stopped_execution_invalidates_its_token(cloud, play, queue, states_client):
    played = ask(play, queue)
    token = token_of(cloud, queue)
    states_client.stop_execution(executionArn=played.arn)
    assert played.ended["status"] == "ABORTED"
    with refused("TaskTimedOut", ""):
        states_client.send_task_success(taskToken=token, output="{}")


def test_each_attempt_has_its_own_token(cloud, play, queue, states_client):
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    played = ask(play, queue, Retry=retry)
    first = token_of(cloud, queue)
    states_client.send_task_failure(taskToken=first, error="Again")
    second = token_of(cloud, queue)
    assert second != first
    states_client.send_task_success(taskToken=second, output="1")
    assert played.output == 1


def test_a_call_that_fails_hands_out_no_token(play, queue):
    played = ask(play, queue + "x")
    assert played.failure[0] == "SQS.QueueDoesNotExistException"
    assert played.types == ["TaskScheduled", "TaskStarted", "TaskSubmitFailed"]


def test_a_worker_does_the_task_of_an_activity(play, states_client, unique):
    activity = states_client.create_activity(name=unique)["activityArn"]
    played = play(activity, {"order": 7})
    task = states_client.get_activity_task(activityArn=activity, workerName="ann")
    assert json.loads(task["input"]) == {"order": 7}
    states_client.send_task_success(taskToken=task["taskToken"], output='"packed"')

    assert played.output == "packed"
    assert played.types == ["ActivityScheduled", "ActivityStarted", "ActivitySucceeded"]
    assert played.event("ActivityStarted")["workerName"] == "ann"


def test_a_task_of_an_activity_without_worker_times_out(play, states_client, unique):
    activity = states_client.create_activity(name=unique)["activityArn"]
    played = play(activity, {}, TimeoutSeconds=300)
    assert played.failure == ("States.Timeout", "")
    assert played.types == ["ActivityScheduled", "ActivityTimedOut"]
    assert "taskToken" not in states_client.get_activity_task(activityArn=activity)


def test_an_activity_that_was_deleted_fails_the_task(play, states_client, unique):
    activity = states_client.create_activity(name=unique)["activityArn"]
    states_client.delete_activity(activityArn=activity)
    played = play(activity, {})
    assert played.failure == ("ActivityDoesNotExist", f"Activity Does Not Exist: '{activity}'")
    assert played.types == ["ActivityScheduled", "ActivityScheduleFailed"]


def test_a_nested_execution_is_started(play, states_client, child):
    played = play(START, {"StateMachineArn": child(PASS), "Input": {"a": 1}})
    execution = Machines(states_client, "").ended(played.output["ExecutionArn"])
    assert json.loads(execution["output"]) == {"a": 1}


@pytest.mark.parametrize(("pattern", "output"), [(".sync", '{"a":1}'), (".sync:2", {"a": 1})])
def test_a_nested_execution_is_waited_for(play, child, pattern, output):
    machine = child(PASS)
    played = play(START + pattern, {"StateMachineArn": machine, "Name": "child", "Input": {"a": 1}})
    result = played.output
    assert (result["Status"], result["Name"], result["Output"]) == ("SUCCEEDED", "child", output)
    assert result["StateMachineArn"] == machine
    assert played.types == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_nested_execution_that_fails_fails_the_task(play, child):
    error, cause = play(START + ".sync:2", {"StateMachineArn": child(FAIL)}).failure
    assert error == "States.TaskFailed"
    described = json.loads(cause)
    assert (described["Status"], described["Error"], described["Cause"]) == ("FAILED", "Broken", "on purpose")


def test_stopping_the_parent_stops_the_child(play, states_client, child):
    machine = child(LONG_WAIT)
    played = play(START + ".sync", {"StateMachineArn": machine, "Name": "child"})
    assert played.event("TaskSubmitted")
    states_client.stop_execution(executionArn=played.arn)

    execution = machine.replace(":stateMachine:", ":execution:") + ":child"
    assert until(lambda: states_client.describe_execution(executionArn=execution)["status"] == "ABORTED")


def test_a_role_without_the_rule_of_sync_is_refused_at_creation(play, allowed, child):
    role = allowed("states:*")
    with refused("AccessDeniedException", f"'{role}' is not authorized to create managed-rule."):
        play(START + ".sync", {"StateMachineArn": child(PASS)}, role=role)
    assert play(START, {"StateMachineArn": child(PASS)}, role=role).output["ExecutionArn"]


def test_a_role_that_may_not_start_the_child_fails(play, allowed, child):
    role = allowed("events:PutRule", "events:PutTargets", "events:DescribeRule")
    played = play(START + ".sync", {"StateMachineArn": child(PASS)}, role=role)
    error, cause = played.failure
    assert error == "StepFunctions.AWSStepFunctionsException"
    assert "states:StartExecution" in cause
    assert played.types[-1] == "TaskSubmitFailed"


def test_a_query_is_waited_for(cloud, play, unique):
    cloud.client("s3").create_bucket(Bucket=unique)
    arguments = {"QueryString": "select 1 as one", "ResultConfiguration": {"OutputLocation": f"s3://{unique}/results/"}}
    execution = play("arn:aws:states:::athena:startQueryExecution.sync", arguments).output["QueryExecution"]

    assert execution["Status"]["State"] == "SUCCEEDED"
    keys = [each["Key"] for each in cloud.client("s3").list_objects_v2(Bucket=unique)["Contents"]]
    (result,) = [key for key in keys if key.endswith(f"{execution['QueryExecutionId']}.csv")]
    assert cloud.client("s3").get_object(Bucket=unique, Key=result)["Body"].read().split() == [b'"one"', b'"1"']


def test_a_job_that_fails_to_start_its_script_fails_the_task(cloud, play, unique):
    command = {"Name": "glueetl", "ScriptLocation": "s3://nowhere/script.py"}
    cloud.client("glue").create_job(Name=unique, Role="arn:aws:iam::000000000000:role/missing", Command=command)
    error, cause = play("arn:aws:states:::glue:startJobRun.sync", {"JobName": unique}).failure
    assert error == "States.TaskFailed"
    run = json.loads(cause)
    assert run["JobRunState"] == "FAILED"
    assert "role/missing does not exist" in run["ErrorMessage"]


@pytest.mark.parametrize(("command", "status"), [("echo built", "SUCCEEDED"), ("exit 3", "FAILED")])
def test_a_build_is_waited_for(play, stack, command, status):
    name = stack(Builder=role(), Project=project(spec(command))).outputs["Project"]
    played = play("arn:aws:states:::codebuild:startBuild.sync", {"ProjectName": name})
    if status == "SUCCEEDED":
        build = played.output["Build"]
    else:
        error, cause = played.failure
        assert error == "States.TaskFailed"
        build = json.loads(cause)["Build"]
    assert (build["BuildStatus"], build["ProjectName"]) == (status, name)
    assert played.types[:3] == ["TaskScheduled", "TaskStarted", "TaskSubmitted"]


@pytest.mark.parametrize(("script", "state"), [("print('done')", "SUCCEEDED"), ("raise SystemExit(3)", "FAILED")])
def test_a_shell_job_of_glue_is_waited_for(cloud, play, unique, script, state):
    s3, glue = cloud.client("s3"), cloud.client("glue")
    s3.create_bucket(Bucket=unique)
    s3.put_object(Bucket=unique, Key="job.py", Body=script.encode())
    command = {"Name": "pythonshell", "ScriptLocation": f"s3://{unique}/job.py"}
    glue.create_job(Name=unique, Role="arn:aws:iam::000000000000:role/glue", Command=command)
    played = play("arn:aws:states:::glue:startJobRun.sync", {"JobName": unique})
    run = played.output if state == "SUCCEEDED" else json.loads(played.failure[1])
    assert (run["JobRunState"], run["JobName"]) == (state, unique)
