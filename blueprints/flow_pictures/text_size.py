"""Widths of text without a font: viewers have different fonts, so the widths are those of a wide one.

The widths are those of DejaVu Sans, which is wider than Arial, Helvetica and most other sans-serif fonts.
"""

import re
import unicodedata

_FIRST = 0x20
_REGULAR = (
    32, 40, 46, 84, 64, 95, 78, 27, 39, 39, 50, 84, 32, 36, 32, 34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84,
    84, 84, 53, 100, 68, 69, 70, 77, 63, 58, 77, 75, 29, 29, 66, 56, 86, 75, 79, 60, 79, 69, 63, 61, 73, 68, 99, 69,
    61, 69, 39, 34, 39, 84, 50, 50, 61, 63, 55, 63, 62, 35, 63, 63, 28, 28, 58, 28, 97, 63, 61, 63, 63, 41, 52, 39, 63,
    59, 82, 59, 59, 52, 64, 34, 64, 84,
)  # fmt: skip
_BOLD = (
    35, 46, 52, 84, 70, 100, 87, 31, 46, 46, 52, 84, 38, 42, 38, 37, 70, 70, 70, 70, 70, 70, 70, 70, 70, 70, 40, 40, 84,
    84, 84, 58, 100, 77, 76, 73, 83, 68, 68, 82, 84, 37, 37, 77, 64, 100, 84, 85, 73, 85, 77, 72, 68, 81, 77, 110, 77,
    72, 73, 46, 37, 46, 84, 50, 50, 67, 72, 59, 72, 68, 44, 72, 71, 34, 34, 67, 34, 104, 71, 69, 72, 72, 49, 60, 48, 71,
    65, 92, 65, 65, 58, 71, 37, 71, 84,
)  # fmt: skip
_OTHER = 72
_WIDE = 100
_NO_WIDTH = {"Mn", "Me", "Cf"}
_BREAKS = re.compile(r"(?<=[_\-./:,])|(?<=[a-z0-9])(?=[A-Z])|(?<=[^\x00-\u2e7f])|(?=[^\x00-\u2e7f])")
ELLIPSIS = "…"


def width(text: str, size: int, *, bold: bool = False) -> int:
    """The width of a text in pixels, rounded up, at a font size in pixels."""
    return -(-sum(_hundredths(each, _BOLD if bold else _REGULAR) for each in text) * size // 100)


def _hundredths(character: str, widths: tuple[int, ...]) -> int:
    """The width of a character in hundredths of the font size."""
    place = ord(character) - _FIRST
    if 0 <= place < len(widths):
        return widths[place]
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WFA" else _OTHER


def wrap(text: str, size: int, most: int, *, bold: bool = False, lines: int | None = None) -> list[str]:
    """A text in lines of at most `most` pixels, broken where words or parts of names begin.

    With `lines`, what needs more is cut and ends with an ellipsis.
    """
    made = [""]
    for word in text.split():
        if width(f"{made[-1]} {word}".strip(), size, bold=bold) <= most:
            made[-1] = f"{made[-1]} {word}".strip()
        elif width(word, size, bold=bold) <= most:
            made.append(word)
        else:
            made[-1] += " " * bool(made[-1])
            _add_broken(made, word, size, most, bold=bold)
    made = [line.strip() for line in made]
    if lines is None or len(made) <= lines:
        return made
    last = made[lines - 1]
    while last and width(last + ELLIPSIS, size, bold=bold) > most:
        last = last[:-1]
    return [*made[: lines - 1], last.rstrip() + ELLIPSIS]


def _add_broken(made: list[str], word: str, size: int, most: int, *, bold: bool) -> None:
    """Add a word that is too long for a line, broken where its parts begin, or else anywhere."""
    rest = [part for part in _BREAKS.split(word) if part]
    while rest:
        part = rest.pop(0)
        if width(made[-1] + part, size, bold=bold) <= most:
            made[-1] += part
        elif width(part, size, bold=bold) <= most:
            made.append(part)
        else:
            if made[-1]:
                made.append("")
            cut = _fitting(part, size, most, bold=bold)
            made[-1] = part[:cut]
            rest[:0] = filter(None, [part[cut:]])


def _fitting(part: str, size: int, most: int, *, bold: bool) -> int:
    """How many characters of a part fit into a line; one at least."""
    count = 1
    while count < len(part) and width(part[: count + 1], size, bold=bold) <= most:
        count += 1
    return count
