"""Fixes requests about functions whose names begin with `url`, which the base emulator mistakes for function URLs."""

from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.internals import Internal

HANDLE = Internal("services.lambda_svc", "handle_request", ("method", "path", "headers", "body", "query_params"))
FUNCTION_ARN = Internal("services.lambda_svc", "_func_arn", ("name",))

_FUNCTIONS, _MISTAKEN = "/functions/", "url"

_Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Replace such names in requests by ARNs, which Lambda accepts wherever it accepts a name."""
    handle: Callable[..., Awaitable[_Response]] = HANDLE.current()

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> _Response:
        return await handle(method, by_arn(path), headers, body, query_params)

    HANDLE.replace(handle_request)


def by_arn(path: str) -> str:
    """The path with an ARN in place of a function's name that begins with `url`; other paths unchanged."""
    before, found, after = path.partition(_FUNCTIONS)
    name, slash, rest = after.partition("/")
    if not found or not name.startswith(_MISTAKEN):
        return path
    return f"{before}{found}{FUNCTION_ARN.current()(name)}{slash}{rest}"
