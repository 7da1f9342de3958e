"""A copy made by `blueprints new` needs nothing of this project; a folder put into patterns/ is a pattern."""

import functools
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import uv

from blueprints.copying import copy
from blueprints.errors import BlueprintError
from blueprints.packaging.interpreters import find as find_interpreter
from blueprints.pattern import Pattern, discover, find
from tests import small_pattern

ROOT = Path(__file__).parents[1]
BLUEPRINTS = Path(sys.executable).with_name("blueprints")
SAM = "aws-sam-cli==1.170.0"
PATTERNS = [each.name for each in discover()]

# What a person's shell has that does not know this repository.
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
    name: value for name, value in os.environ.items() if name.endswith(("_CA_BUNDLE", "_CERT", "_CERT_FILE"))
}


def run(*command, cwd, **environment):
    ended = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**BARE, **environment},
        capture_output=True,
        check=False,
        text=True,
        timeout=900,
        stdin=subprocess.DEVNULL,
    )
    assert ended.returncode == 0, f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def copy_of(tmp_path_factory):
    """Returns the copy of a pattern by its name, outside the repository; makes it at the first call."""
    folder = tmp_path_factory.mktemp("mine")

    @functools.cache
    def made(name):
        run(BLUEPRINTS, "new", name, folder / name / "my-copy", cwd=folder)
        return folder / name / "my-copy"

    return made


@pytest.fixture(params=PATTERNS)
def copied(request, copy_of):
    """The copy of one pattern."""
    return copy_of(request.param)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment for the tests of one copy after another, so that Python compiles a package once."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    run(uv.find_uv_bin(), "venv", "--python", sys.executable, folder, cwd=folder.parent)
    return folder


def test_a_copys_own_tests_pass(copied, environment):
    """They run nowhere else: pytest leaves the folder patterns/ out, unless it is named."""
    # --exact removes what this copy does not require.
    install = (uv.find_uv_bin(), "pip", "install", "--exact", "--python", environment)
    spark = ["-r", "tests/requirements-spark.txt"] if (copied / "tests" / "requirements-spark.txt").is_file() else []
    run(*install, "-r", "tests/requirements.txt", *spark, cwd=copied)

    summary = run(environment / "bin" / "python", "-m", "pytest", "-qrs", "-p", "no:cacheprovider", cwd=copied)

    assert " passed" in summary.splitlines()[-1]
    for line in summary.splitlines():
        if line.startswith("SKIPPED"):
            warnings.warn(line, stacklevel=1)
    for command in sorted(copied.glob("re*.py")):  # replay.py, reconcile.py
        assert "STACK_NAME" in run(environment / "bin" / "python", command, "--help", cwd=copied.parent)


@pytest.mark.parametrize("name", ["s3-image-processing", "kinesis-s3-stream"])
def test_a_copy_runs_under_another_name_without_its_tests_and_with_other_settings(copy_of, tmp_path, name):
    """In a shell that does not know this repository. tests/publish/test_story.py plays the demos of all copies."""
    copied, mine = copy_of(name), tmp_path / "photos-of-mine"
    shutil.copytree(copied, mine, ignore=lambda folder, _: ["tests"] if Path(folder) == copied else [])

    played = json.loads(run(BLUEPRINTS, "run", mine, "--json", "--parameter", "Environment=prod", cwd=tmp_path))

    assert played["pattern"] == "photos-of-mine"
    assert played["files"]
    assert all(Path(file).stat().st_size for file in played["files"])


def test_the_command_in_a_copys_requirements_makes_its_lock_again(copied, tmp_path):
    """It finds the vendored wheel of the shared package, and the new lock names it too."""
    mine = tmp_path / "my-copy"
    shutil.copytree(copied, mine)
    code = mine / "src"
    before = (code / "requirements.txt").read_text()
    (command,) = (line for line in (code / "requirements.in").read_text().splitlines() if line.startswith("# uv "))

    run(uv.find_uv_bin(), *command.removeprefix("# uv ").split(), cwd=code)

    lines = [line for line in (code / "requirements.txt").read_text().splitlines() if line]
    assert lines == before.splitlines()
    assert lines[0] == "--find-links ../vendor"


