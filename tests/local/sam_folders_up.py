"""Deploys the SAM folders of these tests and sends them HTTP requests."""

import json
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import urllib3

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import EmbeddedStack
from blueprints.pattern import find
from blueprints.progress import Progress

FOLDERS = Path(__file__).parent / "sam_folders"
_HTTP = urllib3.PoolManager()


@dataclass(frozen=True)
class Response:
    """What an HTTP request was answered with."""

    status: int
    body: Any
    headers: dict[str, str]


def bring_folder_up(cloud: Cloud, folder: str | Path, parameters: dict[str, str] | None = None) -> EmbeddedStack:
    """Checks, packages and deploys a folder under a name of its own."""
    pattern = find(FOLDERS / folder)
    alone = replace(pattern, name=f"{pattern.name}-{uuid.uuid4().hex[:8]}")
    return bring_up(cloud, prepare(alone, Progress(), parameters), Progress())


def request(method: str, url: str, **more: Any) -> Response:
    """An HTTP request, without the signature that AWS clients make."""
    answer = _HTTP.request(method, url, retries=False, timeout=30, **more)
    try:
        body = json.loads(answer.data)
    except ValueError:
        body = answer.data.decode()
    return Response(answer.status, body, {name.lower(): value for name, value in answer.headers.items()})


def get(url: str, **more: Any) -> Response:
    """A GET."""
    return request("GET", url, **more)
