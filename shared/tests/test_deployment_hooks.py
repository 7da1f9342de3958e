"""CodeDeploy gets one report, whatever happens to the check."""

import io
import json
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from blueprints_shared import deployment_hooks
from blueprints_shared.deployment_hooks import CheckFailed, answer, check_event_source_mappings, invoke

EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


class CodeDeploy:
    """Records what it is told; raises when it is out of reach."""

    def __init__(self, reachable=True):
        self.told, self.reachable = [], reachable

    def put_lifecycle_event_hook_execution_status(self, **told):
        self.told.append(told)
        if not self.reachable:
            raise ConnectionError("no route to CodeDeploy")


class Log:
    """Records messages, and the exceptions that are being handled."""

    def __init__(self):
        self.messages, self.errors = [], []

    def info(self, message, *values):
        self.messages.append(message % values)

    def exception(self, message, *values):
        self.messages.append(message % values)
        self.errors.append(sys.exc_info()[1])


def context(seconds=60.0):
    return SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)


def run(check, seconds=60.0, reachable=True):
    codedeploy, log = CodeDeploy(reachable), Log()
    said = answer(EVENT, context(seconds), check, log, codedeploy=codedeploy)
    (told,) = codedeploy.told
    assert (told["deploymentId"], told["lifecycleEventHookExecutionId"]) == ("d-1", "e-1")
    assert told["status"] == said["status"]
    return said, log


def raising(error):
    def check(time_left):
        raise error

    return check


def test_a_check_that_ends_succeeds():
    said, log = run(lambda time_left: None)
    assert said == {"status": "Succeeded", "reported": True, "reason": None}
    assert log.errors == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CheckFailed("no manifest came"), "no manifest came"),
        (KeyError("NEW_VERSION"), "KeyError: 'NEW_VERSION'"),
        (TimeoutError("read timed out"), "TimeoutError: read timed out"),
        (CheckFailed(), ""),
        (SystemExit(3), "the check ended with SystemExit: 3"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_check_that_raises_fails_and_the_log_has_the_reason(error, reason):
    said, log = run(raising(error))
    assert said == {"status": "Failed", "reported": True, "reason": reason}
    assert len(log.errors) == 1


def test_a_check_that_hangs_fails_while_there_is_time_to_report(monkeypatch):
    monkeypatch.setattr(deployment_hooks, "_RESERVED_FOR_REPORT", 1.0)
    released = threading.Event()
    start = time.monotonic()
    said, _ = run(lambda time_left: released.wait(30), seconds=1.2)
    released.set()
    assert time.monotonic() - start < 1.2
    assert (said["status"], said["reason"]) == ("Failed", "the check did not end within 0 s")


def test_a_check_knows_the_time_it_has():
    left = []
    run(lambda time_left: left.append(time_left()), seconds=30)
    assert left == [pytest.approx(18, abs=1)]


@pytest.mark.parametrize("check", [lambda time_left: None, raising(CheckFailed("broken"))], ids=["good", "broken"])
def test_codedeploy_out_of_reach_is_logged_and_not_raised(check):
    said, log = run(check, reachable=False)
    assert said["reported"] is False
    assert isinstance(log.errors[-1], ConnectionError)


def test_a_client_that_cannot_be_made_is_logged_and_not_raised(monkeypatch):
    monkeypatch.setattr(deployment_hooks, "client", lambda *_, **__: raising(ValueError("no region"))(None))
    log = Log()
    said = answer(EVENT, context(), lambda time_left: None, log)
    assert said == {"status": "Succeeded", "reported": False, "reason": None}
    assert "no region" in str(log.errors[0])


def test_an_event_without_a_deployment_raises_before_the_check():
    checked = []
    with pytest.raises(KeyError, match="DeploymentId"):
        answer({}, context(), checked.append, Log(), codedeploy=CodeDeploy())
    assert checked == []


def test_importing_it_imports_no_more_than_a_client_does():
    program = "import sys, blueprints_shared.deployment_hooks; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"boto3", "s3transfer", "pydantic", "aws_lambda_powertools"} & set(ran.stdout.split())


class Functions:
    """A Lambda client: one response for every invocation, and a list of event source mappings."""

    def __init__(self, response=None, *, error=None, mappings=()):
        self.response, self.error, self.mappings = response, error, list(mappings)

    def invoke(self, *, FunctionName, Payload):
        self.invoked = FunctionName, json.loads(Payload)
        failed = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.response).encode()), **failed}

    def list_event_source_mappings(self, *, FunctionName):
        return {"EventSourceMappings": self.mappings}


def test_a_response_is_returned():
    functions = Functions({"batchItemFailures": []})
    assert invoke(functions, "arn:live", {"Records": []}) == {"batchItemFailures": []}
    assert functions.invoked == ("arn:live", {"Records": []})


@pytest.mark.parametrize(
    ("functions", "reason"),
    [
        (Functions({"errorType": "KeyError", "errorMessage": "'a'"}, error="Unhandled"), "it raised KeyError: 'a'"),
        (Functions(), "it returned null"),
        (Functions(["x" * 300]), r'it returned \["x{198}$'),
    ],
    ids=["it raises", "null", "a list"],
)
def test_a_function_that_fails_or_returns_no_object_fails_the_check(functions, reason):
    with pytest.raises(CheckFailed, match=reason):
        invoke(functions, "arn:2", {})


def test_mappings_that_work_pass():
    working = {"UUID": "u-1", "State": "Enabled", "LastProcessingResult": "OK"}
    check_event_source_mappings(Functions(mappings=[working, {"UUID": "u-2", "State": "Creating"}]), "arn:live")


@pytest.mark.parametrize(
    ("mappings", "reason"),
    [
        ([], "no event source mapping feeds the alias"),
        ([{"UUID": "u", "State": "Disabled"}], "u is Disabled"),
        ([{"UUID": "u", "State": "Enabled", "LastProcessingResult": "PROBLEM: no access"}], "u: PROBLEM: no access"),
    ],
    ids=["none", "off", "failing"],
)
def test_a_mapping_that_does_not_work_fails_the_check(mappings, reason):
    with pytest.raises(CheckFailed, match=reason):
        check_event_source_mappings(Functions(mappings=mappings), "arn:live")
