"""Filter criteria: which records a mapping sends to its function.

Patterns are those of EventBridge. They match Kinesis records with their metadata at the top level and `data` as the
JSON that it encodes; SQS messages with `body` as JSON if it is an object or a list, otherwise as text; and records of
DynamoDB streams as they are.
Source: AWS Lambda Developer Guide, "Control which events Lambda sends to your function" and "Using event filtering"
with a Kinesis, a DynamoDB and an Amazon SQS event source.
"""

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from blueprints.local.base.event_patterns import CompiledPattern, InvalidPattern, compiled, refusal
from blueprints.local.base.stream_records import Record

_Event = dict[str, Any]
_Keeps = Callable[[_Event], bool]

# The key that Lambda matches as JSON, of which the pattern cannot be the text.
_JSON_KEYS = {"kinesis": "data", "dynamodb": "dynamodb"}


def matching(records: list[_Event], criteria: dict[str, Any] | None) -> list[_Event]:
    """Return the records, as events have them, that match one of the filters; without filters all."""
    patterns = patterns_of(criteria)
    return list(filter(_keeps(tuple(patterns)), records)) if patterns else records


def keeps(criteria: dict[str, Any] | None) -> Callable[[Record], bool]:
    """Whether a record matches one of the filters; without filters all do."""
    patterns = patterns_of(criteria)
    if not patterns:
        return lambda record: True  # noqa: ARG005 - asked for every record
    keep = _keeps(tuple(patterns))
    return lambda record: keep(record.event)


def patterns_of(criteria: dict[str, Any] | None) -> list[str]:
    """The patterns of FilterCriteria."""
    return [str(each.get("Pattern") or "") for each in (criteria or {}).get("Filters") or ()]


def defect_of(pattern: str, service: str) -> str | None:
    """Why Lambda would refuse a pattern for records of `service`, or None."""
    defect = refusal(pattern)
    if defect:
        return defect
    key = _JSON_KEYS.get(service)
    if key in compiled(pattern).paths:
        return f"{key} is matched as JSON, so its pattern must be an object"
    return None


@lru_cache(maxsize=256)
def _keeps(patterns: tuple[str, ...]) -> _Keeps:
    """The test of the event of a record, prepared once for the filters of a mapping."""
    pattern = CompiledPattern.any_of(_valid(patterns))
    of_kinesis, of_sqs = _of_kinesis(pattern), _of_sqs(pattern)

    def keep(event: _Event) -> bool:
        if "kinesis" in event:
            return of_kinesis(event)
        return of_sqs(event) if "body" in event else pattern.matches(event)

    return keep


def _valid(patterns: tuple[str, ...]) -> list[CompiledPattern]:
    """The patterns without those that Lambda refuses, which a mapping cannot have."""
    found = []
    for each in patterns:
        try:
            found.append(compiled(each))
        except InvalidPattern:
            continue
    return found


def _of_kinesis(pattern: CompiledPattern) -> _Keeps:
    """The test of Kinesis records; data that is not JSON matches no pattern of data, not even `exists: false`."""
    of_metadata = pattern.where(lambda path: not _is_in(path, "data"))
    asks_about_data = any(_is_in(path, "data") for path in pattern.paths)
    needed = pattern.texts_needed_in("data")

    def keep(event: _Event) -> bool:
        flat = {**event, **event["kinesis"]}
        del flat["kinesis"], flat["data"]
        if not asks_about_data:
            return pattern.matches(flat)
        try:
            text = base64.b64decode(event["kinesis"]["data"]).decode()
            if _lacks(text, needed):
                return False
            flat["data"] = pattern.read_payload(text)
        except ValueError:
            return of_metadata.matches(flat)
        return pattern.matches(flat)

    return keep


def _of_sqs(pattern: CompiledPattern) -> _Keeps:
    """The test of SQS messages; a pattern of a JSON body matches no text, and a pattern of a text no JSON body."""
    of_json = pattern.where(lambda path: path != "body")
    of_text = pattern.where(lambda path: not path.startswith("body."))
    asks_about_body = any(_is_in(path, "body") for path in pattern.paths)
    needed = pattern.texts_needed_in("body")

    def keep(event: _Event) -> bool:
        if _lacks(event["body"], needed):
            return False
        body = _json_of(event["body"], pattern) if asks_about_body else None
        return of_text.matches(event) if body is None else of_json.matches({**event, "body": body})

    return keep


def _json_of(text: str, pattern: CompiledPattern) -> Any:
    """The object or list that a body is; None if it is a text or a single value."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return pattern.read_payload(text)
    except ValueError:
        return None


def _lacks(text: str, needed: list[frozenset[str]] | None) -> bool:
    """Whether a JSON text contains none of the texts that a match needs; this spares reading it."""
    return (
        needed is not None
        and "\\" not in text  # which could spell a needed text in another way
        and not any(each in text for texts in needed for each in texts)
    )


def _is_in(path: str, name: str) -> bool:
    return path == name or path.startswith(f"{name}.")
