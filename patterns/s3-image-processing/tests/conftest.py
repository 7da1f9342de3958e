"""Puts the handler's folder and this one on the path, and gives tests a handler on an S3 that moto emulates."""

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

from template_facts import code_folder, handler_of, import_anew, variables_by_default  # noqa: E402 - the path comes first

sys.path.insert(0, str(code_folder()))
RENDER_IMAGE, _ = handler_of("RenderImage")

ENVIRONMENT = {
    **variables_by_default(),
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "images",
    "POWERTOOLS_METRICS_NAMESPACE": "ServerlessBlueprints",
    "RENDITIONS_BUCKET": "renditions",
    "RENDITIONS": "thumbnail=20,medium=80,large=160",
    "OUTPUT_FORMAT": "png",
    "QUALITY": "80",
    "MAX_PIXELS": "1000000",
    "MAX_BYTES": "1000000",
    "KEEP_METADATA": "false",
    "SOURCE_BUCKET": "originals",
    "NEW_VERSION": "arn:aws:lambda:eu-west-1:123456789012:function:render-image:7",
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
    """Read a file of `events/` by its name without extension."""
    return lambda name: json.loads((PATTERN / "events" / f"{name}.json").read_text())


@pytest.fixture(scope="session")
def s3_client() -> Any:
    """An S3 client that moto answers; made once, since that takes longer than most tests."""
    import botocore.session
    import moto  # noqa: F401 - it has to be imported first, to add its handlers to the client

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return botocore.session.get_session().create_client("s3", region_name="eu-west-1", **keys)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, s3_client: Any) -> Iterator[Any]:
    """The S3 client, with two empty buckets, `originals` and `renditions`."""
    from moto import mock_aws

    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        for bucket in ("originals", "renditions"):
            s3_client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield s3_client


@pytest.fixture
def render_image(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The handler's module with this S3 client, imported again, since it reads its settings at import."""
    monkeypatch.setattr("blueprints_shared.clients.client", lambda *_, **__: s3)
    yield import_anew("RenderImage")
    sys.modules.pop(RENDER_IMAGE, None)


@pytest.fixture
def load_hook(s3: Any) -> Iterator[Callable[[str], ModuleType]]:
    """Import the module of a deployment hook, given by its logical id, again."""
    loaded: list[str] = []

    def load(function: str) -> ModuleType:
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
        function_name="render-image",
        function_version="1",
        memory_limit_in_mb=2048,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:render-image:live",
        aws_request_id="11111111-2222-3333-4444-555555555555",
        get_remaining_time_in_millis=lambda: 180_000,
    )
