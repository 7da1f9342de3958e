"""Records the metrics of AWS/ApiGateway: requests, errors and latencies, by API and by stage.

Sources: Amazon API Gateway Developer Guide, "Amazon API Gateway dimensions and metrics" and "Monitor CloudWatch metrics
for HTTP APIs in API Gateway".
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Dimensions, Value, record

REST_EXECUTE = Internal(
    "services.apigateway_v1",
    "handle_execute",
    ("api_id", "stage_name", "method", "path", "headers", "body", "query_params"),
)
HTTP_EXECUTE = Internal(
    "services.apigateway",
    "handle_execute",
    ("api_id", "stage", "path", "method", "headers", "body", "query_params", "raw_query_string"),
)
AUTHORIZE = Internal(
    "app",
    "_enforce_execute_api",
    ("api_id", "stage", "method", "execute_path", "headers", "query_params", "iam_action"),
)
REST_SCOPE = Internal("services.apigateway_v1", "find_api_scope", ("api_id",))
HTTP_SCOPE = Internal("services.apigateway", "find_api_scope", ("api_id",))
REST_APIS = Internal("services.apigateway_v1", "_rest_apis")

_NAMESPACE = "AWS/ApiGateway"
_FIRST_CLIENT_ERROR, _FIRST_SERVER_ERROR = 400, 500

_Answer = tuple[int, Any, Any]
_Execute = Callable[..., Awaitable[_Answer]]


def install() -> None:
    """Record every request to a deployed API, also one whose caller is denied."""
    authorize = AUTHORIZE.current()

    def authorized(api_id: str, stage: str, *rest: Any, **more: Any) -> _Answer | None:
        denied: _Answer | None = authorize(api_id, stage, *rest, **more)
        if denied:
            _record(api_id, stage, denied, 0.0)
        return denied

    AUTHORIZE.replace(authorized)
    REST_EXECUTE.replace(_recording(REST_EXECUTE.current()))
    HTTP_EXECUTE.replace(_recording(HTTP_EXECUTE.current()))


def _recording(execute: _Execute) -> _Execute:
    async def executed(api_id: str, stage: str, *rest: Any, **more: Any) -> _Answer:
        begun = time.monotonic()
        try:
            answer = await execute(api_id, stage, *rest, **more)
        except Exception:
            _record(api_id, stage, (_FIRST_SERVER_ERROR, {}, b""), (time.monotonic() - begun) * 1000)
            raise
        _record(api_id, stage, answer, (time.monotonic() - begun) * 1000)
        return answer

    return executed


def _record(api_id: str, stage: str, answer: _Answer, milliseconds: float) -> None:
    status, _, body = answer
    is_client_error = _FIRST_CLIENT_ERROR <= status < _FIRST_SERVER_ERROR
    is_server_error = status >= _FIRST_SERVER_ERROR
    values: list[Value] = [("Count", 1.0, "Count"), ("Latency", milliseconds, "Milliseconds")]
    rest_scope = REST_SCOPE.current()(api_id)
    if rest_scope:
        values += [("4XXError", float(is_client_error), "Count"), ("5XXError", float(is_server_error), "Count")]
        name = (REST_APIS.current().get_scoped(*rest_scope, api_id) or {}).get("name")
        record(_NAMESPACE, _by_stage({"ApiName": _ascii(name) or api_id}, stage), values, rest_scope)
        return
    http_scope = HTTP_SCOPE.current()(api_id)
    if http_scope:
        values += [("4xx", float(is_client_error), "Count"), ("5xx", float(is_server_error), "Count")]
        values.append(("DataProcessed", float(len(body) if isinstance(body, bytes | str) else 0), "Bytes"))
        record(_NAMESPACE, _by_stage({"ApiId": api_id}, stage), values, http_scope)


def _by_stage(api: Dimensions, stage: str) -> list[Dimensions]:
    return [api, {**api, "Stage": stage}]


def _ascii(name: str | None) -> str:
    """The name without other characters than ASCII, which API Gateway removes."""
    return (name or "").encode("ascii", "ignore").decode()
