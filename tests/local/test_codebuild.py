"""CodeBuild runs builds with the permissions of the project's role, and reports how they end."""

import json
import time
import uuid

import pytest

from blueprints.local.services.codebuild.build_shell import BuildEvents, BuildShell
from blueprints.local.services.codebuild.buildspec import BuildspecRefused, read
from tests.local.building import log_of, project, role, spec, zipped
from tests.local.waiting import until


@pytest.fixture
def built(cloud, stack):
    """Makes a project with its role and runs one build of it to its end; returns the build and its log."""

    def run(buildspec, *statements, made=None, source=None, service="codebuild.amazonaws.com", **start):
        outputs = stack(
            Builder=role(*statements, service=service),
            Logs={"Type": "AWS::Logs::LogGroup"},
            Project=project(buildspec, source, **(made or {})),
        ).outputs
        codebuild = cloud.client("codebuild")
        build_id = codebuild.start_build(projectName=outputs["Project"], **start)["build"]["id"]
        build = ended(codebuild, build_id)
        return build, log_of(cloud, build)

    return run


def ended(codebuild, build_id):
    deadline = time.monotonic() + 60
    while True:
        (build,) = codebuild.batch_get_builds(ids=[build_id])["builds"]
        if build["buildStatus"] != "IN_PROGRESS":
            return build
        assert time.monotonic() < deadline, build
        time.sleep(0.05)


def phases(build):
    return {phase["phaseType"]: phase.get("phaseStatus") for phase in build["phases"]}


@pytest.fixture
def bucket(cloud):
    name = f"builds-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def test_a_build_runs_its_commands_in_one_shell_with_its_roles_permissions(cloud, built, bucket):
    """Folders and variables last from command to command, as the build's user has nothing of whoever started it."""
    cloud.client("s3").put_object(Bucket=bucket, Key="source.zip", Body=zipped(say="#!/bin/sh\necho said $1\n"))
    write = "python -c \"import boto3; boto3.client('s3').put_object(Bucket='{}', Key='made', Body=b'by the build')\""
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/source.zip", f"arn:aws:s3:::{bucket}/made"],
    }

    build, log = built(
        spec(
            "cd folder && RESULT=$(pwd)",
            '../say "$GREETING $OVERRIDDEN" && ls -A $HOME | wc -l',
            write.format(bucket),
            install=["mkdir folder"],
        ),
        allowed,
        source={"Type": "S3", "Location": f"{bucket}/source.zip"},
        environmentVariablesOverride=[{"name": "OVERRIDDEN", "value": "you"}],
    )

    assert build["buildStatus"] == "SUCCEEDED", log
    assert "said hello there you" in log
    assert "0" in log
    assert cloud.client("s3").get_object(Bucket=bucket, Key="made")["Body"].read() == b"by the build"
    (exported,) = build["exportedEnvironmentVariables"]
    assert exported["name"] == "RESULT"
    assert exported["value"].endswith("/src/folder")
    assert phases(build)["INSTALL"] == phases(build)["BUILD"] == "SUCCEEDED"


def test_a_build_fails_without_its_roles_permission(built, bucket):
    read_it = f"python -c \"import boto3; boto3.client('s3').list_objects_v2(Bucket='{bucket}')\""

    build, log = built(spec(read_it))

    assert build["buildStatus"] == "FAILED"
    assert "AccessDenied" in "\n".join(log)
    (context,) = next(phase for phase in build["phases"] if phase["phaseType"] == "BUILD")["contexts"]
    assert context["statusCode"] == "COMMAND_EXECUTION_ERROR"
    assert "exit status 1" in context["message"]


def test_after_a_failed_command_the_phase_ends_and_post_build_still_runs(built):
    build, log = built(spec("exit_with() { return $1; }; exit_with 7", "echo never", post_build=["echo cleaned up"]))

    assert build["buildStatus"] == "FAILED"
    assert "never" not in log
    assert "cleaned up" in log
    assert phases(build)["BUILD"] == "FAILED"
    assert phases(build)["POST_BUILD"] == "SUCCEEDED"


def test_after_a_failed_install_nothing_runs(built):
    build, log = built(spec("echo never", install=["false"], post_build=["echo never either"]))

    assert build["buildStatus"] == "FAILED"
    assert not [line for line in log if line.startswith("never")]
    assert "BUILD" not in phases(build)


def test_a_source_that_the_role_may_not_read_fails_the_build_before_any_command(cloud, built, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="source.zip", Body=zipped(say="echo"))

    build, log = built(spec("echo never"), source={"Type": "S3", "Location": f"{bucket}/source.zip"})

    assert build["buildStatus"] == "FAILED"
    assert phases(build)["DOWNLOAD_SOURCE"] == "FAILED"
    assert "never" not in log


def test_a_role_that_does_not_trust_codebuild_fails_the_build(built):
    build, _ = built(spec("echo never"), service="lambda.amazonaws.com")

    assert build["buildStatus"] == "FAILED"
    assert "not authorized to perform: sts:AssumeRole" in build["phases"][-2]["contexts"][0]["message"]


