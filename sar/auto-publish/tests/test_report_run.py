"""The messages: each says enough to know what to do."""

import pytest
from botocore.exceptions import ClientError
from services_in_memory import TOPIC, action

SOURCE = action("Fetch", category="Source", externalExecutionSummary="Round the corners of thumbnails")
FAILED = {"code": "JobFailed", "message": "Build terminated with state: FAILED. Phase: PRE_BUILD"}


def test_a_message_about_a_failure_has_the_action_the_reason_and_the_end_of_the_log(
    report_run, services, sample, context
):
    services.actions = [SOURCE, action("Verify", "Failed", build="verify:1", errorDetails=FAILED)]
    services.lines = [
        "[Container] 2026/11/12 10:15:01.000000 Running command bash",
        *(f"line {number}" for number in range(40)),
        "E   assert 1 == 2\n",
    ]

    report_run.handler(sample("run-failed"), context)

    (message,) = services.sent
    assert message["TopicArn"] == TOPIC
    assert message["Subject"] == "publishing: Verify failed"
    body = message["Message"]
    assert "Verify failed: Build terminated with state: FAILED. Phase: PRE_BUILD" in body
    assert "    E   assert 1 == 2\n" in body
    assert "line 39" in body
    assert "line 10\n" not in body
    assert "[Container]" not in body
    assert "Nothing was published." in body
    assert "Change: Round the corners of thumbnails" in body
    assert (
        "https://eu-west-1.console.aws.amazon.com/codesuite/codepipeline/pipelines/publishing/executions/0b0d4e6a"
        in body
    )


def test_a_message_about_a_failed_publish_says_to_release_again(report_run, services, sample, context):
    services.actions = [SOURCE, action("Verify"), action("Publish", "Failed", build="publish:1", errorDetails=FAILED)]

    body = report_run.handler(sample("run-failed"), context)["body"]

    assert "Nothing was published" not in body
    assert "release the change again" in body


def test_a_retried_action_counts_as_it_ended_last(report_run, services, sample, context):
    services.actions = [action("Verify", "Failed", errorDetails=FAILED), action("Verify"), action("Try", "Failed")]

    assert report_run.handler(sample("run-failed"), context)["subject"] == "publishing: Try failed"


def test_a_build_may_have_no_log(report_run, services, sample, context):
    services.actions = [action("Verify", "Failed", build="verify:1", errorDetails=FAILED)]
    services.lines = None

    assert "Phase: PRE_BUILD" in report_run.handler(sample("run-failed"), context)["body"]


def test_a_message_about_a_release_has_names_and_versions(report_run, services, sample, context):
    published = action("Publish")
    published["output"]["outputVariables"] = {"PUBLISHED": "photos 1.2.0,clicks 0.3.1"}
    services.actions = [SOURCE, action("Verify"), published]

    report_run.handler(sample("run-succeeded"), context)

    (message,) = services.sent
    assert message["Subject"] == "publishing: published photos 1.2.0,clicks 0.3.1"


def test_a_run_that_had_nothing_to_publish_says_so(report_run, services, sample, context):
    published = action("Publish")
    published["output"]["outputVariables"] = {"PUBLISHED": "nothing new"}
    services.actions = [published]

    assert report_run.handler(sample("run-succeeded"), context)["subject"] == "publishing: nothing new to publish"


def test_a_message_about_an_approval_says_what_is_to_be_published(report_run, services, sample, context):
    verified = action("Verify")
    verified["output"]["outputVariables"] = {"PLANNED": "photos 1.2.0"}
    services.actions = [SOURCE, verified, action("Approve", "InProgress", category="Approval")]

    report_run.handler(sample("approval-waits"), context)

    (message,) = services.sent
    assert message["Subject"] == "publishing: Approve waits for you"
    assert "To be published: photos 1.2.0" in message["Message"]


def test_a_subject_is_one_that_sns_accepts(report_run, services, sample, context):
    """ASCII, one line, fewer than 100 characters."""
    published = action("Publish")
    published["output"]["outputVariables"] = {"PUBLISHED": "größe 1.0.0,\n" + "x" * 200}
    services.actions = [published]

    subject = report_run.handler(sample("run-succeeded"), context)["subject"]

    assert len(subject) == 99
    assert subject.isascii()
    assert "\n" not in subject


def test_a_message_about_a_probe_is_not_sent(report_run, source, services, context):
    event = source("check_deployment").succeeded_event("publishing", "eu-west-1")

    answer = report_run.handler(event, context)

    assert answer["sent"] is False
    assert answer["subject"].startswith("publishing")
    assert services.sent == []


@pytest.mark.parametrize("call", ["list_action_executions", "publish"])
def test_a_failure_to_send_is_raised_for_a_retry(report_run, services, sample, context, call):
    services.actions = [SOURCE]
    services.denied = {call}

    with pytest.raises(ClientError):
        report_run.handler(sample("run-failed"), context)
