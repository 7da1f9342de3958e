"""Compresses lines of JSON as they come, so that memory holds a few dozen of them and not the whole batch."""

import io
import os

import msgspec
from isal import isal_zlib

_LEVEL = 2  # of 0 to 3: ten times as fast as gzip's default, for a result 5 % larger
_GZIP = 31  # zlib's number for a gzip header
_TIME = slice(4, 8)  # the header's time stamp, which readers ignore and zlib leaves 0
_WAITING = 128  # lines that are encoded and compressed together

_encode_lines = msgspec.json.Encoder().encode_lines


class GzippedLines:
    """A gzip file that grows by lines."""

    def __init__(self) -> None:
        self._waiting: list[msgspec.Struct] = []
        self._compressor = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._file = io.BytesIO()
        self._compressed = 0

    @property
    def count(self) -> int:
        """Number of lines so far."""
        return self._compressed + len(self._waiting)

    def append(self, line: msgspec.Struct) -> None:
        """Add one line."""
        self._waiting.append(line)
        if len(self._waiting) == _WAITING:
            self._compress()

    def finish(self) -> bytes | None:
        """Return the file, None if it has no lines; call it once."""
        if not self.count:
            return None
        self._compress()
        self._file.write(self._compressor.flush())
        # A random time stamp gives two attempts different ETags, even with the same lines: see lake.py on late writes.
        self._file.getbuffer()[_TIME] = os.urandom(4)
        return self._file.getvalue()

    def _compress(self) -> None:
        self._file.write(self._compressor.compress(_encode_lines(self._waiting)))
        self._compressed += len(self._waiting)
        self._waiting.clear()
