"""Requests of any form are read as the model says, or are the client's error."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from blueprints.local.base.protocol import HANDLERS, NAMESPACES, ROUTES, Request, ServiceError, register
from blueprints.local.services.codepipeline.pipelines import API as PIPELINES
from blueprints.local.services.serverlessrepo.model import API as REPOSITORY
from blueprints.local.services.stepfunctions.api.operations import API as STATES

TOO_DEEP = 5_000


def read_json_call(operation, body):
    headers = {"x-amz-target": f"CodePipeline_20150709.{operation}"}
    return PIPELINES.read(Request("POST", "/", {}, headers, body))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * TOO_DEEP + b"]" * TOO_DEEP,
        b'{"name": ' + b'{"a":' * TOO_DEEP + b"1" + b"}" * TOO_DEEP + b"}",
        b'{"name": "web", "version": "' + b"9" * 5000 + b'"}',
        b'{"name": "web", "version": ' + b"9" * 5000 + b"}",
        b'{"name": ["web"]}',
        b'{"name": null}',
        b"{}",
        b"[]",
        b"\xff\xfe",
    ],
    ids=["deep list", "deep object", "long text", "long number", "type", "null", "missing", "list", "encoding"],
)
def test_a_body_that_does_not_fit_the_model_is_the_clients_error(body):
    with pytest.raises(ServiceError) as error:
        read_json_call("GetPipeline", body)

    assert error.value.code == "ValidationException"


@pytest.mark.parametrize("number", ["many", "-1", "9" * 5000])
def test_a_query_that_does_not_fit_the_model_is_the_clients_error(number):
    with pytest.raises(ServiceError) as error:
        REPOSITORY.read(Request("GET", "/applications", {"maxItems": number}, {}, b""))

    assert error.value.code == "BadRequestException"


def test_a_null_and_an_unknown_member_count_as_absent():
    call = read_json_call("GetPipeline", b'{"name": "web", "version": null, "other": 1}')

    assert call.parameters == {"name": "web"}


def test_a_path_is_decoded_after_it_is_split():
    call = REPOSITORY.read(Request("GET", "/applications/arn%3Aaws%3Ax%2Fy", {}, {}, b""))

    assert (call.operation, call.parameters) == ("GetApplication", {"ApplicationId": "arn:aws:x/y"})


STATUSES = "[RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED, PENDING_REDRIVE]"


@pytest.mark.parametrize(
    ("operation", "given", "violations"),
    [
        (
            "ListExecutions",
            {"maxResults": 1001, "statusFilter": "none"},
            [
                f"Value 'none' at 'statusFilter' | satisfy enum value set: {STATUSES}",
                "Value '1001' at 'maxResults' | have value less than or equal to 1000",
            ],
        ),
        (
            "CreateStateMachineAlias",
            {"name": "a b", "routingConfiguration": [{"stateMachineVersionArn": "a", "weight": 101}]},
            [
                r"Value 'a b' at 'name' | satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$",
                "Value '101' at 'routingConfiguration.1.member.weight' | have value less than or equal to 100",
            ],
        ),
        (
            "StartExecution",
            {"stateMachineArn": "a", "input": "x" * 262_145},
            ["Value at 'input' | have length less than or equal to 262144"],
        ),
    ],
    ids=["numbers and enumerations", "patterns", "lengths of sensitive members"],
)
def test_a_constrained_api_refuses_what_its_model_excludes(operation, given, violations):
    sentences = [each.replace(" | ", " failed to satisfy constraint: Member must ") for each in violations]
    errors = "error" if len(sentences) == 1 else "errors"

    with pytest.raises(ServiceError) as error:
        STATES.check(operation, given)

    assert error.value.code == "ValidationException"
    assert error.value.message == f"{len(sentences)} validation {errors} detected: {'; '.join(sentences)}"


def test_a_pattern_that_only_java_knows_excludes_nothing():
    given = {"stateMachineArn": "a", "traceHeader": "Root=1"}

    assert STATES.check("StartExecution", given) == given


def test_requests_that_wait_keep_no_worker_from_others(monkeypatch):
    for registry in (HANDLERS, NAMESPACES, ROUTES):
        monkeypatch.setattr(registry.holder(), registry.name, dict(registry.current()))
    may_end = threading.Event()

    def wait(_given):
        assert may_end.wait(10)
        return {"taskToken": "token"}

    register(
        STATES, {"GetActivityTask": wait, "ListActivities": lambda _given: {"activities": []}}, {"GetActivityTask"}
    )
    handle = HANDLERS.current()["states"]

    async def call(operation, **given):
        headers = {"X-Amz-Target": f"AWSStepFunctions.{operation}"}
        status, _, body = await handle("POST", "/", headers, json.dumps(given).encode(), {})
        return status, json.loads(body)

    async def play():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        waiting = [asyncio.create_task(call("GetActivityTask", activityArn="a")) for _ in range(3)]
        meanwhile = await asyncio.wait_for(call("ListActivities"), 5)
        may_end.set()
        return meanwhile, await asyncio.gather(*waiting)

    meanwhile, waited = asyncio.run(play())

    assert meanwhile == (200, {"activities": []})
    assert waited == [(200, {"taskToken": "token"})] * 3


def test_an_operation_that_raises_on_a_thread_of_its_own_raises_in_the_server(monkeypatch):
    for registry in (HANDLERS, NAMESPACES, ROUTES):
        monkeypatch.setattr(registry.holder(), registry.name, dict(registry.current()))

    def fail(_given):
        raise LookupError("a fault")

    register(STATES, {"GetActivityTask": fail}, {"GetActivityTask"})
    handle = HANDLERS.current()["states"]
    headers = {"x-amz-target": "AWSStepFunctions.GetActivityTask"}

    with pytest.raises(LookupError, match="a fault"):
        asyncio.run(handle("POST", "/", headers, b'{"activityArn": "a"}', {}))
