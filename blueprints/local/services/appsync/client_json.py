"""JSON of AppSync's clients, in a form that every part behind can write again."""

import json
import math
from typing import Any

from blueprints.local.base.client_json import read_json


def read(text: str | bytes) -> Any:
    """The JSON that a client sent. Raises ValueError for text that is not JSON, and for numbers beyond a double.

    Half of a surrogate pair has no form in UTF-8: Java makes it a question mark.
    """
    try:
        given = read_json(text, parse_constant=_refuse, parse_float=_finite)
        halved = b"\\ud" in text.lower() if isinstance(text, bytes) else "\\ud" in text.lower()
        if halved:
            given = json.loads(json.dumps(given, ensure_ascii=False).encode(errors="replace"))
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    return given


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond a double")
    return number
