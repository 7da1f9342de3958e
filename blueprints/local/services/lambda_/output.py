"""The output of a function: one pipe per execution environment, so that invocations do not mix."""

import os
import select
import threading


class OutputPipe:
    """Reads a process's standard output and error as they come; `collect` takes what has arrived so far."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)
        self._lock = threading.Lock()
        self._closed = False
        self._received = bytearray()
        self._wake_reading, self._wake_writing = os.pipe()
        threading.Thread(target=self._read_on, name="function-output", daemon=True).start()

    def collect(self) -> str:
        """The output since the last call, with what is still in the pipe."""
        with self._lock:
            self._drain()
            text = self._received.decode(errors="replace")
            self._received.clear()
        return text

    def close(self) -> None:
        """Stop reading."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._wake_writing)  # wakes the reading thread, which closes the rest

    def _read_on(self) -> None:
        # Without a reader a talkative handler would block on a full pipe.
        waiting = select.poll()  # select() itself refuses descriptors above 1023
        for descriptor in (self._descriptor, self._wake_reading):
            waiting.register(descriptor, select.POLLIN)
        while True:
            waiting.poll()
            with self._lock:
                if self._closed or not self._drain():
                    break
        with self._lock:
            os.close(self._descriptor)
            os.close(self._wake_reading)
            self._descriptor = -1

    def _drain(self) -> bool:
        """Take what the pipe holds; False at its end."""
        while self._descriptor >= 0:
            try:
                data = os.read(self._descriptor, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._received += data
        return False
