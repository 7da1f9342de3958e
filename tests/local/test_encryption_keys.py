"""Keys of KMS: what templates encrypt with them, which services may deliver, and what functions may decrypt."""

import json
import uuid
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.cloud import ACCOUNT
from tests.local.event_sources import HANDLER, MAY_READ, TABLE, batches, batches_until, mapping, put
from tests.local.resources import QUEUE, client_settings, function_resource, queue_policy, role_with
from tests.local.test_schedules import schedule
from tests.local.waiting import messages, until

ANSWERING = 'import os\ndef handler(event, context): return os.environ["SECRET"]'
LETS_THE_ACCOUNT_IN = {
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": "kms:*",
    "Resource": "*",
}
KEYED_BUCKET = {
    "ServerSideEncryptionConfiguration": [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "Key"}}}
    ]
}


def key_resource(*statements):
    policy = {"Version": "2012-10-17", "Statement": [LETS_THE_ACCOUNT_IN, *statements]}
    return {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}


def for_service(service):
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
    }


@pytest.fixture
def key(cloud):
    """The ARN of a key whose policy lets IAM policies decide."""
    return cloud.client("kms").create_key()["KeyMetadata"]["Arn"]


def keyed(resource, **properties):
    return {**resource, "Properties": {**resource.get("Properties", {}), **properties}}


KEY = {"Fn::GetAtt": ["Key", "Arn"]}
KEY_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
KEYED_QUEUE = keyed(QUEUE, KmsMasterKeyId={"Ref": "Key"})


def test_resources_of_templates_use_the_key_they_name(cloud, stack):
    deployed = stack(
        Key=key_resource(),
        Bucket={"Type": "AWS::S3::Bucket", "Properties": {"BucketEncryption": KEYED_BUCKET}},
        Topic={"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}},
        Stream={
            "Type": "AWS::Kinesis::Stream",
            "Properties": {"ShardCount": 1, "StreamEncryption": {"EncryptionType": "KMS", "KeyId": KEY}},
        },
        Table=keyed(TABLE, SSESpecification={"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "Key"}}),
    ).outputs
    key_arn = cloud.client("kms").describe_key(KeyId=deployed["Key"])["KeyMetadata"]["Arn"]
    stream = cloud.client("kinesis").describe_stream(StreamName=deployed["Stream"])["StreamDescription"]
    table = cloud.client("dynamodb").describe_table(TableName=deployed["Table"])["Table"]
    topic = cloud.client("sns").get_topic_attributes(TopicArn=deployed["Topic"])["Attributes"]

    written = cloud.client("s3").put_object(Bucket=deployed["Bucket"], Key="a")

    assert (written["ServerSideEncryption"], written["SSEKMSKeyId"]) == ("aws:kms", key_arn)
    assert (stream["EncryptionType"], stream["KeyId"]) == ("KMS", key_arn)
    assert table["SSEDescription"]["KMSMasterKeyArn"] == key_arn
    assert topic["KmsMasterKeyId"] == deployed["Key"]


def test_a_bucket_of_a_template_loses_its_key_with_the_property(cloud):
    name = f"test-{uuid.uuid4().hex[:12]}"
    cloudformation = cloud.client("cloudformation")
    keyed_bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name, "BucketEncryption": KEYED_BUCKET}}
    plain = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}

    def template(bucket):
        return json.dumps({"Resources": {"Key": key_resource(), "Bucket": bucket}})

    cloudformation.create_stack(StackName=name, TemplateBody=template(keyed_bucket))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 0.05})
    cloudformation.update_stack(StackName=name, TemplateBody=template(plain))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 0.05})

    assert "SSEKMSKeyId" not in cloud.client("s3").put_object(Bucket=name, Key="a")