# One process for all copies, as SAM's start takes seconds. Its lint is cfn-lint, which `blueprints check` runs.
SAM_VALIDATE_AND_BUILD = """
import os, sys
from samcli.cli.main import cli

for folder in sys.argv[1:]:
    os.chdir(folder)
    for arguments in (["validate"], ["build"]):
        print("sam", *arguments, "in", folder, flush=True)
        try:
            cli(arguments)
        except SystemExit as end:
            if end.code:
                raise
"""


@pytest.mark.skipif(
    find_interpreter("3.13") is None, reason="sam build needs the template's Python; install Python 3.13 to run this"
)
def test_sam_validates_and_builds_each_copy(copy_of):
    copies = [copy_of(name) for name in PATTERNS]
    path = f"{find_interpreter('3.13').path.parent}:{BARE['PATH']}"
    sam = (uv.find_uv_bin(), "tool", "run", "--from", SAM, "python", "-c", SAM_VALIDATE_AND_BUILD)

    printed = run(*sam, *copies, cwd=copies[0], PATH=path, SAM_CLI_TELEMETRY="0", AWS_DEFAULT_REGION="us-east-1")

    assert printed.count("is a valid SAM Template") == len(copies)
    assert printed.count("Build Succeeded") == len(copies)
    for copied in copies:
        for function in Pattern.load(copied).functions:
            built = copied / ".aws-sam" / "build" / function.logical_id
            assert (built / f"{function.handler.split('.')[0]}.py").is_file()
            assert (built / "blueprints_shared" / "settings.py").is_file()


def test_new_does_not_touch_a_destination_that_exists(tmp_path):
    occupied = tmp_path / "occupied"
    occupied.mkdir()
    (occupied / "mine.txt").write_text("precious")

    with pytest.raises(BlueprintError, match="exists already"):
        copy(find(PATTERNS[0]), occupied)

    assert [path.name for path in tmp_path.rglob("*")] == ["occupied", "mine.txt"]


def test_a_copy_into_the_pattern_itself_is_refused(tmp_path):
    pattern = Pattern.load(small_pattern.write(tmp_path / "small"))

    with pytest.raises(BlueprintError, match="inside the pattern itself"):
        copy(pattern, tmp_path / "small" / "copy")


def test_a_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    pattern = Pattern.load(small_pattern.write(tmp_path / "small"))
    monkeypatch.setattr("blueprints.copying._vendor_shared", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        copy(pattern, tmp_path / "new" / "copy")

    assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_put_into_patterns_is_listed_checked_built_and_run(tmp_path):
    """Adding a pattern changes no other file."""
    for room in ("blueprints", "patterns", "sar", "shared"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "promises" / "good_pattern", tmp_path / "patterns" / "a-promising-pattern")
    small_pattern.write(tmp_path / "patterns" / "a-new-pattern")
    tools = (sys.executable, "-c", "from blueprints.cli import main; main()")
    here = {"PYTHONPATH": str(tmp_path)}

    listed = json.loads(run(*tools, "list", "--json", cwd=tmp_path, **here))
    checked = json.loads(run(*tools, "check", "a-promising-pattern", "--json", cwd=tmp_path, **here))
    built = json.loads(run(*tools, "build", "a-new-pattern", "--json", cwd=tmp_path, **here))
    played = json.loads(run(*tools, "run", "a-new-pattern", "--json", cwd=tmp_path, **here))

    names = sorted(["a-new-pattern", "a-promising-pattern", *PATTERNS])
    assert [each["name"] for each in listed["patterns"]] == names
    assert [each["findings"] for each in checked["patterns"]] == [[]]
    assert [each["logical_id"] for each in built["packages"]["a-new-pattern"]] == ["CopyObject"]
    assert played["result"]["text"] == "hello world"
