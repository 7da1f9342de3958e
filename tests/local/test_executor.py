"""Functions on the embedded AWS behave, and fail, as on Lambda."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.deployment import check_functions
from blueprints.stacks.logs import logged_errors
from tests.local.resources import aliased, client_settings, function_resource
from tests.local.waiting import until


def test_a_function_answers(cloud, function):
    name = function("def handler(event, context): return {'doubled': event['n'] * 2}")

    answer = cloud.invoke(name, {"n": 21})

    assert answer.payload == {"doubled": 42}
    assert not answer.failed
    assert answer.duration_ms is not None
    assert answer.memory_mb


def test_duration_and_memory_of_a_function_that_logs_json(cloud, function):
    name = function("def handler(event, context): return event", LoggingConfig={"LogFormat": "JSON"})

    answer = cloud.invoke(name, {})

    assert '"type": "platform.report"' in answer.log
    assert answer.duration_ms > 0
    assert answer.memory_mb > 0


def test_an_error_keeps_its_type_message_and_stack_trace(cloud, function):
    name = function("""
        class OutOfStock(Exception): pass
        def handler(event, context):
            raise OutOfStock("no more tea")
    """)

    answer = cloud.invoke(name, {})

    assert answer.failed
    assert answer.payload["errorType"] == "OutOfStock"
    assert answer.payload["errorMessage"] == "no more tea"
    assert "raise OutOfStock" in "".join(answer.payload["stackTrace"])


def test_an_environment_is_reused_after_an_error(cloud, function):
    name = function("""
        import os
        calls = 0
        def handler(event, context):
            global calls
            calls += 1
            if event.get("fail"):
                raise ValueError
            return {"calls": calls, "process": os.getpid()}
    """)

    first = cloud.invoke(name, {}).payload
    cloud.invoke(name, {"fail": True})
    third = cloud.invoke(name, {}).payload

    assert third == {"calls": 3, "process": first["process"]}


def test_a_missing_requirement_fails_by_name(cloud, function):
    # yaml is installed where the tools run; the function must not see it.
    name = function("import yaml\ndef handler(event, context): return 'saw the tools'")

    answer = cloud.invoke(name, {})

    assert answer.payload["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'yaml'" in answer.payload["errorMessage"]


def test_a_function_sees_lambdas_environment_and_nothing_of_the_host(cloud, function, monkeypatch):
    name = function(
        """
        import os, sys
        import boto3
        def handler(event, context):
            identity = boto3.client("sts").get_caller_identity()["Arn"]
            return {"environment": dict(os.environ), "path": sys.path, "identity": identity}
        """,
        Environment={"Variables": {"GREETING": "hello"}},
        MemorySize=256,
    )

    seen = cloud.invoke(name, {}).payload

    environment = seen["environment"]
    assert environment["GREETING"] == "hello"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert not {"VIRTUAL_ENV", "PYENV_ROOT", "SHELL", "USER", "AUTH", "STATE_DIR"} & set(environment)
    assert not any(".venv" in entry for entry in seen["path"])
    assert ":assumed-role/" in seen["identity"]


def test_the_context_has_lambdas_values(cloud, function):
    name = function(
        """
        import os
        def handler(event, context):
            return {
                "arn": context.invoked_function_arn,
                "remaining": context.get_remaining_time_in_millis(),
                "request": context.aws_request_id,
                "trace": os.environ.get("_X_AMZN_TRACE_ID"),
            }
        """,
        TracingConfig={"Mode": "Active"},
    )

    answer = cloud.invoke(name, {})

    assert answer.payload["arn"].endswith(f":function:{name}")
    assert 9_000 < answer.payload["remaining"] <= 10_000
    assert f"RequestId: {answer.payload['request']}" in answer.log
    assert answer.payload["trace"].startswith("Root=1-")


def test_a_handler_that_never_returns_is_stopped_at_its_timeout(cloud, function):
    name = function(
        """
        import time
        def handler(event, context):
            while event.get("forever"): time.sleep(0.1)
            return "back"
        """,
        Timeout=1,
    )
    cloud.invoke(name, {})

    begun = time.monotonic()
    answer = cloud.invoke(name, {"forever": True})

    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert time.monotonic() - begun < 3
    assert cloud.invoke(name, {}).payload == "back"


IN_A_CHILD = r"""import subprocess, sys
    hoard = "x = bytearray(400 << 20); input()"
    subprocess.run([sys.executable, "-c", hoard], stdin=subprocess.PIPE, timeout=8)"""


@pytest.mark.parametrize(
    ("eat", "how"),
    [
        ("hoard = [bytearray(8 << 20) for _ in range(100)]", "in steps"),
        ("hoard = bytearray(4 << 30)", "in one piece"),
        (IN_A_CHILD, "in a child process"),
    ],
)
def test_a_handler_that_eats_memory_is_stopped(cloud, function, eat, how):
    name = function(f"import time\ndef handler(event, context):\n    {eat}\n    time.sleep(5)\n", MemorySize=256)

    begun = time.monotonic()
    answer = cloud.invoke(name, {})

    assert answer.failed, how
    # One huge allocation fails at once, as a MemoryError; growth is seen and the process killed.
    assert answer.payload["errorType"] in ("Runtime.OutOfMemory", "MemoryError")
    assert time.monotonic() - begun < 5


def test_a_handler_that_exits_is_reported_and_replaced(cloud, function):
    name = function("import os\ndef handler(event, context): os._exit(3) if event else None")

    answer = cloud.invoke(name, {"exit": True})

    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in answer.payload["errorMessage"]
    assert not cloud.invoke(name, {}).failed


@pytest.mark.parametrize("bytes_over", [0, 1])
def test_a_response_over_six_megabytes_is_refused(cloud, function, bytes_over):
    name = function("def handler(event, context): return 'x' * event['size']")
    quotes = 2

    answer = cloud.invoke(name, {"size": 6_291_556 - quotes + bytes_over})

    assert answer.failed == bool(bytes_over)
    if bytes_over:
        assert answer.payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert cloud.invoke(name, {"size": 1}).payload == "x"


def test_a_payload_over_six_megabytes_is_refused(cloud, function):
    name = function("def handler(event, context): return len(event)")
    lambda_ = cloud.client("lambda")
    limit = 6 * 1024 * 1024

    accepted = lambda_.invoke(FunctionName=name, Payload=json.dumps("x" * (limit - 2)).encode())
    assert json.load(accepted["Payload"]) == limit - 2
    with pytest.raises(ClientError) as refused:
        lambda_.invoke(FunctionName=name, Payload=json.dumps("x" * (limit - 1)).encode())
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    with pytest.raises(ClientError) as too_large_for_queue:
        lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps("x" * (1024 * 1024)).encode())
    assert too_large_for_queue.value.response["Error"]["Code"] == "RequestEntityTooLargeException"


def test_a_payload_that_is_no_json_is_refused(cloud, function):
    name = function("def handler(event, context): return event")

    with pytest.raises(ClientError) as refused:
        cloud.client("lambda").invoke(FunctionName=name, Payload=b"{not json")

    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_concurrent_invocations_have_environments_and_logs_of_their_own(cloud, function):
    name = function("""
        import os, time
        def handler(event, context):
            for turn in range(20):
                print("guest", event["guest"], turn)
                time.sleep(0.15)  # long enough for all three to be there at once, also on a busy machine
            return os.getpid()
    """)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda guest: cloud.invoke(name, {"guest": guest}), "abc"))

    assert len({answer.payload for answer in answers}) == 3
    for guest, answer in zip("abc", answers, strict=True):
        printed = [line for line in answer.log.splitlines() if line.startswith("guest")]
        assert printed == [f"guest {guest} {turn}" for turn in range(20)]


def test_reserved_concurrency_throttles_the_alias_too(cloud, stack):
    source = "import time\ndef handler(event, context): time.sleep(event['seconds'])"
    deployed = stack(**aliased("Function", source, ReservedConcurrentExecutions=1))
    alias = deployed.outputs["FunctionAlias"]
    settings = Config(retries={"total_max_attempts": 1})
    impatient = boto3.client("lambda", config=settings, **client_settings(cloud))
    patient = boto3.client("lambda", config=Config(retries={"total_max_attempts": 10}), **client_settings(cloud))

    def throttled():
        try:
            impatient.invoke(FunctionName=alias, Payload=b'{"seconds": 0}')
        except impatient.exceptions.TooManyRequestsException as error:
            return error

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(patient.invoke, FunctionName=alias, Payload=b'{"seconds": 2}')
        refusal = until(throttled)

    assert refusal.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert "FunctionError" not in slow.result()
    assert throttled() is None


def test_logs_are_framed_and_kept_in_cloudwatch(cloud, function):
    name = function("""
        def handler(event, context):
            print("one line")
            raise KeyError("two")
    """)
    answer = cloud.invoke(name, {})

    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    messages = [event["message"] for event in events]

    request = answer.payload["requestId"]
    assert messages[0] == f"START RequestId: {request} Version: $LATEST"
    assert messages[1] == "one line"
    assert messages[2].startswith("[ERROR] KeyError: 'two'\nTraceback")
    assert messages[-2] == f"END RequestId: {request}"
    assert messages[-1].startswith(f"REPORT RequestId: {request}\tDuration: ")
    assert "Init Duration" in messages[-1]
    assert "Status: error\tError Type: KeyError" in messages[-1]


def test_json_logs_are_framed_as_json(cloud, function):
    name = function(
        "import logging\ndef handler(event, context): logging.getLogger().warning('careful')",
        LoggingConfig={"LogFormat": "JSON"},
    )
    cloud.invoke(name, {})

    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    start, said, report = [json.loads(event["message"]) for event in events]

    assert start["type"] == "platform.start"
    assert (said["level"], said["message"]) == ("WARNING", "careful")
    assert report["record"]["metrics"]["memorySizeMB"] == 128


def test_functions_that_share_a_log_group_each_report_their_own_errors(cloud, stack):
    group = {"LoggingConfig": {"LogGroup": {"Ref": "Logs"}}}
    deployed = stack(
        Logs={"Type": "AWS::Logs::LogGroup"},
        Good=function_resource("def handler(event, context): return 1", **group),
        Bad=function_resource("def handler(event, context): raise KeyError('two')", **group),
    )
    names = {deployed.outputs["Good"], deployed.outputs["Bad"]}
    for name in names:
        cloud.invoke(name, {})

    streams = cloud.client("logs").describe_log_streams(logGroupName=deployed.outputs["Logs"])["logStreams"]

    assert {each["logStreamName"].split("/")[3].split("[")[0] for each in streams} == names
    assert list(logged_errors(cloud.client, deployed)) == ["Bad"]


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def handler(event, context: pass", "Runtime.UserCodeSyntaxError"),
        ("def other(event, context): pass", "Runtime.HandlerNotFound"),
        ("raise RuntimeError('no settings')", "RuntimeError"),
        ("import sys; sys.exit(7)", "Runtime.ExitError"),
    ],
)
def test_functions_that_fail_to_initialise_are_named_after_deployment(cloud, stack, source, error):
    deployed = stack(Broken=function_resource(source))

    with pytest.raises(BlueprintError) as refused:
        check_functions(cloud, deployed)

    assert "Function Broken does not start" in str(refused.value)
    assert error in str(refused.value)


def test_the_environment_of_the_check_serves_the_first_event(cloud, stack):
    deployed = stack(Function=function_resource("import os\ndef handler(event, context): return os.getpid()"))

    check_functions(cloud, deployed)
    answer = cloud.invoke(deployed.outputs["Function"], {})

    assert "Init Duration" in answer.log
    assert cloud.invoke(deployed.outputs["Function"], {}).payload == answer.payload
    assert answer.duration_ms < 200
