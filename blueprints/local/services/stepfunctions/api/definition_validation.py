"""Validates a definition without creating a state machine."""

from typing import Any

from blueprints.states_language.definition import faults

_MOST = 100

Answer = dict[str, Any]


def validate(given: Answer) -> Answer:
    """ValidateStateMachineDefinition."""
    found = faults(given["definition"], express=given.get("type") == "EXPRESS")
    failed = any(each.severity == "ERROR" for each in found)
    if given.get("severity", "ERROR") == "ERROR":
        found = [each for each in found if each.severity == "ERROR"]
    most = given.get("maxResults") or _MOST
    return {
        "result": "FAIL" if failed else "OK",
        "diagnostics": [
            {"severity": each.severity, "code": each.code, "message": each.message, "location": each.location or None}
            for each in found[:most]
        ],
        "truncated": len(found) > most,
    }