def test_aws_makes_the_key_of_a_service_and_shows_it(cloud):
    s3, bucket = cloud.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    used = s3.put_object(Bucket=bucket, Key="a", ServerSideEncryption="aws:kms")["SSEKMSKeyId"]

    shown = cloud.client("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]

    assert (shown["Arn"], shown["KeyManager"]) == (used, "AWS")


def test_requests_without_a_signature_cannot_use_a_key(cloud, key):
    """The bucket policy lets everybody read and write."""
    s3, bucket = cloud.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]})
    public = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [public]}))
    s3.put_object(Bucket=bucket, Key="keyed", Body=b"x")
    s3.put_object(Bucket=bucket, Key="plain", Body=b"x", ServerSideEncryption="AES256")
    unsigned = boto3.client(
        "s3", endpoint_url=cloud.endpoint, region_name="us-east-1", config=Config(signature_version=UNSIGNED)
    )

    assert unsigned.get_object(Bucket=bucket, Key="plain")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="signature"):
        unsigned.get_object(Bucket=bucket, Key="keyed")
    with pytest.raises(ClientError, match="AccessDenied"):
        unsigned.put_object(Bucket=bucket, Key="new", Body=b"x")


@pytest.mark.parametrize(("actions", "status"), [((), 403), (("kms:GenerateDataKey",), 204)])
def test_a_signed_form_uses_the_key_of_its_signer(cloud, key, actions, status):
    s3, iam, name = cloud.client("s3"), cloud.client("iam"), f"test-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [default]})
    iam.create_user(UserName=name)
    allowed = {"Effect": "Allow", "Action": ["s3:PutObject", *actions], "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName=name, PolicyName="form", PolicyDocument=policy)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    signed = boto3.client("s3", **client_settings(cloud) | keys).generate_presigned_post(name, "photo")

    assert post(signed["url"], {**signed["fields"], "file": "x"}) == status
    assert s3.list_objects_v2(Bucket=name)["KeyCount"] == (status == 204)


def post(url, fields):
    parts = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    try:
        with urlopen(Request(url, f"{parts}--x--\r\n".encode(), headers)) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


LOCKED_OUT = "will not allow you to update the key policy in the future"


def test_a_key_policy_that_locks_its_maker_out_is_refused(cloud, key):
    kms = cloud.client("kms")
    shut = json.dumps({"Version": "2012-10-17", "Statement": [for_service("sns.amazonaws.com")]})

    for write in (lambda: kms.create_key(Policy=shut), lambda: kms.put_key_policy(KeyId=key, Policy=shut)):
        with pytest.raises(kms.exceptions.MalformedPolicyDocumentException, match=LOCKED_OUT):
            write()
    kms.put_key_policy(KeyId=key, Policy=shut, BypassPolicyLockoutSafetyCheck=True)

    assert json.loads(kms.get_key_policy(KeyId=key)["Policy"]) == json.loads(shut)


def test_a_template_with_a_key_policy_that_locks_its_maker_out_is_refused(stack):
    shut = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": [for_service("sns.amazonaws.com")]}}}

    with pytest.raises(BlueprintError, match=LOCKED_OUT):
        stack(Key=shut)


def topic_to_queue(*statements):
    return {
        "Key": key_resource(*statements),
        "Queue": KEYED_QUEUE,
        "DeadLetters": QUEUE,
        "Policy": queue_policy("Queue", "sns.amazonaws.com"),
        "DeadLetterPolicy": queue_policy("DeadLetters", "sns.amazonaws.com"),
        "Topic": {"Type": "AWS::SNS::Topic"},
        "Subscription": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "sqs",
                "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}},
            },
        },
    }


@pytest.mark.parametrize(
    ("statements", "arrives_in"),
    [((for_service("sns.amazonaws.com"),), "Queue"), ((), "DeadLetters")],
    ids=["let in", "left out"],
)
def test_a_topic_needs_the_key_policy_to_reach_an_encrypted_queue(cloud, stack, statements, arrives_in):
    deployed = stack(**topic_to_queue(*statements)).outputs

    cloud.client("sns").publish(TopicArn=deployed["Topic"], Message="hello")

    (message,) = messages(cloud, deployed[arrives_in])
    assert message["body"]["Message"] == "hello"


