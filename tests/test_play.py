"""`blueprints play`: a demo on a stack that is deployed, and what is said when that cannot be."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from blueprints.cli import main
from blueprints.errors import BlueprintError
from blueprints.local.cloud import Cloud
from blueprints.stacks.account import sign_in
from blueprints.stacks.usable import Outputs, usable_outputs
from tests import small_pattern

BLUEPRINTS = Path(sys.executable).with_name("blueprints")
# A stack without functions: what a demo does with functions is tested where patterns are deployed.
STORE = {"Resources": {"Inbox": {"Type": "AWS::S3::Bucket"}}, "Outputs": {"Inbox": {"Value": {"Ref": "Inbox"}}}}
DEMO = """
    def run(stack):
        s3 = stack.client("s3")
        with stack.step("Put an object"):
            s3.put_object(Bucket=stack.outputs["Inbox"], Key="name", Body=b"world")
        (stack.folder / "copy.txt").write_text("hello " + (stack.input.read_text() if stack.input else "world"))
        return {"keys": len(s3.list_objects_v2(Bucket=stack.outputs["Inbox"])["Contents"])}
"""


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as cloud:
        client = cloud.client("cloudformation")
        client.create_stack(StackName="store", TemplateBody=json.dumps(STORE))
        client.get_waiter("stack_create_complete").wait(StackName="store", WaiterConfig={"Delay": 1})
        yield cloud


@pytest.fixture
def pattern(tmp_path):
    return lambda demo=DEMO: str(small_pattern.write(tmp_path / "greeting", demo=demo))


@pytest.fixture
def play(monkeypatch, tmp_path):
    """Runs the command in an empty folder, without AWS settings but those that are given."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "200")

    def played(*arguments, **environment):
        ended = CliRunner(env=environment).invoke(main, ["play", *map(str, arguments)])
        assert "Traceback" not in ended.output
        assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
        return ended

    return played


def test_the_steps_the_result_and_the_files_are_shown(play, pattern, cloud, tmp_path):
    ended = play(pattern(), "--stack", "store", "--endpoint", cloud.endpoint)

    assert ended.exit_code == 0, ended.output
    file = tmp_path / ".blueprints" / "plays" / "store" / "copy.txt"
    assert file.read_text() == "hello world"
    assert re.search(r"✓ Look up the stack store +\d+\.\d\d s\n✓ Put an object +\d+\.\d\d s\n\nkeys: 1\n", ended.stdout)
    assert f"  {file}\n" in ended.stdout
    assert ended.stderr == ""


