"""Event patterns of rules and archives, and TestEventPattern: checks and matches them as AWS does.

Source: Amazon EventBridge API Reference, PutRule, TestEventPattern and CreateArchive.
"""

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from blueprints.local.base.event_patterns import LONGEST, InvalidPattern, compiled, read_event, refusal
from blueprints.local.base.internals import Internal

PATTERN_ERROR = Internal("services.eventbridge", "_event_pattern_error", ("pattern_str",))
INVALID_PATTERN = Internal("services.eventbridge", "_invalid_event_pattern", ("reason",))
MATCHES = Internal("services.eventbridge", "_matches_pattern_view", ("pattern_str", "view", "owner"))
VIEW = Internal("services.eventbridge", "_EventView", ("envelope", "raw_detail"))
TEST = Internal("services.eventbridge", "_test_event_pattern", ("data",))
ANSWER = Internal("core.responses", "json_response", ("data", "status", "content_type"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_TOO_LONG = (
    "1 validation error detected: Value at 'eventPattern' failed to satisfy constraint: "
    f"Member must have length less than or equal to {LONGEST}"
)

_Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace the base emulator's checks and matching of patterns."""
    PATTERN_ERROR.replace(_error)
    INVALID_PATTERN.replace(_refused(INVALID_PATTERN.current()))
    MATCHES.replace(_matches)
    TEST.replace(_tested(TEST.current()))


def rule_refusal(pattern: str) -> str | None:
    """Why a rule or an archive with this pattern is refused, or None; a rule may have none."""
    reason = _error(pattern)
    return reason if reason in (None, _TOO_LONG) else f"Event pattern is not valid. Reason: {reason}"


def _error(pattern_str: object) -> str | None:
    if not pattern_str:
        return None
    if not isinstance(pattern_str, str):
        return "Invalid JSON"
    return _TOO_LONG if len(pattern_str) > LONGEST else refusal(pattern_str)


def _refused(invalid: Callable[[str], _Response]) -> Callable[[str], _Response]:
    def refused(reason: str) -> _Response:
        response: _Response = ERROR.current()("ValidationException", reason, HTTPStatus.BAD_REQUEST)
        return response if reason == _TOO_LONG else invalid(reason)

    return refused


def _tested(test: Callable[[dict[str, Any]], _Response]) -> Callable[[dict[str, Any]], _Response]:
    """The event is matched as it is given; the base emulator adds fields that it lacks."""

    def tested(data: dict[str, Any]) -> _Response:
        status, headers, body = test(data)
        if status != HTTPStatus.OK:
            return status, headers, body
        matches = compiled(data["EventPattern"]).matches(read_event(data["Event"]))
        response: _Response = ANSWER.current()({"Result": matches})
        return response

    return tested


def _matches(pattern_str: object, view: Any, owner: str = "rule") -> bool:  # noqa: ARG001 - for the base emulator's log
    """Whether an event, of which the base emulator made a view, matches the pattern of a rule or an archive."""
    try:
        pattern = compiled(pattern_str) if isinstance(pattern_str, str) else None
    except InvalidPattern:
        return False
    if pattern is None:
        return False
    event = view.envelope()
    if any(path.partition(".")[0] == "detail" for path in pattern.paths):
        # event_with_detail() of the view has lost digits of numbers and keys that occur twice
        event = {**event, "detail": _detail(view._raw_detail)}  # noqa: SLF001
    return pattern.matches(event)


def _detail(raw: object) -> Any:
    return _read_detail(raw) if isinstance(raw, str) else raw


@lru_cache(maxsize=8)
def _read_detail(text: str) -> Any:
    """The detail of an event; read once for all rules."""
    try:
        return read_event(text)
    except ValueError:
        return text
