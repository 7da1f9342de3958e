"""Stores applications in one JSON file, and their content by its digest."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_STATE, _CONTENT, _LOCK = "applications.json", "content", "lock"


class Store:
    """Applications by their ARN, in a folder that outlives the process where it is somebody's own.

    A version's templates, readmes, licences and artifacts lie beside it under their SHA-256, each written once. Several
    processes may keep theirs in one folder: every change begins with what is there, while the others wait.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[int, int] | None = None
        self._applications: dict[str, dict[str, Any]] = {}
        self._changing = threading.Lock()

    @property
    def applications(self) -> dict[str, dict[str, Any]]:
        """All applications, with the changes of other processes."""
        path = self._folder / _STATE
        with contextlib.suppress(FileNotFoundError):
            now = path.stat()
            if self._read != (now.st_mtime_ns, now.st_ino):
                self._applications = json.loads(path.read_text())
                self._read = (now.st_mtime_ns, now.st_ino)
        return self._applications

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, dict[str, Any]]]:
        """The applications, for changes: all are written at the end, or none."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._changing, (self._folder / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            changed: dict[str, dict[str, Any]] = json.loads(json.dumps(self.applications))
            yield changed
            self._write(self._folder / _STATE, json.dumps(changed, indent=1).encode())

    def put(self, content: bytes) -> str:
        """Keep content; returns its digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not path.is_file():
            self._write(path, content)
        return digest

    def path(self, digest: str) -> Path:
        """Where content lies."""
        return self._folder / _CONTENT / digest

    def get(self, digest: str) -> bytes:
        """Content by its digest."""
        return self.path(digest).read_bytes()

    def clear(self) -> None:
        """Delete the stored files; the folder may have other files."""
        with self.changing() as applications:
            applications.clear()
        shutil.rmtree(self._folder / _CONTENT, ignore_errors=True)

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
