"""A user of another account reads an object if the bucket, the key and the user's own policy let it."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import ACCOUNT
from tests.local.resources import client_settings

OTHER = "222222222222"


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action, **more):
    return {"Effect": "Allow", "Action": action, "Resource": "*", **more}


@pytest.mark.parametrize("shared_with", ["account", "user"])
@pytest.mark.parametrize(("actions", "is_read"), [(["s3:GetObject"], False), (["s3:GetObject", "kms:Decrypt"], True)])
def test_the_key_is_asked_with_the_users_own_policy(cloud, actions, is_read, shared_with):
    name = f"test-{uuid.uuid4().hex[:12]}"
    iam = boto3.client("iam", **client_settings(cloud) | {"aws_access_key_id": OTHER})
    user = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy(allow(actions)))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    root = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    key_policy = policy(root, allow("kms:Decrypt", Principal={"AWS": user}))
    key = cloud.client("kms").create_key(Policy=key_policy)["KeyMetadata"]["Arn"]
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    shared = {
        **allow("s3:GetObject", Principal={"AWS": {"account": OTHER, "user": user}[shared_with]}),
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    s3.put_bucket_policy(Bucket=name, Policy=policy(shared))
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
    guest = boto3.client("s3", **client_settings(cloud) | keys)

    if is_read:
        assert guest.get_object(Bucket=name, Key="a")["Body"].read() == b"x"
    else:
        with pytest.raises(ClientError, match=r"AccessDenied.*kms:Decrypt"):
            guest.get_object(Bucket=name, Key="a")


@pytest.mark.parametrize("statements", ["another user", "all but this user"])
def test_a_bucket_policy_leaves_out_one_user(cloud, statements):
    name = f"test-{uuid.uuid4().hex[:12]}"
    iam = boto3.client("iam", **client_settings(cloud) | {"aws_access_key_id": OTHER})
    user = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy(allow("s3:*")))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a", Body=b"x")
    objects = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}
    written = {
        "another user": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/another"}, **objects}],
        "all but this user": [
            {"Effect": "Allow", "Principal": {"AWS": OTHER}, **objects},
            {"Effect": "Deny", "Principal": {"AWS": user}, **objects},
        ],
    }
    s3.put_bucket_policy(Bucket=name, Policy=policy(*written[statements]))
    keys = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}

    with pytest.raises(ClientError, match="AccessDenied"):
        boto3.client("s3", **client_settings(cloud) | keys).get_object(Bucket=name, Key="a")
