"""Puts the folders of jobs and handlers on the path; gives one Spark session, and an S3 mocked by moto."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PATTERN = Path(__file__).parent.parent
sys.path[:0] = [str(PATTERN / "tests"), str(PATTERN), str(PATTERN / "src" / "jobs")]

from local_spark import NoSpark, curate_orders, local_spark  # noqa: E402 - the path comes first
from template_facts import code_folder, handler_of, import_anew, variables_by_default  # noqa: E402

FOLDERS = (code_folder(), code_folder() / "jobs", PATTERN / "tests", PATTERN)
sys.path.insert(0, str(FOLDERS[0]))
handler_of("PlanRun")  # says in one line when the function has another name

ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "lake",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "LAKE_BUCKET": "lake",
    "LAKE_DATABASE": "lake",
    "DATABASE_CLUSTER_ARN": "arn:aws:rds:eu-west-1:123456789012:cluster:lake",
    "SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:lake",
}


@pytest.fixture(scope="session")
def job() -> ModuleType:
    """The module `curate_orders`, which needs pyspark."""
    try:
        return curate_orders()
    except NoSpark as error:
        pytest.skip(f"Spark does not run on this machine: {error}")


@pytest.fixture(scope="session")
def spark(job: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Spark session for all tests, with the Iceberg catalog `lake` in a folder."""
    session = local_spark(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """Return a function that reads a file of `events/` by its name without extension."""
    return lambda name: json.loads((PATTERN / "events" / f"{name}.json").read_text())


@cache
def one_session() -> Any:
    """One session for all tests, because each new one reads the models of AWS's services again."""
    import botocore.session

    return botocore.session.Session()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 client on moto, with the bucket `lake`."""
    import botocore.session
    from moto import mock_aws

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        monkeypatch.setattr(botocore.session, "get_session", one_session)
        client = one_session().create_client("s3")
        client.create_bucket(Bucket="lake", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield client


@pytest.fixture
def load(s3: Any) -> Callable[[str], ModuleType]:
    """Return a function that imports a handler's module again, which creates its settings and client."""
    return import_anew


@pytest.fixture
def context() -> SimpleNamespace:
    """The second argument that Lambda passes to a handler."""
    return SimpleNamespace(
        function_name="lake",
        function_version="1",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:lake:1",
        aws_request_id="00000000-0000-0000-0000-000000000000",
        get_remaining_time_in_millis=lambda: 60_000,
    )
