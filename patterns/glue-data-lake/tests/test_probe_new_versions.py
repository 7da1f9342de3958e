"""What the deployment hook reports about new versions: real handlers make its run, and nothing of it is left."""

import io
import json
from types import SimpleNamespace

import pytest

DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}
VERSIONS = {
    "PLAN_RUN": "PlanRun",
    "CURATE_SMALL": "CurateSmall",
    "LOAD_DATABASE": "LoadDatabase",
    "PUBLISH_RUN": "PublishRun",
}
COUNTS = {
    **dict.fromkeys(("objects", "raw_rows", "quarantined", "unreadable", "duplicates"), 0),
    **dict.fromkeys(("merged", "late_merged", "outdated"), 0),
    "engine": "lambda",
    "stopped": None,
}


@pytest.fixture
def probe(load, s3, context, monkeypatch):
    """Return a function that runs the hook and returns its answer; `answers` replaces those of functions.

    CurateSmall has an answer, because moto has no tables of Iceberg; the embedded AWS has them.
    """
    from blueprints_shared import deployment_hooks

    monkeypatch.setenv("DATABASE_CLUSTER_ARN", "")
    for variable, function in VERSIONS.items():
        monkeypatch.setenv(variable, function)
    hook, handlers, reports = load("ProbeNewVersions"), {}, []

    def invoke(*, FunctionName, Payload):
        if FunctionName not in handlers:
            handlers[FunctionName] = load(FunctionName).handler
        return {"Payload": io.BytesIO(json.dumps(handlers[FunctionName](json.loads(Payload), context)).encode())}

    def run(**answers):
        answers = {"CurateSmall": COUNTS, **answers}
        handlers.update({name: lambda *_, answer=answer: answer for name, answer in answers.items()})
        answer = hook.handler(DEPLOYMENT, context)
        assert [call["status"] for call in reports] == [answer["status"]]
        assert "Contents" not in s3.list_objects_v2(Bucket="lake"), "something of the probe is left"
        return answer

    report = SimpleNamespace(put_lifecycle_event_hook_execution_status=lambda **call: reports.append(call))
    clients = {"lambda": SimpleNamespace(invoke=invoke), "s3": s3, "codedeploy": report}
    monkeypatch.setattr(hook, "client", lambda service, **_: clients[service])
    monkeypatch.setattr(deployment_hooks, "client", lambda service, **_: clients[service])
    return run


def test_new_versions_that_make_a_run_pass(probe):
    assert probe() == {"status": "Succeeded", "reported": True, "reason": None}


@pytest.mark.parametrize("function", VERSIONS.values())
def test_a_version_that_answers_nothing_fails(function, probe):
    answer = probe(**{function: None})

    assert (answer["status"], answer["reason"]) == ("Failed", "it returned null")


def test_a_version_that_merges_rows_that_nobody_delivered_fails(probe):
    answer = probe(CurateSmall={**COUNTS, "raw_rows": 3, "merged": 3})

    assert answer["status"] == "Failed"
    assert answer["reason"].startswith("the counts: ")
