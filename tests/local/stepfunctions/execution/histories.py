"""Reads histories in tests."""

import json
from typing import Any

from blueprints.local.services.stepfunctions.execution.execution import Execution


def types(execution: Execution) -> list[str]:
    """The types of all events in order."""
    return [event["type"] for event in execution.history.events]


def counted(execution: Execution, kind: str) -> int:
    """How many events of a type there are."""
    return types(execution).count(kind)


def output(execution: Execution) -> Any:
    """The output of an execution that succeeded."""
    assert execution.status == "SUCCEEDED", (execution.status, execution.error, execution.cause)
    assert execution.output_text is not None
    return json.loads(execution.output_text)
