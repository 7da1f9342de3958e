"""One run of a job as a process of this machine, with the JVM that it starts."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# The shell's child waits for the end of a pipe that only this process holds open. When this process ends in any way,
# even by SIGKILL, the child ends the run with all its processes.
_GUARD = '(read -r _ <&"$GUARD"; kill -KILL 0) & exec "$@"'
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(?::.*)?")
_TRACEBACK = "Traceback (most recent call last):"
_KEPT_LINES = 2_000


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int
    """The exit status; negative for a signal."""
    timed_out: bool
    stopped: bool
    error_lines: Sequence[str]
    """The last lines of its standard error."""

    @property
    def error(self) -> str:
        """The message of a failed run: the exception that ended the script."""
        return error_message(self.error_lines) or f"The script ended with the exit status {self.status}."


def error_message(lines: Sequence[str]) -> str | None:
    """The exception of the last Python traceback. What follows it is often a trace of Java's, which is left out."""
    start = max((place for place, line in enumerate(lines) if line.startswith(_TRACEBACK)), default=None)
    if start is None:
        return None
    after = lines[start + 1 :]
    place = next((place for place, line in enumerate(after) if _EXCEPTION.fullmatch(line)), None)
    if place is None:
        return None
    # An exception of Java's is named on the next line, behind a colon.
    cause = next((line.strip() for line in after[place + 1 : place + 2] if line.startswith(": ")), "")
    return after[place].strip() + (f" {cause.removeprefix(': ')}" if cause else "")


class SparkProcess:
    """A process group that runs a script."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._changing = threading.Lock()
        self._stopped = False
        self.began: float | None = None
        """When its run became RUNNING, in seconds since 1970."""

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        seconds: float,
        output: Callable[[str], None],
        error: Callable[[str], None],
    ) -> Ended:
        """Run a command to its end and return how it ended; `output` and `error` get its lines."""
        reading, writing = os.pipe()
        kept: list[str] = []

        def keep(line: str) -> None:
            kept.append(line)
            if len(kept) > 2 * _KEPT_LINES:
                del kept[:_KEPT_LINES]
            error(line)

        try:
            with self._changing:
                if self._stopped:
                    return Ended(-signal.SIGKILL, timed_out=False, stopped=True, error_lines=())
                self._process = subprocess.Popen(
                    ["bash", "-c", _GUARD, "bash", *command],
                    env={**environment, "GUARD": str(reading)},
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    pass_fds=(reading,),
                    start_new_session=True,
                )
            os.close(reading)
            reading = -1
            timed_out = self._wait(self._process, seconds, output, keep)
        finally:
            os.close(writing)
            if reading >= 0:
                os.close(reading)
        return Ended(self._process.returncode, timed_out, self._stopped, kept[-_KEPT_LINES:])

    @property
    def is_stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """End the run with all its processes, also before it has begun."""
        with self._changing:
            self._stopped = True
            process = self._process
        if process is not None:
            _kill(process)

    @staticmethod
    def _wait(
        process: "subprocess.Popen[str]", seconds: float, output: Callable[[str], None], error: Callable[[str], None]
    ) -> bool:
        readers = [
            threading.Thread(target=_read, args=(stream, take), daemon=True)
            for stream, take in ((process.stdout, output), (process.stderr, error))
        ]
        for each in readers:
            each.start()
        timed_out = False
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            timed_out = True
        _kill(process)  # also what the script has left behind
        process.wait()
        for each in readers:
            each.join()
        return timed_out


def _kill(process: "subprocess.Popen[str]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _read(stream: IO[str] | None, take: Callable[[str], None]) -> None:
    for line in stream or ():
        take(line.rstrip("\n"))
