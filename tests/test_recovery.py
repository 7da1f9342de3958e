"""What a permission taken away sets aside comes to the same end once it is given back: retried, kept, replayed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.local.waiting import until

BLUEPRINTS = Path(sys.executable).with_name("blueprints")


@pytest.fixture(scope="module")
def images():
    """The image pattern, deployed, and where it stands."""
    pattern = find("s3-image-processing")
    progress = Progress()
    prepared = prepare(pattern, progress)
    with Cloud(time_scale=600) as cloud:
        yield pattern, cloud, bring_up(cloud, prepared, progress)


@pytest.fixture(scope="module")
def publishing():
    """The pipeline that publishes, without trying, deployed, and where it stands."""
    pattern = find("auto-publish")
    progress = Progress()
    prepared = prepare(pattern, progress, {"TrialPolicyArn": ""})
    with Cloud(time_scale=600) as cloud:
        yield pattern, cloud, bring_up(cloud, prepared, progress)


def take_away_policies(cloud, role, action="s3:GetObject"):
    """Remove a role's own policies that allow an action; returns what gives them back."""
    iam = cloud.client("iam")
    policies = {
        name: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    }
    for name, document in policies.items():
        if action in json.dumps(document):
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


def replay(pattern, cloud, stack, *options):
    """Run the pattern's own command, as a person on call would."""
    environment = {"PATH": os.environ["PATH"], **cloud.environment()}
    command = [sys.executable, pattern.folder / "replay.py", stack.name, *options]
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
    shown = replay(pattern, cloud, stack, "--dry-run")
    too_early = replay(pattern, cloud, stack)
    give_back()
    replayed = replay(pattern, cloud, stack)

    assert (shown.returncode, too_early.returncode) == (0, 1)
    assert "Object Created of aws.s3" in shown.stdout
    assert "1 would be replayed (1 event), 0 left" in shown.stdout
    assert "AccessDenied" in too_early.stdout

    assert replayed.returncode == 0, replayed.stderr
    assert "1 replayed (1 event), 0 left" in replayed.stdout
    assert waiting(cloud, stack) == 0
    found = manifest(cloud, stack, "album/photo.jpg")
    assert found["state"] == "ready"
    assert [each["name"] for each in found["renditions"]] == ["thumbnail", "medium", "large"]
    again = replay(pattern, cloud, stack)
    assert again.returncode == 0
    assert manifest(cloud, stack, "album/photo.jpg") == found


def test_the_demo_plays_on_a_deployed_stack(images, tmp_path):
    pattern, cloud, stack = images
    played = subprocess.run(
        [BLUEPRINTS, "play", pattern.name, "--stack", stack.name, "--endpoint", cloud.endpoint, "--output", "mine"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )

    assert played.returncode == 0, played.stderr
    assert re.search(r"✓ Put photo\.jpg into .* \d+\.\d\d s", played.stdout)
    made = sorted(path.name for path in (tmp_path / "mine").iterdir())
    assert len(made) == 3
    assert all(str(tmp_path / "mine" / name) in played.stdout for name in made)
    assert not (tmp_path / ".blueprints").exists()


def subscribed(cloud, stack):
    """A queue that hears what the topic says."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    cloud.client("sns").subscribe(TopicArn=stack.outputs["NotificationTopicArn"], Protocol="sqs", Endpoint=arn)
    return lambda: [
        json.loads(each["Body"])["Message"]
        for each in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]


def was_invoked(cloud, stack):
    """Whether a function of the stack has succeeded once."""
    events = cloud.client("logs").filter_log_events(logGroupName=stack.outputs["LogGroup"])["events"]
    reports = [json.loads(each["message"]) for each in events if "platform.report" in each["message"]]
    return any(each["record"]["status"] == "success" for each in reports)


def test_a_push_that_could_not_start_and_a_run_that_could_not_be_told_are_made_up_for(publishing):
    pattern, cloud, stack = publishing
    roles = {each.logical_id: each.physical_id for each in stack.of_type("AWS::IAM::Role")}
    codepipeline, name = cloud.client("codepipeline"), stack.outputs["Pipeline"]

    def runs(trigger):
        listed = codepipeline.list_pipeline_executions(pipelineName=name)["pipelineExecutionSummaries"]
        return {
            each["pipelineExecutionId"]: each["status"] for each in listed if each["trigger"]["triggerType"] == trigger
        }

    until(lambda: list(runs("CreatePipeline").values()) == ["Failed"])  # there is no archive yet
    until(lambda: was_invoked(cloud, stack), seconds=40)  # the message about that run has been sent
    gives_back = [
        take_away_policies(cloud, roles["StartRole"], "codepipeline:StartPipelineExecution"),
        take_away_policies(cloud, roles["ReportRunRole"], "sns:Publish"),
    ]
    told = subscribed(cloud, stack)

    cloud.client("s3").put_object(Bucket=stack.outputs["SourceBucket"], Key="patterns.zip", Body=b"no archive")
    untold = codepipeline.start_pipeline_execution(name=name)["pipelineExecutionId"]

    until(lambda: waiting(cloud, stack) == 2, seconds=60)
    assert runs("CloudWatchEvent") == {}
    assert told() == []
    for give_back in gives_back:
        give_back()
    replayed = replay(pattern, cloud, stack)

    assert replayed.returncode == 0, replayed.stderr
    assert "2 replayed (2 events), 0 left" in replayed.stdout
    assert waiting(cloud, stack) == 0
    started = runs("StartPipelineExecution")
    assert len(started) == 2
    messages = []
    until(lambda: messages.extend(told()) or len(messages) == 2)
    assert {execution for execution in started if any(execution in each for each in messages)} == set(started)
    assert any(untold in each and "is no zip archive" in each for each in messages)
