"""A presigned URL has the permissions of its signer, also on the key of the bucket and on the list of its objects."""

import json
import uuid
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

from tests.local.resources import client_settings


@pytest.fixture
def bucket(cloud):
    """A bucket whose objects are encrypted with a key; it has one, `photo`."""
    s3, name = cloud.client("s3"), f"test-{uuid.uuid4().hex[:12]}"
    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [default]})
    s3.put_object(Bucket=name, Key="photo", Body=b"x")
    return name


@pytest.fixture
def user(cloud, bucket):
    """A function that returns an S3 client of the user, who may do the actions and nothing else."""
    iam = cloud.client("iam")
    iam.create_user(UserName=bucket)
    made = iam.create_access_key(UserName=bucket)["AccessKey"]
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}

    def client(*actions):
        allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_user_policy(UserName=bucket, PolicyName="test", PolicyDocument=policy)
        return boto3.client("s3", config=Config(signature_version="s3v4"), **client_settings(cloud) | keys)

    return client


def status(url, method="GET"):
    try:
        with urlopen(Request(url, b"x" if method == "PUT" else None, method=method)) as answer:
            return answer.status
    except HTTPError as error:
        return error.code


@pytest.mark.parametrize(("actions", "expected"), [((), 403), (("kms:Decrypt",), 200)])
def test_reading_an_encrypted_object_needs_the_key(user, bucket, actions, expected):
    s3 = user("s3:GetObject", *actions)

    assert status(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "photo"})) == expected


@pytest.mark.parametrize(("actions", "expected"), [((), 403), (("kms:GenerateDataKey",), 200)])
def test_writing_an_encrypted_object_needs_the_key(cloud, user, bucket, actions, expected):
    s3 = user("s3:PutObject", *actions)

    assert status(s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "new"}), "PUT") == expected
    assert cloud.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == (2 if expected == 200 else 1)


@pytest.mark.parametrize(("actions", "expected"), [((), 403), (("s3:ListBucket",), 404)])
def test_who_may_not_list_is_not_told_that_an_object_is_missing(user, bucket, actions, expected):
    s3 = user("s3:GetObject", *actions)

    assert status(s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "missing"})) == expected
