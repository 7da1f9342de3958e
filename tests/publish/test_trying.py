"""Trying a pattern: a private copy is published, deployed from the repository and played; nothing of it is left."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.publish import destinations
from blueprints.publish.bucket import STACK as ARTIFACTS
from blueprints.publish.private_copy import LABEL, copy_name
from blueprints.publish.trying import TAG, Tries
from blueprints.sar_rules.limits import sar_folder
from blueprints.stacks.stack import tags_of

ACCOUNT_ARN = "arn:aws:serverlessrepo:us-east-1:000000000000:applications"
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Metadata:
  AWS::ServerlessRepo::Application:
    Name: notes
    Description: Keeps notes
    Author: somebody
    SemanticVersion: 1.2.3
Parameters:
  Word: {Type: String, Default: nothing}
Resources:
  Notes:
    Type: AWS::S3::Bucket
    Properties: {VersioningConfiguration: {Status: Enabled}}
  Said:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Ref Word}
Outputs:
  Notes: {Value: !Ref Notes}
  Word: {Value: !GetAtt Said.Value}
"""
PREREQUISITE = """
Resources:
  Words:
    Type: AWS::SSM::Parameter
    DeletionPolicy: Retain
    Properties: {Type: String, Value: good evening}
Outputs:
  Word: {Value: !GetAtt Words.Value}
"""
DEMO = """
def run(stack):
    s3, sar = stack.client("s3"), stack.client("serverlessrepo")
    with stack.step("Write a note"):
        for number in range(2):
            s3.put_object(Bucket=stack.outputs["Notes"], Key="note", Body=b"%d" % number)
        s3.delete_object(Bucket=stack.outputs["Notes"], Key="note")
    (stack.folder / "word.txt").write_text(stack.outputs["Word"])
    (twin,) = [each["ApplicationId"] for each in sar.list_applications()["Applications"] if "twin" in each["Name"]]
    return {
        "twin": twin,
        "versions": [each["SemanticVersion"] for each in sar.list_application_versions(ApplicationId=twin)["Versions"]],
        "shared": sar.get_application_policy(ApplicationId=twin)["Statements"],
    }
"""


class Killed(BaseException):
    """The process was killed: it sends no more requests."""


class Notes:
    """The pattern's folder; every change is text for text."""

    def __init__(self, path: Path):
        self.path = path
        (path / "companions").mkdir(parents=True)
        self.write("template.yaml", TEMPLATE)
        self.write("demo.py", DEMO)
        self.write("demo.toml", 'companions = ["words"]\n')
        self.write("companions/words.yaml", PREREQUISITE)

    def write(self, name, text):
        (self.path / name).write_text(textwrap.dedent(text).lstrip())

    def change(self, name, old, new):
        text = (self.path / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    @property
    def pattern(self):
        return Pattern.load(self.path)


@pytest.fixture(scope="module")
def running():
    with Cloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running):
    """An account with nothing but an artifact bucket, as `sar/artifact-bucket.yaml` makes it."""
    running.reset()
    deploy(running, ARTIFACTS, (sar_folder() / "artifact-bucket.yaml").read_text())
    return running


@pytest.fixture
def notes(tmp_path):
    return Notes(tmp_path / "notes")


@cache
def shared_client(cloud, service):
    """A client that a test sends requests with and adds no hooks to: making one takes longer than a request."""
    return cloud.client(service)


def tried(cloud, notes, folder, *, client=None, keep=False):
    destination = destinations.of_clients(client or partial(shared_client, cloud), None, local=True)
    (result,) = Tries(destination, Progress(), folder / "tries", keep=keep).run([notes.pattern], {})
    return result


def existing(cloud):
    """Stacks, applications, buckets and parameters of the account, without the artifacts'."""
    stacks = shared_client(cloud, "cloudformation").describe_stacks()["Stacks"]
    applications = shared_client(cloud, "serverlessrepo").list_applications()["Applications"]
    buckets = [each["Name"] for each in shared_client(cloud, "s3").list_buckets()["Buckets"]]
    return SimpleNamespace(
        stacks=sorted(each["StackName"] for each in stacks if each["StackName"] != ARTIFACTS),
        applications=[each["Name"] for each in applications],
        buckets=[each for each in buckets if "notes" in each],
        parameters=[each["Name"] for each in shared_client(cloud, "ssm").describe_parameters()["Parameters"]],
    )


def assert_nothing_is_left(cloud):
    assert existing(cloud) == SimpleNamespace(stacks=[], applications=[], buckets=[], parameters=[])


