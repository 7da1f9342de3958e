"""`scripts/bench --against`, tested on a toy repository: no test here measures a speed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from benchmarks import __main__ as command
from benchmarks import peers, processes, report, trees
from benchmarks.against import target
from benchmarks.harness import Unavailable

SETUP = """\
#!/bin/sh
mkdir -p .venv/bin && for name in blueprints cfn-lint; do cp tool .venv/bin/$name; done
"""
# Notes its tree, its command and its cache, and does what `blueprints` would leave behind.
TOOL = """\
#!/bin/sh
echo "LABEL $(basename "$0") $1 $BLUEPRINTS_CACHE $(ls "$BLUEPRINTS_CACHE" 2>/dev/null)" >> "$NOTES"
mkdir -p "$BLUEPRINTS_CACHE" && touch "$BLUEPRINTS_CACHE/warm"
while [ $# -gt 0 ]; do
  if [ "$1" = --output ]; then mkdir -p "$2" && touch "$2/result.zip"; fi
  shift
done
"""


class Toy:
    """A repository whose first commit is tagged `before` and whose working tree is set up."""

    def __init__(self, folder, environment):
        self.root, self.notes, self.cache = folder / "toy", folder / "notes", folder / "cache"
        self.environment = environment
        self.root.mkdir()
        self.git("init", "--quiet")
        self.commit("before", TOOL.replace("LABEL", "before"))
        self.git("tag", "before")
        self.commit("after", TOOL.replace("LABEL", "after"))
        subprocess.run([self.root / "scripts" / "setup"], cwd=self.root, check=True)

    def commit(self, subject, tool, setup=SETUP):
        (self.root / "scripts").mkdir(exist_ok=True)
        for path, text in ((self.root / "scripts" / "setup", setup), (self.root / "tool", tool)):
            path.write_text(text)
            path.chmod(0o755)
        (self.root / ".gitignore").write_text(".venv\n")
        self.git("add", "--all")
        author = ["-c", "user.name=Toy", "-c", "user.email=toy@example.com"]
        self.git(*author, "commit", "--quiet", "--message", subject)

    def git(self, *arguments):
        return subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        ).stdout.strip()

    def noted(self):
        return [line.split() for line in self.notes.read_text().splitlines()]

    def left_behind(self):
        """What remains in the cache and in the repository."""
        scratch = self.cache / "scratch"
        return [*(scratch.iterdir() if scratch.exists() else ()), *(self.root / ".git").glob("worktrees/*")]


@pytest.fixture
def toy(tmp_path, monkeypatch):
    environment = {"BLUEPRINTS_CACHE": str(tmp_path / "cache"), "NOTES": str(tmp_path / "notes")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = Toy(tmp_path, environment)
    monkeypatch.setattr(processes, "ROOT", made.root)
    return made


def bench(*arguments, rounds=1):
    return command.main(["--against", "before", *arguments, "--rounds", str(rounds)])


def test_both_trees_run_in_turn_each_with_its_own_warm_cache(toy):
    assert bench("run", rounds=5) == 0
    assert [line[0] for line in toy.noted()] == ["before", "after"] * 6  # the first of each warms its cache
    for tree in ("before", "after"):
        first, *later = [line for line in toy.noted() if line[0] == tree]
        assert len(first) == 4  # nothing was in the cache
        assert all(line[3:] == [first[3], "warm"] for line in later)
    caches = {line[3] for line in toy.noted()}
    assert len(caches) == 2
    assert str(toy.cache) not in caches


def test_an_empty_cache_is_empty_in_every_run(toy):
    assert bench("check", rounds=2) == 0
    checks = [line for line in toy.noted() if line[1] == "blueprints"]
    cold = [line for line in checks if len(line) == 4]
    assert [line[0] for line in cold[:4]] == ["before", "after"] * 2
    assert len({line[3] for line in cold}) == len(cold)  # a new one for every run
    assert len(cold) == 4 * 3 + 1  # one pattern and all, twice and to warm up; and the first with the other's cache
    assert len(checks) - len(cold) == 2 * 3 - 1


def test_the_ratio_is_of_this_tree_to_the_other(toy, tmp_path, capsys):
    written = tmp_path / "bench.json"
    assert bench("run", "--json", str(written), "--markdown", str(tmp_path / "bench.md"), rounds=5) == 0
    outcome = json.loads(written.read_text())["run"]
    (row,) = outcome["rows"]
    ratios = [
        own / other for own, other in zip(row["ours"]["wall"]["samples"], row["other"]["wall"]["samples"], strict=True)
    ]
    assert row["figure"]["samples"] == ratios
    assert len(ratios) == 5
    said = capsys.readouterr().out
    assert (tmp_path / "bench.md").read_text() == said
    assert f"| commit {toy.git('rev-parse', 'before')[:7]}: **" in said
    assert "x the commit (" in said
    assert f"against {toy.git('rev-parse', '--short', 'before')} of" in said
    assert "“before”" in said


def test_uncommitted_files_are_counted(toy, capsys):
    (toy.root / "tool").write_text(TOOL)
    (toy.root / "more").touch()
    assert bench("run") == 0
    assert "“after”, with 2 files changed" in capsys.readouterr().out


def test_a_build_is_compared_with_the_commit_even_without_sam(toy, monkeypatch, capsys):
    def no_sam(_):
        raise Unavailable("aws-sam-cli could not be installed: no network")

    monkeypatch.setattr(peers, "sam", no_sam)
    assert bench("build") == 0
    assert [line[2] for line in toy.noted()] == ["build"] * 4
    said = capsys.readouterr().out
    assert "x the commit (" in said
    assert "not there: aws-sam-cli could not be installed: no network" in said


def test_long_comparisons_run_only_when_named():
    assert command.names(command.against) == [
        "authorised_calls",
        "build",
        "check",
        "handled_messages",
        "handled_objects",
        "run",
        "suite",
    ]
    assert command._chosen_names(command._parser().parse_args(["--against", "before"])) == ["build", "check", "run"]
    assert command._chosen_names(command._parser().parse_args(["--against", "before", "suite"])) == ["suite"]


def test_targets_apply_only_to_the_commit_they_were_set_for(tmp_path):
    def tree(commit):
        return trees.Tree("commit", commit, tmp_path, tmp_path)

    assert target("run", tree("b4262518f096f84fdff0f1ddd3d1db831874de2f")).limit == 0.5
    assert target("run", tree("0" * 40)) is None


def test_an_unknown_commit_is_an_error(toy, capsys):
    assert command.main(["--against", "nowhere", "run"]) == 2
    said = capsys.readouterr().err
    assert f"There is no commit 'nowhere' in {toy.root}" in said
    assert "git log --oneline" in said
    assert toy.left_behind() == []


def test_a_commit_is_never_passed_to_git_as_an_option(toy, capsys):
    assert command.main(["--against=--all", "run"]) == 2
    assert "There is no commit '--all'" in capsys.readouterr().err


def test_a_setup_that_fails_is_an_error(toy, capsys):
    toy.commit("broken", TOOL, setup="#!/bin/sh\necho no Python found\nexit 4\n")
    assert command.main(["--against", "HEAD", "run"]) == 2
    said = capsys.readouterr().err
    assert "scripts/setup of commit" in said
    assert "no Python found" in said
    assert toy.left_behind() == []


def test_a_commit_without_a_setup_script_is_an_error(toy, capsys):
    toy.git("rm", "--quiet", "-r", "scripts")
    toy.git("-c", "user.name=Toy", "-c", "user.email=t@example.com", "commit", "-q", "-m", "none")
    assert command.main(["--against", "HEAD", "run"]) == 2
    assert "scripts/setup" in capsys.readouterr().err
    assert toy.left_behind() == []


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("#!/bin/sh\necho no such pattern\nexit 3\n", "ended with status 3"),
        ("#!/bin/sh\n", "ended with status 0 and downloaded nothing"),
    ],
)
def test_a_run_that_fails_gives_no_figure(toy, tmp_path, capsys, tool, said):
    toy.commit("fails", tool)
    written = tmp_path / "bench.json"
    assert command.main(["--against", "HEAD", "run", "--json", str(written)]) == 1
    outcome = json.loads(written.read_text())["run"]
    assert outcome["rows"] == []
    assert said in outcome["broke"]
    assert "broke: " in capsys.readouterr().out
    assert toy.left_behind() == []


def test_nothing_is_left_behind(toy):
    before = toy.git("status", "--porcelain"), toy.git("branch", "--all"), toy.git("worktree", "list")
    assert bench("run") == 0
    assert toy.left_behind() == []
    assert (toy.git("status", "--porcelain"), toy.git("branch", "--all"), toy.git("worktree", "list")) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("slow", ["setup", "tool"])
def test_an_interrupt_ends_all_processes_and_deletes_the_tree(toy, tmp_path, number, slow):
    waits = f"#!/bin/sh\necho $$ > {tmp_path}/started\nsleep 600 & echo $! >> {tmp_path}/started\nwait\n"
    toy.commit("slow", waits if slow == "tool" else TOOL, waits if slow == "setup" else SETUP)
    code = f"""
        import signal, sys
        from pathlib import Path
        from benchmarks import __main__ as command, processes
        signal.signal(signal.SIGINT, signal.default_int_handler)
        processes.ROOT = Path({str(toy.root)!r})
        sys.exit(command.main(["--against", "HEAD", "run"]))
    """
    bench = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **toy.environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        started = _numbers_in(tmp_path / "started", bench)
        bench.send_signal(number)
        _, said = bench.communicate(timeout=60)
    finally:
        bench.kill()
    assert bench.returncode == 130
    assert "interrupted" in said
    _wait_until_gone(started)
    assert toy.left_behind() == []


def _wait_until_gone(numbers):
    """A killed process that nobody waits for ends a moment later, and may stay as a zombie."""
    deadline = time.monotonic() + 10
    while left := [number for number in numbers if _runs(number)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def _runs(number):
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _numbers_in(path, process):
    deadline = time.monotonic() + 60
    while not path.exists() or len(path.read_text().split()) < 2:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(number) for number in path.read_text().split()]


def test_results_are_recorded_in_a_separate_section(tmp_path, toy, monkeypatch):
    file, page = tmp_path / "results.json", tmp_path / "speed.md"
    blocks = [f"{section.begin}\nold {section.key}\n{section.end}\n" for section in report.SECTIONS]
    page.write_text("above\n" + "between\n".join(blocks))
    kept = report.record
    monkeypatch.setattr(report, "record", lambda results, section: kept(results, file, page, section=section))
    assert bench("run", "--record") == 0
    recorded = json.loads(file.read_text())
    assert list(recorded) == ["against"]
    assert list(recorded["against"]) == ["run"]
    text = page.read_text()
    assert text == report.with_table(text, recorded["against"], report.AGAINST)
    assert "old comparisons" in text
    assert "old against" not in text
    assert "between" in text
