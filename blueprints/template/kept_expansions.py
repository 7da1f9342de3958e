"""Expansions of SAM templates, kept in the tools' cache: importing SAM's translator takes longer than most templates.

A result is found again only for exactly the same template, parameters and Region, and the same versions of what made
it. Failures are not kept, so that each is explained anew.
"""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from blueprints.cache import digest, folder, keep_newest, write

_MADE_BY = ("aws-sam-translator", "boto3", "jsonschema", "pydantic")
_MOST = 200


def kept_expansion(inputs: list[Any], expand: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The result of `expand` for these inputs, from the cache if it has it. Raises what `expand` raises."""
    text = _exact_json(inputs)
    if text is None:
        return expand()
    place = folder("expansions", digest(*_versions())) / f"{digest(text)}.json"
    found = _read(place)
    if found is not None:
        return found
    made = expand()
    as_text = _exact_json(made)
    if as_text is not None:
        _keep(place, as_text)
    return made


@cache
def _versions() -> tuple[str, ...]:
    from importlib.metadata import version  # slow to import, and needed for a template of SAM's alone

    return (*(version(each) for each in _MADE_BY), Path(__file__).read_text(encoding="utf-8"))


def _exact_json(value: Any) -> str | None:
    """The value as JSON, or None for one that JSON would change, such as a key that is a number."""
    try:
        text = json.dumps(value, separators=(",", ":"))
    except (TypeError, ValueError):
        return None
    return text if json.loads(text) == value else None


def _read(place: Path) -> dict[str, Any] | None:
    """A kept result; None if there is none, or none that can be read."""
    try:
        found = json.loads(place.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _keep(place: Path, text: str) -> None:
    try:
        write(place, text.encode())
        keep_newest(place.parent, _MOST)
        keep_newest(place.parent.parent, 1)
    except OSError:
        return  # a cache that cannot be written to costs time only
