"""State machines made through the API of the embedded AWS that the tests of `tests/local` share."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from blueprints.local.cloud import ACCOUNT, Cloud
from tests.local.stepfunctions.api.machines import PASS, Machines


@pytest.fixture(scope="session")
def role(cloud: Cloud) -> str:
    """A role that Step Functions may assume and that allows everything."""
    return make_role(cloud, "states.amazonaws.com", "*")


def make_role(cloud: Cloud, service: str, *actions: str) -> str:
    """Make a role that a service may assume and that allows the actions everywhere; returns its ARN."""
    iam, name = cloud.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    if actions:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=document)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


@pytest.fixture
def states(cloud: Cloud) -> Any:
    """The client."""
    return cloud.client("stepfunctions")


@pytest.fixture
def machines(cloud: Cloud, role: str) -> Machines:
    """Makes state machines."""
    return Machines(cloud.client("stepfunctions"), role)


@pytest.fixture
def machine(machines: Machines) -> Callable[..., str]:
    """Makes a state machine out of states by name, the first of which it starts at; returns its ARN."""

    def make(**states: dict[str, Any]) -> str:
        return machines.create(states or PASS)

    return make
