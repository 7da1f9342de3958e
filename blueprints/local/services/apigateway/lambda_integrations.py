"""API Gateway invokes a function only if the function's policy allows it, in the integration's payload format."""

import base64
import json
import logging
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import may_invoke

HTTP_INVOKE = Internal(
    "services.apigateway", "_invoke_lambda_proxy",
    ("integration", "api_id", "stage", "path", "method", "headers", "body", "query_params", "route_key", "path_params",
     "authorizer_claims", "authorizer_scopes", "authorizer_lambda_context", "authorizer_iam", "owner_account_id",
     "owner_region", "raw_query_string"),
)  # fmt: skip
_REST = (
    "integration", "api_id", "stage_name", "stage", "resource", "request_path", "method", "headers", "body",
    "query_params", "path_params", "owner_account_id", "owner_region", "binary_media_types", "authorizer_context",
    "caller_identity",
)  # fmt: skip
REST_PROXY = Internal("services.apigateway_v1", "_invoke_lambda_proxy_v1", _REST)
REST_CUSTOM = Internal("services.apigateway_v1", "_invoke_lambda_custom_v1", _REST)
REST_EVENT = Internal(
    "services.apigateway_v1", "_build_lambda_event_v1",
    ("api_id", "stage_name", "stage", "resource", "request_path", "method", "headers", "body", "query_params",
     "path_params", "binary_media_types", "authorizer_context", "caller_identity"),
)  # fmt: skip
FUNCTION_OF = Internal("services.apigateway", "_extract_lambda_ref_from_integration_uri", ("uri",))
CALL = Internal("services.apigateway_v1", "_call_lambda_raw", ("function_ref", "event", "account_id", "region"))
STAGE_VARIABLES = Internal("services.apigateway", "_get_stage_variables", ("api_id", "stage"))
REST_RESPONSE = Internal("services.apigateway_v1", "_lambda_proxy_response", ("result",))
SHAPE = Internal("services.lambda_svc", "lambda_execute_result_to_api_proxy_response", ("exec_result",))
IS_TEXT = Internal("services.apigateway", "_v2_request_body_is_text", ("content_type",))

_SERVICE = "apigateway.amazonaws.com"
_JSON = "application/json"

_FIELDS = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded", "cookies"}
_behind_api: ContextVar[bool] = ContextVar("behind_api", default=False)

log = logging.getLogger(__name__)

_Response = tuple[int, dict[str, Any], bytes]
_Invoke = Callable[..., Awaitable[_Response]]


def install() -> None:
    """Replace the base emulator's invocations."""
    HTTP_INVOKE.replace(_http(HTTP_INVOKE.current()))
    REST_PROXY.replace(_rest(REST_PROXY.current()))
    REST_CUSTOM.replace(_rest(REST_CUSTOM.current()))
    REST_RESPONSE.replace(_rest_response)
    SHAPE.replace(_strict(SHAPE.current()))


def _http(original: _Invoke) -> _Invoke:
    async def invoke(
        integration: dict[str, Any],
        api_id: str,
        stage: str,
        path: str,
        method: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, list[str]],
        route_key: str = "$default",
        path_params: dict[str, str] | None = None,
        **more: Any,
    ) -> _Response:
        account, region = str(more["owner_account_id"]), str(more["owner_region"])
        route_path = route_key.partition(" ")[2] or f"/{route_key}"
        source = f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage}/{method}{route_path}"
        function = FUNCTION_OF.current()(integration.get("integrationUri", ""))
        if not _permitted(integration.get("credentialsArn"), function, source, account):
            return 500, {"Content-Type": _JSON}, b'{"message":"Internal Server Error"}'
        if integration.get("payloadFormatVersion") != "1.0":
            token = _behind_api.set(True)
            try:
                return await original(
                    integration,
                    api_id,
                    stage,
                    path,
                    method,
                    headers,
                    body,
                    query_params,
                    route_key,
                    path_params,
                    **more,
                )
            finally:
                _behind_api.reset(token)
        event = _event_1_0(api_id, stage, route_key, path, method, headers, body, query_params, path_params, more)
        result, error = await CALL.current()(function, event, account_id=account, region=region)
        return _response_1_0(None if error else result)

    return invoke


def _rest(original: _Invoke) -> _Invoke:
    async def invoke(
        integration: dict[str, Any],
        api_id: str,
        stage_name: str,
        stage: dict[str, Any],
        resource: dict[str, Any],
        request_path: str,
        method: str,
        *rest: Any,
        **more: Any,
    ) -> _Response:
        account, region = str(more["owner_account_id"]), str(more["owner_region"])
        source = f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage_name}/{method}{resource['path']}"
        function = FUNCTION_OF.current()(integration.get("uri") or "")
        if not _permitted(integration.get("credentials"), function, source, account):
            return 500, {"Content-Type": _JSON}, b'{"message": "Internal server error"}'
        return await original(integration, api_id, stage_name, stage, resource, request_path, method, *rest, **more)

    return invoke


