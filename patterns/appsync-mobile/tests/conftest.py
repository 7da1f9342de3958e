"""Puts the handlers' folder and this one on the path, and gives tests the function on a table that moto emulates."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PATTERN = Path(__file__).parent.parent
sys.path[:0] = [str(PATTERN / "tests"), str(PATTERN)]

from template_facts import (  # noqa: E402 - the path comes first
    code_folder,
    handler_of,
    import_anew,
    variables_by_default,
)

sys.path.insert(0, str(code_folder()))
handler_of("ResolveFields")  # fails with one line if the template has no such function

TABLE = "records"
ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "notes",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "TABLE": TABLE,
}
KEYS = {"pk": "HASH", "sk": "RANGE"}
INDEXES = {"listing": "listed", "changes": "changed"}


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The pattern's demo.py."""
    return importlib.import_module("demo")


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """Read a file of `events/` by its name without extension."""
    return lambda name: json.loads((PATTERN / "events" / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def dynamodb_client() -> Any:
    """A DynamoDB client that moto answers; made once, since that takes longer than most tests."""
    import botocore.session
    import moto  # noqa: F401 - it has to be imported first, to add its handlers to the client

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"):
            patch.delenv(name, raising=False)
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return botocore.session.get_session().create_client("dynamodb", region_name="eu-west-1", **keys)


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch, dynamodb_client: Any) -> Iterator[Any]:
    """The DynamoDB client, with the empty table."""
    from moto import mock_aws

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        dynamodb_client.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in (*KEYS, *INDEXES.values())],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS.items()],
            LocalSecondaryIndexes=[
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": key, "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index, key in INDEXES.items()
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield dynamodb_client


@pytest.fixture
def load(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Import the module of a function, given by its logical id, with these clients by service, and the table's."""
    loaded: list[str] = []

    def load(function: str, **clients: Any) -> Any:
        given = {"dynamodb": dynamodb, **clients}
        monkeypatch.setattr("blueprints_shared.clients.client", lambda service, **_: given[service])
        module = import_anew(function)
        loaded.append(module.__name__)
        return module

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


class User:
    """Resolves fields as AppSync lets the function do for a user, or for a back end."""

    def __init__(self, module: Any, context: Any, identity: dict[str, Any] | None) -> None:
        self.module, self.context, self.identity = module, context, identity

    def event(self, field: str, arguments: Any = None, source: Any = None) -> dict[str, Any]:
        """The event of a field."""
        parent, name = field.split(".")
        event = {"arguments": arguments, "identity": self.identity}
        event["info"] = {"parentTypeName": parent, "fieldName": name}
        return event if source is None else {**event, "source": source}

    def try_to(self, field: str, **arguments: Any) -> dict[str, Any]:
        """The envelope that answers a field."""
        return dict(self.module.handler(self.event(field, arguments), self.context))

    def ask(self, field: str, **arguments: Any) -> Any:
        """The value of a field."""
        answer = self.try_to(field, **arguments)
        assert "value" in answer, answer
        return answer["value"]

    def refused(self, field: str, **arguments: Any) -> dict[str, Any]:
        """The error that answers a field."""
        answer = self.try_to(field, **arguments)
        assert "error" in answer, answer
        return dict(answer["error"])


@pytest.fixture
def as_user(load: Callable[..., Any], context: Any) -> Callable[..., User]:
    """Make users by their `sub` and groups; all of them share one instance of the function."""
    module = load("ResolveFields")
    return lambda sub, *groups: User(module, context, {"sub": sub, "groups": list(groups) or None})


@pytest.fixture
def context() -> SimpleNamespace:
    """What Lambda passes beside the event."""
    return SimpleNamespace(
        function_name="resolve",
        function_version="1",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:resolve:live",
        aws_request_id="11111111-2222-3333-4444-555555555555",
        get_remaining_time_in_millis=lambda: 60_000,
    )
