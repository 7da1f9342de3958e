"""State machines of one task, played on the embedded AWS."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from blueprints.local.cloud import Cloud
from tests.local.stepfunctions.api.conftest import make_role
from tests.local.stepfunctions.api.machines import Machines
from tests.local.waiting import until


@dataclass(frozen=True)
class Played:
    """An execution that was started."""

    client: Any
    arn: str

    @property
    def ended(self) -> dict[str, Any]:
        """Its description, when it has ended."""
        return Machines(self.client, "").ended(self.arn)

    @property
    def output(self) -> Any:
        """Its output; fails the test if it has none."""
        described = self.ended
        assert described["status"] == "SUCCEEDED", described
        return json.loads(described["output"])

    @property
    def failure(self) -> tuple[str | None, str]:
        """Its error and its cause; fails the test if it succeeded."""
        described = self.ended
        assert described["status"] == "FAILED", described
        return described.get("error"), described.get("cause", "")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of its states, with `details`."""
        found = self.client.get_execution_history(executionArn=self.arn)["events"]
        return [
            {"type": each["type"], "details": next((v for k, v in each.items() if k.endswith("EventDetails")), {})}
            for each in found
            if not each["type"].startswith(("Execution", "TaskState"))
        ]

    @property
    def types(self) -> list[str]:
        """The types of those events, when it has ended."""
        assert self.ended
        return [each["type"] for each in self.events]

    def event(self, kind: str) -> dict[str, Any]:
        """The details of an event, as soon as there is one."""
        found = until(lambda: [each for each in self.events if each["type"] == kind])
        return dict(found[0]["details"])


@pytest.fixture
def allowed(cloud: Cloud) -> Callable[..., str]:
    """Makes a role for state machines that allows the actions; returns its ARN."""
    return lambda *actions: make_role(cloud, "states.amazonaws.com", *actions)


@pytest.fixture(scope="session")
def any_role(cloud: Cloud) -> str:
    """A role for state machines that allows everything."""
    return make_role(cloud, "states.amazonaws.com", "*")


@pytest.fixture
def states_client(cloud: Cloud) -> Any:
    """The client of Step Functions."""
    return cloud.client("stepfunctions")


@pytest.fixture
def play(cloud: Cloud, any_role: str) -> Callable[..., Played]:
    """Starts a machine of one Task state: its Resource, its Arguments and other fields."""
    client = cloud.client("stepfunctions")

    def start(resource: str, arguments: Any = None, *, role: str = any_role, **fields: Any) -> Played:
        given = {} if arguments is None else {"Arguments": arguments}
        state = {"Type": "Task", "QueryLanguage": "JSONata", "Resource": resource, "End": True, **given, **fields}
        machine = Machines(client, role).create({"Work": state})
        return Played(client, client.start_execution(stateMachineArn=machine)["executionArn"])

    return start


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"test-{uuid.uuid4().hex[:10]}"
