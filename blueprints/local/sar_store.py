"""What the embedded Serverless Application Repository keeps: applications as one JSON file, content by its digest."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

_STATE = "applications.json"


class Store:
    """Applications by their ARN, in a folder that outlives the process where it is somebody's own.

    A version's templates, readmes, licences and artifacts lie beside it under their SHA-256, each written once.
    """

    def __init__(self, folder: Path) -> None:
        """Read what an earlier process left in the folder."""
        self._folder = folder
        path = folder / _STATE
        self.applications: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else {}

    def keep(self) -> None:
        """Write all applications down: whole, or as they were before."""
        self._write(self._folder / _STATE, json.dumps(self.applications, indent=1).encode())

    def put(self, content: bytes) -> str:
        """Keep content; returns its digest."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if not path.is_file():
            self._write(path, content)
        return digest

    def path(self, digest: str) -> Path:
        """Where content lies."""
        return self._folder / "content" / digest

    def get(self, digest: str) -> bytes:
        """Content by its digest."""
        return self.path(digest).read_bytes()

    def clear(self) -> None:
        """Forget everything."""
        self.applications.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

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
