"""One embedded AWS for the tests of a worker; each test deploys stacks of its own."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.stacks.stack import Stack
from tests.local.resources import ROLE, function_resource
from tests.local.trace import Trace, tracing


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """An embedded AWS in which a minute takes 20 milliseconds."""
    with Cloud(time_scale=3000) as running:
        yield running


@pytest.fixture
def stack(cloud: Cloud) -> Callable[..., Stack]:
    """Deploys resources, given by logical id, as a stack of their own."""

    def make(**resources: dict[str, Any]) -> Stack:
        name = f"test-{uuid.uuid4().hex[:12]}"
        outputs = {logical_id: {"Value": {"Ref": logical_id}} for logical_id in resources}
        return deploy(cloud, name, json.dumps({"Resources": {"Role": ROLE, **resources}, "Outputs": outputs}))

    return make


@pytest.fixture
def function(stack: Callable[..., Stack]) -> Callable[..., str]:
    """Deploys one function out of its source; returns its name."""

    def make(source: str, **properties: Any) -> str:
        return stack(Function=function_resource(source, **properties)).outputs["Function"]

    return make


@pytest.fixture
def trace() -> Iterator[Trace]:
    """A trace that functions leave for the test."""
    with tracing() as open_trace:
        yield open_trace
