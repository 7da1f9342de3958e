"""Policies of the roles of Cognito identity pools name the identity: `cognito-identity.amazonaws.com:sub`."""

import json
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.local.resources import client_settings


def test_an_identity_writes_below_its_own_prefix_only(cloud):
    name = f"test-{uuid.uuid4().hex[:12]}"
    iam, identities = cloud.client("iam"), cloud.client("cognito-identity")
    pool = identities.create_identity_pool(IdentityPoolName=name, AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    own = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/${{cognito-identity.amazonaws.com:sub}}/*",
        "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": pool}},
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(own))
    identities.set_identity_pool_roles(IdentityPoolId=pool, Roles={"unauthenticated": role})
    cloud.client("s3").create_bucket(Bucket=name)
    identity, other = (identities.get_id(IdentityPoolId=pool)["IdentityId"] for _ in range(2))
    given = identities.get_credentials_for_identity(IdentityId=identity)["Credentials"]
    s3 = boto3.client(
        "s3",
        **client_settings(cloud)
        | {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretKey"],
            "aws_session_token": given["SessionToken"],
        },
    )

    s3.put_object(Bucket=name, Key=f"{identity}/photo")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=name, Key=f"{other}/photo")

    kept = cloud.client("s3").list_objects_v2(Bucket=name)["Contents"]
    assert [each["Key"] for each in kept] == [f"{identity}/photo"]


def policy(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
