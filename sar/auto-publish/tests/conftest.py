"""Puts the handlers' folder and this one on the path, and loads handlers with services in memory."""

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

from services_in_memory import TOPIC, Services  # noqa: E402 - the path comes first
from template_facts import code_folder, handler_of, import_anew, variables_by_default  # noqa: E402

sys.path.insert(0, str(code_folder()))
handler_of("ReportRun")  # fails in one line if the template has no such function

ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "publishing",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "TOPIC_ARN": TOPIC,
    "FUNCTION_ARN": "arn:aws:lambda:eu-west-1:123456789012:function:report-run:7",
    "PIPELINE": "publishing",
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
def sample() -> Callable[[str], dict[str, Any]]:
    """Return a function that reads a file of `events/` by its name without extension."""
    return lambda name: json.loads((PATTERN / "events" / f"{name}.json").read_text())


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Return a function that imports modules of `src/` again, which read their settings at import."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    own = {path.stem for path in code_folder().glob("*.py")}

    def forget() -> None:
        for name in own:
            sys.modules.pop(name, None)

    forget()
    yield importlib.import_module
    forget()


@pytest.fixture
def context() -> SimpleNamespace:
    """The second argument that Lambda passes to a handler."""
    return SimpleNamespace(
        function_name="report-run",
        function_version="1",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:report-run:live",
        aws_request_id="11111111-2222-3333-4444-555555555555",
        get_remaining_time_in_millis=lambda: 60_000,
    )


@pytest.fixture
def services() -> Services:
    """The services in memory, whose state the test sets."""
    return Services()


@pytest.fixture
def report_run(source: Callable[[str], ModuleType], services: Services) -> ModuleType:
    """The handler's module, with services in memory."""
    module = import_anew("ReportRun")
    module.clients = lambda _: services  # type: ignore[attr-defined]
    module.history = source("run_history").RunHistory(module.clients)  # type: ignore[attr-defined]
    return module
