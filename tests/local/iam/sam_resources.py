"""The resources that the calls under SAM's policy templates are about."""

import json
import time
from typing import Any

from blueprints.local.cloud import ACCOUNT, Cloud
from tests.local.building import zipped
from tests.local.iam.switched_clients import document
from tests.local.resources import arn

PASS = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
ROLE = f"arn:aws:iam::{ACCOUNT}:role/services"


def make_resources(cloud: Cloud) -> dict[str, Any]:
    """Make them as the account's owner; returns their names, for the arguments of calls."""
    made: dict[str, Any] = {"pipeline": "release", "workgroup": "analysts", "stack": "sam-policy-templates"}
    for make in (_role, _data, _messages, _functions, _others):
        made |= make(cloud)
    return made


def _role(cloud: Cloud) -> dict[str, Any]:
    services = ["states.amazonaws.com", "lambda.amazonaws.com"]
    trust = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    iam = cloud.client("iam")
    iam.create_role(RoleName="services", AssumeRolePolicyDocument=json.dumps(document(trust)))
    iam.put_role_policy(
        RoleName="services",
        PolicyName="all",
        PolicyDocument=json.dumps(document({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})),
    )
    return {}


def _data(cloud: Cloud) -> dict[str, Any]:
    dynamodb, streams, s3 = cloud.client("dynamodb"), cloud.client("dynamodbstreams"), cloud.client("s3")
    table = dynamodb.create_table(
        TableName="orders",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("id", "customer")],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-customer",
                "KeySchema": [{"AttributeName": "customer", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    stream_arn = table["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    backup, kept_backup = (
        dynamodb.create_backup(TableName="orders", BackupName=name)["BackupDetails"]["BackupArn"]
        for name in ("first", "second")
    )
    s3.create_bucket(Bucket="shop-data")
    s3.put_object(Bucket="shop-data", Key="kept", Body=b"x")
    return {
        "table": "orders",
        "stream_arn": stream_arn,
        "stream_label": stream_arn.rsplit("/", 1)[1],
        "shard": shard,
        "shard_iterator": iterator["ShardIterator"],
        "backup_arn": backup,
        "kept_backup_arn": kept_backup,
        "bucket": "shop-data",
    }


def _messages(cloud: Cloud) -> dict[str, Any]:
    kinesis, logs = cloud.client("kinesis"), cloud.client("logs")
    topic_arn = cloud.client("sns").create_topic(Name="sold")["TopicArn"]
    queue_url = cloud.client("sqs").create_queue(QueueName="parcels")["QueueUrl"]
    kinesis.create_stream(StreamName="clicks", ShardCount=1)
    iterator = kinesis.get_shard_iterator(
        StreamName="clicks", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )
    cloud.client("events").create_event_bus(Name="shop")
    cloud.client("firehose").create_delivery_stream(DeliveryStreamName="archive")
    logs.create_log_group(logGroupName="/shop/web")
    ses = cloud.client("ses")
    ses.verify_email_identity(EmailAddress="shop@example.com")
    ses.create_template(Template={"TemplateName": "receipt", "SubjectPart": "Receipt", "TextPart": "Thanks"})
    return {
        "topic": "sold",
        "topic_arn": topic_arn,
        "queue": "parcels",
        "queue_url": queue_url,
        "queue_arn": arn("sqs", "parcels"),
        "stream": "clicks",
        "kinesis_iterator": iterator["ShardIterator"],
        "bus": "shop",
        "delivery_stream": "archive",
        "log_group": "/shop/web",
    }


def _functions(cloud: Cloud) -> dict[str, Any]:
    states, sqs = cloud.client("stepfunctions"), cloud.client("sqs")
    ask = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {
            "QueueUrl": (url := sqs.create_queue(QueueName="tokens")["QueueUrl"]),
            "MessageBody.$": "$$.Task.Token",
        },
        "End": True,
    }
    waiting = json.dumps({"StartAt": "Ask", "States": {"Ask": ask}})
    machine = states.create_state_machine(name="fulfil", definition=waiting, roleArn=ROLE)["stateMachineArn"]
    express = states.create_state_machine(name="quote", definition=PASS, roleArn=ROLE, type="EXPRESS")[
        "stateMachineArn"
    ]
    states.start_execution(stateMachineArn=machine)
    token = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]["Body"]
    cloud.client("lambda").create_function(
        FunctionName="ship",
        Runtime="python3.13",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": zipped(**{"index.py": "def handler(event, context): pass"})},
        Publish=True,
    )
    return {
        "function": "ship",
        "machine": "fulfil",
        "machine_arn": machine,
        "express_machine": "quote",
        "express_machine_arn": express,
        "task_token": token,
    }


def _others(cloud: Cloud) -> dict[str, Any]:
    kms, secrets, athena = cloud.client("kms"), cloud.client("secretsmanager"), cloud.client("athena")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/shop", TargetKeyId=key)
    cloud.client("ssm").put_parameter(Name="/shop/limit", Value="3", Type="String")
    secret_arn = secrets.create_secret(Name="shop/db", SecretString="x")["ARN"]
    secrets.create_secret(Name="shop/rotated", SecretString="x")
    secrets.rotate_secret(
        SecretId="shop/rotated", RotationLambdaARN=arn("lambda", "function:ship"), RotateImmediately=False
    )
    application = cloud.client("serverlessrepo").create_application(
        Author="shop", Description="A shop", Name="shop-app"
    )
    zone = cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference=str(time.time()))
    athena.create_work_group(Name="analysts")
    named = athena.create_named_query(Name="q", Database="d", QueryString="SELECT 1", WorkGroup="analysts")
    return {
        "key": key,
        "key_alias": "alias/shop",
        "ciphertext": kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"],
        "secret": "shop/db",
        "secret_arn": secret_arn,
        "application_arn": application["ApplicationId"],
        "rotated_secret": "shop/rotated",
        "certificate_arn": cloud.client("acm").request_certificate(DomainName="example.com")["CertificateArn"],
        "zone": zone["HostedZone"]["Id"].rsplit("/", 1)[1],
        "named_query": named["NamedQueryId"],
    }
