"""A version that does not compose messages gets no traffic."""

import pytest
from services_in_memory import Functions
from template_facts import handler_of

for function in ("ProbeNewVersion", "CheckLiveTraffic"):
    handler_of(function)  # fails in one line if the template has no such function


@pytest.fixture
def hook(source):
    module = source("check_deployment")
    settings = module.Settings(function_arn="arn:aws:lambda:eu-west-1:1:function:report-run:7", pipeline="publishing")
    return lambda functions: module.probe(functions, settings)


def test_a_version_that_composes_a_message_passes(hook, report_run, context):
    functions = Functions(lambda event: report_run.handler(event, context))

    hook(functions)

    (event,) = functions.invoked
    assert event["detail"]["pipeline"] == "publishing"


@pytest.mark.parametrize(
    ("response", "error", "reason"),
    [
        ({"errorType": "KeyError", "errorMessage": "'detail'"}, "Unhandled", "it raised KeyError"),
        ({"subject": "publishing: done", "sent": True}, None, "answered a probe with"),
        ({"subject": "another: done", "sent": False}, None, "answered a probe with"),
        ({}, None, "answered a probe with"),
    ],
    ids=["it raises", "it sends the message", "another pipeline", "nothing"],
)
def test_a_version_that_does_not_fails(hook, response, error, reason):
    from blueprints_shared.deployment_hooks import CheckFailed

    with pytest.raises(CheckFailed, match=reason):
        hook(Functions(response, error=error))


def test_a_hook_reports_to_codedeploy(source, monkeypatch, context):
    module = source("check_deployment")
    reported = []
    monkeypatch.setattr(module, "client", lambda *_, **__: Functions({"subject": "publishing: x", "sent": True}))
    monkeypatch.setattr(
        "blueprints_shared.deployment_hooks.client",
        lambda *_, **__: type(
            "CodeDeploy", (), {"put_lifecycle_event_hook_execution_status": lambda _, **given: reported.append(given)}
        )(),
    )

    result = module.handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}, context)

    assert result["status"] == "Failed"
    assert [each["status"] for each in reported] == ["Failed"]