@pytest.mark.parametrize("statements", [(for_service("s3.amazonaws.com"),), ()], ids=["let in", "left out"])
def test_a_bucket_needs_the_key_policy_to_notify_an_encrypted_queue(cloud, stack, statements):
    deployed = stack(
        Key=key_resource(*statements),
        Queue=KEYED_QUEUE,
        Policy=queue_policy("Queue", "s3.amazonaws.com"),
        Bucket={"Type": "AWS::S3::Bucket"},
    ).outputs
    queue_arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{deployed['Queue'].rsplit('/', 1)[1]}"
    configuration = {"QueueConfigurations": [{"QueueArn": queue_arn, "Events": ["s3:ObjectCreated:*"]}]}
    notify = {"Bucket": deployed["Bucket"], "NotificationConfiguration": configuration}

    if not statements:
        with pytest.raises(ClientError, match="Unable to validate the following destination configurations"):
            cloud.client("s3").put_bucket_notification_configuration(**notify)
        return
    cloud.client("s3").put_bucket_notification_configuration(**notify)
    cloud.client("s3").put_object(Bucket=deployed["Bucket"], Key="a")
    bodies = [each["body"] for each in messages(cloud, deployed["Queue"], at_least=2)]
    assert [each["Records"][0]["s3"]["object"]["key"] for each in bodies if "Records" in each] == ["a"]


def test_a_key_that_aws_manages_lets_no_service_in(cloud, stack):
    deployed = stack(**{**topic_to_queue(), "Queue": keyed(QUEUE, KmsMasterKeyId="alias/aws/sqs")}).outputs

    cloud.client("sns").publish(TopicArn=deployed["Topic"], Message="hello")

    (message,) = messages(cloud, deployed["DeadLetters"])
    assert message["body"]["Message"] == "hello"


def test_a_rule_needs_the_key_policy_to_reach_an_encrypted_queue(cloud, stack):
    dead_letters = {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}}
    target = {"Id": "queue", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, **dead_letters}
    deployed = stack(
        Key=key_resource(for_service("sns.amazonaws.com")),
        Queue=KEYED_QUEUE,
        DeadLetters=QUEUE,
        Policy=queue_policy("Queue", "events.amazonaws.com"),
        DeadLetterPolicy=queue_policy("DeadLetters", "events.amazonaws.com"),
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {"EventPattern": {"source": [{"Ref": "AWS::StackName"}]}, "Targets": [target]},
        },
    )
    entry = {"Source": deployed.name, "DetailType": "test", "Detail": '{"id": 1}'}

    cloud.client("events").put_events(Entries=[entry])

    (letter,) = messages(cloud, deployed.outputs["DeadLetters"])
    assert letter["body"]["detail"] == {"id": 1}
    assert letter["attributes"]["ERROR_CODE"] == "NO_PERMISSIONS"


@pytest.mark.parametrize(
    ("statements", "told"),
    [((for_service("cloudwatch.amazonaws.com"),), True), ((), False)],
    ids=["let in", "left out"],
)
def test_an_alarm_needs_the_key_policy_to_tell_an_encrypted_topic(cloud, stack, statements, told):
    deployed = stack(
        Key=key_resource(*statements),
        Topic={"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}},
        Plain={"Type": "AWS::SNS::Topic"},
        Queue=QUEUE,
        Policy=queue_policy("Queue", "sns.amazonaws.com"),
        **{
            f"{topic}Subscription": {
                "Type": "AWS::SNS::Subscription",
                "Properties": {
                    "TopicArn": {"Ref": topic},
                    "Protocol": "sqs",
                    "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]},
                },
            }
            for topic in ("Topic", "Plain")
        },
        Alarm={
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "Namespace": "test",
                "MetricName": "test",
                "Statistic": "Sum",
                "Period": 60,
                "Threshold": 1,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold",
                "AlarmActions": [{"Ref": "Topic"}, {"Ref": "Plain"}],
            },
        },
    ).outputs

    cloud.client("cloudwatch").set_alarm_state(AlarmName=deployed["Alarm"], StateValue="ALARM", StateReason="a test")

    topics = [each["body"]["TopicArn"] for each in messages(cloud, deployed["Queue"], at_least=1 + told)]
    assert sorted(topics) == sorted([deployed["Plain"], *([deployed["Topic"]] * told)])


