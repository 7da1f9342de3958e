"""The deployment hooks: their probe runs through the real handler, and they delete what it stored."""

import io
import json
from functools import partial
from types import SimpleNamespace

import pytest
from template_facts import handler_of

HOOKS = ["ProbeNewVersion", "CheckLiveTraffic"]
for function in HOOKS:
    handler_of(function)  # fails in one line if the template has no such function
DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
WORKING = {"UUID": "u-1", "State": "Enabled", "LastProcessingResult": "OK"}


class Services:
    """Clients of Lambda, with a handler behind it, and of CodeDeploy."""

    def __init__(self, handler, context):
        self.handler, self.context = handler, context
        self.reported, self.mappings = [], [WORKING]

    def invoke(self, *, FunctionName, Payload):
        try:
            return {"Payload": io.BytesIO(json.dumps(self.handler(json.loads(Payload), self.context)).encode())}
        except Exception as error:  # noqa: BLE001 - Lambda reports any exception in its response
            response = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(response).encode())}

    def list_event_source_mappings(self, **_):
        return {"EventSourceMappings": self.mappings}

    def put_lifecycle_event_hook_execution_status(self, **reported):
        self.reported.append(reported["status"])


@pytest.fixture
def hook_named(load, s3, context, monkeypatch):
    """Return a function that loads a hook; its `run` returns the status that it reported to CodeDeploy."""

    def loaded(name):
        store_batch = load("StoreBatch")
        from stream_record import InvalidRecord  # the class that this handler knows

        services = Services(store_batch.handler, context)
        module = load(name)
        from blueprints_shared import deployment_hooks

        for each in (module, deployment_hooks):
            monkeypatch.setattr(each, "client", lambda service, **_: s3 if service == "s3" else services)

        def run():
            result = module.handler(DEPLOYMENT, context)
            assert services.reported == [result["status"]]
            return result["status"]

        return SimpleNamespace(run=run, services=services, store_batch=store_batch, invalid=InvalidRecord)

    return loaded


@pytest.fixture(params=HOOKS)
def hook(request, hook_named):
    return hook_named(request.param)


def is_empty(s3):
    return "Contents" not in s3.list_objects_v2(Bucket="lake")


def test_a_version_that_works_gets_traffic(hook, s3):
    assert hook.run() == "Succeeded"
    assert is_empty(s3)


def broken(event, context):
    raise ImportError("no module named transform")


def idle(event, context):
    return {"batchItemFailures": []}


@pytest.mark.parametrize("handler", [broken, idle])
def test_a_version_that_raises_or_stores_nothing_fails(hook, handler):
    hook.services.handler = handler
    assert hook.run() == "Failed"


def test_a_version_that_loses_the_sample_fails(hook):
    handler = hook.services.handler
    hook.services.handler = lambda event, context: handler({**event, "Records": event["Records"][1:]}, context)
    assert hook.run() == "Failed"


def test_a_version_that_reads_nothing_fails(hook, monkeypatch):
    from blueprints_shared.json_objects import InvalidJson

    def unreadable(data):
        raise InvalidJson("not-json", "whatever it is")

    monkeypatch.setattr(hook.store_batch, "check", unreadable)
    assert hook.run() == "Failed"


def test_a_transform_that_raises_fails(hook, s3, monkeypatch):
    monkeypatch.setattr(hook.store_batch, "transform", lambda record: 1 / 0)
    assert hook.run() == "Failed"
    assert is_empty(s3)


def leaves_out(invalid, record):
    return None


def refuses(invalid, record):
    raise invalid("no-customer", "every order has a customer")


def changes(invalid, record):
    record.data = b'{"type": "order_placed"}'
    return record


@pytest.mark.parametrize("transform", [leaves_out, refuses, changes])
def test_a_transform_may_leave_out_refuse_or_change_the_sample(hook, s3, monkeypatch, transform):
    monkeypatch.setattr(hook.store_batch, "transform", partial(transform, hook.invalid))
    assert hook.run() == "Succeeded"
    assert is_empty(s3)


def test_a_schema_may_refuse_the_sample(hook_named, s3, monkeypatch):
    monkeypatch.setenv("EVENT_SCHEMA", '{"type": "object", "required": ["other"]}')
    assert hook_named("ProbeNewVersion").run() == "Succeeded"
    assert is_empty(s3)


@pytest.mark.parametrize(
    "mappings",
    [[], [{**WORKING, "State": "Disabled"}], [{**WORKING, "LastProcessingResult": "PROBLEM: Function call failed"}]],
    ids=["none", "off", "failing"],
)
def test_a_stream_that_does_not_feed_the_alias_fails(hook_named, mappings):
    hook = hook_named("CheckLiveTraffic")
    hook.services.mappings = mappings
    assert hook.run() == "Failed"


def test_a_missing_setting_is_reported_too(hook, monkeypatch):
    monkeypatch.delenv("LAKE_BUCKET")
    assert hook.run() == "Failed"


def test_importing_a_hook_creates_no_client(load, monkeypatch):
    import botocore.session

    import blueprints_shared.clients

    def refuse(*_, **__):
        raise AssertionError("a client was created at import")

    monkeypatch.setattr(botocore.session, "get_session", refuse)
    monkeypatch.setattr(blueprints_shared.clients, "client", refuse)
    for name in HOOKS:
        load(name)
