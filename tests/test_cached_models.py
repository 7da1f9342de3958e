"""Shortened copies of botocore's models say the same as botocore, and a damaged copy is made anew."""

import json

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader

from blueprints import cached_models
from blueprints.cached_models import CachedModels
from blueprints.packaging.service_models import without_documentation


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of its own; returns its folder of copies."""
    monkeypatch.setenv("BLUEPRINTS_CACHE", str(tmp_path))
    cached_models._folder.cache_clear()
    yield cached_models._folder()
    cached_models._folder.cache_clear()


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "waiters-2"])
def test_a_model_is_botocores_without_documentation(cache, kind):
    wanted = without_documentation(Loader().load_service_model("cloudformation", kind))

    made, kept = (CachedModels().load_service_model("cloudformation", kind) for _ in range(2))

    assert made == kept == wanted
    assert [each.name for each in cache.iterdir()] == [f"cloudformation.{kind}.json"]


@pytest.mark.parametrize("content", [b"", b'{"metadata": {', b"null", b"\xff"])
def test_a_damaged_copy_is_replaced(cache, content):
    place = cache / "sqs.service-2.json"
    place.write_bytes(content)

    model = CachedModels().load_service_model("sqs", "service-2")

    assert model["metadata"]["serviceId"] == "SQS"
    assert json.loads(place.read_bytes()) == model


def test_a_cache_that_cannot_be_written_to_is_done_without(cache):
    cache.rmdir()
    cache.write_bytes(b"a file where the folder was")

    assert CachedModels().load_service_model("sqs", "service-2")["metadata"]["serviceId"] == "SQS"


def test_an_unknown_service_is_an_error_and_leaves_no_copy(cache):
    with pytest.raises(UnknownServiceError):
        CachedModels().load_service_model("no-such-service", "service-2")

    assert not list(cache.iterdir())


def test_an_api_version_by_name_comes_from_botocore(cache):
    model = CachedModels().load_service_model("sqs", "service-2", "2012-11-05")

    assert model["documentation"]
    assert not list(cache.iterdir())
