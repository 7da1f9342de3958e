"""What is wrong with text that is not JSON, in the words of AWS, which are those of the Java library Jackson."""

import re

_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_JSON_WORDS = ("true", "false", "null")
_VALUES = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
_SHOWN_CHARACTERS = 500


def words(text: str, error: ValueError) -> str:
    """A parser's error about a text; the common ones as AWS words them."""
    place = getattr(error, "pos", None)
    if place is None:
        return str(error)
    rest = text[place:].lstrip()
    word = _WORD.match(rest)
    if not rest:
        return "Unexpected end-of-input"
    unexpected = f"Unexpected character ('{rest[0]}' (code {ord(rest[0])}))"
    if "property name" in str(error):
        return f"{unexpected}: was expecting double-quote to start field name"
    if "Expecting value" in str(error):
        if word and word[0] not in _JSON_WORDS:
            return f"Unrecognized token '{word[0]}': was expecting ({_VALUES})"
        return f"{unexpected}: expected a valid value ({_VALUES})"
    return f"{unexpected}: {str(error).partition(': line ')[0]}"


def source(text: str, error: ValueError) -> str:
    """The place of a parser's error in a text, as AWS shows it."""
    place = getattr(error, "pos", 0)
    word = _WORD.match(text, place)
    after = word.end() if word else place
    line, column = text.count("\n", 0, after) + 1, after - text.rfind("\n", 0, after)
    left = len(text) - _SHOWN_CHARACTERS
    shown = f'"{text[:_SHOWN_CHARACTERS]}"' + (f"[truncated {left} chars]" if left > 0 else "")
    return f"[Source: (String){shown}; line: {line}, column: {column}]"
