"""A pattern to publish, a repository to publish to, and no waiting between attempts."""

import time
from types import SimpleNamespace

import botocore.endpoint
import pytest

from blueprints.stacks import calls
from tests.publish.folders import Folder
from tests.publish.world import World


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "greeting")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "sar")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    without = SimpleNamespace(sleep=lambda _: None, time=time.time)
    monkeypatch.setattr(botocore.endpoint, "time", without)
    monkeypatch.setattr(calls, "time", without)
