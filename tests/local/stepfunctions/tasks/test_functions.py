"""Task states invoke functions: what they get and return, how they fail, and what they may take."""

import json
import time

import pytest

from blueprints.local.deployment import deploy
from blueprints.local.services.stepfunctions.tasks.function_slots import AT_ONCE
from tests.local.building import role
from tests.local.resources import ROLE, aliased, arn
from tests.local.stepfunctions.api.machines import Machines
from tests.local.waiting import printed, until

INVOKE = "arn:aws:states:::lambda:invoke"
SOURCE = """
    import json, os, time

    class OutOfStock(Exception):
        pass

    def handler(event, context):
        print("event", json.dumps(event))
        if event.get("sleep"):
            time.sleep(event["sleep"])
        if event.get("fail"):
            raise OutOfStock("no apples")
        if event.get("exit"):
            os._exit(3)
        if event.get("large"):
            return "x" * event["large"]
        return {"got": event, "arn": context.invoked_function_arn}
"""


@pytest.fixture(scope="module")
def echo(cloud):
    """A function that does what its event says."""
    resources = {"Role": ROLE, **aliased("Echo", SOURCE, Timeout=5)}
    outputs = {"Echo": {"Value": {"Ref": "Echo"}}}
    stack = deploy(cloud, "step-functions-echo", json.dumps({"Resources": resources, "Outputs": outputs}))
    return stack.outputs["Echo"]


def function_arn(name):
    return arn("lambda", f"function:{name}")


def test_a_function_as_the_resource_gets_the_input_and_gives_the_result(cloud, play, echo):
    played = play(function_arn(echo), {"order": 7, "name": "Zoë"})

    assert played.output == {"got": {"order": 7, "name": "Zoë"}, "arn": function_arn(echo)}
    assert played.types == ["LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded"]
    assert json.loads(played.event("LambdaFunctionScheduled")["input"]) == {"order": 7, "name": "Zoë"}
    assert until(lambda: [line for line in printed(cloud, echo) if line.startswith("event") and "Zo" in line])


def test_the_optimized_integration_gives_the_payload_with_metadata(play, echo):
    played = play(INVOKE, {"FunctionName": echo, "Payload": {"order": 8}, "Qualifier": "live"})

    output = played.output
    assert output["Payload"] == {"got": {"order": 8}, "arn": f"{function_arn(echo)}:live"}
    assert (output["ExecutedVersion"], output["StatusCode"]) == ("1", 200)
    assert output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert output["SdkHttpMetadata"]["HttpHeaders"]["X-Amz-Executed-Version"] == "1"
    assert output["SdkResponseMetadata"]["RequestId"]
    assert played.types == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]


@pytest.mark.parametrize("field", ["TenantId", "DurableExecutionName"])
def test_a_field_that_would_have_no_effect_fails_the_task(play, echo, field):
    error, cause = play(INVOKE, {"FunctionName": echo, "Payload": {}, field: "x"}).failure
    assert error == "States.Runtime"
    assert f"The field '{field}' has no effect in the embedded AWS" in cause


def test_an_alias_may_be_the_resource(play, echo):
    assert play(f"{function_arn(echo)}:live", {}).output["arn"] == f"{function_arn(echo)}:live"


@pytest.mark.parametrize("optimized", [True, False])
def test_an_exception_is_the_error(play, echo, optimized):
    played = (
        play(INVOKE, {"FunctionName": echo, "Payload": {"fail": True}})
        if optimized
        else play(function_arn(echo), {"fail": True})
    )
    error, cause = played.failure
    assert error == "OutOfStock"
    assert json.loads(cause)["errorMessage"] == "no apples"
    assert played.types[-1] == ("TaskFailed" if optimized else "LambdaFunctionFailed")


def test_a_function_that_exits_has_lambdas_error(play, echo):
    assert play(function_arn(echo), {"exit": True}).failure[0] == "Runtime.ExitError"


def test_a_function_that_exceeds_its_own_time_out(cloud, play, echo):
    cloud.client("lambda").update_function_configuration(FunctionName=echo, Timeout=1)
    try:
        error, cause = play(function_arn(echo), {"sleep": 3}).failure
    finally:
        cloud.client("lambda").update_function_configuration(FunctionName=echo, Timeout=5)
    assert error == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in cause


