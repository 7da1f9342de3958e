"""What a permission taken away sets aside comes to the same end once it is given back: retried, kept, replayed."""

import json
import os
import subprocess
import sys

import pytest

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.steps import Steps
from tests.local.waiting import until


@pytest.fixture(scope="module")
def images():
    """The image pattern, deployed, and where it stands."""
    pattern = find("s3-image-processing")
    steps = Steps()
    prepared = prepare(pattern, steps)
    with Cloud(time_scale=600) as cloud:
        yield pattern, cloud, bring_up(cloud, prepared, steps)


def take_away_policies(cloud, role):
    """Remove a role's own policies; returns what gives them back."""
    iam = cloud.client("iam")
    policies = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    for name, document in policies.items():
        if "s3:GetObject" in json.dumps(document):
            iam.delete_role_policy(RoleName=role, PolicyName=name)

    def give_back():
        for name, document in policies.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))

    return give_back


def manifest(cloud, stack, key):
    s3 = cloud.client("s3")
    try:
        answer = s3.get_object(Bucket=stack.outputs["RenditionsBucket"], Key=f"{key}/manifest.json")
    except s3.exceptions.NoSuchKey:
        return None
    return json.loads(answer["Body"].read())


def waiting(cloud, stack):
    """How many messages the dead letters hold."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    queue = cloud.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["DeadLettersUrl"], AttributeNames=names)
    return sum(int(queue["Attributes"][name]) for name in names)


def replay(pattern, cloud, stack):
    """Run the pattern's own command, as a person on call would."""
    environment = {"PATH": os.environ["PATH"], **cloud.environment()}
    command = [sys.executable, pattern.folder / "replay.py", stack.name]
    return subprocess.run(command, env=environment, capture_output=True, check=False, text=True, timeout=60)


def test_access_denied_is_retried_set_aside_and_replayed_to_the_same_end(images):
    pattern, cloud, stack = images
    (role,) = [each.physical_id for each in stack.of_type("AWS::IAM::Role") if each.logical_id == "RenderImageRole"]
    # An environment keeps no policies: what is taken away counts at once.
    give_back = take_away_policies(cloud, role)
    photo = (pattern.folder / "photo.jpg").read_bytes()

    cloud.client("s3").put_object(Bucket=stack.outputs["SourceBucket"], Key="album/photo.jpg", Body=photo)

    until(lambda: waiting(cloud, stack) == 1, seconds=40)
    assert manifest(cloud, stack, "album/photo.jpg") is None
    give_back()
    replayed = replay(pattern, cloud, stack)

    assert replayed.returncode == 0, replayed.stderr
    assert "1 events settled, 0 failed again" in replayed.stdout
    assert waiting(cloud, stack) == 0
    found = manifest(cloud, stack, "album/photo.jpg")
    assert found["state"] == "ready"
    assert [each["name"] for each in found["renditions"]] == ["thumbnail", "medium", "large"]
    again = replay(pattern, cloud, stack)
    assert again.returncode == 0
    assert manifest(cloud, stack, "album/photo.jpg") == found
