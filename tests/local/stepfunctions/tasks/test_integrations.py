"""Which Resources exist, which arguments they take, and when their jobs are done."""

import pytest

from blueprints.local.services.stepfunctions.tasks import is_known_resource
from blueprints.local.services.stepfunctions.tasks.api_gateway_tasks import request_of
from blueprints.local.services.stepfunctions.tasks.integrations import integration_of
from blueprints.local.services.stepfunctions.tasks.jobs import job_of
from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments
from blueprints.states_language.failures import StateFailed


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f:live",
        "arn:aws:states:us-east-1:123456789012:activity:pack",
        "arn:aws:states:::lambda:invoke",
        "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "arn:aws:states:::states:startExecution.sync:2",
        "arn:aws:states:::aws-sdk:s3:listObjectsV2",
        "arn:aws:states:::aws-sdk:sfn:startExecution.waitForTaskToken",
        "arn:aws:states:::batch:submitJob.sync",
        "arn:aws-cn:states:::sns:publish",
    ],
)
def test_resources_that_exist(resource):
    assert is_known_resource(resource)


@pytest.mark.parametrize(
    "resource",
    [
        "arn:aws:states:::sqs:sendMessage.sync",
        "arn:aws:states:::sqs:deleteMessage",
        "arn:aws:states:::dynamodb:putItem.waitForTaskToken",
        "arn:aws:states:::aws-sdk:s3:listObject",
        "arn:aws:states:::aws-sdk:stepfunctions:startExecution",
        "arn:aws:states:::aws-sdk:s3:listObjectsV2.sync",
        "arn:aws:s3:::bucket",
        "lambda",
    ],
)
def test_resources_that_do_not_exist(resource):
    assert not is_known_resource(resource)


def job(resource):
    integration = integration_of(resource)
    assert integration
    return job_of(integration)[1]


def test_an_execution_is_done_when_it_succeeded():
    plain = job("arn:aws:states:::states:startExecution.sync")
    assert plain.result({"Status": "RUNNING"})[0] is False
    assert plain.result({"Status": "SUCCEEDED", "Output": '{"a":1}'}) == (
        True,
        {"Status": "SUCCEEDED", "Output": '{"a":1}'},
    )
    parsed = job("arn:aws:states:::states:startExecution.sync:2")
    assert parsed.result({"Status": "SUCCEEDED", "Output": '{"a":1}'})[1]["Output"] == {"a": 1}


@pytest.mark.parametrize(
    ("resource", "description"),
    [
        ("states:startExecution.sync", {"Status": "ABORTED"}),
        ("codebuild:startBuild.sync", {"Build": {"BuildStatus": "FAILED"}}),
        ("glue:startJobRun.sync", {"JobRunState": "TIMEOUT"}),
        ("athena:startQueryExecution.sync", {"QueryExecution": {"Status": {"State": "CANCELLED"}}}),
    ],
)
def test_a_job_without_success_fails_the_task_with_its_description(resource, description):
    with pytest.raises(StateFailed) as failed:
        job(f"arn:aws:states:::{resource}").result(description)
    assert failed.value.error == "States.TaskFailed"
    assert failed.value.cause
    assert failed.value.cause.startswith("{")


def test_a_request_to_an_api():
    request = request_of(
        {
            "ApiEndpoint": "abc123.execute-api.us-east-1.amazonaws.com",
            "Method": "POST",
            "Stage": "prod",
            "Path": "/orders/7",
            "QueryParameters": {"tag": ["a b", "c"]},
            "Headers": {"Accept": ["text/plain", "text/html"]},
            "RequestBody": {"sum": 3},
            "AuthType": "IAM_ROLE",
        }
    )
    assert request.path == "prod/orders/7"
    assert request.query == {"tag": ["a b", "c"]}
    assert request.headers == {"Accept": "text/plain,text/html", "Content-Type": "application/json"}
    assert request.body == b'{"sum":3}'
    assert request.is_signed


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        {"Method": "GET"},
        {"ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com", "Method": "FETCH"},
        {"ApiEndpoint": "example.com", "Method": "GET"},
        {"ApiEndpoint": "abc.execute-api.us-east-1.amazonaws.com", "Method": "GET", "Body": "x"},
    ],
)
def test_a_request_that_cannot_be_made(arguments):
    with pytest.raises(UnusableArguments):
        request_of(arguments)
