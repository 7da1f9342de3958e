"""What CodeDeploy is told of a new version: the probe runs through the real handler, and leaves nothing behind."""

import io
import json

import pytest

DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


class Clients:
    """Lambda with the handler behind it, and CodeDeploy."""

    def __init__(self, store_batch, context):
        self.handler, self.context, self.told = store_batch.handler, context, []
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


@pytest.fixture(params=["probe_new_version", "check_live_traffic"])
def hook(request, load, context, monkeypatch):
    clients = Clients(load("store_batch"), context)
    module = load(request.param)
    monkeypatch.setattr(module, "lambda_client", clients)
    monkeypatch.setattr(module, "codedeploy", clients)
    module.clients, module.run = clients, lambda: module.handler(DEPLOYMENT, context)
    return module


def nothing_is_left(s3):
    return "Contents" not in s3.list_objects_v2(Bucket="lake")


def test_a_version_that_works_gets_its_traffic(hook, s3):
    assert hook.run() == "Succeeded"
    assert hook.clients.told == ["Succeeded"]
    assert nothing_is_left(s3)


def test_a_version_that_raises_does_not(hook, s3):
    def broken(event, context):
        raise ImportError("no module named transform")

    hook.clients.handler = broken
    assert hook.run() == "Failed"
    assert hook.clients.told == ["Failed"]


def test_a_version_that_does_nothing_does_not(hook, s3):
    hook.clients.handler = lambda event, context: {"batchItemFailures": []}
    assert hook.run() == "Failed"


def test_a_sample_that_the_schema_refuses_is_no_fault_of_the_version(load, context, s3, monkeypatch):
    monkeypatch.setenv("EVENT_SCHEMA", '{"type": "object", "required": ["other"]}')
    module = load("probe_new_version")
    clients = Clients(load("store_batch"), context)
    monkeypatch.setattr(module, "lambda_client", clients)
    monkeypatch.setattr(module, "codedeploy", clients)
    assert module.handler(DEPLOYMENT, context) == "Succeeded"
    assert nothing_is_left(s3)


@pytest.mark.parametrize(
    "mappings",
    [
        [],
        [{"UUID": "u", "State": "Disabled"}],
        [{"UUID": "u", "State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"}],
    ],
)
def test_a_stream_that_does_not_arrive_takes_the_deployment_back(load, context, s3, monkeypatch, mappings):
    module = load("check_live_traffic")
    clients = Clients(load("store_batch"), context)
    clients.mappings = mappings
    monkeypatch.setattr(module, "lambda_client", clients)
    monkeypatch.setattr(module, "codedeploy", clients)
    assert module.handler(DEPLOYMENT, context) == "Failed"
