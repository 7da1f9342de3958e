"""A version that does not write messages gets no traffic."""

import pytest
from services_in_memory import Functions


@pytest.fixture
def hook(source):
    probing = source("deployment_probe")
    settings = probing.Settings(function_arn="arn:aws:lambda:eu-west-1:1:function:report-run:7", pipeline="publishing")
    return lambda functions: probing.probe(functions, settings)


def test_a_version_that_writes_passes(hook, report_run, context):
    """The probe and the handler agree: the answer is the handler's own."""
    functions = Functions(lambda event: report_run.handler(event, context))

    hook(functions)

    (event,) = functions.invoked
    assert event["detail"]["pipeline"] == "publishing"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ({"errorType": "KeyError", "errorMessage": "'detail'"}, "Unhandled", "it raised KeyError"),
        ({"subject": "publishing: done", "sent": True}, None, "answered a probe with"),
        ({"subject": "another: done", "sent": False}, None, "answered a probe with"),
        ({}, None, "answered a probe with"),
    ],
)
def test_one_that_does_not_is_taken_back(hook, source, answer, error, said):
    from blueprints_shared.deployment_hooks import CheckFailed

    with pytest.raises(CheckFailed, match=said):
        hook(Functions(answer, error=error))


@pytest.mark.parametrize("name", ["probe_new_version", "check_live_traffic"])
def test_a_hook_tells_codedeploy_what_it_found(source, monkeypatch, context, name):
    module = source(name)
    told = []
    monkeypatch.setattr(module, "client", lambda *_, **__: Functions({"subject": "publishing: x", "sent": True}))
    monkeypatch.setattr(
        "blueprints_shared.deployment_hooks.client",
        lambda *_, **__: type(
            "CodeDeploy", (), {"put_lifecycle_event_hook_execution_status": lambda _, **given: told.append(given)}
        )(),
    )

    answer = module.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}, context)

    assert answer["status"] == "Failed"
    assert [each["status"] for each in told] == ["Failed"]
