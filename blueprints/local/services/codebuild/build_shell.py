"""Runs a buildspec's commands: all in one shell, so that a variable or folder set by one holds for the next.

The shell gets two more pipes. On one it reports the begin and the end of each phase. The other it only reads: it closes
when the embedded AWS ends in any way, and then the shell ends everything that it has started.
"""

import base64
import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from blueprints.local.services.codebuild.buildspec import Buildspec, Phase

_GRACE_SECONDS = 5.0
_CONTEXT = (
    "[Container] Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: %s. "
    "Reason: exit status %s\\n"
)


@dataclass
class BuildEvents:
    """Callbacks for a running build: lines of output, and phases that begin and end."""

    line: Callable[[str], None]
    """A line of its log."""
    begun: Callable[[str], None]
    """A phase begins, by its name in upper case."""
    ended: Callable[[str, int, str], None]
    """A phase ended: its name, the status of what failed in it or 0, and that command."""


@dataclass
class Ran:
    """How a shell ended."""

    finished: bool = False
    """Whether it came to its end, whatever its commands' statuses."""
    timed_out: bool = False
    stopped: bool = False
    exported: dict[str, str] = field(default_factory=dict)


class BuildShell:
    """The shell of one build."""

    def __init__(self, buildspec: Buildspec, folder: Path, environment: dict[str, str]) -> None:
        """The shell works in `folder`, with only these environment variables."""
        self._buildspec = buildspec
        self._folder = folder
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._ran = Ran()

    def run(self, progress: BuildEvents, timeout_seconds: float) -> Ran:
        """Run every phase; returns when the shell and all it started are gone."""
        alive_reading, alive_writing = os.pipe()
        said_reading, said_writing = os.pipe()
        output_reading, output_writing = os.pipe()
        try:
            self._process = subprocess.Popen(
                [
                    "bash",
                    *(["--posix"] if self._buildspec.posix else []),
                    "-c",
                    self._script(alive_reading, said_writing),
                ],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output_writing,
                stderr=output_writing,
                pass_fds=(alive_reading, said_writing),
                start_new_session=True,
            )
        finally:
            for descriptor in (alive_reading, said_writing, output_writing):
                os.close(descriptor)
        readers = [
            threading.Thread(target=_read_lines, args=(output_reading, progress.line), name="build-output"),
            threading.Thread(target=_read_lines, args=(said_reading, lambda line: self._hear(line, progress))),
        ]
        for reader in readers:
            reader.start()
        if self._ran.stopped:  # while the process was starting
            self._kill()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self._ran.timed_out = True
        finally:
            self._kill()
            self._process.wait()
            os.close(alive_writing)
        for reader in readers:
            reader.join(_GRACE_SECONDS)
        return self._ran

    def stop(self) -> None:
        """End the build now."""
        self._ran.stopped = True
        self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _hear(self, line: str, progress: BuildEvents) -> None:
        kind, _, rest = line.partition(" ")
        if kind == "begin":
            progress.begun(rest)
        elif kind == "end":
            name, status, command = (*rest.split(" ", 2), "")[:3]
            progress.ended(name, int(status), base64.b64decode(command).decode(errors="replace"))
        elif kind == "export":
            name, _, value = rest.partition(" ")
            self._ran.exported[name] = base64.b64decode(value).decode(errors="replace")
        elif kind == "finished":
            self._ran.finished = True

    def _script(self, alive: int, said: int) -> str:
        lines = [
            # The embedded AWS holds the other end: when this read ends, it is gone, and nothing may outlive it.
            f"( read -r _; kill -s KILL 0 ) <&{alive} >/dev/null 2>&1 {said}>&- &",
            f"exec 9>&{said} {said}>&- {alive}<&-",
            "CODEBUILD_BUILD_SUCCEEDING=1; export CODEBUILD_BUILD_SUCCEEDING",
            *self._phases(),
        ]
        for name in self._buildspec.exported:
            value = f'printf %s "${{{name}-}}" | base64 | tr -d "\\n"'
            lines.append(f'echo "export {name} $({value})" >&9')
        lines.append("echo finished >&9")
        return "\n".join(lines)

    def _phases(self) -> Iterator[str]:
        """The phases. After a failure in install or pre_build nothing runs; after one in build, post_build."""
        for phase in self._buildspec.phases:
            condition = "true" if phase.name in ("install", "post_build") else '[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ]'
            if phase.name == "post_build":
                condition = '[ -z "$_blueprints_early" ]'
            yield f"if {condition}; then"
            yield from _phase(phase)
            yield "fi"


def _phase(phase: Phase) -> Iterator[str]:
    name = phase.name.upper()
    yield f"echo 'begin {name}' >&9; _blueprints_status=0; _blueprints_failed=; _blueprints_words="
    yield _say(f"Entering phase {name}")
    for command in phase.commands:
        yield from _command(command, '[ "$_blueprints_status" = 0 ]')
    for command in phase.finally_:
        yield from _command(command, "true")
    early = "_blueprints_early=1; " if phase.name in ("install", "pre_build") else ""
    yield f'if [ "$_blueprints_status" != 0 ]; then {early}CODEBUILD_BUILD_SUCCEEDING=0; fi'
    yield f'if [ "$_blueprints_status" = 0 ]; then {_say(f"Phase complete: {name} State: SUCCEEDED")}; else'
    yield _say(f"Phase complete: {name} State: FAILED")
    yield f'printf {shlex.quote(_CONTEXT)} "$_blueprints_words" "$_blueprints_status"; fi'
    yield f'echo "end {name} $_blueprints_status $_blueprints_failed" >&9'


def _command(command: str, condition: str) -> Iterator[str]:
    failed = base64.b64encode(command.encode()).decode()
    yield f"if {condition}; then"
    yield _say(f"Running command {command}")
    yield f"eval {shlex.quote(command)} 9>&-"
    yield "_blueprints_last=$?"
    yield 'if [ "$_blueprints_status" = 0 ] && [ "$_blueprints_last" != 0 ]; then'
    yield f"_blueprints_status=$_blueprints_last; _blueprints_failed={failed}; _blueprints_words={shlex.quote(command)}"
    yield "fi"
    yield "fi"


def _say(words: str) -> str:
    """A line of the log in CodeBuild's name; printed by the shell, so that the order is right."""
    return f"printf '%s\\n' {shlex.quote(f'[Container] {words}')}"


def _read_lines(descriptor: int, take: Callable[[str], None]) -> None:
    with os.fdopen(descriptor, "rb") as stream:
        for line in stream:
            take(line.decode(errors="replace").rstrip("\n"))
