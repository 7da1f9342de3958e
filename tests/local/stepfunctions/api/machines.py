"""State machines, executions and refusals in the tests of the API."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

PASS = {"Only": {"Type": "Pass", "End": True}}
LONG_WAIT = {"Waiting": {"Type": "Wait", "Seconds": 86_400, "End": True}}
FAIL = {"Failing": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}


def definition(states: dict[str, Any], **fields: Any) -> str:
    """A definition that starts at the first of the states."""
    return json.dumps({"StartAt": next(iter(states)), "States": states, **fields})


def unique(prefix: str) -> str:
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


@dataclass
class Machines:
    """Makes state machines with one role."""

    client: Any
    role: str

    def create(self, states: dict[str, Any], **parameters: Any) -> str:
        """Create a state machine; returns its ARN."""
        given = {"name": unique("machine"), "definition": definition(states), "roleArn": self.role, **parameters}
        return str(self.client.create_state_machine(**given)["stateMachineArn"])

    def run(self, machine_arn: str, value: Any = None, **parameters: Any) -> dict[str, Any]:
        """Start an execution and describe it when it has ended."""
        given = {"stateMachineArn": machine_arn, "input": json.dumps(value, ensure_ascii=False), **parameters}
        return self.ended(self.client.start_execution(**given)["executionArn"])

    def ended(self, execution_arn: str) -> dict[str, Any]:
        """Wait until an execution has ended; returns its description."""
        deadline = time.monotonic() + 20
        while (described := self.client.describe_execution(executionArn=execution_arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"{execution_arn} still runs"
            time.sleep(0.02)
        return dict(described)


class Refused:
    """Expects that AWS refuses a call with a code, and a message that matches."""

    def __init__(self, code: str, message: str) -> None:
        self._code, self._message = code, message
        self._raises = pytest.raises(ClientError)

    def __enter__(self) -> None:
        self._error = self._raises.__enter__()

    def __exit__(self, *raised: Any) -> Any:
        suppressed = self._raises.__exit__(*raised)
        if suppressed:
            error = self._error.value.response["Error"]
            assert error["Code"] == self._code, error
            assert self._message in error["Message"], error
        return suppressed


refused: Callable[[str, str], Refused] = Refused
