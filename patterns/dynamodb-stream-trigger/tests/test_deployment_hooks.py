"""Deployment hooks probe the real handlers, and always report the result to CodeDeploy."""

import importlib
import sys

import pytest
from clients_in_memory import Functions
from streamed import StreamedTable
from template_facts import handler_of

from blueprints_shared import deployment_hooks

HOOKS = ["ProbeNewVersions", "CheckLiveTraffic"]
for function in HOOKS:
    handler_of(function)  # says in one line when there is no such function any more
VERSION_A, VERSION_R = "arn:announce:7", "arn:replicate:7"
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}


class CodeDeploy:
    def __init__(self):
        self.said = []

    def put_lifecycle_event_hook_execution_status(self, **said):
        self.said.append(said)


ENABLED = {"UUID": "m-1", "State": "Enabled", "LastProcessingResult": "OK"}


class Lambda(Functions):
    """The handlers, and an event source mapping for each."""

    def __init__(self, handlers, mapping):
        super().__init__(handlers)
        self.mapping = mapping

    def list_event_source_mappings(self, FunctionName):
        return {"EventSourceMappings": [self.mapping] if self.mapping else []}


@pytest.fixture
def hook(load, data_api, schema, context, monkeypatch):
    """Run a hook on the real handlers, or others; return the status that CodeDeploy got."""

    def run(name, handlers=None, mapping=ENABLED, replicates=True, without=()):
        codedeploy = CodeDeploy()
        announce = load("Announce")
        replicate = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
        real = {
            VERSION_A: lambda event: announce.handler(event, context),
            VERSION_R: lambda event: replicate.handler(event, context),
        }
        functions = Lambda({**real, **(handlers or {})}, mapping)
        prefix = "NEW_{}_VERSION" if name == "ProbeNewVersions" else "LIVE_{}_ALIAS"
        module = load(
            name,
            given={"lambda": functions},
            **{prefix.format("ANNOUNCE"): VERSION_A, prefix.format("REPLICATE"): VERSION_R if replicates else ""},
        )
        for variable in without:
            monkeypatch.delenv(variable)
        monkeypatch.setattr(deployment_hooks, "client", lambda service, **_: {"codedeploy": codedeploy}[service])
        module.handler(EVENT, context)
        ((said),) = codedeploy.said
        assert (said["deploymentId"], said["lifecycleEventHookExecutionId"]) == ("d-1", "e-1")
        return said["status"]

    return run


@pytest.mark.parametrize("name", HOOKS)
def test_working_versions_succeed_and_the_probe_leaves_no_row(hook, name, data_api, schema, events):
    assert hook(name) == "Succeeded"

    rows = data_api.execute_statement(f"SELECT count(*) FROM {schema}.items", [])["records"]
    assert rows == [[{"longValue": 0}]]
    assert [entry["Resources"] for entry in events.taken] == [["arn:aws:dynamodb:::table/_probe"]]


@pytest.mark.parametrize("name", HOOKS)
def test_without_a_replica_only_announce_is_probed(hook, name):
    broken = {VERSION_R: lambda event: 1 / 0}

    assert hook(name, broken, replicates=False) == "Succeeded"


@pytest.mark.parametrize("name", HOOKS)
@pytest.mark.parametrize("version", [VERSION_A, VERSION_R])
@pytest.mark.parametrize(
    "answer",
    [lambda event: 1 / 0, lambda event: None, lambda event: {"batchItemFailures": []}, lambda event: {"announced": 0}],
    ids=["raises", "nothing", "no probe", "not announced"],
)
def test_a_version_that_does_not_work_fails_the_deployment(hook, name, version, answer):
    assert hook(name, {version: answer}) == "Failed"


@pytest.mark.parametrize(
    "mapping",
    [None, {"UUID": "m", "State": "Disabled"}, {"UUID": "m", "State": "Enabled", "LastProcessingResult": "PROBLEM: x"}],
)
def test_a_mapping_that_is_missing_or_off_fails_the_deployment(hook, mapping):
    assert hook("CheckLiveTraffic", mapping=mapping) == "Failed"


def test_a_probe_stores_nothing_in_the_bucket(hook, load, s3):
    hook("ProbeNewVersions")

    assert s3.objects == {}
    assert StreamedTable().put("a")


@pytest.mark.parametrize(
    ("name", "variable"),
    [("ProbeNewVersions", "NEW_ANNOUNCE_VERSION"), ("CheckLiveTraffic", "LIVE_ANNOUNCE_ALIAS")],
)
def test_a_missing_setting_is_reported_too(hook, name, variable):
    assert hook(name, without=[variable]) == "Failed"


@pytest.mark.parametrize("name", HOOKS)
def test_importing_a_hook_creates_no_client(load, monkeypatch, name):
    """So its cold start is no slower than a handler's."""

    def refuse(*_, **__):
        raise AssertionError("a client was created at import")

    module = load(name)
    monkeypatch.setattr("blueprints_shared.clients.client", refuse)
    monkeypatch.setattr("botocore.session.get_session", refuse)
    monkeypatch.setattr("boto3.client", refuse)
    monkeypatch.delitem(sys.modules, module.__name__)
    importlib.import_module(module.__name__)
