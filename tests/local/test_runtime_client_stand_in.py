"""Functions also run without AWS's runtime client, on machines for which it is not built."""

import importlib.util
import re
import sys
import time
from pathlib import Path

import pytest

from blueprints.local.services.lambda_ import function_code
from blueprints.local.services.lambda_.execution_environment import ExecutionEnvironment, InitialisationFailed, Launch
from blueprints.local.services.lambda_.runtime_api import MAX_RESPONSE_BYTES, Invocation
from blueprints.packaging.interpreters import current
from blueprints.packaging.lambda_runtime import runtime_environment

STAND_IN = Path(function_code.__file__).with_name("runtime_client_stand_in")

HANDLER = """
def handler(event, context):
    if "fail" in event:
        raise KeyError(event["fail"])
    return {"echo": event, "request": context.aws_request_id, "size": "x" * event.get("size", 0)}
"""


@pytest.fixture
def environment(tmp_path):
    """Starts an environment that finds the stand-in before the compiled client."""
    started = []

    def start(source=HANDLER):
        package = tmp_path / f"package{len(started)}"
        package.mkdir()
        (package / "index.py").write_text(source)
        path = (package, STAND_IN, runtime_environment(current()).path)
        launch = Launch(Path(sys.executable), path, "index.handler", {}, ("group", "stream"), 512, 10.0)
        started.append(ExecutionEnvironment(launch, tmp_path / f"environment{len(started)}"))
        return started[-1]

    yield start
    for each in started:
        each.close()


def invocation(payload: bytes) -> Invocation:
    return Invocation("request-1", payload, "arn:function", int((time.time() + 10) * 1000), "Root=1-x")


def test_the_stand_in_serves_invocations_and_errors(environment):
    running = environment()
    running.initialise()

    answered, failed = invocation(b'{"n": 1}'), invocation(b'{"fail": "tea"}')
    running.invoke(answered, 5)
    running.invoke(failed, 5)

    assert b'"request": "request-1"' in answered.response
    assert failed.error["errorType"] == "KeyError"
    assert "raise KeyError" in "".join(failed.error["stackTrace"])
    assert running.alive


def test_the_stand_in_gives_up_after_a_response_that_is_too_large(environment):
    running = environment()
    running.initialise()

    too_large = invocation(f'{{"size": {MAX_RESPONSE_BYTES}}}'.encode())
    running.invoke(too_large, 5)

    assert too_large.error["errorType"] == "Function.ResponseSizeTooLarge"
    assert not running.alive


def test_the_stand_in_reports_a_failed_initialisation(environment):
    running = environment("import no_such_module")

    with pytest.raises(InitialisationFailed, match="No module named 'no_such_module'"):
        running.initialise()


def test_the_stand_in_has_every_function_the_runtime_calls():
    spec = importlib.util.spec_from_file_location("stand_in", STAND_IN / "runtime_client.py")
    stand_in = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stand_in)
    runtime = (runtime_environment(current()).path / "awslambdaric" / "lambda_runtime_client.py").read_text()

    called = set(re.findall(r"(?<!\w)runtime_client\.(\w+)\(", runtime))

    assert called >= {"initialize_client", "next", "post_invocation_result", "post_error"}
    assert [name for name in called if not callable(getattr(stand_in, name, None))] == []
