"""The whole story of every pattern: published, deployed from the repository as a user does it, played, cleaned up.

It is deployed with a customer managed key, which its resources really use, and played by the demo of a copy.
"""

import dataclasses
import uuid

import pytest

from blueprints.copying import copy
from blueprints.demo import play
from blueprints.destinations import of_cloud
from blueprints.local.bring_up import prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.services.serverlessrepo.deployments import PREFIX
from blueprints.pattern import Pattern, discover
from blueprints.progress import Progress
from blueprints.publish.publishing import Options, publish
from blueprints.rehearsals.settings import read_settings
from blueprints.sar_rules.limits import sar_folder
from blueprints.stacks.client import Stacks
from blueprints.stacks.deletion import Deletion
from blueprints.stacks.prerequisites import with_prerequisites
from blueprints.template.artifacts import packaged
from tests.keys_in_use import USED, users_of

PATTERNS = discover()
ALONE = [pattern for pattern in PATTERNS if not (pattern.folder / "demo.toml").is_file()]
QUICKLY = {"Delay": 0.1, "MaxAttempts": 1200}


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture
def destination(cloud):
    """The embedded repository, with packages that this machine can run."""
    return dataclasses.replace(of_cloud(cloud), packages=lambda pattern, report: prepare(pattern, Progress()).packages)


@pytest.fixture
def prerequisites(cloud):
    """Deploys what a pattern needs beside itself; returns the parameters that come of it."""
    made = []

    def deployed(pattern):
        def outputs_of(name, template):
            made.append(f"{pattern.name}-{name}")
            return deploy(cloud, made[-1], packaged(template, {})).outputs

        return with_prerequisites(pattern, {}, outputs_of)

    yield deployed
    for name in made:
        cloud.client("cloudformation").delete_stack(StackName=name)


def deployed(cloud, arn, parameters):
    """A stack made from the repository as the console does: a change set, its capabilities acknowledged, executed."""
    sar, cloudformation = cloud.client("serverlessrepo"), cloud.client("cloudformation")
    version = sar.get_application(ApplicationId=arn)["Version"]
    made = sar.create_cloud_formation_change_set(
        ApplicationId=arn,
        SemanticVersion=version["SemanticVersion"],
        StackName=f"story-{uuid.uuid4().hex[:8]}",
        Capabilities=version["RequiredCapabilities"],
        ParameterOverrides=[{"Name": name, "Value": value} for name, value in parameters.items()],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        ChangeSetName=made["ChangeSetId"], WaiterConfig=QUICKLY
    )
    cloudformation.execute_change_set(ChangeSetName=made["ChangeSetId"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=made["StackId"], WaiterConfig=QUICKLY)
    return cloudformation.describe_stacks(StackName=made["StackId"])["Stacks"][0]


def resources_of(cloud, stack):
    """The types and physical ids of a stack's resources."""
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack["StackId"])
    return [
        (each["ResourceType"], each["PhysicalResourceId"]) for page in pages for each in page["StackResourceSummaries"]
    ]


def copy_with_quick_demo(pattern, folder):
    """A copy as `blueprints new` makes it, whose demo delivers as little as in rehearsals."""
    mine = copy(pattern, folder / f"{pattern.name}-of-mine").folder
    read_settings(mine).write_demo(mine)
    return Pattern.load(mine)


def cleaned_up(cloud, stack_id, arn):
    """Buckets are emptied first, as on AWS."""
    Deletion(Stacks(cloud.client)).delete(stack_id)
    cloud.client("serverlessrepo").delete_application(ApplicationId=arn)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_published_deployed_from_the_repository_and_played(cloud, destination, prerequisites, pattern, tmp_path):
    (outcome,) = publish([pattern], destination, Options(apply=True), Progress())
    assert outcome.error is None
    assert outcome.published

    key = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    parameters = {**prerequisites(pattern), **read_settings(pattern.folder).parameters, "KmsKeyArn": key}
    stack = deployed(cloud, outcome.arn, parameters)
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    played = play(copy_with_quick_demo(pattern, tmp_path), outputs, cloud.client, None, tmp_path / "demo", Progress())

    assert stack["StackName"].startswith(PREFIX)
    assert played.result
    assert users_of(cloud, resources_of(cloud, stack), key) == USED[pattern.name]
    (again,) = publish([pattern], destination, Options(apply=False), Progress())
    assert again.plan.actions == ()
    cleaned_up(cloud, stack["StackId"], outcome.arn)
    assert outcome.arn not in str(cloud.client("serverlessrepo").list_applications()["Applications"])


def test_published_deployed_as_part_of_a_stack_and_played(cloud, destination, tmp_path):
    """With sar/deploy-from-sar.yaml; the demo plays on the outputs of the stack that it nests."""
    pattern = ALONE[0]
    (outcome,) = publish([pattern], destination, Options(apply=True), Progress())
    cloudformation = cloud.client("cloudformation")
    parameters = {"ApplicationId": outcome.arn, "SemanticVersion": pattern.version}
    parent = deploy(cloud, "nests-one", (sar_folder() / "deploy-from-sar.yaml").read_text(), parameters)

    nested = cloudformation.describe_stacks(StackName=parent.outputs["Application"])["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in nested["Outputs"]}
    played = play(pattern, outputs, cloud.client, None, tmp_path / "demo", Progress())

    assert nested["StackName"].startswith("nests-one-Application-")
    assert played.result
    cleaned_up(cloud, cloudformation.describe_stacks(StackName="nests-one")["Stacks"][0]["StackId"], outcome.arn)
    assert nested["StackName"] not in [
        each["StackName"]
        for each in cloudformation.describe_stacks()["Stacks"]
        if each["StackStatus"] != "DELETE_COMPLETE"
    ]
