"""REST APIs that call an action of another service, such as StartExecution, without a function between them.

Sources: Amazon API Gateway Developer Guide, "Set up an integration request", and its "Mapping template and access
logging variable reference" for `$util`.
"""

import asyncio
import base64
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_plus

from botocore.exceptions import HTTPClientError

from blueprints.local.base.internals import Internal
from blueprints.local.services.apigateway.lambda_integrations import REST_CUSTOM
from blueprints.local.services.apigateway.service_calls import call_action, model_of
from blueprints.local.services.iam import RoleNotAssumed

TARGET = Internal("services.apigateway_v1", "_parse_service_integration_uri", ("uri",))
RENDER = Internal(
    "services.apigateway_v1", "_render_request_template_v1", ("template", "body_str", "params_map", "context")
)
RESPOND = Internal(
    "services.apigateway_v1",
    "_service_integration_response",
    ("integration", "backend_status", "backend_text", "accept", "request_params", "context"),
)
UTIL = Internal("services.apigateway_v1", "_vtl_util", ("steps", "st"))
VALUE = Internal("services.apigateway_v1", "_vtl_value", ("expr", "st"))
ARGUMENTS = Internal("services.apigateway_v1", "_vtl_split_args", ("src",))
TEXT = Internal("services.apigateway_v1", "_vtl_str", ("value",))

_JSON = "application/json"
_ESCAPES = {'"': '\\"', "'": "\\'", "\\": "\\\\", "/": "\\/"}
_ESCAPES |= {"\b": "\\b", "\n": "\\n", "\t": "\\t", "\f": "\\f", "\r": "\\r"}
_FAILED = (500, {"Content-Type": _JSON}, b'{"message": "Internal server error"}')

log = logging.getLogger(__name__)

_Response = tuple[int, dict[str, Any], bytes]


def install(endpoint: str) -> None:
    """Call actions of services with a JSON protocol; every other integration stays as it is."""
    REST_CUSTOM.replace(_calling(endpoint, REST_CUSTOM.current()))
    UTIL.replace(_util(UTIL.current()))


def _calling(endpoint: str, otherwise: Callable[..., Awaitable[_Response]]) -> Callable[..., Awaitable[_Response]]:
    async def invoke(
        integration: dict[str, Any],
        api_id: str,
        stage_name: str,
        stage: dict[str, Any],
        resource: dict[str, Any],
        request_path: str,
        method: str,
        headers: dict[str, Any],
        body: bytes,
        query_params: dict[str, Any],
        path_params: dict[str, str] | None,
        **more: Any,
    ) -> _Response:
        _, service, verb, action = TARGET.current()(integration.get("uri", "")) or ("", "", "", "")
        if verb != "action" or model_of(service) is None:
            return await otherwise(
                integration,
                api_id,
                stage_name,
                stage,
                resource,
                request_path,
                method,
                headers,
                body,
                query_params,
                path_params,
                **more,
            )
        parameters = {
            **{name: _one(value) for name, value in headers.items()},
            **{name: _one(value) for name, value in (query_params or {}).items()},
            **(path_params or {}),
        }
        context = {"authorizer": more["authorizer_context"]} if more.get("authorizer_context") else {}
        sent = _request(integration, parameters, body.decode(errors="replace") if body else "{}", context)
        region = str(more["owner_region"])
        role = str(integration.get("credentials") or "")
        try:
            status, answer = await asyncio.to_thread(call_action, endpoint, role, region, service, action, sent)
        except (RoleNotAssumed, HTTPClientError) as error:
            log.error("an API cannot call %s:%s: %s", service, action, error)  # noqa: TRY400 - the cause is in it
            return _FAILED
        accept = _one(parameters.get("accept") or _JSON).split(",")[0].split(";")[0].strip().lower()
        answered: _Response = RESPOND.current()(integration, status, answer, accept, parameters, context)
        return answered

    return invoke


def _request(integration: dict[str, Any], parameters: dict[str, str], body: str, context: dict[str, Any]) -> str:
    """The body of the call: what the template for the request's content type makes of it, or the request's own body."""
    given = next((value for name, value in parameters.items() if name.lower() == "content-type"), _JSON)
    kind = given.split(";")[0].strip().lower()
    for name, template in (integration.get("requestTemplates") or {}).items():
        if name.split(";")[0].strip().lower() == kind:
            return str(RENDER.current()(template, body, parameters, context))
    return body


def _util(original: Callable[..., Any]) -> Callable[..., Any]:
    """The functions of `$util` that the base emulator lacks; the text that they return has `replaceAll`."""
    functions: dict[str, Callable[[str], Any]] = {
        "escapeJavaScript": escape_javascript,
        "urlDecode": unquote_plus,
        "base64Encode": lambda text: base64.b64encode(text.encode()).decode(),
        "base64Decode": lambda text: base64.b64decode(text).decode(errors="replace"),
        "parseJson": json.loads,
    }

    def call(steps: list[tuple[str, str | None]], st: dict[str, Any]) -> Any:
        name, source = steps[0] if steps else ("", None)
        if name not in functions or source is None:
            return original(steps, st)
        values = [VALUE.current()(each, st) for each in ARGUMENTS.current()(source)]
        found = functions[name](TEXT.current()(values[0]) if values else "")
        for step, given in steps[1:]:
            arguments = [VALUE.current()(each, st) for each in ARGUMENTS.current()(given or "")]
            if step == "replaceAll" and isinstance(found, str) and len(arguments) == 2:
                pattern, replacement = map(str, arguments)
                found = replacement.join(re.split(pattern, found))
        return found

    return call


def escape_javascript(text: str) -> str:
    """A text as the content of a JavaScript string. The escaped `'` in it is not valid in JSON."""
    return "".join(_ESCAPES.get(each) or (each if " " <= each <= "~" else _code_units(each)) for each in text)


def _code_units(character: str) -> str:
    encoded = character.encode("utf-16-be")
    return "".join(f"\\u{encoded[at]:02X}{encoded[at + 1]:02X}" for at in range(0, len(encoded), 2))


def _one(value: Any) -> str:
    return str(value[0] if isinstance(value, list | tuple) and value else value)
