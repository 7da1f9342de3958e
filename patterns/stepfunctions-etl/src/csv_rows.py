"""Cuts a stream of CSV into blocks of whole rows, and sets aside lines whose quotes do not match.

Quotes follow RFC 4180: a cell with a quote, comma or line break is quoted, and a quote in it is doubled. So a line
break ends a row if an even number of quotes precedes it, which NumPy finds without a loop over characters. The first
quote that breaks this grammar is at fault, or one before it in the same row: the row's first line is set aside, and the
next line begins a row again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK_BYTES = 8 * 2**20
MAX_ROW_BYTES = 2**20
MAX_FAULTS = 100

_LF, _CR, _QUOTE, _COMMA = b'\n\r",'
_BEFORE_OPENING = np.array([_COMMA, _LF, _QUOTE], np.uint8)
_AFTER_CLOSING = np.array([_COMMA, _CR, _LF, _QUOTE], np.uint8)

Reject = Callable[[int, str, bytes], None]
"""Called with the line number, the reason, and the bytes of rows that are set aside."""


class Unreadable(Exception):
    """The object as a whole is at fault, so a retry does not help; the message says why."""


@dataclass(frozen=True)
class RowBlock:
    """Whole rows. `starts` has the offset of each row, `breaks` of each line feed; blank lines are no rows."""

    data: bytes
    first_line: int
    starts: NDArray[np.int64]
    breaks: NDArray[np.int64]
    is_quoted: bool

    def lines(self, rows: list[int]) -> list[int]:
        """The line numbers of rows, from 1, in the object."""
        found: list[int] = (self.first_line + np.searchsorted(self.breaks, self.starts[rows])).tolist()
        return found

    def line_at(self, offset: int) -> int:
        """The line number of a byte."""
        return self.first_line + int(np.searchsorted(self.breaks, offset))

    def raw(self, row: int) -> bytes:
        """The bytes of a row, without the line break."""
        end = self.starts[row + 1] if row + 1 < len(self.starts) else len(self.data)
        return self.data[self.starts[row] : end].rstrip(b"\r\n")


def row_blocks(read: Callable[[int], bytes], first_line: int, reject: Reject) -> Iterator[RowBlock]:
    """Yield blocks of rows; `read(count)` returns up to `count` bytes, none at the end. Raises Unreadable."""
    rest, line, faults = b"", first_line, 0
    while True:
        chunk = _read_all(read, BLOCK_BYTES)
        rest += chunk
        if not chunk and rest and not rest.endswith(b"\n"):
            rest += b"\n"
        while rest:
            block, fault = _cut(rest, line, is_last=not chunk)
            if block.data:
                yield block
                line, rest = line + len(block.breaks), rest[len(block.data) :]
            if not fault:
                break
            broken, found, after = rest.partition(b"\n")
            if not found and len(rest) > MAX_ROW_BYTES:
                raise Unreadable(f"line {line} is longer than {MAX_ROW_BYTES} bytes")
            if not found:
                break  # the rest of the line follows
            faults, rest = faults + 1, after
            if faults > MAX_FAULTS:
                raise Unreadable(f"more than {MAX_FAULTS} lines have quotes that do not match, the last is {line}")
            reject(line, fault, broken.rstrip(b"\r"))
            line += 1
        if not chunk:
            return


def _read_all(read: Callable[[int], bytes], count: int) -> bytes:
    """Exactly `count` bytes except at the end, so that the same object always has the same blocks."""
    parts = []
    while count and (part := read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _cut(data: bytes, line: int, *, is_last: bool) -> tuple[RowBlock, str]:
    """The whole rows at the beginning of `data`, and what is wrong with the row after them, if anything."""
    text = np.frombuffer(data, np.uint8)
    breaks, quotes = np.flatnonzero(text == _LF), np.flatnonzero(text == _QUOTE)
    ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0] if len(quotes) else breaks
    at, fault = _first_fault(data, text, quotes)
    if fault:
        ends = ends[: np.searchsorted(ends, at)]
    size = int(ends[-1]) + 1 if len(ends) else 0
    if not fault and size < len(data) and (is_last or len(data) - size > MAX_ROW_BYTES):
        fault = f"a quote is not closed, or the row is longer than {MAX_ROW_BYTES} bytes"
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64) if size else ends
    lengths = ends - starts
    is_blank = (lengths == 0) | ((lengths == 1) & (text[starts] == _CR))
    breaks = breaks[: np.searchsorted(breaks, size)]
    return RowBlock(data[:size], line, starts[~is_blank], breaks, bool(len(quotes))), fault


def _first_fault(data: bytes, text: NDArray[np.uint8], quotes: NDArray[np.int64]) -> tuple[int, str]:
    """The first byte that breaks the grammar, and why; the last byte is not judged, as its neighbour may follow."""
    faults = []
    if len(quotes):
        opening, closing = quotes[0::2], quotes[1::2]
        opening, closing = opening[opening > 0], closing[closing < len(text) - 1]
        stray = opening[~np.isin(text[opening - 1], _BEFORE_OPENING)]
        loose = closing[~np.isin(text[closing + 1], _AFTER_CLOSING)]
        faults += [(int(each[0]), "a quote is not at the edge of a cell") for each in (stray, loose) if len(each)]
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        alone = np.flatnonzero(text[:-1] == _CR)
        alone = alone[(text[alone + 1] != _LF) & (np.searchsorted(quotes, alone) % 2 == 0)]
        faults += [(int(alone[0]), "a carriage return has no line feed")] if len(alone) else []
    return min(faults, default=(len(data), ""))
