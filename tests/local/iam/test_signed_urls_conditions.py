"""Condition keys of URLs that a role signed."""

import json
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.config import Config

from blueprints.local.cloud import ACCOUNT
from tests.local.resources import client_settings

BUCKET = "conditions-of-signed-urls"


@pytest.fixture(scope="module")
def role(cloud):
    """A role's client of S3, and what replaces the role's policy."""
    iam, name = cloud.client("iam"), "signs-urls"
    trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    taken = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    keys = {
        "aws_access_key_id": taken["AccessKeyId"],
        "aws_secret_access_key": taken["SecretAccessKey"],
        "aws_session_token": taken["SessionToken"],
    }
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    cloud.client("s3").put_object(Bucket=BUCKET, Key="a", Body=b"content")
    client = boto3.client("s3", **client_settings(cloud) | keys, config=Config(signature_version="s3v4"))

    def give(*statements):
        iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=document(*statements))

    return client, give


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"NumericGreaterThan": {"s3:signatureAge": "3600000"}}, 200),
        ({"NumericGreaterThanEquals": {"s3:signatureAge": "-60000"}}, 403),
        ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, 403),
        ({"StringEquals": {"s3:authType": "REST-HEADER"}}, 200),
        ({"StringNotEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}}, 200),
    ],
)
def test_a_denial_by_how_a_url_was_signed(role, condition, status):
    client, give = role
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    give(allow, {**allow, "Effect": "Deny", "Condition": condition})
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a"})

    assert answered(url) == status


def answered(url):
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
