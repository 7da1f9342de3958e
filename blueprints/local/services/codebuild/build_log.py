"""A build's log: writes lines into CloudWatch Logs with the permissions of the project's role."""

import threading
import time
from typing import Any

from botocore.exceptions import ClientError

_EVERY_SECONDS = 0.3
_BATCH = 1000


class LogRefused(Exception):
    """The project's role may not write the log; CodeBuild fails such a build."""


class BuildLog:
    """The log stream of one build."""

    def __init__(self, client: Any, group: str, stream: str) -> None:
        """Create the stream, and the group if it is missing. Raises LogRefused."""
        self._client, self._group, self._stream = client, group, stream
        self._lines: list[dict[str, Any]] = []
        self._changing = threading.Lock()
        self._closed = threading.Event()
        try:
            self._make()
        except ClientError as error:
            raise LogRefused(
                f"Service role does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for {stream}: "
                f"{error.response['Error'].get('Message') or error}"
            ) from error
        self._writer = threading.Thread(target=self._write_on, name="build-log", daemon=True)
        self._writer.start()

    def line(self, text: str) -> None:
        """Add a line."""
        with self._changing:
            self._lines.append({"timestamp": int(time.time() * 1000), "message": text or " "})

    def close(self) -> None:
        """Write the remaining lines."""
        self._closed.set()
        self._writer.join()

    def _make(self) -> None:
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def _write_on(self) -> None:
        while not self._closed.wait(_EVERY_SECONDS):
            self._write()
        self._write()

    def _write(self) -> None:
        while True:
            with self._changing:
                batch, self._lines = self._lines[:_BATCH], self._lines[_BATCH:]
            if not batch:
                return
            try:
                self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
            except ClientError:
                return  # the group was deleted meanwhile, or the role changed; the build's result stays the same
