"""Puts the handlers' folder and this one on the path, and gives tests the handlers on a table that moto emulates."""

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
for function in ("PlaceOrders", "Stock", "Payments", "Approvals", "Shipping", "Decide"):
    handler_of(function)  # fails with one line if the template has no such function

MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:orders"
ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "orders",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "TABLE": "ledger",
    "TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:approvals",
    "STATE_MACHINE_ARN": f"{MACHINE}:live",
    "DEAD_LETTERS_URL": "https://dead-letters",
    "ORDERS_URL": "https://orders",
}


@pytest.fixture(scope="session")
def demo() -> ModuleType:
    """The pattern's demo.py."""
    return importlib.import_module("demo")


@pytest.fixture(scope="session")
def replaying() -> ModuleType:
    """The pattern's replay.py."""
    return importlib.import_module("replay")


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
    """The DynamoDB client, with the ledger's table and ten chairs in stock."""
    from moto import mock_aws

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        dynamodb_client.create_table(
            TableName="ledger",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            BillingMode="PAY_PER_REQUEST",
        )
        stock = {"pk": {"S": "stock#chair"}, "sk": {"S": "stock"}, "available": {"N": "10"}}
        dynamodb_client.put_item(TableName="ledger", Item=stock)
        yield dynamodb_client


@pytest.fixture
def entry(dynamodb: Any) -> Callable[[str, str], dict[str, Any]]:
    """Read an item of the table, such as `entry("stock#chair", "stock")`, as plain values; empty if there is none."""

    def read(pk: str, sk: str) -> dict[str, Any]:
        from ledger import plain

        answer = dynamodb.get_item(TableName="ledger", Key={"pk": {"S": pk}, "sk": {"S": sk}})
        return plain(answer.get("Item", {}))

    return read


@pytest.fixture
def load(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Import the module of a function, given by its logical id, with these clients by service, and the table's."""
    loaded: list[str] = []

    def load(function: str, **clients: Any) -> Any:
        given = {"dynamodb": dynamodb, **clients}
        monkeypatch.setattr("blueprints_shared.clients.client", lambda service, **_: given.get(service))
        module = import_anew(function)
        loaded.append(module.__name__)
        return module

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def context() -> SimpleNamespace:
    """What Lambda passes beside the event."""
    return SimpleNamespace(
        function_name="stock",
        function_version="1",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:stock:live",
        aws_request_id="11111111-2222-3333-4444-555555555555",
        get_remaining_time_in_millis=lambda: 180_000,
    )
