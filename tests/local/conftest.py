"""One embedded AWS for the tests of a worker; each test deploys stacks of its own."""

import io
import json
import textwrap
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from blueprints.local.cloud import ACCOUNT, Cloud
from blueprints.local.deployment import Stack, deploy

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
    },
}


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


def function_resource(source: str, **properties: Any) -> dict[str, Any]:
    """A function whose code stands in the template."""
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": textwrap.dedent(source)},
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Timeout": 10,
            **properties,
        },
    }


def role_with(*actions: str) -> dict[str, Any]:
    """A role allowed to do the given actions anywhere."""
    policy = {
        "PolicyName": "test",
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
        },
    }
    return {**ROLE, "Properties": {**ROLE["Properties"], "Policies": [policy]}}


def zipped(**files: str) -> bytes:
    """A zip of text files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_py", ".py"), textwrap.dedent(text))
    return buffer.getvalue()


def arn(service: str, resource: str) -> str:
    """The ARN of a resource of the embedded account."""
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"
