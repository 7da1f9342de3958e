"""One execution environment: a process that runs one function's handler on AWS's own runtime interface client.

It has what a handler has on Lambda: the function's package, its layers, boto3 and the runtime client, the environment
variables that Lambda sets, and the credentials of the execution role; and nothing of the tools or the host.
"""

import ctypes
import enum
import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.local.services.lambda_.file_system import Sources, View, view_of
from blueprints.local.services.lambda_.output import OutputPipe
from blueprints.local.services.lambda_.process_memory import descendants, resident_bytes
from blueprints.local.services.lambda_.runtime_api import Invocation, RuntimeApi
from blueprints.packaging.interpreters import prefixes

MIB = 1024 * 1024
# Far above MemorySize: it only stops a single huge allocation between two measurements.
_DATA_LIMIT_HEADROOM = 1024 * MIB
_LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Launch:
    """What is needed to start an environment of a function version."""

    interpreter: Path
    python_path: tuple[Path, ...]
    """In import order: the function's package, its layers, the runtime. The package comes first."""
    handler: str
    environment: dict[str, str]
    log_stream: tuple[str, str]
    """Log group and stream in CloudWatch Logs."""
    memory_mb: int
    init_seconds: float
    layers: Path | None = None
    """The folder that becomes /opt: all layers, merged. None if the function has none."""
    temporary_mb: int = 512
    """The size of /tmp."""

    @property
    def package(self) -> Path:
        """The function's own code, /var/task on Lambda."""
        return self.python_path[0]


class InitialisationFailed(Exception):
    """The initialisation failed: the error in Lambda's words, and the output until then."""

    def __init__(self, error: dict[str, Any], log: str, log_stream: tuple[str, str], memory_mb: int) -> None:
        self.error_type = str(error.get("errorType") or "Runtime.Unknown")
        self.message = str(error.get("errorMessage") or "")
        self.stack_trace = list(error.get("stackTrace") or [])
        self.log = log
        self.log_stream = log_stream
        self.memory_mb = memory_mb
        super().__init__(f"{self.error_type}: {self.message}")


