"""Writes the output of job runs into CloudWatch Logs, with the permissions of the job's role."""

import contextlib
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

OUTPUT_GROUP = "/aws-glue/jobs/output"
ERROR_GROUP = "/aws-glue/jobs/error"
_EVERY_SECONDS = 0.3
_BATCH = 1_000
_LONGEST = 250_000
"""Characters of a line; CloudWatch Logs refuses events that are longer than 256 KB."""


class JobLog:
    """One log stream. A role that may not write it loses the log; the run goes on, as on AWS."""

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client, self._group, self._stream = client, group, stream
        self._lines: list[dict[str, Any]] = []
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._may_write = True
        self._writer = threading.Thread(target=self._write_on, name="job-log", daemon=True)
        self._writer.start()

    def line(self, text: str) -> None:
        """Add a line."""
        with self._changing:
            self._lines.append({"timestamp": int(time.time() * 1000), "message": text[:_LONGEST] or " "})

    def close(self) -> None:
        """Write the remaining lines."""
        self._closed.set()
        self._writer.join()

    def _write_on(self) -> None:
        try:
            self._make()
        except (ClientError, BotoCoreError):
            self._may_write = False
        while not self._closed.wait(_EVERY_SECONDS):
            self._write()
        self._write()

    def _make(self) -> None:
        missing = self._client.exceptions.ResourceNotFoundException
        exists = self._client.exceptions.ResourceAlreadyExistsException
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except missing:
            with contextlib.suppress(exists):  # another run was faster
                self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def _write(self) -> None:
        while True:
            with self._changing:
                batch, self._lines = self._lines[:_BATCH], self._lines[_BATCH:]
            if not batch or not self._may_write:
                return
            try:
                self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
            except (ClientError, BotoCoreError):
                return  # the group was deleted meanwhile, the role changed, or the embedded AWS ends
