"""A check lints in child processes: with the same findings, and no child is left."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blueprints.promises import check, lint_ahead
from tests.promises.broken_templates import BROKEN, WHOLE, template

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="children are used on Linux with two processors"
)

NAMES = ["whole", *list(BROKEN)[:: max(1, len(BROKEN) // 6)]]
SCRIPT = """
import json, os, sys
from pathlib import Path
from blueprints.promises import check, linting
from blueprints.promises.reporting import as_json

parent = os.getpid()
{setup}
print(json.dumps(as_json(check([Path(each) for each in sys.argv[1:]]))))
"""
ONLY_CHILDREN = """
def only_in_a_child(lint):
    def checked(*given):
        assert os.getpid() != parent, "a child should have done this"
        return lint(*given)
    return checked
linting._file = only_in_a_child(linting._file)
linting._expanded = only_in_a_child(linting._expanded)
"""
NO_CHILD = "linting._file = lambda path: os._exit(1) if os.getpid() != parent else iter(())"
KILLED = "linting._expanded = lambda *_: os.kill(os.getpid(), 9) if os.getpid() != parent else iter(())"
FAILING = """
def fail(*_):
    raise RuntimeError("the linter broke")
linting._file = fail
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> list[Path]:
    home = tmp_path_factory.mktemp("broken")
    for name in NAMES:
        (home / name / "src").mkdir(parents=True)
        (home / name / "src" / "app.py").write_text("def handler(event, context):\n    return 'fine'\n")
        (home / name / "template.yaml").write_text(WHOLE if name == "whole" else template(name))
    return [home / name for name in NAMES]


def run(setup: str, folders: list[Path], cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT.format(setup=setup), *map(str, folders)]
    environment = os.environ | {"BLUEPRINTS_CACHE": str(cache)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)


@pytest.fixture(scope="module")
def expected(folders, tmp_path_factory):
    """The findings of one process alone."""
    from blueprints.promises.reporting import as_json

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lint_ahead, "_can_fork", lambda: False)
        patch.setenv("BLUEPRINTS_CACHE", str(tmp_path_factory.mktemp("cache")))
        return as_json(check(folders))


def test_child_processes_find_the_same_as_one_process(folders, expected, tmp_path):
    done = run(ONLY_CHILDREN, folders, tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
    assert sum(len(each["findings"]) for each in expected["patterns"]) > 5


@pytest.mark.parametrize("setup", [NO_CHILD, KILLED], ids=["the first ends early", "the second is killed"])
def test_work_left_by_a_child_process_is_done(setup, folders, tmp_path):
    done = run(setup, folders[:1], tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["patterns"][0]["name"] == "whole"


def test_a_failure_in_a_child_is_reported(folders, tmp_path):
    done = run(FAILING, folders[:1], tmp_path)
    assert done.returncode == 1
    assert "the linter broke" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_check_leaves_no_child(number, folders, tmp_path):
    command = [Path(sys.executable).with_name("blueprints"), "check", *map(str, folders)]
    mark = f"BLUEPRINTS_CACHE={tmp_path}"
    environment = os.environ | {"BLUEPRINTS_CACHE": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(marked(mark)) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(marked(mark)) == 3
    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    while marked(mark) and time.monotonic() < deadline:  # killed, but not yet gone
        time.sleep(0.01)
    assert not marked(mark)


def marked(variable: str) -> list[str]:
    """The processes that have this environment variable."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            if variable.encode() in (each / "environ").read_bytes().split(b"\0"):
                found.append(each.name)
        except OSError:
            continue
    return found
