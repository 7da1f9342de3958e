"""Validates a definition without creating a state machine."""

from typing import Any

from blueprints.local.services.stepfunctions.api.task_resources import resource_faults
from blueprints.states_language.definition import faults, parse
from blueprints.states_language.faults import ERROR

_MOST = 100

Answer = dict[str, Any]


def validate(given: Answer) -> Answer:
    """ValidateStateMachineDefinition."""
    text, express = given["definition"], given.get("type") == "EXPRESS"
    found = faults(text, express=express)
    if not any(each.severity == ERROR for each in found):
        found += resource_faults(parse(text, express=express))
    failed = any(each.severity == ERROR for each in found)
    if given.get("severity", ERROR) == ERROR:
        found = [each for each in found if each.severity == ERROR]
    most = given.get("maxResults") or _MOST
    return {
        "result": "FAIL" if failed else "OK",
        "diagnostics": [
            {"severity": each.severity, "code": each.code, "message": each.message, "location": each.location or None}
            for each in found[:most]
        ],
        "truncated": len(found) > most,
    }
