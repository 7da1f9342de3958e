"""Drives a headless Chromium over the DevTools protocol, by a pipe: no library, no port.

with Chromium() as browser:
    page = browser.open("http://localhost:8000/")
    page.wait_until("document.querySelector('.note')")
"""

import base64
import itertools
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PATIENCE = 30.0

# Chromium reads commands from descriptor 3 and writes answers to 4, which can be the numbers of other pipes before.
_LAUNCHER = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find() -> str | None:
    """The path of a Chromium on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class ScriptFailed(Exception):
    """JavaScript in the page threw an error, or a condition did not become true in time."""


class Chromium:
    """A browser process with a profile of its own. A context manager: leaving it ends the process."""

    def __init__(self) -> None:
        path = find()
        if path is None:
            raise FileNotFoundError(f"None of {', '.join(NAMES)} is installed.")
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        commands, self._to_browser = os.pipe()
        self._from_browser, answers = os.pipe()
        options = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}")  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(commands), str(answers), path, *options, "about:blank"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._numbers = itertools.count(1)
        self._received = b""
        self.problems: list[str] = []
        """Errors of scripts and in the console, of all pages."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to_browser)
        os.close(self._from_browser)
        self._profile.cleanup()

    def open(self, url: str, width: int = 1000, height: int = 900) -> "Page":
        """Open a page in a new tab."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session)
        page.call("Runtime.enable")
        page.call("Page.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", size)
        page.call("Page.navigate", {"url": url})
        return page

    def call(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters or {}}
        os.write(self._to_browser, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise ScriptFailed(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self._note(answer)

    def _note(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            details = event["params"]["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])

    def _receive(self) -> dict[str, Any]:
        with selectors.DefaultSelector() as selector:
            selector.register(self._from_browser, selectors.EVENT_READ)
            while b"\0" not in self._received:
                if not selector.select(PATIENCE):
                    raise TimeoutError(f"Chromium did not answer within {PATIENCE} s.")
                read = os.read(self._from_browser, 1 << 16)
                if not read:
                    raise ConnectionError("Chromium ended.")
                self._received += read
        first, _, self._received = self._received.partition(b"\0")
        return dict(json.loads(first))


class Page:
    """A tab."""

    def __init__(self, browser: Chromium, session: str) -> None:
        self._browser, self._session = browser, session

    def call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a command about this tab."""
        return self._browser.call(method, parameters, self._session)

    def run(self, script: str) -> Any:
        """The value of an expression, as JSON; a promise is waited for. Raises ScriptFailed."""
        given = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", given)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise ScriptFailed(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait_until(self, condition: str, patience: float = PATIENCE) -> None:
        """Wait until an expression is true. Raises ScriptFailed with the text of the page if it stays false."""
        deadline = time.monotonic() + patience
        while not self.run(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                text = self.run("document.body.innerText")
                raise ScriptFailed(f"{condition} is not true after {patience} s; the page shows:\n{text}")
            time.sleep(0.05)

    def screenshot(self, file: Path) -> None:
        """Write what the tab shows as a PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", {"format": "png"})["data"]))