class ExecutionEnvironment:
    """A running runtime process. Serves one invocation at a time; `alive` tells whether it can serve another."""

    def __init__(self, launch: Launch, folder: Path) -> None:
        self.alive = True
        self.idle_since = time.monotonic()
        self.log_stream = launch.log_stream
        self._launch = launch
        self._folder = folder
        self._init_ms: float | None = None
        self._api = RuntimeApi()
        self._begun = time.monotonic()
        folder.mkdir(parents=True)
        self._process, self._output = spawner().start(launch, folder, self._api.address)
        self._memory = _MemoryWatch(self._process.pid, launch.memory_mb * MIB)

    def initialise(self) -> None:
        """Wait until the handler's module is loaded. Raises InitialisationFailed after ending the environment."""
        ending = self._wait(self._api.initialised, self._launch.init_seconds)
        self._init_ms = (time.monotonic() - self._begun) * 1000
        error = self._api.init_error
        if ending is Ending.FINISHED and error is None:
            return
        if error is None:
            error = self._ending_error(ending, "", self._launch.init_seconds)
        log = self._output.collect()
        self.close()
        raise InitialisationFailed(error, log, self.log_stream, self.memory_mb)

    def invoke(self, invocation: Invocation, timeout_seconds: float) -> str:
        """Run one invocation; `invocation` then holds the outcome. Returns the function's output."""
        self._api.submit(invocation)
        ending = self._wait(invocation.finished, timeout_seconds)
        if ending is not Ending.FINISHED:
            error = self._ending_error(ending, invocation.request_id, timeout_seconds)
            invocation.fail(error["errorType"], error["errorMessage"])
        log = self._output.collect()
        self.idle_since = time.monotonic()
        if ending is not Ending.FINISHED or invocation.fatal or self._process.poll() is not None:
            self.close()
        return log

    def take_init_ms(self) -> float | None:
        """The duration of the initialisation, once: Lambda reports it with the first invocation only."""
        taken, self._init_ms = self._init_ms, None
        return taken

    @property
    def memory_mb(self) -> int:
        """The largest measured memory of the process tree, in MB rounded up."""
        return -(-self._memory.peak // MIB)

    def close(self) -> None:
        """End the process with all its children, and remove what they left on disk."""
        if not self.alive:
            return
        self.alive = False
        _kill_tree(self._process.pid)
        self._process.wait()
        self._output.close()
        self._api.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self, event: threading.Event, seconds: float) -> "Ending":
        """Wait for an event while the process may live; returns what ended the wait."""
        deadline = time.monotonic() + seconds
        while not event.wait(_LOOK_SECONDS):
            if self._memory.look_and_see_excess():
                return Ending.OUT_OF_MEMORY
            if self._process.poll() is not None:
                # The process may have reported a result just before it ended.
                return Ending.FINISHED if event.wait(_LOOK_SECONDS) else Ending.EXITED
            if time.monotonic() >= deadline:
                return Ending.TIMED_OUT
        self._memory.look_and_see_excess()
        return Ending.FINISHED

    def _ending_error(self, ending: "Ending", request_id: str, seconds: float) -> dict[str, str]:
        """Why the process did not respond, in Lambda's words."""
        prefix = f"RequestId: {request_id} Error: " if request_id else "Error: "
        if ending is Ending.TIMED_OUT:
            return {
                "errorType": "Sandbox.Timedout",
                "errorMessage": f"{prefix}Task timed out after {seconds:.2f} seconds",
            }
        if ending is Ending.OUT_OF_MEMORY:
            message = f"{prefix}Runtime exited with error: signal: killed"
            return {"errorType": "Runtime.OutOfMemory", "errorMessage": message}
        code = self._process.wait()
        cause = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return {"errorType": "Runtime.ExitError", "errorMessage": f"{prefix}Runtime exited with error: {cause}"}


class Ending(enum.Enum):
    """How a wait for a runtime process ended."""

    FINISHED = enum.auto()
    TIMED_OUT = enum.auto()
    OUT_OF_MEMORY = enum.auto()
    EXITED = enum.auto()


class _MemoryWatch:
    """Measures the resident size of a process tree.

    RLIMIT_AS would need no measuring but is wrong: libraries such as libvips map several times the memory they use.
    """

    def __init__(self, pid: int, limit: int) -> None:
        self._pid = pid
        self._limit = limit
        self.peak = 0

    def look_and_see_excess(self) -> bool:
        """Measure once; True when the tree holds more than the function's MemorySize."""
        held = resident_bytes(self._pid)
        self.peak = max(self.peak, held)
        return held > self._limit


class Spawner:
    """Starts processes from one thread that lives as long as the server does.

    Linux sends the parent-death signal when the *thread* that spawned a process ends, so spawning from a worker thread
    would kill environments at random.
    """

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[
            tuple[Launch, Path, str, Future[tuple[subprocess.Popen[bytes], OutputPipe]]]
        ] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="spawner", daemon=True).start()

    def start(self, launch: Launch, folder: Path, api_address: str) -> tuple["subprocess.Popen[bytes]", OutputPipe]:
        """Start a runtime process; raises what starting it raised."""
        future: Future[tuple[subprocess.Popen[bytes], OutputPipe]] = Future()
        self._requests.put((launch, folder, api_address, future))
        return future.result()

    def _serve(self) -> None:
        while True:
            launch, folder, api_address, future = self._requests.get()
            try:
                future.set_result(_spawn(launch, folder, api_address))
            except (OSError, subprocess.SubprocessError) as error:
                future.set_exception(error)


_spawner: Spawner | None = None
_spawner_lock = threading.Lock()


