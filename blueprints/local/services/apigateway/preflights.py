"""OPTIONS requests of HTTP APIs without a CORS configuration: AWS routes them as any other method.

The base emulator answers every OPTIONS request itself. So a space is added to the method to get past that answer, and
removed where the method is read.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.internals import Internal

EXECUTE = Internal(
    "services.apigateway", "_handle_execute_in_scope",
    ("api_id", "stage", "path", "method", "headers", "body", "query_params", "owner_account_id", "owner_region",
     "raw_query_string"),
)  # fmt: skip
MATCH = Internal("services.apigateway", "_match_route", ("api_id", "method", "path"))
TO_LAMBDA = Internal("services.apigateway", "_invoke_lambda_proxy")
TO_HTTP = Internal(
    "services.apigateway", "_invoke_http_proxy",
    ("integration", "path", "method", "headers", "body", "query_params"),
)  # fmt: skip
APIS = Internal("services.apigateway", "_apis")

_OPTIONS, _ROUTED = "OPTIONS", "OPTIONS "


def install() -> None:
    """Wrap the functions that read the method; install this after `lambda_integrations`."""
    execute, match = EXECUTE.current(), MATCH.current()

    async def executed(api_id: str, stage: str, path: str, method: str, *rest: Any, **more: Any) -> Any:
        api = APIS.current().get(api_id) or {}
        routed = method == _OPTIONS and not api.get("corsConfiguration")
        return await execute(api_id, stage, path, _ROUTED if routed else method, *rest, **more)

    def matched(api_id: str, method: str, path: str) -> Any:
        return match(api_id, method.strip(), path)

    EXECUTE.replace(executed)
    MATCH.replace(matched)
    TO_LAMBDA.replace(_stripped(TO_LAMBDA.current(), place=4))
    TO_HTTP.replace(_stripped(TO_HTTP.current(), place=2))


def _stripped(original: Callable[..., Awaitable[Any]], place: int) -> Callable[..., Awaitable[Any]]:
    async def invoke(*given: Any, **more: Any) -> Any:
        arguments = list(given)
        arguments[place] = str(arguments[place]).strip()
        return await original(*arguments, **more)

    return invoke
