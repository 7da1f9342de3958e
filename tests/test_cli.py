"""The command line as people and programs meet it: what it prints, how it ends, what it leaves behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests import small_pattern
from tests.small_pattern import DEMO, HANDLER, TEMPLATE

BLUEPRINTS = Path(sys.executable).with_name("blueprints")


class Shell:
    """Runs `blueprints` in an empty working folder with a temporary folder of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        self.environment = {**os.environ, "TMPDIR": str(self.temporary), "COLUMNS": "200"}

    def __call__(self, *arguments, **environment):
        ended = subprocess.run(
            [BLUEPRINTS, *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        ended.output = ended.stdout + ended.stderr
        return ended

    def start(self, *arguments):
        return subprocess.Popen(
            [BLUEPRINTS, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def left_behind(self):
        """Temporary folders and processes that remain."""
        return [*self.temporary.iterdir(), *_processes_of(self.temporary)]


def _processes_of(folder):
    """Processes whose command line names a folder below this one, as the embedded AWS's does."""
    return [each for each in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(each.info["cmdline"] or [])]


@pytest.fixture
def shell(tmp_path):
    shell = Shell(tmp_path / "work")
    yield shell
    assert shell.left_behind() == []


@pytest.fixture
def pattern(tmp_path):
    """Writes a small pattern, changed as asked."""
    return lambda **parts: str(small_pattern.write(tmp_path / "greeting", **parts))


def test_run_plays_the_demo_and_shows_where_the_results_lie(shell, pattern):
    ended = shell("run", pattern())

    assert ended.returncode == 0, ended.output
    copy = shell.folder / ".blueprints" / "runs" / "greeting" / "copy.txt"
    assert copy.read_text() == "hello world"
    assert str(copy) in ended.stdout
    assert re.search(r"✓ Deploy greeting +\d+\.\d\d s", ended.stdout)
    assert ended.stderr == ""


def test_run_in_json_prints_one_object_and_nothing_else(shell, pattern):
    ended = shell("run", pattern(), "--json", "--parameter", "Greeting=good morning")

    assert ended.returncode == 0, ended.output
    report = json.loads(ended.stdout)
    assert list(report) == ["pattern", "steps", "outputs", "result", "executions", "files", "not_emulated", "alarms"]
    assert report["executions"] == [], "the stack has no state machine"
    assert report["pattern"] == "greeting"
    assert report["result"]["text"] == "good morning world"
    assert [Path(file).read_text() for file in report["files"]] == ["good morning world"]
    assert all(Path(file).is_absolute() for file in report["files"])
    names = [step["name"] for step in report["steps"]]
    assert names[0] == "Check the template of greeting"
    assert names[-2:] == ["Put an object", "Wait for its copy"]
    assert all(step["seconds"] >= 0 for step in report["steps"])
    assert set(report["outputs"]) == {"Inbox", "Outbox"}
    assert report["not_emulated"] == []
    assert report["alarms"] == []
    assert ended.stderr == ""


def test_a_pattern_that_does_not_exist_is_answered_with_those_that_do(shell):
    ended = shell("run", "no-such-pattern")

    assert ended.returncode == 1
    assert "no-such-pattern" in ended.stderr
    assert "s3-image-processing" in ended.stderr
    assert "Traceback" not in ended.output


def test_an_input_that_is_not_there_is_named(shell):
    ended = shell("run", "s3-image-processing", "--input", "missing.jpg")

    assert ended.returncode == 2
    assert "missing.jpg" in ended.stderr


def test_a_port_in_use_is_named(shell, pattern):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        ended = shell("run", pattern(), "--port", str(port))

    assert ended.returncode == 1
    assert f"port {port} on 127.0.0.1 can't be used" in ended.stderr


def test_a_port_that_there_is_not_is_refused(shell):
    ended = shell("up", "--port", "65536")

    assert ended.returncode == 2
    assert "0<=x<=65535" in ended.stderr


def test_it_runs_without_network_once_everything_is_there(shell, pattern):
    small = pattern(requirements="six==1.17.0\n", handler=f"    import six\n{HANDLER}")
    assert shell("run", small).returncode == 0

    nowhere = "http://127.0.0.1:9"
    # Another text in the handler: what must be packaged again is packaged without network too.
    handler = Path(small, "src", "copy_object.py")
    handler.write_text(handler.read_text() + "\n# changed\n")
    ended = shell("run", small, HTTP_PROXY=nowhere, HTTPS_PROXY=nowhere, ALL_PROXY=nowhere, UV_INDEX_URL=nowhere)

    assert ended.returncode == 0, ended.output


FAILING_HANDLERS = {
    "never returns": (
        "import time\ndef handler(event, context):\n    time.sleep(600)\n",
        "Timeout: 1",
        "Task timed out after 1.00 seconds",
    ),
    "eats memory": (
        """
        import time
        def handler(event, context):
            hoard = [bytearray(8 << 20) for _ in range(60)]
            time.sleep(5)
        """,
        "Timeout: 10",
        "Runtime.OutOfMemory",
    ),
    "raises": (
        "def handler(event, context):\n    raise LookupError('no such customer')\n",
        "Timeout: 10",
        "LookupError: no such customer",
    ),
}


@pytest.mark.parametrize("how", FAILING_HANDLERS)
def test_a_handler_that_fails_makes_the_run_fail_with_its_error(shell, pattern, how):
    handler, timeout, error = FAILING_HANDLERS[how]
    ended = shell("run", pattern(handler=handler, template=TEMPLATE.replace("Timeout: 10", timeout)))

    assert ended.returncode == 1
    assert "no copy arrived" in ended.stderr
    assert f"CopyObject: {error}" in ended.stderr
    assert "Traceback" not in ended.output
    assert not (shell.folder / ".blueprints" / "runs" / "greeting").exists()


@pytest.mark.parametrize("carried", [None, {"state": "rejected", "code": "too-large"}])
def test_run_in_json_prints_the_result_of_a_failed_demo(shell, pattern, carried):
    demo = f"""
    class Refused(Exception):
        result = {carried}

    def run(stack):
        with stack.step("Put an object"):
            pass
        raise Refused("the object is too large")
    """
    ended = shell("run", pattern(demo=demo), "--json")

    assert ended.returncode == 1
    report = json.loads(ended.stdout)
    assert report["result"] == carried
    assert report["error"] == "The demo failed: the object is too large"
    assert report["steps"][-1]["name"] == "Put an object"
    assert report["files"] == []
    assert set(report["outputs"]) == {"Inbox", "Outbox"}
    assert "blueprints: The demo failed: the object is too large" in ended.stderr


def test_a_requirement_that_is_not_listed_is_named(shell, pattern):
    # yaml is there where the tools run; requirements.txt does not list it, so Lambda would not have it.
    ended = shell("run", pattern(handler=f"    import yaml\n{HANDLER}"))

    assert ended.returncode == 1
    assert "Function CopyObject does not start" in ended.stderr
    assert "No module named 'yaml'" in ended.stderr
    assert "add that to src/requirements.txt" in ended.stderr


BROKEN_TEMPLATES = {
    "unknown type": ("Type: AWS::S3::Bucket\n", "Type: AWS::S3::Bukket\n", "AWS::S3::Bukket", "AWS::S3::Bucket"),
    "typo in a property": (
        "NotificationConfiguration:",
        "NotificationConfigration:",
        "NotificationConfigration",
        "NotificationConfiguration",
    ),
    "typo in a SAM property": ("MemorySize: 256", "MemorySise: 256", "MemorySise", "MemorySize"),
    "missing CodeUri": ("CodeUri: src/", "CodeUri: source/", "source", "template.yaml"),
    "missing handler": ("copy_object.handler", "copy_object.handel", "handel", "copy_object"),
    "no YAML": ("Resources:", "Resources: [", "template.yaml", ""),
}


@pytest.mark.parametrize("how", BROKEN_TEMPLATES)
def test_a_broken_template_is_refused_with_line_and_remedy(shell, pattern, how):
    right, wrong, named, remedy = BROKEN_TEMPLATES[how]
    assert right in TEMPLATE

    ended = shell("run", pattern(template=TEMPLATE.replace(right, wrong, 1)))

    assert ended.returncode == 1
    assert re.search(r"template\.yaml:\d+", ended.stderr), ended.stderr
    assert named in ended.stderr
    assert remedy in ended.stderr
    assert "Traceback" not in ended.output


def test_a_narrowed_policy_shows_as_access_denied_with_its_action(shell, pattern):
    narrowed = re.sub(r" +- S3ReadPolicy:\n +BucketName: [^\n]+\n", "", TEMPLATE)
    assert narrowed != TEMPLATE

    ended = shell("run", pattern(template=narrowed))

    assert ended.returncode == 1
    assert "AccessDenied" in ended.stderr
    assert "s3:GetObject" in ended.stderr


def test_a_demo_that_is_missing_is_named(shell, pattern):
    folder = pattern()
    Path(folder, "demo.py").unlink()

    ended = shell("run", folder)

    assert ended.returncode == 1
    assert "has no demo.py" in ended.stderr
    assert "Deploy" not in ended.stdout


def test_a_demo_that_cannot_be_loaded_is_named_with_its_line_before_anything_is_deployed(shell, pattern):
    ended = shell("run", pattern(demo=f"\n    import no_such_module\n{DEMO}"))

    assert ended.returncode == 1
    assert re.search(r"demo\.py:\d+: The demo can't be loaded: ModuleNotFoundError: .*no_such_module", ended.stderr)
    assert "Deploy" not in ended.stdout


def test_a_file_for_a_demo_that_takes_none_is_refused(shell, pattern, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("mine")

    ended = shell("run", pattern(), "--input", str(own))

    assert ended.returncode == 1
    assert "takes no file" in ended.stderr
    assert "Deploy" not in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [("run",), ("try", "--local"), ("publish", "--local"), ("new", "s3-image-processing", ".blueprints/copy")],
    ids=lambda each: each[0],
)
def test_a_folder_that_cannot_be_made_is_named_without_a_traceback(shell, pattern, arguments):
    Path(shell.folder, ".blueprints").write_text("a file where a folder has to be")

    ended = shell(*arguments) if arguments[0] == "new" else shell(*arguments, pattern())

    assert ended.returncode == 1
    assert re.search(r"blueprints: \S+\.blueprints\S*: (Not a directory|File exists)", ended.stderr)
    assert "Choose folders that you can write to." in ended.stderr
    assert "Traceback" not in ended.output
    assert "Deploy" not in ended.stdout


def test_an_unknown_parameter_is_answered_with_the_known_ones(shell, pattern):
    ended = shell("run", pattern(), "--parameter", "Greting=hi")

    assert ended.returncode == 1
    assert "no parameter Greting" in ended.stderr
    assert "It has: Greeting" in ended.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_interrupted_in_the_middle_it_leaves_nothing(shell, pattern, ending):
    running = shell.start("run", pattern(demo=DEMO.replace('Key="name", Body', 'Key="other", Body')))
    assert "Put an object" in "".join(iter_until(running.stdout, "Put an object"))

    running.send_signal(ending)
    running.communicate(timeout=20)

    assert running.returncode in (130, 143)


def test_up_stays_until_it_is_interrupted(shell, pattern):
    running = shell.start("up", pattern(), "--json")
    said = json.loads(running.stdout.readline())

    environment = {**said["environment"], "PATH": os.environ["PATH"]}
    script = f"""import boto3
s3 = boto3.client("s3")
s3.put_object(Bucket="{said["stacks"]["greeting"]["outputs"]["Inbox"]}", Key="k", Body=b"you")
"""
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    outbox = said["stacks"]["greeting"]["outputs"]["Outbox"]
    copied = f"import boto3; print(boto3.client('s3').get_object(Bucket='{outbox}', Key='k')['Body'].read().decode())"
    deadline = time.monotonic() + 10
    while True:
        looked = subprocess.run(
            [sys.executable, "-c", copied], env=environment, capture_output=True, check=False, text=True
        )
        if looked.returncode == 0 or time.monotonic() > deadline:
            break
    assert looked.stdout == "hello you\n"

    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)
    assert running.returncode == 130


def test_new_names_the_command_that_tries_the_copy(shell, pattern, tmp_path):
    folder = tmp_path / "without-demo"
    whole = pattern()
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns("demo.py"))

    assert "Try it:  blueprints run with\n" in shell("new", whole, "with").output
    assert "Try it:  blueprints up without\n" in shell("new", str(folder), "without").output


def test_up_shows_why_a_function_failed(shell, pattern):
    handler = "def handler(event, context):\n    raise RuntimeError('no \\x1b[31mink\\nleft')\n"
    running = shell.start("up", pattern(handler=handler), "--json")
    said = json.loads(running.stdout.readline())
    script = "import boto3, sys; boto3.client('s3').put_object(Bucket=sys.argv[1], Key='k', Body=b'you')"
    environment = {**said["environment"], "PATH": os.environ["PATH"]}
    inbox = said["stacks"]["greeting"]["outputs"]["Inbox"]
    subprocess.run([sys.executable, "-c", script, inbox], env=environment, check=True)

    line = running.stderr.readline()
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=20)

    assert re.fullmatch(r"blueprints: function \S+ failed: RuntimeError: no \S*ink left\n", line)
    assert "\x1b" not in line


def test_up_tells_when_the_embedded_aws_is_gone(shell):
    running = shell.start("up", "--json")
    running.stdout.readline()
    (server,) = psutil.Process(running.pid).children()

    server.kill()
    _, said = running.communicate(timeout=20)

    assert running.returncode == 1
    assert "The embedded AWS stopped unexpectedly (exit status -9)" in said


def test_invoke_shows_answer_log_and_figures(shell, pattern, tmp_path):
    handler = "def handler(event, context):\n    print('hello from inside')\n    return {'doubled': event['n'] * 2}\n"
    event = tmp_path / "event.json"
    event.write_text('{"n": 4}')

    ended = shell("invoke", pattern(handler=handler), "CopyObject", "--event", str(event), "--json")

    assert ended.returncode == 0, ended.output
    answer = json.loads(ended.stdout)
    assert answer["payload"] == {"doubled": 8}
    assert "hello from inside" in answer["log"]
    assert answer["duration_ms"] > 0
    assert answer["memory_mb"] > 0


def test_invoke_ends_badly_when_the_function_fails(shell, pattern, tmp_path):
    event = tmp_path / "event.json"
    event.write_text("{}")

    ended = shell("invoke", pattern(), "CopyObject", "--event", str(event))
    unknown = shell("invoke", str(tmp_path / "greeting"), "NoSuch", "--event", str(event))

    assert ended.returncode == 1
    assert "KeyError" in ended.stdout
    assert "does not exist" not in ended.stderr
    assert unknown.returncode == 1
    assert "has no function or state machine NoSuch" in unknown.stderr
    assert "CopyObject" in unknown.stderr


def test_invoke_gives_advice_on_an_event_of_another_stack(shell, pattern, tmp_path):
    event = tmp_path / "event.json"
    event.write_text('{"detail": {"bucket": {"name": "originals"}, "object": {"key": "photo.jpg"}}}')

    ended = shell("invoke", pattern(), "CopyObject", "--event", str(event), "--json")

    assert ended.returncode == 1
    assert json.loads(ended.stdout)["failed"]
    assert "does not exist (NoSuchBucket)" in ended.stderr
    assert "blueprints up " in ended.stderr
    assert "Inbox = greeting-inbox-" in ended.stderr


def test_an_event_that_is_no_json_is_refused(shell, pattern, tmp_path):
    event = tmp_path / "event.json"
    event.write_text("{no json")

    ended = shell("invoke", pattern(), "CopyObject", "--event", str(event))

    assert ended.returncode == 2
    assert "is not JSON" in ended.stderr


def test_list_shows_every_pattern(shell):
    listed = shell("list")
    as_json = json.loads(shell("list", "--json").stdout)

    assert listed.returncode == 0
    assert "s3-image-processing" in listed.stdout
    lines = listed.stdout.splitlines()
    (with_database,) = [number for number, line in enumerate(lines) if line.startswith("dynamodb-stream-trigger ")]
    assert "can probably be published" in lines[with_database + 1]
    assert lines[with_database + 1].endswith("companions: database, webhook-secret")
    by_name = {each["name"]: each for each in as_json["patterns"]}
    stream = by_name["dynamodb-stream-trigger"]
    assert [Path(each).is_file() for each in stream["companions"]] == [True, True]
    assert stream["repository"]["verdict"] in ("accepted", "unconfirmed")
    assert all("template.yaml:" in each["where"] for each in stream["repository"]["findings"])
    assert by_name["s3-image-processing"]["companions"] == []
    assert [each["name"] for each in as_json["patterns"]] == sorted(
        path.parent.name for room in ("patterns", "sar") for path in Path(room).glob("*/template.yaml")
    )


def iter_until(stream, wanted):
    """Lines of a stream up to the one that holds what is wanted."""
    for line in stream:
        yield line
        if wanted in line:
            return
