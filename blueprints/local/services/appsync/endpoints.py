"""Which API a request is for: by its path, `/v1/apis/ID/graphql`, or by the host name of the API."""

import re
from typing import NamedTuple

from blueprints.local.base.extension import Scope

_PATH = re.compile(r"(?P<endpoint>/v1/apis/(?P<id>[^/]+)/graphql)(?P<realtime>/realtime)?")
_HOST = re.compile(r"(?P<id>[a-z0-9]+)\.appsync(?:-realtime)?-api\.[a-z0-9.-]+(?::\d+)?", re.IGNORECASE)
_PATH_OF_HOST = re.compile(r"(?P<endpoint>/graphql)(?P<realtime>/realtime)?")


class Target(NamedTuple):
    """What a request is for."""

    api_id: str
    endpoint: str
    """The path of the GraphQL endpoint, without `/realtime`."""
    realtime: bool
    """Whether the path ends with `/realtime`, which takes WebSockets alone."""


def target_of(scope: Scope) -> Target | None:
    """The API and the endpoint that a request or a WebSocket is for; None if they are not AppSync's."""
    path = str(scope["path"])
    if by_path := _PATH.fullmatch(path):
        return Target(by_path["id"], by_path["endpoint"], by_path["realtime"] is not None)
    by_host = _PATH_OF_HOST.fullmatch(path)
    if by_host and (host := _HOST.fullmatch(_host_of(scope))):
        return Target(host["id"].lower(), by_host["endpoint"], by_host["realtime"] is not None)
    return None


def _host_of(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"host"), "")
