"""Reads JSON that a client or a function sent, which may be anything."""

import json
from typing import Any


def read_json(text: str | bytes, **options: Any) -> Any:
    """As `json.loads`, with its options. Raises ValueError also for JSON that is nested too deeply to be read."""
    try:
        return json.loads(text, **options)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