def test_a_stopped_build_is_gone_with_all_it_started(cloud, stack):
    outputs = stack(
        Builder=role(), Logs={"Type": "AWS::Logs::LogGroup"}, Project=project(spec("sleep 987654 & sleep 987654"))
    ).outputs
    codebuild = cloud.client("codebuild")
    build_id = codebuild.start_build(projectName=outputs["Project"])["build"]["id"]
    until(lambda: len(running("sleep 987654")) == 2)

    codebuild.stop_build(id=build_id)

    assert ended(codebuild, build_id)["buildStatus"] == "STOPPED"
    assert not running("sleep 987654")


def test_a_build_that_is_stopped_before_its_first_command_ends_too(cloud, stack):
    outputs = stack(Builder=role(), Logs={"Type": "AWS::Logs::LogGroup"}, Project=project(spec("sleep 456789"))).outputs
    codebuild = cloud.client("codebuild")
    build_id = codebuild.start_build(projectName=outputs["Project"])["build"]["id"]

    codebuild.stop_build(id=build_id)

    assert ended(codebuild, build_id)["buildStatus"] == "STOPPED"
    assert not running("sleep 456789")


def running(command):
    import psutil

    wanted = command.split()
    return [
        each
        for each in psutil.process_iter(["cmdline", "status"])
        if each.info["cmdline"] == wanted and each.info["status"] != psutil.STATUS_ZOMBIE
    ]


def test_a_build_past_its_timeout_is_stopped_with_its_processes(tmp_path):
    said = []
    shell = BuildShell(read(spec("sleep 876543 & sleep 876543")), tmp_path, {"PATH": "/usr/local/bin:/usr/bin:/bin"})

    ran = shell.run(BuildEvents(said.append, said.append, lambda *each: said.append(each)), 0.5)

    assert ran.timed_out
    assert not ran.finished
    assert not running("sleep 876543")


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("version: 0.1\nphases: {build: {commands: [a]}}", "version: 0.2"),
        ("version: 0.2\nphases: {build: {commands: []}}", "no commands"),
        ("version: 0.2\nphases: {build: {commands: [a]}}\nartifacts: {files: ['*']}", "artifacts"),
        ("version: 0.2\nenv: {secrets-manager: {A: b}}\nphases: {build: {commands: [a]}}", "secrets-manager"),
        ("version: 0.2\nphases: {build: {commands: [a], on-failure: CONTINUE}}", "on-failure"),
        ("version: 0.2\nphases: {deploy: {commands: [a]}}", "deploy"),
        ("a: [", "not YAML"),
    ],
)
def test_a_buildspec_that_is_wrong_or_asks_for_more_is_refused_by_name(written, named):
    with pytest.raises(BuildspecRefused, match=named):
        read(written)


def test_a_buildspec_that_is_refused_fails_the_build(built):
    build, _ = built("version: 0.2\nphases: {build: {commands: [echo a]}}\nreports: {a: b}\n")

    assert build["buildStatus"] == "FAILED"
    assert "reports" in build["phases"][-2]["contexts"][0]["message"]


def test_a_source_of_another_kind_is_refused_when_the_project_is_made(stack):
    from blueprints.errors import BlueprintError

    with pytest.raises(BlueprintError, match="not of GITHUB"):
        stack(
            Builder=role(),
            Logs={"Type": "AWS::Logs::LogGroup"},
            Project=project(spec("echo"), {"Type": "GITHUB", "Location": "https://github.com/a/b"}),
        )


def test_eventbridge_hears_how_a_build_ended(cloud, stack, built):
    outputs = stack(
        Heard={"Type": "AWS::SQS::Queue"},
        MayHear={
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {
                "Queues": [{"Ref": "Heard"}],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Allow",
                            "Principal": {"Service": "events.amazonaws.com"},
                            "Action": "sqs:SendMessage",
                            "Resource": {"Fn::GetAtt": ["Heard", "Arn"]},
                        }
                    ],
                },
            },
        },
        Rule={
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["aws.codebuild"], "detail": {"build-status": ["FAILED"]}},
                "Targets": [{"Id": "queue", "Arn": {"Fn::GetAtt": ["Heard", "Arn"]}}],
            },
        },
    ).outputs

    build, _ = built(spec("false"))

    answer = cloud.client("sqs").receive_message(QueueUrl=outputs["Heard"], WaitTimeSeconds=5, MaxNumberOfMessages=10)
    events = [json.loads(message["Body"]) for message in answer["Messages"]]
    assert build["arn"] in [event["detail"]["build-id"] for event in events]


def test_a_build_does_not_outlive_the_embedded_aws():
    """Also when nobody can tell it: the server is killed."""
    import os
    import signal

    import psutil

    from blueprints.local.cloud import Cloud
    from blueprints.local.deployment import deploy

    with Cloud() as cloud:
        resources = {"Builder": role(), "Logs": {"Type": "AWS::Logs::LogGroup"}}
        resources["Project"] = project(spec("sleep 654321 & sleep 654321"))
        outputs = {"Project": {"Value": {"Ref": "Project"}}}
        name = deploy(cloud, "builds", json.dumps({"Resources": resources, "Outputs": outputs})).outputs["Project"]
        cloud.client("codebuild").start_build(projectName=name)
        until(lambda: len(running("sleep 654321")) == 2)
        (shell,) = {
            process.info["ppid"]
            for process in psutil.process_iter(["cmdline", "ppid"])
            if process.info["cmdline"] == ["sleep", "654321"]
        }
        os.kill(psutil.Process(shell).ppid(), signal.SIGKILL)

        until(lambda: not running("sleep 654321"))