def test_a_schedule_needs_the_key_in_its_role(cloud, stack):
    """The dead letters have no key."""
    deployed = stack(
        Key=key_resource(),
        Queue=KEYED_QUEUE,
        Dead=QUEUE,
        **{name: schedule_role(*actions) for name, actions in {"May": KEY_ACTIONS, "MayNot": ()}.items()},
        **{
            f"By{name}": schedule(name, DeadLetterConfig={"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}})
            for name in ("May", "MayNot")
        },
    ).outputs

    assert [each["body"] for each in messages(cloud, deployed["Queue"])] == [{"by": "May"}]
    assert [each["body"] for each in messages(cloud, deployed["Dead"])] == [{"by": "MayNot"}]


def schedule_role(*actions):
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = role_with("sqs:SendMessage", *actions)
    return keyed(role, AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": [trust]})


@pytest.mark.parametrize("may_decrypt", [True, False])
def test_a_function_reads_its_variables_if_its_role_may_decrypt(cloud, stack, may_decrypt):
    lambda_ = cloud.client("lambda")
    name = stack(
        Role=role_with("kms:Decrypt" if may_decrypt else "kms:Encrypt"),
        Key=key_resource(),
        Function=function_resource(ANSWERING, KmsKeyArn=KEY, Environment={"Variables": {"SECRET": "a word"}}),
    ).outputs["Function"]

    if may_decrypt:
        assert json.load(lambda_.invoke(FunctionName=name)["Payload"]) == "a word"
    else:
        with pytest.raises(lambda_.exceptions.KMSAccessDeniedException, match="not authorized to perform: kms:Decrypt"):
            lambda_.invoke(FunctionName=name)


def test_a_function_with_a_disabled_key_is_not_started(cloud, stack):
    lambda_ = cloud.client("lambda")
    deployed = stack(
        Role=role_with("kms:Decrypt"),
        Key=key_resource(),
        Function=function_resource(ANSWERING, KmsKeyArn=KEY, Environment={"Variables": {"SECRET": "a word"}}),
    ).outputs
    cloud.client("kms").disable_key(KeyId=deployed["Key"])
    variables = {"Variables": {"SECRET": "another"}}

    with pytest.raises(ClientError, match=r"the KMS key cannot be used.*is disabled"):
        lambda_.update_function_configuration(
            FunctionName=deployed["Function"],
            Environment=variables,
            KMSKeyArn=f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{deployed['Key']}",
        )
    # Another timeout needs new environments, which decrypt the variables again.
    lambda_.update_function_configuration(FunctionName=deployed["Function"], Timeout=11)
    with pytest.raises(lambda_.exceptions.KMSDisabledException, match="unable to decrypt the environment variables"):
        lambda_.invoke(FunctionName=deployed["Function"])


def test_a_function_cannot_be_made_with_a_key_that_does_not_let_its_maker_in(stack):
    policy = {"Statement": [for_service("sns.amazonaws.com")]}
    shut = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy, "BypassPolicyLockoutSafetyCheck": True}}
    function = function_resource(ANSWERING, KmsKeyArn=KEY, Environment={"Variables": {"SECRET": "a word"}})

    with pytest.raises(BlueprintError, match="not authorized to perform: kms:CreateGrant"):
        stack(Key=shut, Function=function)


def test_a_mapping_waits_until_its_role_may_decrypt_the_stream(cloud, stack, key):
    encrypted = {"ShardCount": 1, "StreamEncryption": {"EncryptionType": "KMS", "KeyId": key}}
    deployed = stack(
        Role=MAY_READ,
        Stream={"Type": "AWS::Kinesis::Stream", "Properties": encrypted},
        Function=function_resource(HANDLER),
        Mapping=mapping(),
    )
    put(cloud, deployed, "a")

    def problem():
        found = cloud.client("lambda").get_event_source_mapping(UUID=deployed.outputs["Mapping"])
        return "kms:Decrypt" in found["LastProcessingResult"]

    until(problem)
    assert batches(cloud, deployed) == []

    may = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}]}
    cloud.client("iam").put_role_policy(
        RoleName=deployed.outputs["Role"], PolicyName="key", PolicyDocument=json.dumps(may)
    )
    assert batches_until(cloud, deployed, "a") == [["a"]]
