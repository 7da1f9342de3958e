"""A template's reference to a secret is its ARN: policies that name it allow reading the secret."""

import json

import pytest
from botocore.exceptions import ClientError

from blueprints.local.deployment import deploy
from tests.local.resources import function_resource, role_with

SOURCE = """
import boto3, os

def handler(event, context):
    return boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["SECRET"])["SecretString"]
"""


def secret(value, **more):
    return {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": value, **more}}


def test_a_policy_on_the_reference_allows_reading(cloud, stack):
    role = role_with("secretsmanager:GetSecretValue")
    (policy,) = role["Properties"]["Policies"]
    policy["PolicyDocument"]["Statement"][0]["Resource"] = {"Ref": "Secret"}
    reader = function_resource(SOURCE, Environment={"Variables": {"SECRET": {"Ref": "Secret"}}})

    deployed = stack(Role=role, Secret=secret("hush"), Function=reader)

    assert deployed.outputs["Secret"].startswith("arn:aws:secretsmanager:us-east-1:000000000000:secret:")
    assert cloud.invoke(deployed.outputs["Function"], {}).payload == "hush"


def test_updates_and_deletions_reach_the_same_secret(cloud):
    def put(**resources):
        outputs = {"Arn": {"Value": {"Ref": "Secret"}}} if resources else {}
        queue = {"Queue": {"Type": "AWS::SQS::Queue"}}
        body = {"Resources": {**queue, **resources}, **({"Outputs": outputs} if outputs else {})}
        return deploy(cloud, "secrets", json.dumps(body)).outputs.get("Arn")

    secrets = cloud.client("secretsmanager")
    first = put(Secret=secret("one", Name="shop-db-key"))
    assert put(Secret=secret("two", Name="shop-db-key")) == first
    assert secrets.get_secret_value(SecretId=first)["SecretString"] == "two"

    renamed = put(Secret=secret("two", Name="shop-db-key-2"))
    assert renamed != first
    with pytest.raises(ClientError, match="find the specified secret"):
        secrets.get_secret_value(SecretId=first)

    put()
    with pytest.raises(ClientError, match="find the specified secret"):
        secrets.get_secret_value(SecretId=renamed)
