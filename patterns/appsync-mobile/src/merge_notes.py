"""The conflict strategy `custom`: how two edits of one note become one. This is the file to replace with your rules."""

from collections.abc import Mapping
from typing import Any

_BETWEEN = "\n\n--- also written meanwhile ---\n\n"


def merge(stored: Mapping[str, Any], edits: Mapping[str, Any], conflicting: frozenset[str]) -> Mapping[str, Any] | None:
    """The fields to write: `edits`, except that the stored title stays, and that both bodies are kept.

    `conflicting` names the edited fields that somebody else has changed meanwhile. Return None to refuse the edit. The
    result must depend on the arguments alone, and merging the same edit again must change nothing.
    """
    merged = {name: value for name, value in edits.items() if name not in conflicting}
    if "body" in conflicting:
        theirs, ours = stored.get("body") or "", edits["body"] or ""
        merged["body"] = theirs if ours in theirs else theirs + _BETWEEN + ours
    return merged
