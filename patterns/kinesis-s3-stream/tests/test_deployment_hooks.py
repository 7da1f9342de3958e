"""What CodeDeploy is told of a new version: the probe runs through the real handler, and leaves nothing behind."""

import io
import json
import sys
from dataclasses import replace
from functools import partial

import pytest
from template_facts import handler_of

HOOKS = ["ProbeNewVersion", "CheckLiveTraffic"]
for function in HOOKS:
    handler_of(function)  # says in one line when there is no such function any more
DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


class Clients:
    """Lambda with the handler behind it, and CodeDeploy."""

    def __init__(self, store_batch, context):
        self.store_batch, self.handler = store_batch, store_batch.handler
        self.poison = sys.modules["record_checks"].Poison  # the one that the handler knows
        self.context, self.told = context, []
        self.mappings = [{"UUID": "u-1", "State": "Enabled", "LastProcessingResult": "OK"}]

    def invoke(self, *, FunctionName, Payload):
        try:
            return {"Payload": io.BytesIO(json.dumps(self.handler(json.loads(Payload), self.context)).encode())}
        except Exception as error:  # noqa: BLE001 - Lambda's own answer
            said = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(said).encode())}

    def list_event_source_mappings(self, **_):
        return {"EventSourceMappings": self.mappings}

    def put_lifecycle_event_hook_execution_status(self, **told):
        self.told.append(told["status"])


@pytest.fixture
def hook_named(load, s3, context, monkeypatch):
    """A hook by its name; its `run` returns the status that CodeDeploy was told."""

    def made(name):
        clients = Clients(load("StoreBatch"), context)
        module = load(name)
        from blueprints_shared import deployment_hooks

        for each in (module, deployment_hooks):
            monkeypatch.setattr(each, "client", lambda service, **_: s3 if service == "s3" else clients)

        def run():
            answer = module.handler(DEPLOYMENT, context)
            assert clients.told == [answer["status"]]
            return answer["status"]

        module.clients, module.run = clients, run
        return module

    return made


@pytest.fixture(params=HOOKS)
def hook(request, hook_named):
    return hook_named(request.param)


def nothing_is_left(s3):
    return "Contents" not in s3.list_objects_v2(Bucket="lake")


def test_a_version_that_works_gets_its_traffic(hook, s3):
    assert hook.run() == "Succeeded"
    assert nothing_is_left(s3)


def test_a_version_that_raises_does_not(hook, s3):
    def broken(event, context):
        raise ImportError("no module named transform")

    hook.clients.handler = broken
    assert hook.run() == "Failed"


def test_a_version_that_does_nothing_does_not(hook, s3):
    hook.clients.handler = lambda event, context: {"batchItemFailures": []}
    assert hook.run() == "Failed"


def test_a_sample_that_the_schema_refuses_is_no_fault_of_the_version(hook_named, s3, monkeypatch):
    monkeypatch.setenv("EVENT_SCHEMA", '{"type": "object", "required": ["other"]}')
    assert hook_named("ProbeNewVersion").run() == "Succeeded"
    assert nothing_is_left(s3)


def made_with(hook, monkeypatch, **parts):
    """The real handler on other parts: a transform, or a check."""
    settler = replace(hook.clients.store_batch.settler, **parts)
    monkeypatch.setattr(hook.clients.store_batch, "settler", settler)


def left_out(poison, record):
    return None


def set_aside(poison, record):
    raise poison("no-customer", "every order has a customer")


def changed(poison, record):
    record.data = b'{"type": "order_placed"}'
    return record


@pytest.mark.parametrize("transform", [left_out, set_aside, changed], ids=lambda each: each.__name__)
def test_what_a_copys_own_transform_makes_of_the_sample_is_no_fault_of_the_version(hook, s3, monkeypatch, transform):
    made_with(hook, monkeypatch, transform=partial(transform, hook.clients.poison))
    assert hook.run() == "Succeeded"
    assert nothing_is_left(s3)


def test_a_transform_that_fails_takes_the_deployment_back(hook, s3, monkeypatch):
    made_with(hook, monkeypatch, transform=lambda record: 1 / 0)
    assert hook.run() == "Failed"
    assert nothing_is_left(s3)


def test_a_version_that_can_read_nothing_gets_no_traffic(hook, monkeypatch):
    def unreadable(data):
        raise hook.clients.poison("not-json", "it was")

    made_with(hook, monkeypatch, check=unreadable)
    assert hook.run() == "Failed"


def test_a_version_that_loses_the_sample_gets_no_traffic(hook, s3):
    handler = hook.clients.handler

    def losing(event, context):
        return handler({**event, "Records": event["Records"][1:]}, context)

    hook.clients.handler = losing
    assert hook.run() == "Failed"


@pytest.mark.parametrize(
    "mappings",
    [
        [],
        [{"UUID": "u", "State": "Disabled"}],
        [{"UUID": "u", "State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"}],
    ],
)
def test_a_stream_that_does_not_arrive_takes_the_deployment_back(hook_named, mappings):
    hook = hook_named("CheckLiveTraffic")
    hook.clients.mappings = mappings
    assert hook.run() == "Failed"


def test_a_client_that_cannot_be_made_is_an_answer_too(hook, monkeypatch):
    monkeypatch.delenv("LAKE_BUCKET")
    assert hook.run() == "Failed"


def test_importing_a_hook_makes_no_client(load, monkeypatch):
    """A hook takes of the SDK what it needs when it is called: its cold start costs no more than a handler's."""
    import botocore.session

    def refuse(*_, **__):
        raise AssertionError("a client was made at import")

    monkeypatch.setattr(botocore.session, "get_session", refuse)
    for name in HOOKS:
        load(name)
