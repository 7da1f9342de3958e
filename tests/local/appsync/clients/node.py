"""Runs the scripts of this folder in Node, with the packages of package-lock.json.

The packages are installed once, into the tools' cache. A test that needs them is skipped by name where Node or npm is
missing, or where the registry cannot be reached.
"""

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from blueprints import cache

FOLDER = Path(__file__).parent
_OLDEST_NODE = 20
_INSTALL_SECONDS = 600
_NO_REGISTRY = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
    "ENETUNREACH",
)


class ScriptFailed(Exception):
    """A script of Node ended, or an action of it raised an error."""


def packages() -> Path:
    """The folder `node_modules` with the packages of the lock, installed if need be. Skips the test without them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip(f"needs Node {_OLDEST_NODE} or later, with npm, on the PATH")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.removeprefix("v").partition(".")[0]) < _OLDEST_NODE:
        pytest.skip(f"needs Node {_OLDEST_NODE} or later; the one on the PATH is {version}")
    files = [FOLDER / name for name in ("package.json", "package-lock.json")]
    place = cache.folder("node-clients") / cache.digest(*(each.read_bytes() for each in files))[:32]

    def install(fresh: Path) -> None:
        for each in files:
            shutil.copy(each, fresh)
        _install(npm, fresh)

    if not place.exists():
        with cache.alone(place):
            cache.made_once(place, install)
    return place / "node_modules"


def _install(npm: str, folder: Path) -> None:
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    # Without a registry, npm's own retries would take more than a minute.
    patience = ("--fetch-retry-mintimeout=500", "--fetch-retry-maxtimeout=2000")
    command = [npm, "ci", *quiet, *patience]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    if done.returncode == 0:
        return
    if any(code in done.stderr for code in _NO_REGISTRY):
        pytest.skip("needs the npm registry once, to install the clients into the cache")
    raise ScriptFailed(f"npm ci failed:\n{done.stderr[-2000:]}")


class NodeScript:
    """A running script: it gets actions as lines of JSON and answers each with one. A context manager.

    A script exports nothing; it calls `serve` of `actions.mjs` with its actions by name.
    """

    def __init__(self, script: Path, folder: Path, environment: dict[str, str] | None = None) -> None:
        """Start a script in a folder that is otherwise empty; the modules beside the script come along."""
        for each in {*FOLDER.glob("*.mjs"), *script.parent.glob("*.mjs")}:
            shutil.copy(each, folder)
        modules = folder / "node_modules"
        if not modules.exists():
            modules.symlink_to(packages())
        self._log = folder / "stderr"
        self._answers: queue.Queue[str | None] = queue.Queue()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                ["node", script.name],
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._read, daemon=True).start()

    def call(self, action: str, /, *, seconds: float = 30.0, **arguments: Any) -> Any:
        """Run an action and wait for its result. Raises ScriptFailed with the script's own words."""
        assert self._process.stdin
        try:
            print(json.dumps({"action": action, "arguments": arguments}), file=self._process.stdin, flush=True)
        except BrokenPipeError as error:
            raise ScriptFailed(f"the script has ended:\n{self.log()}") from error
        try:
            line = self._answers.get(timeout=seconds)
        except queue.Empty:
            raise ScriptFailed(f"{action} has not ended within {seconds:.0f} seconds:\n{self.log()}") from None
        if line is None:
            raise ScriptFailed(f"the script ended during {action}:\n{self.log()}")
        answer = json.loads(line)
        if "error" in answer:
            raise ScriptFailed(f"{action}: {answer['error']}\n{self.log()}")
        return answer.get("result")

    def log(self) -> str:
        """The end of what the script wrote to standard error, and to its console."""
        return self._log.read_text()[-4000:]

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "NodeScript":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put(None)
