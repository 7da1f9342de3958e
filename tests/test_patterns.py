"""Every pattern keeps every promise and plays its story."""

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from blueprints.local.alarms import alarms_of
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.pattern import discover
from blueprints.progress import Progress
from blueprints.promises import check

# Alarms that ring because of what a demo shows: invalid input, a stopped order, calls that fail and are tried again.
RUNG_BY_DEMOS = {
    "dynamodb-stream-trigger": {"ChangesSetAside"},
    "stepfunctions-workflow": {"FunctionErrors", "OpenOrdersWaiting", "OrdersStopped"},
}
BLUEPRINTS = Path(sys.executable).with_name("blueprints")
PATTERNS = discover()
COMMANDS = [path for pattern in PATTERNS if (path := pattern.folder / "replay.py").is_file()]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda each: each.name)
def test_every_promise_is_kept(pattern):
    (report,) = check([pattern.folder])

    assert [str(finding) for finding in report.findings] == []


@contextmanager
def deployed(pattern):
    """The options of `blueprints play` for a stack of a pattern that is up."""
    progress = Progress()
    prepared = prepare(pattern, progress)
    with Cloud() as cloud:
        stack = bring_up(cloud, prepared, progress)
        yield ["--stack", stack.name, "--endpoint", cloud.endpoint]
        silent = [each.as_json() for each in alarms_of(cloud, stack)]
        assert [each for each in silent if each["rang"] or each["state"] != "OK"] == []


@pytest.mark.parametrize(
    ("command", "pattern"),
    # The other demos are played on a stack that is up in test_recovery, test_stream and test_change_recovery.
    [("play" if pattern.name == "auto-publish" else "run", pattern) for pattern in PATTERNS],
    ids=lambda each: getattr(each, "name", each),
)
def test_the_demo_plays_on_the_embedded_aws(command, pattern, tmp_path):
    with deployed(pattern) if command == "play" else nullcontext([]) as options:
        played = subprocess.run(
            [BLUEPRINTS, command, pattern.name, *options, "--json"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            text=True,
            timeout=240,
        )

    assert played.returncode == 0, played.stderr
    report = json.loads(played.stdout)
    assert report["pattern"] == pattern.name
    assert report["result"]
    others = [each for each in report.get("alarms", ()) if each["resource"] not in RUNG_BY_DEMOS.get(pattern.name, ())]
    assert [each for each in others if each["rang"] or each["state"] != "OK"] == []
    for file in report["files"]:
        assert Path(file).stat().st_size > 0


REFUSED = {
    "s3-image-processing": {"state": "rejected", "code": "not-an-image", "renditions": []},
    "kinesis-s3-stream": {"state": "refused"},
}


@pytest.mark.parametrize("pattern", REFUSED)
def test_a_refused_input_is_the_result_of_a_run_that_fails(pattern, tmp_path):
    notes = tmp_path / "notes.txt"
    notes.write_text("these are words")
    command = [BLUEPRINTS, "run", pattern, "--json", "--input", notes]
    played = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=240)

    assert played.returncode == 1
    report = json.loads(played.stdout)
    assert report["result"].items() >= REFUSED[pattern].items()
    assert report["result"]["reason"]
    assert report["result"]["reason"] in report["error"]
    assert report["error"] in played.stderr
    assert report["files"] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: f"{each.parent.name}-{each.stem}")
def test_commands_print_their_usage_and_errors(command, tmp_path):
    """Without a Region no stack can be found."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    bare |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "TMPDIR": str(tmp_path)}
    call = {"env": bare, "capture_output": True, "text": True, "timeout": 60}

    helped = subprocess.run([sys.executable, command, "--help"], check=False, **call)
    hindered = subprocess.run([sys.executable, command, "no-such-stack"], check=False, **call)

    assert (helped.returncode, helped.stderr) == (0, "")
    assert "STACK_NAME" in helped.stdout
    assert hindered.returncode == 2
    assert "must specify a region" in hindered.stderr
    assert "Traceback" not in hindered.stderr
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def elsewhere():
    """An embedded AWS with a stack of some other template."""
    with Cloud() as cloud:
        topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}
        deploy(cloud, "elsewhere", json.dumps(topic))
        yield cloud


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: f"{each.parent.name}-{each.stem}")
def test_commands_tell_a_stack_of_another_template(command, elsewhere, tmp_path):
    environment = {**os.environ, **elsewhere.environment(), "TMPDIR": str(tmp_path)}

    hindered = subprocess.run(
        [sys.executable, command, "elsewhere"], env=environment, capture_output=True, check=False, text=True, timeout=60
    )

    assert hindered.returncode == 2
    assert re.search(r"has no output \w+[;,] (is it a|so it is no) stack of this", hindered.stderr)
    assert "Traceback" not in hindered.stderr
    assert not list(tmp_path.iterdir())
