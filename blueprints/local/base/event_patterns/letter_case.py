"""Compares texts without regard to the case of letters (`equals-ignore-case`).

Each letter of the pattern stands for its upper-case and its lower-case form, whichever the event has: the pattern `ß`
also matches `SS`, but `SS` does not match `ß`. Characters beyond U+FFFF only match `??`, as in AWS's library.
Source: software.amazon.event.ruler 2.1.0, EqualsIgnoreCaseParser.
"""

import re
from collections.abc import Callable

_LAST_SINGLE_UNIT = 0xFFFF


def equals(wanted: str) -> Callable[[str], bool]:
    """Whether a text equals `wanted`."""
    expression = re.compile("".join(map(_either_case, wanted)))
    return lambda text: expression.fullmatch(text) is not None


def starts_with(wanted: str) -> Callable[[str], bool]:
    """Whether a text starts with `wanted`."""
    expression = re.compile("".join(map(_either_case, wanted)))
    return lambda text: expression.match(text) is not None


def ends_with(wanted: str) -> Callable[[str], bool]:
    """Whether a text ends with `wanted`."""
    # reversed, because a search from the left would try every place in the text
    expression = re.compile("".join(_either_case(letter, backwards=True) for letter in reversed(wanted)))
    return lambda text: expression.match(text[::-1]) is not None


def _either_case(letter: str, *, backwards: bool = False) -> str:
    if ord(letter) > _LAST_SINGLE_UNIT:
        return r"\?\?"
    forms = sorted({letter.lower(), letter.upper()})
    spelled = [re.escape(form[::-1] if backwards else form) for form in forms]
    return spelled[0] if len(spelled) == 1 else f"(?:{'|'.join(spelled)})"
