"""Puts the handlers' folder and this one on the path, and loads handlers on an S3 mocked by moto."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PATTERN = Path(__file__).parent.parent
sys.path[:0] = [str(PATTERN / "tests"), str(PATTERN)]

from template_facts import code_folder, handler_of, import_anew, variables_by_default  # noqa: E402 - the path comes first

FOLDERS = (code_folder(), PATTERN / "tests", PATTERN)
sys.path.insert(0, str(FOLDERS[0]))
handler_of("StoreBatch")  # says in one line when the function has another name

ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "stream",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "LAKE_BUCKET": "lake",
    "EVENT_SCHEMA": "",
    "REFUSE_DUPLICATE_NAMES": "false",
    "FUNCTION_ARN": "arn:aws:lambda:eu-west-1:123456789012:function:store-batch:2",
}


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """Return a function that reads a file of `events/` by its name without extension."""
    return lambda name: json.loads((PATTERN / "events" / f"{name}.json").read_text())


@cache
def one_session() -> Any:
    """One session for all tests, because each new one reads the models of AWS's services again."""
    import botocore.session

    return botocore.session.Session()


@pytest.fixture(scope="session")
def s3_client() -> Any:
    """An S3 client that moto answers; made once, since that takes longer than most tests."""
    import moto  # noqa: F401 - it has to be imported first, to add its handlers to the client

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return one_session().create_client("s3", region_name="eu-west-1", **keys)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, s3_client: Any) -> Iterator[Any]:
    """The S3 client, with the empty buckets `lake` and `failed`."""
    import botocore.session
    from moto import mock_aws

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        monkeypatch.setattr(botocore.session, "get_session", one_session)
        for bucket in ("lake", "failed"):
            s3_client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield s3_client


@pytest.fixture
def load(s3: Any) -> Callable[[str], ModuleType]:
    """Return a function that imports a handler's module again, which creates its settings and clients."""

    def imported(function: str) -> ModuleType:
        for module in {path.stem for folder in FOLDERS for path in folder.glob("*.py")} - {"conftest"}:
            sys.modules.pop(module, None)
        return import_anew(function)

    return imported


@pytest.fixture
def store_batch(load: Callable[[str], ModuleType]) -> ModuleType:
    """The handler's module."""
    return load("StoreBatch")


@pytest.fixture
def context() -> SimpleNamespace:
    """The second argument that Lambda passes to a handler."""
    return SimpleNamespace(
        function_name="store-batch",
        function_version="1",
        memory_limit_in_mb=1769,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:store-batch:live",
        aws_request_id="11111111-2222-3333-4444-555555555555",
        get_remaining_time_in_millis=lambda: 60_000,
    )
