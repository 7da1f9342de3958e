"""The whole story: publish a pattern, deploy it from the repository as a user does, play its demo, clean up."""

import dataclasses
import uuid

import pytest

from blueprints.demo import play
from blueprints.local.bring_up import prepare
from blueprints.local.cloud import Cloud
from blueprints.local.sar.deployments import PREFIX
from blueprints.pattern import discover
from blueprints.publish import destinations
from blueprints.publish.publishing import Wish, publish
from blueprints.steps import Steps

PATTERNS = [pattern for pattern in discover() if (pattern.folder / "demo.py").is_file()]
QUICKLY = {"Delay": 0.1, "MaxAttempts": 1200}


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture
def destination(cloud):
    """The embedded repository, with packages that this machine can run."""
    return dataclasses.replace(
        destinations.of_cloud(cloud), packages=lambda pattern, progress: prepare(pattern, Steps()).packages
    )


def deployed(cloud, arn):
    """A stack made from the repository as the console does: a change set, its capabilities acknowledged, executed."""
    sar, cloudformation = cloud.client("serverlessrepo"), cloud.client("cloudformation")
    version = sar.get_application(ApplicationId=arn)["Version"]
    made = sar.create_cloud_formation_change_set(
        ApplicationId=arn,
        SemanticVersion=version["SemanticVersion"],
        StackName=f"story-{uuid.uuid4().hex[:8]}",
        Capabilities=version["RequiredCapabilities"],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        ChangeSetName=made["ChangeSetId"], WaiterConfig=QUICKLY
    )
    cloudformation.execute_change_set(ChangeSetName=made["ChangeSetId"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=made["StackId"], WaiterConfig=QUICKLY)
    return cloudformation.describe_stacks(StackName=made["StackId"])["Stacks"][0]


def cleaned_up(cloud, stack, arn):
    """Buckets are emptied first, as on AWS."""
    cloudformation, s3 = cloud.client("cloudformation"), cloud.client("s3")
    for each in cloudformation.describe_stack_resources(StackName=stack["StackId"])["StackResources"]:
        if each["ResourceType"] == "AWS::S3::Bucket":
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=each["PhysicalResourceId"]):
                for item in page.get("Contents", ()):
                    s3.delete_object(Bucket=each["PhysicalResourceId"], Key=item["Key"])
    cloudformation.delete_stack(StackName=stack["StackId"])
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig=QUICKLY)
    cloud.client("serverlessrepo").delete_application(ApplicationId=arn)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_published_deployed_from_the_repository_and_played(cloud, destination, pattern, tmp_path):
    (outcome,) = publish([pattern], destination, Wish(apply=True), Steps())
    assert outcome.error is None
    assert outcome.published

    stack = deployed(cloud, outcome.arn)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    played = play(pattern, outputs, cloud.client, None, tmp_path / "demo", Steps())

    assert stack["StackName"].startswith(PREFIX)
    assert played.result
    (again,) = publish([pattern], destination, Wish(apply=False), Steps())
    assert again.plan.actions == ()
    cleaned_up(cloud, stack, outcome.arn)
    assert outcome.arn not in str(cloud.client("serverlessrepo").list_applications()["Applications"])
