"""Names, values and errors of AWS APIs in the form of Step Functions."""

from datetime import UTC, datetime
from io import BytesIO

import pytest

from blueprints.local.base.service_models import model_of
from blueprints.local.services.stepfunctions.tasks import sdk_calls, sdk_names, sdk_values
from blueprints.local.services.stepfunctions.tasks.optimized import SERVICES
from blueprints.local.services.stepfunctions.tasks.sdk_failures import ApiError, optimized_failure, sdk_failure


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bucket", "Bucket"),
        ("restApiId", "RestApiId"),
        ("ETag", "ETag"),
        ("DBInstanceIdentifier", "DbInstanceIdentifier"),
        ("SSEKMSKeyId", "SsekmsKeyId"),
        ("SSEDescription", "SseDescription"),
        ("MD5OfBody", "Md5OfBody"),
        ("S3Bucket", "S3Bucket"),
        ("TTL", "Ttl"),
        ("ChecksumCRC32", "ChecksumCRC32"),
    ],
)
def test_members_have_the_names_of_the_java_sdk(name, expected):
    assert sdk_names.member_name(name) == expected


@pytest.mark.parametrize(
    ("service", "botocore", "prefix"),
    [
        ("s3", "s3", "S3"),
        ("dynamodb", "dynamodb", "DynamoDb"),
        ("secretsmanager", "secretsmanager", "SecretsManager"),
        ("sfn", "stepfunctions", "Sfn"),
        ("cloudwatchlogs", "logs", "CloudWatchLogs"),
        ("eventbridge", "events", "EventBridge"),
        ("elasticloadbalancingv2", "elbv2", "ElasticLoadBalancingV2"),
        ("apigatewayv2", "apigatewayv2", "ApiGatewayV2"),
    ],
)
def test_services_have_the_names_of_the_java_sdk(service, botocore, prefix):
    assert sdk_names.botocore_service(service) == botocore
    assert sdk_names.service_prefix(model_of(botocore).service_id) == prefix


def test_botocores_own_name_of_a_renamed_service_is_unknown():
    assert sdk_names.botocore_service("stepfunctions") is None
    assert sdk_names.botocore_service("nosuchservice") is None


def operation(service, action):
    found = sdk_calls.sdk_operation(service, action)
    assert found
    return found


def test_arguments_are_found_by_their_pascal_case_names():
    assert operation("apigateway", "getRestApi").parameters({"RestApiId": "a"}) == {"restApiId": "a"}
    given = operation("rds", "describeDBInstances").parameters({"DbInstanceIdentifier": "a"})
    assert given == {"DBInstanceIdentifier": "a"}


def test_blobs_are_text_and_other_json_becomes_text():
    put = operation("s3", "putObject")
    assert put.parameters({"Bucket": "b", "Key": "k", "Body": "text"})["Body"] == b"text"
    assert put.parameters({"Bucket": "b", "Key": "k", "Body": {"a": 1}})["Body"] == b'{"a":1}'


def test_arguments_that_do_not_fit_are_named():
    with pytest.raises(sdk_values.UnusableArguments) as error:
        operation("s3", "putObject").parameters({"Bucket": 7, "Kye": "k"})
    assert error.value.faults == [
        "The value for the field 'Bucket' must be a STRING",
        'The field "Kye" is not supported by Step Functions',
        'The field "Key" is required but was missing',
    ]


def test_whole_numbers_written_as_floats_are_integers():
    given = operation("sqs", "receiveMessage").parameters({"QueueUrl": "u", "MaxNumberOfMessages": 3.0})
    assert given["MaxNumberOfMessages"] == 3
    assert isinstance(given["MaxNumberOfMessages"], int)


def test_results_are_json():
    answer = {
        "Body": BytesIO(b'{"a":1}'),
        "LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "ETag": '"e"',
        "Metadata": {"own-name": "x"},
        "ResponseMetadata": {"RequestId": "r"},
    }
    assert operation("s3", "getObject").result(answer) == {
        "Body": '{"a":1}',
        "LastModified": "2026-01-02T03:04:05Z",
        "ETag": '"e"',
        "Metadata": {"own-name": "x"},
    }


@pytest.mark.parametrize(
    ("microsecond", "expected"),
    [(0, "2026-01-02T03:04:05Z"), (120_000, "2026-01-02T03:04:05.120Z"), (1, "2026-01-02T03:04:05.000001Z")],
)
def test_moments_have_the_digits_they_need(microsecond, expected):
    assert sdk_values.instant(datetime(2026, 1, 2, 3, 4, 5, microsecond, tzinfo=UTC)) == expected


def test_results_of_optimized_integrations_keep_the_names_of_the_api():
    sent = operation("sqs", "sendMessage")
    assert sent.result({"MD5OfMessageBody": "x"}) == {"Md5OfMessageBody": "x"}
    assert sent.result({"MD5OfMessageBody": "x"}, sdk_values.OPTIMIZED_FORM) == {"MD5OfMessageBody": "x"}


@pytest.mark.parametrize(
    ("service", "error", "name", "cause"),
    [
        (
            "s3",
            ApiError("NoSuchBucket", "No such bucket", 404, "r", "h"),
            "S3.NoSuchBucketException",
            "No such bucket (Service: S3, Status Code: 404, Request ID: r, Extended Request ID: h)",
        ),
        (
            "dynamodb",
            ApiError("ResourceNotFoundException", "Requested resource not found", 400, "r"),
            "DynamoDb.ResourceNotFoundException",
            "Requested resource not found (Service: DynamoDb, Status Code: 400, Request ID: r)",
        ),
        (
            "secretsmanager",
            ApiError("ValidationException", "Invalid name.", 400, "r"),
            "SecretsManager.SecretsManagerException",
            "Invalid name. (Service: SecretsManager, Status Code: 400, Request ID: r)",
        ),
        (
            "s3",
            ApiError("AccessDenied", "Access Denied", 403, "r"),
            "S3.S3Exception",
            "Access Denied (Service: S3, Status Code: 403, Request ID: r, Extended Request ID: r)",
        ),
    ],
)
def test_errors_of_sdk_integrations(service, error, name, cause):
    failure = sdk_failure(model_of(service), error)
    assert (failure.error, failure.cause) == (name, cause)


def test_errors_of_optimized_integrations():
    service = SERVICES["dynamodb"]
    failure = optimized_failure(
        model_of("dynamodb"),
        service.prefix,
        service.sdk_name,
        service.base_error,
        ApiError("ResourceNotFoundException", "Requested resource not found", 400, "r"),
    )
    assert failure.error == "DynamoDB.ResourceNotFoundException"
    assert failure.cause == (
        "Requested resource not found (Service: AmazonDynamoDBv2; Status Code: 400; "
        "Error Code: ResourceNotFoundException; Request ID: r; Proxy: null)"
    )


def test_every_optimized_action_is_an_operation_of_its_service():
    for service in SERVICES.values():
        for action in service.actions:
            assert service.operation(action), (service.botocore, action)


def test_objects_in_place_of_text_are_json_text():
    put = operation("eventbridge", "putEvents")
    given = {"Entries": [{"Source": "s", "DetailType": "t", "Detail": {"a": 1}}, {"Source": "s", "Detail": "text"}]}
    assert [each["Detail"] for each in put.parameters(given)["Entries"]] == ['{"a":1}', "text"]


def test_numbers_in_place_of_text_are_refused():
    with pytest.raises(sdk_values.UnusableArguments, match="The value for the field 'N' must be a STRING"):
        operation("dynamodb", "putItem").parameters({"TableName": "t", "Item": {"id": {"N": 7}}})