def test_in_json_it_prints_one_object_and_nothing_else(play, pattern, cloud, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("everybody")
    ended = play(pattern(), "--stack", "store", "--input", own, "--output", "mine", "--json", **cloud.environment())

    assert ended.exit_code == 0, ended.output
    report = json.loads(ended.stdout)
    assert report["pattern"] == "greeting"
    assert report["stack"] == "store"
    assert report["result"] == {"keys": 1}
    assert [step["name"] for step in report["steps"]] == ["Look up the stack store", "Put an object"]
    assert list(report["outputs"]) == ["Inbox"]
    assert report["files"] == [str(tmp_path / "mine" / "copy.txt")]
    assert (tmp_path / "mine" / "copy.txt").read_text() == "hello everybody"
    assert ended.stderr == ""


@pytest.mark.parametrize("carried", [None, {"state": "rejected"}])
def test_a_demo_that_fails_ends_it_with_1_and_leaves_no_files(play, pattern, cloud, tmp_path, carried):
    demo = f"""
    class Refused(Exception):
        result = {carried}

    def run(stack):
        (stack.folder / "half.txt").write_text("half")
        raise Refused("the object is too large")
    """
    ended = play(pattern(demo), "--stack", "store", "--endpoint", cloud.endpoint, "--json")

    assert ended.exit_code == 1
    report = json.loads(ended.stdout)
    assert (report["result"], report["files"]) == (carried, [])
    assert report["error"] == "The demo failed: the object is too large"
    assert ended.stderr == "blueprints: The demo failed: the object is too large\n"
    assert not (tmp_path / ".blueprints" / "plays" / "store").exists()


def test_files_in_the_output_folder_stay(play, pattern, cloud, tmp_path):
    mine = tmp_path / "mine"
    (mine / "deep").mkdir(parents=True)
    (mine / "deep" / "precious.txt").write_text("precious")
    arguments = ("--stack", "store", "--endpoint", cloud.endpoint, "--output", mine, "--json")
    folder = pattern()
    first, second = play(folder, *arguments), play(folder, *arguments)
    demo = """
    def run(stack):
        (stack.folder / "deep" / "er").mkdir()
        (stack.folder / "deep" / "er" / "half.txt").write_text("half")
        raise ValueError("no")
    """
    Path(folder, "demo.py").write_text(textwrap.dedent(demo))
    third = play(folder, *arguments)

    assert [each.exit_code for each in (first, second, third)] == [0, 0, 1], third.output
    copy = str(mine / "copy.txt")
    assert [json.loads(each.stdout)["files"] for each in (first, second, third)] == [[copy], [copy], []]
    left = sorted(path.relative_to(mine).as_posix() for path in mine.rglob("*"))
    assert left == ["copy.txt", "deep", "deep/precious.txt"]


def test_an_output_that_the_stack_lacks_is_named(play, pattern, cloud):
    demo = 'def run(stack):\n    return {"there": "Outbox" in stack.outputs, "it": stack.outputs["Outbox"]}\n'
    ended = play(pattern(demo), "--stack", "store", "--endpoint", cloud.endpoint)

    assert ended.exit_code == 1
    assert (
        "blueprints: store: The stack has no output Outbox.\n  Check that the stack was deployed from this pattern"
        in ended.stderr
    )


def test_a_stack_that_does_not_exist_is_named(play, pattern, cloud):
    ended = play(pattern(), "--stack", "stage", "--endpoint", cloud.endpoint, "--region", "us-east-1")

    assert ended.exit_code == 1
    assert "blueprints: There is no stack stage in us-east-1 of this account.\n" in ended.stderr
    assert "--endpoint" in ended.stderr


def test_a_call_that_is_denied_is_named_with_what_to_do(play, pattern, cloud):
    demo = """
    from botocore.exceptions import ClientError

    def run(stack):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no s3:PutObject"}}, "PutObject")
    """
    ended = play(pattern(demo), "--stack", "store", "--endpoint", cloud.endpoint)

    assert ended.exit_code == 1
    assert "The demo failed: An error occurred (AccessDenied) when calling the PutObject operation" in ended.stderr
    assert "Your AWS identity lacks this permission" in ended.stderr


def test_without_credentials_nothing_is_called(play, pattern):
    ended = play(pattern(), "--stack", "store", "--region", "eu-west-1")

    assert ended.exit_code == 1
    assert "There are no AWS credentials.\n  Run 'aws sso login', name a --profile" in ended.stderr


def test_without_a_region_nothing_is_called(play, pattern):
    ended = play(pattern(), "--stack", "store", AWS_ACCESS_KEY_ID="AKIA", AWS_SECRET_ACCESS_KEY="x")

    assert ended.exit_code == 1
    assert "There is no AWS Region.\n  Name a --region" in ended.stderr


def test_a_profile_that_does_not_exist_is_named(play, pattern):
    ended = play(pattern(), "--stack", "store", "--profile", "nobody")

    assert ended.exit_code == 1
    assert "The config profile (nobody) could not be found" in ended.stderr


def test_an_endpoint_where_nothing_answers_is_named(play, pattern):
    ended = play(pattern(), "--stack", "store", "--endpoint", "http://127.0.0.1:9")

    assert ended.exit_code == 1
    assert "store: The stack cannot be looked up: Could not connect to the endpoint URL" in ended.stderr
    assert "Nothing answers at this URL." in ended.stderr


def test_an_endpoint_that_is_no_url_is_named(play, pattern):
    ended = play(pattern(), "--stack", "store", "--endpoint", "localhost")

    assert ended.exit_code == 1
    assert "'localhost' is not a URL." in ended.stderr


def test_mistakes_are_reported_before_aws_is_called(play, pattern, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("mine")
    without_input = play(pattern("def run(stack):\n    return {}\n"), "--stack", "store", "--input", own)
    no_stack = play(tmp_path / "greeting")

    assert (without_input.exit_code, no_stack.exit_code) == (1, 2)
    assert "takes no file" in without_input.stderr
    assert "Missing option '--stack'" in no_stack.stderr


def test_interrupted_it_ends_with_130_and_leaves_no_files(pattern, cloud, tmp_path):
    demo = """
    import time

    def run(stack):
        (stack.folder / "half.txt").write_text("half")
        with stack.step("Wait"):
            pass
        time.sleep(60)
    """
    running = subprocess.Popen(
        [BLUEPRINTS, "play", pattern(demo), "--stack", "store", "--endpoint", cloud.endpoint],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while "Wait" not in running.stdout.readline():
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)

    assert (running.returncode, errors) == (130, "blueprints: interrupted\n")
    assert not list((tmp_path / ".blueprints").rglob("half.txt"))


def stack_that_is(status):
    def describe_stacks(StackName):
        return {"Stacks": [{"StackStatus": status, "Outputs": [{"OutputKey": "Inbox", "OutputValue": "inbox"}]}]}

    return lambda service: SimpleNamespace(describe_stacks=describe_stacks)


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_is_complete_can_be_used(status):
    assert usable_outputs(stack_that_is(status), "store") == {"Inbox": "inbox"}


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("CREATE_IN_PROGRESS", "Wait until CloudFormation has finished"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "Wait until CloudFormation has finished"),
        ("ROLLBACK_COMPLETE", "'aws cloudformation describe-stack-events --stack-name store' says why"),
        ("UPDATE_ROLLBACK_FAILED", "describe-stack-events"),
        ("DELETE_FAILED", "describe-stack-events"),
    ],
)
def test_a_stack_that_is_not_complete_is_not_used(status, advice):
    with pytest.raises(BlueprintError, match=f"The stack is {status}, so it cannot be used") as raised:
        usable_outputs(stack_that_is(status), "store")
    assert advice in str(raised.value)


@pytest.mark.parametrize(
    ("code", "advice"), [("ExpiredToken", "sign in again"), ("AccessDenied", "lacks this permission")]
)
def test_a_stack_that_cannot_be_looked_up_is_named_with_what_to_do(code, advice):
    def describe_stacks(StackName):
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeStacks")

    with pytest.raises(BlueprintError, match="The stack cannot be looked up") as raised:
        usable_outputs(lambda service: SimpleNamespace(describe_stacks=describe_stacks), "store")
    assert advice in str(raised.value)


def test_a_client_of_a_real_account_is_bounded_in_time_and_made_once(monkeypatch):
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-3"}.items():
        monkeypatch.setenv(name, value)
    client = sign_in(None, None, None)

    assert client("s3") is client("s3")
    assert client("s3").meta.region_name == "eu-west-3"
    assert client("s3").meta.config.read_timeout == 60


def test_outputs_are_a_dict():
    outputs = Outputs("store", {"Inbox": "inbox"})
    assert outputs.get("Outbox") is None
    assert json.loads(json.dumps(outputs)) == {"Inbox": "inbox"}
