"""Requests that the base emulator's router answers wrongly.

Those are operations it lacks, what is not emulated, and GraphQL requests that are for no API: its own engine would
execute them without the checks of this one.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane import functions, schemas
from blueprints.local.services.appsync.control_plane.errors import JSON, Refused, answer_of

HANDLE = Internal("services.appsync", "handle_request", ("method", "path", "headers", "body", "query_params"))

_RESOLVERS_OF_FUNCTION = re.compile(r"/v1/apis/([^/]+)/functions/([^/]+)/resolvers")
_TYPE = re.compile(r"/v1/apis/[^/]+/types/[^/]+")
_NOT_EMULATED = ("/v1/domainnames", "/v1/mergedApis", "/v1/sourceApis", "/v1/datasources/introspections")
_NO_API = (
    404,
    {"Content-Type": "application/json", "x-amzn-ErrorType": "ResourceNotFoundException"},
    b'{"errors": [{"errorType": "ResourceNotFoundException", "message": "Unable to find the Api."}]}',
)


def install() -> None:
    """Answer them before the base emulator does."""
    HANDLE.replace(_handle(HANDLE.current()))


def _handle(handle: Callable[..., Any]) -> Callable[..., Any]:
    """The base emulator's router, with the operations it lacks."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        if path.endswith("/graphql"):
            return _NO_API
        found = _RESOLVERS_OF_FUNCTION.fullmatch(path)
        try:
            if found and method == "GET":
                return JSON.current()(200, functions.list_resolvers(found[1], unquote(found[2])))
            if method == "DELETE" and _TYPE.fullmatch(path):
                raise Refused(f"DeleteType {schemas.UNCHANGEABLE}")
            if path.startswith(_NOT_EMULATED) or path.endswith("/sourceApiAssociations"):
                raise Refused(f"{method} {path} is not emulated.")
        except Refused as refused:
            return answer_of(refused)
        return await handle(method, path, headers, body, query_params)

    return handle_request
