"""Tasks call AWS in the machine's role; what they did is read from the service that they called."""

import json

import pytest

from tests.local.stepfunctions.api.machines import refused
from tests.local.waiting import messages

SDK = "arn:aws:states:::aws-sdk"


@pytest.fixture
def queue(cloud, unique):
    return cloud.client("sqs").create_queue(QueueName=unique)["QueueUrl"]


@pytest.fixture
def bucket(cloud, unique):
    cloud.client("s3").create_bucket(Bucket=unique)
    return unique


@pytest.fixture
def table(cloud, unique):
    cloud.client("dynamodb").create_table(
        TableName=unique,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return unique


def allow_service(sqs, queue, arn, service):
    """Let an AWS service send to a queue."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})


def test_an_sdk_integration_writes_an_object(cloud, play, bucket):
    played = play(f"{SDK}:s3:putObject", {"Bucket": bucket, "Key": "k", "Body": {"sum": 3}})

    assert set(played.output) >= {"ETag"}
    assert cloud.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b'{"sum":3}'
    assert played.types == ["TaskScheduled", "TaskStarted", "TaskSucceeded"]
    scheduled = played.event("TaskScheduled")
    assert (scheduled["resourceType"], scheduled["resource"]) == ("aws-sdk:s3", "putObject")
    assert json.loads(scheduled["parameters"])["Key"] == "k"


def test_a_body_is_read_as_text(cloud, play, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="k", Body="grüße".encode())

    assert play(f"{SDK}:s3:getObject", {"Bucket": bucket, "Key": "k"}).output["Body"] == "grüße"


def test_an_object_that_is_too_large_is_not_a_result(cloud, play, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="k", Body=b"x" * 300_000)
    error, cause = play(f"{SDK}:s3:getObject", {"Bucket": bucket, "Key": "k"}).failure
    assert error == "States.DataLimitExceeded"
    assert "returned a result with a size exceeding the maximum number of bytes service limit" in cause


def test_parameters_that_the_sdk_does_not_send_fail_as_the_service_would_answer(play, bucket):
    error, cause = play(f"{SDK}:s3:getObject", {"Bucket": bucket, "Key": ""}).failure
    assert error == "S3.S3Exception"
    assert cause.startswith("Invalid length for parameter Key, value: 0, valid min length: 1 (Service: S3")
    error, _ = play("arn:aws:states:::dynamodb:getItem", {"TableName": "", "Key": {"id": {"S": "a"}}}).failure
    assert error == "DynamoDB.AmazonDynamoDBException"


def test_an_error_of_the_service_is_the_error_of_the_task(play, bucket):
    error, cause = play(f"{SDK}:s3:getObject", {"Bucket": bucket, "Key": "none"}).failure
    assert error == "S3.NoSuchKeyException"
    assert "(Service: S3, Status Code: 404, Request ID: " in cause


def test_a_secret_with_an_invalid_name_is_refused(play):
    error, cause = play(f"{SDK}:secretsmanager:createSecret", {"Name": "Invalid Name", "SecretString": "x"}).failure
    assert error == "SecretsManager.SecretsManagerException"
    assert cause.startswith("Invalid name. Must be a valid name containing alphanumeric characters")


def test_what_the_role_does_not_allow_fails_and_does_nothing(cloud, play, allowed, bucket):
    role = allowed("s3:ListBucket")
    error, cause = play(f"{SDK}:s3:putObject", {"Bucket": bucket, "Key": "k", "Body": "x"}, role=role).failure

    assert error == "S3.S3Exception"
    assert f'is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::{bucket}/k"' in cause
    assert cloud.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_right_that_is_withdrawn_ends_at_once(cloud, play, allowed, queue):
    role = allowed("sqs:SendMessage")
    send = ("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "x"})
    assert play(*send, role=role).output["MessageId"]

    cloud.client("iam").delete_role_policy(RoleName=role.rsplit("/", 1)[1], PolicyName="test")

    assert play(*send, role=role).failure[0] == "SQS.AmazonSQSException"


def test_a_role_that_no_longer_trusts_step_functions_is_not_used(cloud, play, allowed, queue):
    role = allowed("sqs:SendMessage")
    name = role.rsplit("/", 1)[1]
    waiting = play(
        "arn:aws:states:::sqs:sendMessage",
        {"QueueUrl": queue, "MessageBody": "x"},
        role=role,
    )
    machine = waiting.ended["stateMachineArn"]
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    cloud.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Statement": [trust]}))

    again = waiting.client.start_execution(stateMachineArn=machine)["executionArn"]
    failed = type(waiting)(waiting.client, again)
    assert failed.failure[1].startswith("Neither the global service principal states.amazonaws.com")
    assert failed.types == ["TaskScheduled", "TaskStartFailed"]


def test_a_message_may_be_any_json(cloud, play, queue):
    played = play("arn:aws:states:::sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"order": 7}})

    assert set(played.output) == {"MD5OfMessageBody", "MessageId", "SdkHttpMetadata", "SdkResponseMetadata"}
    assert [each["body"] for each in messages(cloud, queue)] == [{"order": 7}]


def test_a_row_is_written_and_read(cloud, play, table):
    item = {"id": {"S": "a"}, "count": {"N": "3"}}
    put = play("arn:aws:states:::dynamodb:putItem", {"TableName": table, "Item": item})
    assert put.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert cloud.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "a"}})["Item"] == item

    get = play("arn:aws:states:::dynamodb:getItem", {"TableName": table, "Key": {"id": {"S": "a"}}})
    assert get.output["Item"] == item


def test_a_failed_condition_can_be_caught(play, table):
    condition = {"ConditionExpression": "attribute_exists(id)"}
    put = play("arn:aws:states:::dynamodb:putItem", {"TableName": table, "Item": {"id": {"S": "a"}}, **condition})
    assert put.failure[0] == "DynamoDB.ConditionalCheckFailedException"


def test_an_event_that_is_refused_fails_the_task(play):
    put = "arn:aws:states:::events:putEvents"
    entry = {"Source": "test", "DetailType": "t", "Detail": {"a": 1}}
    assert play(put, {"Entries": [entry]}).output["Entries"][0]["EventId"]

    error, cause = play(put, {"Entries": [entry, {"Source": "test", "Detail": "no json"}]}).failure
    assert error == "EventBridge.FailedEntry"
    assert json.loads(cause)["FailedEntryCount"] == 1


def test_an_event_names_the_execution_and_the_machine(cloud, play, queue, unique):
    events, sqs = cloud.client("events"), cloud.client("sqs")
    events.put_rule(Name=unique, EventPattern=json.dumps({"source": [unique]}))
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow_service(sqs, queue, arn, "events.amazonaws.com")
    events.put_targets(Rule=unique, Targets=[{"Id": "queue", "Arn": arn}])

    entry = {"Source": unique, "DetailType": "t", "Detail": {}}
    played = play("arn:aws:states:::events:putEvents", {"Entries": [entry]})
    (message,) = messages(cloud, queue)
    machine = played.ended["stateMachineArn"]
    assert message["body"]["resources"] == [played.arn, machine]


def test_a_topic_delivers_what_a_task_publishes(cloud, play, queue, unique):
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = sns.create_topic(Name=unique)["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow_service(sqs, queue, arn, "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    assert play("arn:aws:states:::sns:publish", {"TopicArn": topic, "Message": {"a": 1}}).output["MessageId"]
    assert [each["body"] for each in messages(cloud, queue)] == [{"a": 1}]


def test_a_field_that_the_api_does_not_have_fails_before_the_call(play, queue):
    played = play(f"{SDK}:sqs:sendMessage", {"QueueUrl": queue, "MessageBody": "x", "Colour": "red"})
    error, cause = played.failure
    assert error == "States.Runtime"
    assert cause.startswith("An error occurred while executing the state 'Work' (entered at the event id #2). ")
    assert 'could not be used to start the Task: [The field "Colour" is not supported by Step Functions]' in cause
    assert played.types == []


def test_work_that_does_not_run_here_fails(play):
    error, cause = play("arn:aws:states:::batch:submitJob.sync", {"JobName": "a"}).failure
    assert error == "States.Runtime"
    assert cause.endswith("The resource arn:aws:states:::batch:submitJob.sync does not run in the embedded AWS.")


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("batch:submitJob", {"JobName": "j", "JobQueue": "q", "JobDefinition": "d"}),
        ("bedrockruntime:invokeModel", {"ModelId": "m", "Body": {}}),
        ("emr:runJobFlow", {"Name": "flow", "Instances": {}}),
    ],
)
def test_work_that_does_not_run_here_fails_as_a_call_of_the_sdk_too(play, action, arguments):
    played = play(f"{SDK}:{action}", arguments)
    assert played.failure[1].endswith(f"The resource {SDK}:{action} does not run in the embedded AWS.")
    assert played.types == []


def test_a_resource_that_does_not_exist_is_refused_at_creation(play):
    with refused("InvalidDefinition", "The resource provided arn:aws:states:::sqs:deleteMessage is not recognized"):
        play("arn:aws:states:::sqs:deleteMessage", {})
    with refused("InvalidDefinition", "at /States/Work/Resource"):
        play(f"{SDK}:s3:listObject", {})


def test_a_call_in_another_role(cloud, play, allowed, bucket):
    machine = allowed("sts:AssumeRole")
    target = allowed("s3:PutObject")
    put = {"Bucket": bucket, "Key": "k", "Body": "x"}
    credentials = {"RoleArn": target}

    played = play(f"{SDK}:s3:putObject", put, role=machine, Credentials=credentials)
    assert played.failure == (
        "States.TaskFailed",
        f"The role {machine} is not authorized to assume the task state's role, {target}.",
    )

    trust = {"Effect": "Allow", "Principal": {"AWS": machine}, "Action": "sts:AssumeRole"}
    name = target.rsplit("/", 1)[1]
    cloud.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Statement": [trust]}))
    played = play(f"{SDK}:s3:putObject", put, role=machine, Credentials=credentials)
    assert played.output["ETag"]
    assert played.event("TaskScheduled")["taskCredentials"] == {"roleArn": target}
    assert cloud.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize(("role", "error"), [("{% 5 %}", "States.QueryEvaluationError"), ("me", "States.TaskFailed")])
def test_a_role_that_is_no_arn_fails_the_task(play, role, error):
    played = play(f"{SDK}:s3:listBuckets", {}, Credentials={"RoleArn": role})
    assert played.failure[0] == error
    assert "fault of the embedded AWS" not in played.failure[1]
