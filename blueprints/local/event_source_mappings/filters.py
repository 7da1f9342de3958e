"""Filter criteria: which records a mapping's function gets to see.

Source: AWS Lambda Developer Guide, "Control which events Lambda sends to your function" and "Using event filtering with
a Kinesis event source". Patterns are EventBridge patterns; Kinesis data is matched as the JSON it encodes.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

from blueprints.local.event_source_mappings.records import Record
from blueprints.local.hooks import Hook

COMPILE = Hook("services.eventbridge", "_compiled_pattern", ("pattern_str",))
PATTERN_ERROR = Hook("services.eventbridge", "_event_pattern_error", ("pattern_str",))
MATCHES = Hook("services.eventbridge", "_matches_detail", ("detail", "pattern"))
HOOKS = (COMPILE, PATTERN_ERROR, MATCHES)


def keeps(criteria: dict[str, Any] | None) -> Callable[[Record], bool]:
    """Whether a record matches one of the filters; without filters all do."""
    patterns = patterns_of(criteria)
    if not patterns:
        return lambda record: True  # noqa: ARG005 - asked for every record
    alternatives = [each for pattern in patterns for each in COMPILE.current()(pattern) or ()]
    matches = MATCHES.current()
    return lambda record: any(matches(_matchable(record.event), each) for each in alternatives)


def patterns_of(criteria: dict[str, Any] | None) -> list[str]:
    """The patterns of FilterCriteria."""
    return [str(each.get("Pattern") or "") for each in (criteria or {}).get("Filters") or ()]


def defect_of(pattern: str) -> str | None:
    """Why Lambda would refuse a pattern; for Kinesis that includes a pattern of text for `data`."""
    defect: str | None = PATTERN_ERROR.current()(pattern)
    return defect or (None if isinstance(_parsed(pattern), dict) else "it is no JSON object")


def _matchable(event: dict[str, Any]) -> dict[str, Any]:
    """A record as patterns see it: Kinesis metadata on top, and data only where it is JSON."""
    if "kinesis" not in event:
        return event
    flat = {**event, **event["kinesis"]}
    del flat["kinesis"], flat["data"]
    data = _parsed(base64.b64decode(event["kinesis"]["data"]))
    return flat if data is None else {**flat, "data": data}


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
