"""The process of the embedded AWS: starts it without waiting for it, waits until it listens, and ends it.

It needs about as much time to start as the tools need to check and to package a pattern, so both happen side by side.
This module imports little, as the process is started first.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.local.base.folders import remove
from blueprints.local.base.process import SAR_FOLDER

# One second here is a minute there: retries that take AWS minutes take seconds.
TIME_SCALE = 60.0

SOURCES = Path(__file__).parents[2]
"""The folder of the sources that the process runs from."""

_STOP_SECONDS = 10.0


class ServerProcess:
    """The process, its log and its temporary `folder`."""

    module = "blueprints.local.server"
    """The module that the process runs."""

    def __init__(self, port: int = 0, time_scale: float = TIME_SCALE, sar_folder: Path | None = None) -> None:
        """The process will listen on a free port, or on the given one.

        The Serverless Application Repository keeps what is published in `sar_folder`; without, until the end.
        """
        self._port, self._time_scale, self._sar_folder = port, time_scale, sar_folder
        self._stopping = threading.Lock()
        self._listens = False
        self._started: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process that writes it
        self._folder: Path | None = None

    def start(self) -> None:
        """Start the process, which `stop` ends. Interrupts are handled once it is known."""
        with _uninterrupted():
            self._folder = Path(tempfile.mkdtemp(prefix="blueprints-"))
            self._started = subprocess.Popen(
                [sys.executable, "-m", self.module, self._folder, str(self._port), str(self._time_scale)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=_environment(self._sar_folder),
                cwd=self._folder,
                start_new_session=True,
            )

    @property
    def folder(self) -> Path:
        """The temporary folder of the process."""
        assert self._folder
        return self._folder

    @property
    def process_id(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def _process(self) -> "subprocess.Popen[bytes]":
        assert self._started
        return self._started

    def wait_until_listening(self) -> dict[str, Any]:
        """What the process says about itself, such as its `port`. Raises BlueprintError if it cannot start."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise BlueprintError(
                f"The embedded AWS ended while starting (exit status {self._process.wait()}).",
                advice=f"Its last output:\n{self.last_words()}",
            )
        about: dict[str, Any] = json.loads(line)
        if "error" in about:
            raise BlueprintError(f"The embedded AWS can't start: {about['error']}.", advice=about["advice"])
        self._listens = True
        return about

    def wait(self, seconds: float) -> int | None:
        """Wait for the end of the process; its exit status, or None if it still runs after that many seconds."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """End the process and all it started, and remove its folder. Stopping twice does no harm."""
        with self._stopping:
            if self._started:
                self._end(self._started)
            self._log.close()
            if self._folder:
                remove(self._folder)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin and not process.stdin.closed:
            process.stdin.close()
        if not self._listens:
            process.kill()  # nothing is there yet that it would have to end
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def log_size(self) -> int:
        """The number of bytes that the process has logged so far."""
        return os.fstat(self._log.fileno()).st_size

    def log_after(self, position: int) -> bytes:
        """What the process logged after its first `position` bytes."""
        return os.pread(self._log.fileno(), self.log_size() - position, position)

    def last_words(self) -> str:
        """The end of the log, for an error message."""
        return self.log_after(0).decode(errors="replace")[-2000:]


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Postpone SIGINT and SIGTERM, so that no process is started that nobody would end."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled in the main thread alone
        return
    came: list[int] = []
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    for each in handlers:
        signal.signal(each, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for number in came:
            signal.raise_signal(number)


def _environment(sar_folder: Path | None) -> dict[str, str]:
    """The host's environment without variables that change the SDKs or the interpreter."""
    foreign = ("AWS_", "PYTHON", "LAMBDA_", "MINISTACK_", "LOCALSTACK_")
    proxies = ("http_proxy", "https_proxy", "all_proxy")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(foreign) and name.lower() not in proxies
    }
    kept |= {"PYTHONHASHSEED": "0", "PYTHONPATH": str(SOURCES)}
    return kept | ({SAR_FOLDER: str(sar_folder)} if sar_folder else {})
