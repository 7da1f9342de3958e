"""The role of sar/publisher-role.yaml can publish, and do nothing else with the repository."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import ACCOUNT, Cloud
from blueprints.local.deployment import deploy
from blueprints.progress import Progress
from blueprints.publish import destinations
from blueprints.publish.bucket import STACK
from blueprints.publish.publishing import Options, publish
from blueprints.publish.sharing import parse_sharing
from blueprints.sar_rules.limits import sar_folder
from blueprints.stacks.calls import RETRYING
from tests.publish.folders import packages

WITH_OTHERS = parse_sharing("accounts=111111111111", public=False)
ARN = f"arn:aws:serverlessrepo:us-east-1:{ACCOUNT}:applications/greeting"
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture
def client_of_role(cloud):
    """Makes clients of the role, taken by a user that it trusts."""
    cloud.reset()
    bucket = deploy(cloud, STACK, (sar_folder() / "artifact-bucket.yaml").read_text()).outputs["ArtifactBucket"]
    iam = cloud.client("iam")
    user = iam.create_user(UserName="pipeline")["User"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [ASSUME]})
    iam.put_user_policy(UserName="pipeline", PolicyName="assume", PolicyDocument=policy)
    keys = iam.create_access_key(UserName="pipeline")["AccessKey"]
    place = {"endpoint_url": cloud.endpoint, "region_name": "us-east-1", "config": RETRYING}
    sts = boto3.client(
        "sts", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"], **place
    )

    def clients(**parameters):
        given = {"TrustedPrincipalArn": user, "ArtifactBucket": bucket, **parameters}
        role = deploy(cloud, "publisher", (sar_folder() / "publisher-role.yaml").read_text(), given).outputs[
            "Publisher"
        ]
        taken = sts.assume_role(RoleArn=role, RoleSessionName="publish")["Credentials"]
        session = boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])
        return lambda service: session.client(service, **place)

    return clients


def published(client, folder, sharing=None):
    destination = destinations.of_clients(client, None)
    destination = type(destination)(destination.repository, destination.bucket, packages=packages)
    (outcome,) = publish([folder.pattern], destination, Options(apply=True, sharing=sharing), Progress())
    return outcome


def test_the_role_publishes_applications_and_new_versions(cloud, client_of_role, folder):
    client = client_of_role()
    first = published(client, folder)
    folder.change("0.1.0", "0.2.0")
    folder.write("src/greet.py", "def handler(event, context):\n    return 'good day'\n")
    folder.write("README.md", "# Politely\n")
    second = published(client, folder)

    assert (first.error, second.error) == (None, None)
    versions = cloud.client("serverlessrepo").list_application_versions(ApplicationId=second.arn)["Versions"]
    assert [each["SemanticVersion"] for each in versions] == ["0.1.0", "0.2.0"]


def test_the_role_shares_only_if_the_parameter_allows_it(cloud, client_of_role, folder):
    refused = published(client_of_role(), folder, WITH_OTHERS)

    sar = cloud.client("serverlessrepo")
    assert "PutApplicationPolicy failed: User: arn:aws:sts::" in refused.error
    assert f"serverlessrepo:PutApplicationPolicy on resource: {ARN}" in refused.error
    assert sar.get_application_policy(ApplicationId=ARN)["Statements"] == []

    allowed = published(client_of_role(MayShare="true"), folder, WITH_OTHERS)
    assert allowed.error is None
    assert sar.get_application_policy(ApplicationId=allowed.arn)["Statements"][0]["Principals"] == ["111111111111"]


def test_the_role_can_neither_delete_nor_deploy(client_of_role, folder):
    client = client_of_role()
    arn = published(client, folder).arn

    for call, more in (("delete_application", {}), ("create_cloud_formation_change_set", {"StackName": "x"})):
        with pytest.raises(ClientError, match="is not authorized to perform: serverlessrepo:"):
            getattr(client("serverlessrepo"), call)(ApplicationId=arn, **more)


def test_unknown_credentials_are_refused(cloud):
    keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x"}
    nobody = boto3.client("serverlessrepo", "us-east-1", endpoint_url=cloud.endpoint, **keys)

    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        nobody.list_applications()