def test_the_private_copy_is_deployed_from_the_repository_played_and_deleted(cloud, notes, tmp_path):
    result = tried(cloud, notes, tmp_path)

    assert result.errors == []
    assert result.twin == result.result["twin"] == f"{ACCOUNT_ARN}/notes-twin"
    assert result.result["versions"] == [result.version]
    assert result.version.startswith("1.2.3-sha256-")
    assert result.result["shared"] == []
    assert result.stack == "serverlessrepo-notes-twin"
    assert Path(result.files[0]).read_text() == "good evening", "the output of its prerequisite"
    assert_nothing_is_left(cloud)


def test_buckets_are_empty_before_their_stack_is_deleted(cloud, notes, tmp_path):
    """CloudFormation deletes no bucket with something in it: neither objects, nor versions, nor delete markers."""
    s3, held = cloud.client("s3"), {}

    def look(**_):
        for bucket in existing(cloud).buckets:
            versions = s3.list_object_versions(Bucket=bucket)
            held[bucket] = len(versions.get("Versions", [])) + len(versions.get("DeleteMarkers", []))

    def client(service):
        made = cloud.client(service)
        made.meta.events.register("before-send.cloudformation.DeleteStack", look)
        return made

    other = "notes-of-another"
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=other, Key="note", Body=b"stays")
    assert tried(cloud, notes, tmp_path, client=client).errors == []

    assert held.pop(other) == 1
    assert list(held.values()) == [0]
    assert existing(cloud).buckets == [other]


def test_kept_stacks_exist_until_the_next_try(cloud, notes, tmp_path):
    """Other content is another version; the same content is the same one."""
    kept = tried(cloud, notes, tmp_path, keep=True)
    same = tried(cloud, notes, tmp_path, keep=True)
    notes.change("template.yaml", "Default: nothing", "Default: something")
    other = tried(cloud, notes, tmp_path, keep=True)

    assert (kept.errors, same.errors, other.errors) == ([], [], [])
    assert (kept.kept, kept.version) == (True, same.version)
    assert other.version != kept.version
    left = existing(cloud)
    assert left.stacks == ["notes-twin-words", "serverlessrepo-notes-twin"]
    assert left.applications == ["notes-twin"]
    for stack in left.stacks:
        described = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        assert tags_of(described)[TAG] == "notes-twin"

    assert tried(cloud, notes, tmp_path).errors == []
    assert_nothing_is_left(cloud)


def test_the_command_says_where_what_it_keeps_is(cloud, notes, account):
    ended = CliRunner().invoke(main, ["try", str(notes.path), "--keep"])

    assert ended.exit_code == 0, ended.output
    said = [line.strip() for line in ended.stdout.partition("Kept until the next try:")[2].splitlines()]
    assert said[1] == f"{ACCOUNT_ARN}/notes-twin"
    assert said[2].startswith("1.2.3-sha256-")
    assert said[3] == "serverlessrepo-notes-twin"
    assert existing(cloud).stacks == ["notes-twin-words", "serverlessrepo-notes-twin"]


def test_a_demo_that_fails_fails_the_try_and_everything_is_deleted(cloud, notes, tmp_path):
    notes.write("demo.py", "def run(stack):\n    raise LookupError('no such note')\n")

    (error,) = tried(cloud, notes, tmp_path).errors

    assert "serverlessrepo-notes-twin: The demo failed: no such note" in error
    assert_nothing_is_left(cloud)


@pytest.mark.parametrize("left", ["CREATE_FAILED", "DELETE_FAILED", "DELETE_SKIPPED"])
def test_a_bucket_that_the_stack_failed_to_create_is_not_touched(cloud, notes, tmp_path, left):
    """CloudFormation lists a name that was taken as the physical id of what it could not create, and may skip it."""
    theirs = {"LogicalResourceId": "Notes", "ResourceType": "AWS::S3::Bucket", "PhysicalResourceId": "notes-of-another"}

    def listed(parsed, **_):
        parsed["StackResourceSummaries"].append({**theirs, "ResourceStatus": left})

    def happened(parsed, **_):
        stack = {"StackId": parsed["StackEvents"][0]["StackId"]}
        parsed["StackEvents"] += [{**theirs, **stack, "ResourceStatus": each} for each in (left, "CREATE_FAILED")]

    def client(service):
        made = cloud.client(service)
        made.meta.events.register("after-call.cloudformation.ListStackResources", listed)
        made.meta.events.register("after-call.cloudformation.DescribeStackEvents", happened)
        return made

    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="notes-of-another")
    s3.put_object(Bucket="notes-of-another", Key="note", Body=b"stays")

    assert tried(cloud, notes, tmp_path, client=client).errors == []

    assert s3.get_object(Bucket="notes-of-another", Key="note")["Body"].read() == b"stays"
    assert existing(cloud).buckets == ["notes-of-another"]


