"""Processes of runs: output, time-outs, and what a run leaves behind."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from blueprints.local.services.glue.spark_process import SparkProcess, error_message
from tests.local.glue.test_job_runs import is_gone

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


def test_a_time_out_ends_every_process(tmp_path: Path) -> None:
    """Also those that the script has started."""
    script = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    lines: list[str] = []
    began = time.monotonic()
    ended = SparkProcess().run([sys.executable, "-c", script], ENVIRONMENT, tmp_path, 2, lines.append, lines.append)
    assert ended.timed_out
    assert time.monotonic() - began < 20
    assert is_gone(int(lines[0]))


def test_what_the_script_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A process in the background does not outlive the run."""
    script = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True)"
    lines: list[str] = []
    ended = SparkProcess().run([sys.executable, "-c", script], ENVIRONMENT, tmp_path, 30, lines.append, lines.append)
    assert (ended.status, ended.timed_out, ended.stopped) == (0, False, False)
    assert is_gone(int(lines[0]))


def test_a_run_that_is_stopped_before_it_begins_does_not_begin(tmp_path: Path) -> None:
    """A stop can come before the process exists."""
    process = SparkProcess()
    process.stop()
    ended = process.run(["touch", str(tmp_path / "began")], ENVIRONMENT, tmp_path, 5, print, print)
    assert ended.stopped
    assert not (tmp_path / "began").exists()


def test_a_run_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Even if that is killed and can clean nothing up."""
    parent = f"""
import sys
from pathlib import Path
from blueprints.local.services.glue.spark_process import SparkProcess
SparkProcess().run(
    ["bash", "-c", "echo $$ > pid; sleep 60"], {ENVIRONMENT!r}, Path({str(tmp_path)!r}), 60, print, print
)
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    pid = tmp_path / "pid"
    for _ in range(400):
        if pid.is_file() and pid.read_text().strip():
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert is_gone(int(pid.read_text()))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["Traceback (most recent call last):", '  File "x"', "KeyError: 'day'"], "KeyError: 'day'"),
        (
            [
                "Traceback (most recent call last):",
                "  File",
                "pyspark.errors.exceptions.captured.AnalysisException: no",
                "\tat java.x",
            ],
            "pyspark.errors.exceptions.captured.AnalysisException: no",
        ),
        (
            [
                "Traceback (most recent call last):",
                "py4j.protocol.Py4JJavaError: An error occurred while calling o47.sql.",
                ": org.apache.iceberg.CommitFailed: no",
                "\tat java.x",
            ],
            "py4j.protocol.Py4JJavaError: An error occurred while calling o47.sql. org.apache.iceberg.CommitFailed: no",
        ),
        (["26/01/01 WARN Some: thing"], None),
        ([], None),
    ],
)
def test_the_message_of_an_error(lines: list[str], message: str | None) -> None:
    """Java's exception is named, its trace is left out."""
    assert error_message(lines) == message