def _rest_response(result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
    """The response of a function behind a REST API; one with other fields than a proxy response has is malformed."""
    if result.get("throttle"):
        return {"statusCode": 429, "body": '{"message":"Too Many Requests"}'}, None
    answer = _answer(result)
    if not isinstance(answer, dict) or answer.keys() - _FIELDS or not _is_well_formed(answer):
        _log_malformed(result)
        return None, "Internal server error"
    return answer, None


def _strict(original: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of functions behind HTTP APIs and function URLs as AWS returns them, without details."""

    def shaped(exec_result: dict[str, Any]) -> tuple[dict[str, Any] | None, str | None]:
        answer = _answer(exec_result)
        malformed = isinstance(answer, dict) and "statusCode" in answer and not _is_well_formed(answer)
        if not exec_result.get("throttle") and (exec_result.get("error") or malformed):
            _log_malformed(exec_result)
            body = '{"message":"Internal Server Error"}'
            return {"statusCode": 500 if _behind_api.get() else 502, "body": body}, None
        found: tuple[dict[str, Any] | None, str | None] = original(exec_result)
        return found

    return shaped


def _log_malformed(result: dict[str, Any]) -> None:
    if not result.get("error"):  # the function's own errors are logged where it runs
        rule = "statusCode has to be a number, body a text, and a REST API takes no other fields than " + ", ".join(
            sorted(_FIELDS - {"cookies"})
        )
        log.error("an API cannot use the response of its function, %.200s: %s", json.dumps(result.get("body")), rule)


def _answer(result: dict[str, Any]) -> object:
    if result.get("error"):
        return None
    body = result.get("body")
    return _parsed(body) if isinstance(body, str | bytes) else body


def _is_well_formed(answer: dict[str, Any]) -> bool:
    status, body = answer.get("statusCode", 200), answer.get("body")
    return str(status).isdecimal() and (body is None or isinstance(body, str))


def _permitted(role: str | None, function: str, source: str, account: str) -> bool:
    """Whether the function's policy allows API Gateway to invoke it; an integration with a role needs no policy."""
    if role or not function.startswith("arn:") or may_invoke(function, _SERVICE, source, account):
        return True
    log.error("request not delivered: the policy of %s does not let %s invoke it for %s", function, _SERVICE, source)
    return False


def _event_1_0(
    api_id: str,
    stage: str,
    route_key: str,
    path: str,
    method: str,
    headers: dict[str, str],
    body: bytes,
    query_params: dict[str, list[str]],
    path_params: dict[str, str] | None,
    more: dict[str, Any],
) -> dict[str, Any]:
    """A request in payload format 1.0, which HTTP APIs share with REST APIs."""
    variables = {"variables": STAGE_VARIABLES.current()(api_id, stage)}
    resource = {"path": route_key.partition(" ")[2] or route_key, "id": route_key}
    text = IS_TEXT.current()(headers.get("content-type"))
    event: dict[str, Any] = REST_EVENT.current()(
        api_id, stage, variables, resource, path, method, headers, b"" if not text else body, query_params, path_params
    )
    if body and not text:
        event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    if stage == "$default":
        event["requestContext"]["path"] = path
    else:
        event["path"] = f"/{stage}{path}"
    if more.get("authorizer_claims") is not None:
        event["requestContext"]["authorizer"] = {
            "claims": more["authorizer_claims"],
            "scopes": more.get("authorizer_scopes"),
        }
    elif more.get("authorizer_lambda_context") is not None:
        event["requestContext"]["authorizer"] = more["authorizer_lambda_context"]
    elif more.get("authorizer_iam") is not None:
        event["requestContext"]["identity"].update(more["authorizer_iam"])
    return event


def _response_1_0(result: dict[str, Any] | None) -> _Response:
    """A function's response in format 1.0, where nothing is inferred: one without statusCode is an error."""
    answer = (result or {}).get("body")
    if isinstance(answer, str | bytes):
        answer = _parsed(answer)
    if result is None or result.get("error") or not isinstance(answer, dict) or "statusCode" not in answer:
        return 500, {"Content-Type": _JSON}, b'{"message":"Internal Server Error"}'
    headers: dict[str, Any] = {"content-type": _JSON}
    headers |= {name.lower(): str(value) for name, value in (answer.get("headers") or {}).items()}
    headers |= {name.lower(): list(values) for name, values in (answer.get("multiValueHeaders") or {}).items()}
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        return int(answer["statusCode"]), headers, base64.b64decode(body)
    return int(answer["statusCode"]), headers, str(body).encode()


def _parsed(text: str | bytes) -> object:
    try:
        return read_json(text)
    except ValueError:
        return None