def spawner() -> Spawner:
    """The one spawner of this process."""
    global _spawner  # noqa: PLW0603 - the thread must be one for the whole process
    with _spawner_lock:
        if _spawner is None:
            _spawner = Spawner()
        return _spawner


def _spawn(launch: Launch, folder: Path, api_address: str) -> tuple["subprocess.Popen[bytes]", OutputPipe]:
    sources = _sources(launch, folder)
    view = view_of(sources)
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            [launch.interpreter, "-S", "-m", "awslambdaric", launch.handler],
            cwd=None if view.enter else launch.package,
            env=_process_environment(launch, sources, view, api_address),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
            preexec_fn=_before_the_program(launch.memory_mb, view),  # noqa: PLW1509 - touches no lock
        )
    except (OSError, subprocess.SubprocessError):
        os.close(reading)
        raise
    finally:
        os.close(writing)
    return process, OutputPipe(reading)


def _sources(launch: Launch, folder: Path) -> Sources:
    elsewhere = [path for path in launch.python_path[1:] if not _is_below(path, launch.layers)]
    return Sources(
        package=launch.package,
        layers=launch.layers,
        folder=folder,
        runtime=elsewhere[0] if elsewhere else None,
        needed=(*prefixes(launch.interpreter), *elsewhere[1:]),
        temporary_mb=launch.temporary_mb,
    )


def _is_below(path: Path, folder: Path | None) -> bool:
    return folder is not None and path.is_relative_to(folder)


def _seen_at(path: Path, sources: Sources, view: View) -> str:
    """The path at which the function sees an entry of its import path."""
    if path == sources.package:
        return view.task
    if path == sources.runtime:
        return view.runtime
    if sources.layers and path.is_relative_to(sources.layers):
        return f"{view.opt}/{path.relative_to(sources.layers).as_posix()}"
    return str(path)


def _process_environment(launch: Launch, sources: Sources, view: View, api_address: str) -> dict[str, str]:
    python_path = [_seen_at(path, sources, view) for path in launch.python_path]
    own = launch.environment.get("PYTHONPATH", "").split(os.pathsep)
    return {
        "PATH": f"{launch.interpreter.parent}:/usr/local/bin:/usr/bin:/bin:{view.opt}/bin",
        "LD_LIBRARY_PATH": f"{view.task}:{view.task}/lib:{view.opt}/lib",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "HOME": view.home,
        "TMPDIR": view.temporary,
        # /var/task is read-only on Lambda: bytecode is compiled at build time or not at all.
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_RUNTIME_API": api_address,
        "LAMBDA_TASK_ROOT": view.task,
        "LAMBDA_RUNTIME_DIR": view.runtime,
        **launch.environment,
        # The template's own PYTHONPATH is searched too; the runtime is always found, as on Lambda.
        "PYTHONPATH": os.pathsep.join([python_path[0], *filter(None, own), *python_path[1:]]),
    }


def _before_the_program(memory_mb: int, view: View) -> Callable[[], None] | None:
    """Sets up a new process before it becomes the runtime: it ends with its parent, has a bounded heap, and sees
    the function's files."""
    limits = _limits(memory_mb)
    if limits is None:
        return view.enter

    def apply() -> None:
        if view.enter:
            view.enter()
        limits()

    return apply


def _limits(memory_mb: int) -> Callable[[], None] | None:
    """Makes a process end with its parent, and limits its heap."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    set_death_signal, kill = 1, int(signal.SIGKILL)
    heap = memory_mb * MIB + _DATA_LIMIT_HEADROOM

    def apply() -> None:
        prctl(set_death_signal, kill, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_DATA, (heap, heap))

    return apply


def _kill_tree(pid: int) -> None:
    """End a process group, and the descendants of its leader that have left the group."""
    elsewhere = [each for each in descendants(pid) if _group_of(each) not in (pid, None)]
    with suppress(ProcessLookupError):  # every process of the group has ended already
        os.killpg(pid, signal.SIGKILL)
    for each in elsewhere:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
