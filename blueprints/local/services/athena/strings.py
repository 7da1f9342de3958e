"""Trino's functions of text. Positions are of characters and begin with 1; NULL never arrives here."""

from collections.abc import Callable

from blueprints.local.services.athena.failures import QueryFailed

WHITE_SPACE = " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
WHITE_SPACE += "\u2028\u2029\u205f\u3000"
"""What trim removes."""
_LONGEST = 10_000


def substring(text: str, start: int, length: int | None = None) -> str:
    """A part of a text; negative positions count from the end, and position 0 gives nothing."""
    if start == 0 or abs(start) > len(text):
        return ""
    first = start - 1 if start > 0 else len(text) + start
    return text[first:] if length is None else text[first : first + max(0, length)]


def split_part(text: str, delimiter: str, index: int) -> str | None:
    """One of the parts between delimiters; NULL beyond the last."""
    if index < 1:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: Index must be greater than zero")
    parts = split(text, delimiter) if delimiter else list(text)
    return parts[index - 1] if index <= len(parts) else None


def split(text: str, delimiter: str) -> list[str]:
    """The parts between delimiters."""
    if not delimiter:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string")
    return text.split(delimiter)


def position(text: str, part: str) -> int:
    """Where a part begins; 0 if it does not occur."""
    return text.find(part) + 1


def replaced(text: str, old: str, new: str = "") -> str:
    """A text with every occurrence replaced."""
    return text.replace(old, new)


def trimmed(text: str, characters: str = WHITE_SPACE) -> str:
    """A text without these characters at both ends."""
    return text.strip(characters)


def trimmed_left(text: str, characters: str = WHITE_SPACE) -> str:
    """A text without these characters at its beginning."""
    return text.lstrip(characters)


def trimmed_right(text: str, characters: str = WHITE_SPACE) -> str:
    """A text without these characters at its end."""
    return text.rstrip(characters)


def padded_left(text: str, size: int, padding: str) -> str:
    """A text of a size, filled at its beginning, or cut at its end."""
    return _filling(text, size, padding) + text[:size]


def padded_right(text: str, size: int, padding: str) -> str:
    """A text of a size, filled or cut at its end."""
    return text[:size] + _filling(text, size, padding)


def _filling(text: str, size: int, padding: str) -> str:
    if not 0 <= size <= _LONGEST:
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..{_LONGEST}]")
    if not padding:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: Padding string must not be empty")
    missing = max(0, size - len(text))
    return (padding * missing)[:missing]


def backwards(text: str) -> str:
    """A text in the opposite order of its characters."""
    return text[::-1]


def shortener(size: int) -> Callable[[str], str]:
    """The conversion to varchar of a size, which cuts text."""
    return lambda text: text[:size]


def code_point(text: str) -> int:
    """The code point of a character."""
    if len(text) != 1:
        raise QueryFailed("INVALID_FUNCTION_ARGUMENT: codepoint takes one character")
    return ord(text)


def joined(delimiter: str | None, *parts: str | None) -> str | None:
    """The parts that are not NULL, with a delimiter between them; NULL if that is NULL."""
    return None if delimiter is None else delimiter.join(each for each in parts if each is not None)


def character(code: int) -> str:
    """The character of a code point."""
    if not 0 <= code <= 0x10FFFF:
        raise QueryFailed(f"INVALID_FUNCTION_ARGUMENT: Not a valid Unicode code point: {code}")
    return chr(code)
