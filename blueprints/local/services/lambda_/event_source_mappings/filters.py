"""Filter criteria: which records a mapping sends to its function.

Source: AWS Lambda Developer Guide, "Control which events Lambda sends to your function" and "Using event filtering with
a Kinesis event source". Patterns are EventBridge patterns; Kinesis data is matched as the JSON it encodes.
"""

import base64
from collections.abc import Callable
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_records import Record

COMPILE = Internal("services.eventbridge", "_compiled_pattern", ("pattern_str",))
PATTERN_ERROR = Internal("services.eventbridge", "_event_pattern_error", ("pattern_str",))
MATCHES = Internal("services.eventbridge", "_matches_detail", ("detail", "pattern"))

_DATA = "data"


def keeps(criteria: dict[str, Any] | None) -> Callable[[Record], bool]:
    """Whether a record matches one of the filters; without filters all do."""
    patterns = patterns_of(criteria)
    if not patterns:
        return lambda record: True  # noqa: ARG005 - asked for every record
    alternatives = [each for pattern in patterns for each in COMPILE.current()(pattern) or ()]

    def kept(record: Record) -> bool:
        try:
            seen = _matchable(record.event)
            return any(_matches(seen, each) for each in alternatives)
        except RecursionError:
            return False  # nested too deeply for the JSON parser

    return kept


def patterns_of(criteria: dict[str, Any] | None) -> list[str]:
    """The patterns of FilterCriteria."""
    return [str(each.get("Pattern") or "") for each in (criteria or {}).get("Filters") or ()]


def defect_of(pattern: str, service: str) -> str | None:
    """Why Lambda would refuse a pattern, or None; Kinesis patterns cannot match `data` as text."""
    defect: str | None = PATTERN_ERROR.current()(pattern)
    if defect:
        return defect
    alternatives = COMPILE.current()(pattern)
    if not alternatives:
        return "it is no JSON object"
    if service == "kinesis" and any(not isinstance(each.get(_DATA, {}), dict) for each in alternatives):
        return "data is matched as the JSON in it, so its pattern must be an object"
    return None


def _matches(seen: dict[str, Any], alternative: dict[str, Any]) -> bool:
    """Data that is not JSON matches no pattern of data, not even `exists: false`."""
    return (_DATA in seen or _DATA not in alternative) and bool(MATCHES.current()(seen, alternative))


def _matchable(event: dict[str, Any]) -> dict[str, Any]:
    """A record as patterns match it: Kinesis metadata at the top level, and data if it is JSON."""
    if "kinesis" not in event:
        return event
    flat = {**event, **event["kinesis"]}
    del flat["kinesis"], flat[_DATA]
    try:
        return {**flat, _DATA: read_json(base64.b64decode(event["kinesis"]["data"]).decode(), parse_constant=_refuse)}
    except ValueError:
        return flat


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")
