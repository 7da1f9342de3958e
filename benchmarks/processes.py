"""Runs commands and measures them: the whole process, or only the part of it that it measures itself."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.harness import Sample

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 15.0  # seconds that an interrupted command has to clean up
_KILOBYTES = 1024 if sys.platform != "darwin" else 1024 * 1024


class Broke(Exception):
    """A command failed; the message has its exit status and the end of its output."""


def run_measured(command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command and measure it from start to end, with every process that it waited for.

    Raises `Broke` unless the exit status is 0. If this process is interrupted meanwhile, the command is ended first.
    """
    sample, status, said = finished(command, cwd=cwd, env=env or os.environ)
    if status:
        raise Broke(_broke(command, status, said))
    return sample


def finished(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> tuple[Sample, int, str]:
    """Run a command to its end. Return its cost, its exit status and its output.

    It runs in a process group of its own. If this process is interrupted meanwhile, the group is ended first.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout:
            said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        _end(process)
        raise
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    sample = Sample(wall, usage.ru_utime + usage.ru_stime, _peak_of(usage.ru_maxrss))
    return sample, process.returncode, said.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a command, so that it cleans up as after Ctrl-C; kill what is left of its group after a while."""
    try:
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_for_json(command: Sequence[str | Path], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> Any:
    """Run a command and return the JSON that it printed as its last line."""
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=dict(env or os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise Broke(_broke(command, finished.returncode, finished.stdout + finished.stderr))
    return json.loads(finished.stdout.strip().splitlines()[-1])


def run_self_measuring(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> Sample:
    """Run a command that measures a part of its work with `measure_and_print`."""
    return Sample(**run_for_json(command, env=env))


def measure_and_print(work: Callable[[], object]) -> None:
    """Do the work once and print its cost as JSON. The peak memory is that of the whole process."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": own_peak()}))


def own_peak() -> float:
    """Return this process's peak memory in MB.

    On Linux from /proc, because the peak that getrusage reports begins with the parent's memory.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        if found:
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES / 2**20


def _peak_of(maxrss: int) -> float | None:
    """Return a child's peak memory in MB; None if it is below ours, with which a child's rusage begins."""
    peak = maxrss * _KILOBYTES / 2**20
    return peak if peak > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KILOBYTES / 2**20 else None


def _broke(command: Sequence[str | Path], status: int, said: str) -> str:
    shown = " ".join(Path(str(part)).name for part in list(command)[:4])
    return f"{shown} ended with status {status}:\n{said.strip()[-2000:]}"
