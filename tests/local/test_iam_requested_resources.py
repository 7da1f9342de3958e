"""Which resource a request needs permission for."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import ACCOUNT
from tests.local.resources import client_settings

BUCKET = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})


@pytest.fixture
def taken(cloud):
    """Makes a role with these statements and takes it; returns what makes clients with its session."""

    def take(*statements):
        iam, name = cloud.client("iam"), f"taken-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*statements))
        session = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        settings = client_settings(cloud) | {
            "aws_access_key_id": session["AccessKeyId"],
            "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"],
        }
        return lambda service: boto3.client(service, **settings)

    return take


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_change_set_is_its_stacks(cloud, taken):
    """Named by its ARN alone, as whoever deploys from the repository has it."""
    stack, other = (f"changes-{uuid.uuid4().hex[:8]}" for _ in range(2))
    cloudformation = cloud.client("cloudformation")
    made = {
        name: cloudformation.create_change_set(
            StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=BUCKET
        )["Id"]
        for name in (stack, other)
    }
    theirs = taken(
        {
            "Effect": "Allow",
            "Action": "cloudformation:DescribeChangeSet",
            "Resource": f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{stack}/*",
        }
    )("cloudformation")

    assert theirs.describe_change_set(ChangeSetName=made[stack])["StackName"] == stack
    with pytest.raises(ClientError, match="not authorized to perform: cloudformation:DescribeChangeSet"):
        theirs.describe_change_set(ChangeSetName=made[other])


def test_a_denial_names_the_resource(cloud, taken):
    """As AWS does, so that a role's policy can be mended; a denial of any resource names none."""
    role = taken({"Effect": "Allow", "Action": "sqs:ReceiveMessage", "Resource": "*"})
    url = cloud.client("sqs").create_queue(QueueName=f"denied-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.rsplit('/', 1)[1]}"
    cloud.client("s3").create_bucket(Bucket=(bucket := f"denied-{uuid.uuid4().hex[:8]}"))
    because = "because no identity-based policy allows the"

    with pytest.raises(ClientError, match=f"sqs:SendMessage on resource: {arn} {because} sqs:SendMessage action"):
        role("sqs").send_message(QueueUrl=url, MessageBody="x")
    with pytest.raises(ClientError, match=f's3:GetObject on resource: "arn:aws:s3:::{bucket}/k" {because}'):
        role("s3").get_object(Bucket=bucket, Key="k")
    with pytest.raises(ClientError, match=f"sqs:ListQueues {because}"):
        role("sqs").list_queues()
