"""Writes lines into a stream of CloudWatch Logs, with the permissions of its client."""

import contextlib
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_EVERY_SECONDS = 0.3
_BATCH = 1_000
_LONGEST = 250_000
"""Characters of a line; CloudWatch Logs refuses events that are longer than 256 KB."""


class LogStream:
    """A log stream. Its lines are written in batches by a thread of its own."""

    def __init__(self, client: Any, group: str, stream: str) -> None:
        """Take a client of CloudWatch Logs, and the names of the group and the stream."""
        self._client, self._group, self._stream = client, group, stream
        self._lines: list[dict[str, Any]] = []
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._may_write = False
        self._writer = threading.Thread(target=self._write_on, name="log-stream", daemon=True)

    def create(self) -> None:
        """Create the stream, and the group if it is missing. Raises ClientError or BotoCoreError if that is refused."""
        missing = self._client.exceptions.ResourceNotFoundException
        exists = self._client.exceptions.ResourceAlreadyExistsException
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except missing:
            with contextlib.suppress(exists):  # another stream's group was created meanwhile
                self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        self._may_write = True
        self._writer.start()

    def line(self, text: str) -> None:
        """Add a line. It is dropped if the stream was not created."""
        if not self._may_write:
            return
        with self._changing:
            self._lines.append({"timestamp": int(time.time() * 1000), "message": text[:_LONGEST] or " "})

    def close(self) -> None:
        """Write the remaining lines."""
        self._closed.set()
        if self._may_write:
            self._writer.join()

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
            except (ClientError, BotoCoreError):
                return  # the group was deleted, the role changed, or the embedded AWS ends; the work goes on
