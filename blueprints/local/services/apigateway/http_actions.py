"""HTTP APIs that call an action of another service: integrations with a subtype, such as StepFunctions-StartExecution.

Source: Amazon API Gateway Developer Guide, "Create AWS service integrations for HTTP APIs" and "Integration subtype
reference".
"""

import asyncio
import base64
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from botocore.exceptions import HTTPClientError

from blueprints.local.base.client_json import read_json
from blueprints.local.base.internals import Internal
from blueprints.local.services.apigateway.lambda_integrations import HTTP_INVOKE, STAGE_VARIABLES
from blueprints.local.services.apigateway.service_calls import call_action
from blueprints.local.services.iam import RoleNotAssumed

PROPERTIES = Internal("services.cloudformation.provisioners", "_apigw_v2_integration_props", ("props",))
INTEGRATIONS = Internal("services.apigateway", "_integrations")
CREATE = Internal("services.apigateway", "_create_integration", ("api_id", "data"))
UPDATE = Internal("services.apigateway", "_update_integration", ("api_id", "int_id", "data"))

_KEPT = ("integrationSubtype", "credentialsArn")
_JSON = "application/json"
_VALUE = re.compile(r"\$\{(?P<braced>[\w.\-]+)\}|\$(?P<bare>(?:request|context|stageVariables)\.[\w.\-]+)")
_FAILED = (500, {"Content-Type": _JSON}, b'{"message":"Internal Server Error"}')

log = logging.getLogger(__name__)

_Response = tuple[int, dict[str, Any], bytes]
_Parameters = dict[str, str]


def _lower_first(given: _Parameters) -> dict[str, Any]:
    return {name[:1].lower() + name[1:]: value for name, value in given.items()}


def _as_written(given: _Parameters) -> dict[str, Any]:
    return dict(given)


def _entry(given: _Parameters) -> dict[str, Any]:
    entry: dict[str, Any] = dict(given)
    if "Resources" in entry:
        entry["Resources"] = json.loads(entry["Resources"])
    return {"Entries": [entry]}


def _record(given: _Parameters) -> dict[str, Any]:
    return {**given, "Data": base64.b64encode(given.get("Data", "").encode()).decode()}


# By subtype: the service, and what makes the input of the action out of the integration's parameters.
_SUBTYPES: dict[str, tuple[str, Callable[[_Parameters], dict[str, Any]]]] = {
    "StepFunctions-StartExecution": ("states", _lower_first),
    "StepFunctions-StartSyncExecution": ("states", _lower_first),
    "StepFunctions-StopExecution": ("states", _lower_first),
    "SQS-SendMessage": ("sqs", _as_written),
    "EventBridge-PutEvents": ("events", _entry),
    "Kinesis-PutRecord": ("kinesis", _record),
}


def install(endpoint: str) -> None:
    """Keep the subtype and the role of integrations, which the base emulator drops, and call the actions."""
    properties, create, update = PROPERTIES.current(), CREATE.current(), UPDATE.current()
    PROPERTIES.replace(lambda props: {**properties(props), **_kept(_camel(props))})

    def create_with_subtype(api_id: str, data: dict[str, Any]) -> Any:
        answer = create(api_id, data)
        if answer[0] < 400:
            made = INTEGRATIONS.current()[api_id][json.loads(answer[2])["integrationId"]]
            made.update(_kept(data))
        return answer

    def update_with_subtype(api_id: str, int_id: str, data: dict[str, Any]) -> Any:
        answer = update(api_id, int_id, data)
        if answer[0] < 400:
            INTEGRATIONS.current()[api_id][int_id].update(_kept(data))
        return answer

    CREATE.replace(create_with_subtype)
    UPDATE.replace(update_with_subtype)
    HTTP_INVOKE.replace(_calling(endpoint, HTTP_INVOKE.current()))


def _camel(props: Mapping[str, Any]) -> dict[str, Any]:
    return {name[:1].lower() + name[1:]: value for name, value in props.items()}


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in _KEPT if data.get(name) is not None}


def _calling(endpoint: str, otherwise: Callable[..., Awaitable[_Response]]) -> Callable[..., Awaitable[_Response]]:
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
        subtype = str(integration.get("integrationSubtype") or "")
        if not subtype:
            return await otherwise(
                integration, api_id, stage, path, method, headers, body, query_params, route_key, path_params, **more
            )
        if subtype not in _SUBTYPES:
            log.error("an API cannot call %s: this subtype is not emulated", subtype)
            return _FAILED
        context = {"apiId": api_id, "stage": stage, "path": path, "httpMethod": method, "routeKey": route_key}
        seen = {
            "request": {"header": headers, "querystring": query_params, "path": path_params or {}},
            "context": {**context, "requestId": str(uuid.uuid4()), "accountId": str(more["owner_account_id"])},
            "stageVariables": STAGE_VARIABLES.current()(api_id, stage) or {},
        }
        text = body.decode(errors="replace")
        written = integration.get("requestParameters") or {}
        given = {name: _filled(str(value), seen, text) for name, value in written.items()}
        region = given.pop("Region", None) or str(more["owner_region"])
        service, prepare = _SUBTYPES[subtype]
        role = str(integration.get("credentialsArn") or "")
        sent = json.dumps(prepare(given))
        action = subtype.partition("-")[2]
        try:
            status, answer = await asyncio.to_thread(call_action, endpoint, role, region, service, action, sent)
        except (RoleNotAssumed, HTTPClientError) as error:
            log.error("an API cannot call %s: %s", subtype, error)  # noqa: TRY400 - the cause is in it
            return _FAILED
        return status, {"Content-Type": _JSON}, answer.encode()

    return invoke


def _filled(value: str, seen: Mapping[str, Any], body: str) -> str:
    """A parameter's value with the parts of the request that it names; a part that is missing is empty."""
    return _VALUE.sub(lambda found: _text(_part(found["braced"] or found["bare"], seen, body)), value)


def _part(name: str, seen: Mapping[str, Any], body: str) -> Any:
    if name == "request.body":
        return body
    part: Any = seen
    if name.startswith("request.body."):
        name = name.removeprefix("request.body.")
        try:
            part = read_json(body)
        except ValueError:
            return None
    for key in name.split("."):
        part = part.get(key) if isinstance(part, dict) else None
    return part[-1] if isinstance(part, list) and name.startswith("request.querystring.") else part


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
