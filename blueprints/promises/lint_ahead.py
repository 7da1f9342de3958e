"""Lints in child processes while this one does the rest of a check.

The children only fill the cache of findings that `linting` reads. A template that they leave out, because one of them
failed or was killed, is linted when its findings are asked for, and then its error is reported.
"""

import gc
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from blueprints import cfn_lint
from blueprints.promises import linting


class Ahead:
    """Linting that goes on in child processes, or does not because it would gain nothing."""

    def __init__(self, child: int | None = None, expanded: BinaryIO | None = None) -> None:
        self._child = child
        self._expanded = expanded

    def lint_expanded(self, expanded: dict[str, Any], as_written: Sequence[str]) -> None:
        """Have an expanded template linted; see `linting.lint_expanded`."""
        if self._expanded is not None:
            line = json.dumps([expanded, sorted(as_written)]) + "\n"
            try:
                self._expanded.write(line.encode())
                self._expanded.flush()
            except BrokenPipeError:
                self._expanded = None  # the child is gone: this process lints

    def wait(self) -> None:
        """Wait until everything is linted."""
        if self._expanded is not None:
            with suppress(BrokenPipeError):
                self._expanded.close()
        if self._child is not None:
            os.waitpid(self._child, 0)
            self._child = None

    def stop(self) -> None:
        """End the children, if they still run."""
        if self._child is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._child, signal.SIGKILL)
            self.wait()


@contextmanager
def linting_ahead(templates: Sequence[Path]) -> Iterator[Ahead]:
    """Start to lint templates as they are written; no child process is left at the end of the block."""
    waiting = [path for path in templates if not linting.is_known(path)]
    ahead = _started(waiting) if waiting and _can_fork() else Ahead()
    try:
        yield ahead
    finally:
        ahead.stop()


def _can_fork() -> bool:
    """Whether a second process gains time, and a copy of this one is safe: it has one thread, and is not on macOS."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _started(templates: Sequence[Path]) -> Ahead:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(writing)
        _run_child(templates, reading)
    os.close(reading)
    with suppress(PermissionError, ProcessLookupError):  # the child has done it, or has ended
        os.setpgid(child, child)
    return Ahead(child, os.fdopen(writing, "wb"))


def _run_child(templates: Sequence[Path], expanded: int) -> NoReturn:
    """Lint the templates as they are written; a second child lints the expanded ones as they arrive."""
    status = 1
    try:
        os.setpgid(0, 0)
        _be_silent()
        gc.disable()
        cfn_lint.linter()
        second = os.fork()
        if second == 0:
            _lint_arriving(expanded)
        else:
            os.close(expanded)
            for path in templates:
                linting.lint_file(path)
            _, status = os.waitpid(second, 0)
    finally:
        os._exit(1 if status else 0)


def _lint_arriving(expanded: int) -> NoReturn:
    status = 1
    try:
        for template, as_written in _arriving(expanded):
            linting.lint_expanded(template, as_written)
        status = 0
    finally:
        os._exit(status)


def _arriving(expanded: int) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The expanded templates in a pipe; they are read at once, so that the writer does not wait."""
    lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def read() -> None:
        with os.fdopen(expanded, "rb") as pipe:
            for line in pipe:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (line := lines.get()) is not None:
        template, as_written = json.loads(line)
        yield template, as_written


def _be_silent() -> None:
    """End at the first signal, and print nothing: the parent repeats what fails here, and reports it."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