@pytest.mark.parametrize("optimized", [True, False])
def test_the_time_out_of_the_state_counts_real_seconds(play, echo, optimized):
    begun = time.monotonic()
    given = {"sleep": 4}
    played = (
        play(INVOKE, {"FunctionName": echo, "Payload": given}, TimeoutSeconds=1)
        if optimized
        else play(function_arn(echo), given, TimeoutSeconds=1)
    )
    assert played.failure[0] == "States.Timeout"
    assert 1 <= time.monotonic() - begun < 3.5
    assert played.types[-1] == ("TaskTimedOut" if optimized else "LambdaFunctionTimedOut")


def test_a_function_that_does_not_exist(play):
    error, cause = play(INVOKE, {"FunctionName": "nosuchfunction"}).failure
    assert error == "Lambda.ResourceNotFoundException"
    assert cause.startswith(
        f"Function not found: {function_arn('nosuchfunction')} (Service: AWSLambda; Status Code: 404;"
    )


def test_a_function_that_the_role_may_not_invoke_does_not_run(cloud, play, allowed, echo):
    role = allowed("lambda:GetFunction")
    error, cause = play(INVOKE, {"FunctionName": echo, "Payload": {"denied": 1}}, role=role).failure

    assert error == "Lambda.AWSLambdaException"
    assert f"is not authorized to perform: lambda:InvokeFunction on resource: {function_arn(echo)}" in cause
    assert f"assumed-role/{role.rsplit('/', 1)[1]}/" in cause
    assert not [line for line in printed(cloud, echo) if "denied" in line]


def test_throttles_have_their_own_error(cloud, play, echo):
    cloud.client("lambda").put_function_concurrency(FunctionName=echo, ReservedConcurrentExecutions=0)
    try:
        assert play(function_arn(echo), {}).failure[0] == "Lambda.TooManyRequestsException"
    finally:
        cloud.client("lambda").delete_function_concurrency(FunctionName=echo)


def test_a_result_that_is_too_large_fails(play, echo):
    error, cause = play(function_arn(echo), {"large": 300_000}).failure
    assert error == "States.DataLimitExceeded"
    assert cause == (
        f"The state/task '{function_arn(echo)}' returned a result with a size exceeding the maximum number of bytes "
        "service limit."
    )


def test_an_asynchronous_invocation_returns_before_the_function(cloud, play, echo):
    output = play(INVOKE, {"FunctionName": echo, "InvocationType": "Event", "Payload": {"later": 1}}).output
    assert output["StatusCode"] == 202
    assert "Payload" not in output
    assert until(lambda: [line for line in printed(cloud, echo) if '"later"' in line])


def test_the_end_of_the_log_on_request(play, echo):
    output = play(INVOKE, {"FunctionName": echo, "LogType": "Tail", "Payload": {}}).output
    assert output["LogResult"]


def test_the_sdk_integration_gives_the_payload_as_text(play, echo):
    arguments = {"FunctionName": echo, "Payload": {"a": 1}}
    output = play("arn:aws:states:::aws-sdk:lambda:invoke", arguments).output
    assert json.loads(output["Payload"])["got"] == {"a": 1}


STARTER = """
    import boto3

    def handler(event, context):
        started = boto3.client("stepfunctions").start_sync_execution(stateMachineArn=event["start"], input="{}")
        return started["status"]
"""


def test_functions_that_wait_for_executions_leave_slots_for_their_functions(cloud, any_role, echo):
    """More functions than may run at the same time each wait for an execution, which runs a function too."""
    start = {"Effect": "Allow", "Action": "states:StartSyncExecution", "Resource": "*"}
    resources = {"Role": role(start, service="lambda.amazonaws.com"), **aliased("Starter", STARTER, Timeout=60)}
    outputs = {"Starter": {"Value": {"Ref": "Starter"}}}
    stack = deploy(cloud, "step-functions-starter", json.dumps({"Resources": resources, "Outputs": outputs}))
    machines = Machines(cloud.client("stepfunctions"), any_role)
    inner = {"Type": "Task", "Resource": function_arn(echo), "End": True}
    express = machines.create({"Work": inner}, type="EXPRESS")
    outer = {"Type": "Task", "Resource": function_arn(stack.outputs["Starter"]), "End": True}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "Start", "States": {"Start": outer}}, "End": True}

    ended = machines.run(machines.create({"Each": each}), [{"start": express}] * (AT_ONCE + 2))

    assert json.loads(ended["output"]) == ["SUCCEEDED"] * (AT_ONCE + 2), ended