def test_a_stack_that_fails_says_which_resource_and_why(cloud, notes, tmp_path):
    notes.change("template.yaml", "Value: !Ref Word", "Value: !Ref Word, Name: taken")
    cloud.client("ssm").put_parameter(Name="taken", Value="by another", Type="String")

    (error,) = tried(cloud, notes, tmp_path).errors

    assert "serverlessrepo-notes-twin: The stack was not deployed (ROLLBACK_COMPLETE):" in error
    assert "Said (AWS::SSM::Parameter): " in error
    assert "already exists" in error
    assert cloud.client("ssm").get_parameter(Name="taken")["Parameter"]["Value"] == "by another"
    cloud.client("ssm").delete_parameter(Name="taken")
    assert_nothing_is_left(cloud)


def test_a_pattern_that_cannot_be_published_is_not_deployed(cloud, notes, tmp_path):
    notes.change("template.yaml", "Author: somebody", "Author: Somebody")

    (error,) = tried(cloud, notes, tmp_path).errors

    assert "template.yaml:6: Author" in error
    assert_nothing_is_left(cloud)


def test_a_retained_bucket_is_deleted_and_other_retained_resources_are_named(cloud, notes, tmp_path):
    notes.change("template.yaml", "Type: AWS::S3::Bucket", "Type: AWS::S3::Bucket\n    DeletionPolicy: Retain")
    assert tried(cloud, notes, tmp_path).errors == []
    assert_nothing_is_left(cloud)

    notes.change("template.yaml", "Type: AWS::SSM::Parameter", "Type: AWS::SSM::Parameter\n    DeletionPolicy: Retain")
    (error,) = tried(cloud, notes, tmp_path).errors

    (left,) = existing(cloud).parameters
    assert f"DeletionPolicy retained: {left} (AWS::SSM::Parameter)" in error
    cloud.client("ssm").delete_parameter(Name=left)


def test_versions_of_a_state_machine_go_with_it(cloud, notes, tmp_path):
    """SAM has them retained, and the definition is a file beside the template."""
    notes.write("machine.asl.json", '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}')
    machine = (
        "  Machine:\n    Type: AWS::Serverless::StateMachine\n"
        "    Properties: {DefinitionUri: machine.asl.json, AutoPublishAlias: live}\n"
    )
    notes.change("template.yaml", "Outputs:\n", f"{machine}Outputs:\n")

    assert tried(cloud, notes, tmp_path).errors == []

    assert cloud.client("stepfunctions").list_state_machines()["stateMachines"] == []
    assert_nothing_is_left(cloud)


def test_an_application_and_a_stack_of_the_same_name_are_not_changed(cloud, notes, tmp_path):
    sar, cloudformation = cloud.client("serverlessrepo"), cloud.client("cloudformation")
    theirs = sar.create_application(Name="notes-twin", Description="Theirs", Author="another")["ApplicationId"]
    (error,) = tried(cloud, notes, tmp_path).errors
    assert f"not a private copy: it lacks the label {LABEL}" in error
    sar.delete_application(ApplicationId=theirs)

    deploy(cloud, "serverlessrepo-notes-twin", json.dumps({"Resources": {"Own": {"Type": "AWS::SQS::Queue"}}}))
    (error,) = tried(cloud, notes, tmp_path).errors
    assert f"a stack serverlessrepo-notes-twin that 'blueprints try' has not created: it lacks the tag {TAG}" in error
    assert existing(cloud).stacks == ["serverlessrepo-notes-twin"]
    cloudformation.delete_stack(StackName="serverlessrepo-notes-twin")


@pytest.mark.parametrize("tags", [{}, {TAG: "another-twin"}, {TAG: "notes-twin"}])
def test_a_change_set_that_waits_is_deleted_only_if_a_try_created_it(cloud, notes, tmp_path, tags):
    """Its stack has no tags yet; the change set has them."""

    def untagged(parsed, **_):
        for each in parsed.get("Stacks", []):
            if each["StackStatus"] == "REVIEW_IN_PROGRESS":
                each["Tags"] = []

    def client(service):
        made = cloud.client(service)
        made.meta.events.register("after-call.cloudformation.DescribeStacks", untagged)
        return made

    cloud.client("cloudformation").create_change_set(
        StackName="serverlessrepo-notes-twin",
        ChangeSetName="waits",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Own": {"Type": "AWS::SQS::Queue"}}}),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )

    errors = tried(cloud, notes, tmp_path, client=client).errors

    if tags == {TAG: "notes-twin"}:
        assert errors == []
        assert_nothing_is_left(cloud)
    else:
        assert "a stack serverlessrepo-notes-twin that 'blueprints try' has not created" in errors[0]
        assert existing(cloud).stacks == ["serverlessrepo-notes-twin"]


def test_a_private_copy_that_was_shared_is_private_again_before_a_version_is_added(cloud, notes, tmp_path):
    kept = tried(cloud, notes, tmp_path, keep=True)
    destination = destinations.of_clients(cloud.client, None, local=True)
    share = [{"Principals": ["111111111111"], "Actions": ["Deploy"]}]
    cloud.client("serverlessrepo").put_application_policy(ApplicationId=kept.twin, Statements=share)
    from blueprints.publish.private_copy import private_copy_of, publish_copy
    from blueprints.publish.publishing import Options, Outcome, prepare

    notes.change("template.yaml", "Default: nothing", "Default: something")
    twin = private_copy_of(prepare(notes.pattern, destination, Options(apply=True), Progress(), Outcome("notes")))
    publish_copy(twin, destination.repository, destination.bucket, lambda _: None)

    assert cloud.client("serverlessrepo").get_application_policy(ApplicationId=kept.twin)["Statements"] == []
    assert tried(cloud, notes, tmp_path).errors == []
    assert_nothing_is_left(cloud)


def test_killed_at_any_request_and_run_again_nothing_is_left(cloud, notes, tmp_path):
    number, left, finished = 0, 0, False

    def send(*_, **__):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    @cache
    def client(service):
        made = cloud.client(service)
        made.meta.events.register("before-send", send)
        return made

    while not finished:
        left = number
        try:
            finished = tried(cloud, notes, tmp_path, client=client).errors == []
        except Killed:
            result = tried(cloud, notes, tmp_path)
            assert (number, result.errors) == (number, [])
        assert_nothing_is_left(cloud)
        number += 3
    assert number > 30


def test_a_name_that_is_too_long_for_a_stack_is_shortened_and_stays_its_own():
    first, second = copy_name("a" * 139 + "b"), copy_name("a" * 139 + "c")

    assert first != second
    assert len(f"serverlessrepo-{first}") < 128
    assert copy_name("notes") == "notes-twin"


@pytest.fixture
def account(cloud, tmp_path, monkeypatch):
    """The embedded AWS as an account that the environment names, in an empty working folder."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def test_the_command_tries_on_the_account_of_the_environment(cloud, notes, account):
    ended = CliRunner().invoke(main, ["try", str(notes.path), "--json", "--parameter", "Word=hello"])

    assert ended.exit_code == 0, ended.output
    report = json.loads(ended.stdout)
    (result,) = report["patterns"]
    assert (result["passed"], result["kept"], result["errors"]) == (True, False, [])
    assert Path(result["files"][0]).read_text() == "hello"
    assert "Deploy its words" not in [each["name"] for each in report["steps"]], "its output was given"
    assert_nothing_is_left(cloud)


def test_without_an_account_it_tries_on_the_embedded_aws(notes, account, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name)

    ended = CliRunner().invoke(main, ["try", str(notes.path), "--local"])

    assert ended.exit_code == 0, ended.output
    assert "Deploy serverlessrepo-notes-twin from the repository" in ended.stdout
    assert "notes passed" in ended.stdout


def test_one_that_fails_makes_the_status_1_and_the_others_are_tried(cloud, notes, account, tmp_path):
    bad = Notes(tmp_path / "bad")
    bad.change("template.yaml", "Name: notes", "Name: bad")
    bad.write("demo.py", "def run(stack):\n    raise LookupError('no such note')\n")

    ended = CliRunner().invoke(main, ["try", str(bad.path), str(notes.path)])

    assert ended.exit_code == 1
    assert "no such note" in ended.stderr
    assert "bad did not pass" in ended.stdout
    assert "notes passed" in ended.stdout
    assert_nothing_is_left(cloud)


def test_downloads_never_replace_the_pattern(notes, account):
    ended = CliRunner().invoke(main, ["try", str(notes.path), "--output", str(notes.path.parent)])

    assert ended.exit_code == 1
    assert "would replace notes itself" in ended.stderr
    assert (notes.path / "template.yaml").is_file()


def test_without_credentials_nothing_is_tried_and_the_error_says_what_is_missing(notes, account, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)

    ended = CliRunner().invoke(main, ["try", str(notes.path)])

    assert ended.exit_code == 1
    assert "There are no AWS credentials, so nothing is tried" in ended.stderr
    assert "plan" not in ended.stderr
    assert "--local" in ended.stderr


def test_killed_during_the_demo_the_next_try_deletes_everything(cloud, notes, account, tmp_path):
    reached = tmp_path / "reached"
    waiting = (
        f"import pathlib, time\n\n\ndef run(stack):\n    pathlib.Path({str(reached)!r}).touch()\n    time.sleep(60)\n"
    )
    notes.write("demo.py", waiting)
    blueprints = Path(sys.executable).with_name("blueprints")
    running = subprocess.Popen([blueprints, "try", notes.path], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not reached.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert existing(cloud).stacks == ["notes-twin-words", "serverlessrepo-notes-twin"]

    notes.write("demo.py", DEMO)
    assert tried(cloud, notes, tmp_path).errors == []
    assert_nothing_is_left(cloud)
