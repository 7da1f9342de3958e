"""The optimized integration `apigateway:invoke`: a request to an API of API Gateway.

Source: AWS Step Functions Developer Guide, "Create API Gateway REST APIs with Step Functions".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from blueprints.local.base.clients import Caller
from blueprints.local.base.urls import with_local_urls
from blueprints.local.services.stepfunctions.tasks import http_requests
from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

_FIELDS = (
    "AllowNullValues",
    "ApiEndpoint",
    "AuthType",
    "Headers",
    "Method",
    "Path",
    "QueryParameters",
    "RequestBody",
    "Stage",
)
_HOST = re.compile(r"[a-z0-9]+\.execute-api\.[\w.:-]+")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_SECONDS = 30


@dataclass(frozen=True)
class ApiRequest:
    """A request, from the arguments of a state."""

    host: str
    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes | None
    is_signed: bool


def request_of(arguments: Any) -> ApiRequest:
    """The request of a state. Raises UnusableArguments."""
    http_requests.check(arguments, _FIELDS, ("ApiEndpoint", "Method"), _METHODS)
    if not _HOST.fullmatch(str(arguments["ApiEndpoint"])):
        raise UnusableArguments(["The value for the field 'ApiEndpoint' must be the host of an API of API Gateway"])
    body, headers = arguments.get("RequestBody"), http_requests.joined(arguments.get("Headers"))
    if body is not None:
        headers = http_requests.with_content_type(headers, "application/json")
    stage, path = arguments.get("Stage"), str(arguments.get("Path") or "")
    parts = [part.strip("/") for part in (stage, path) if part]
    return ApiRequest(
        host=str(arguments["ApiEndpoint"]),
        method=str(arguments["Method"]),
        path="/".join(parts),
        query=arguments.get("QueryParameters") or {},
        headers=headers,
        body=None if body is None else (body if isinstance(body, str) else dump(body)).encode(),
        is_signed=arguments.get("AuthType") == "IAM_ROLE",
    )


def call_api(caller: Caller, asked: ApiRequest) -> dict[str, Any]:
    """Send a request and return its response; blocks. Raises StateFailed, also for a status of 400 and above."""
    url = with_local_urls(f"https://{asked.host}/", caller.endpoint) + asked.path
    request = http_requests.request(asked.method, url, asked.query, asked.headers, asked.body)
    if asked.is_signed:
        credentials = Credentials(caller.access_key, caller.secret_key, caller.session_token)
        SigV4Auth(credentials, "execute-api", caller.region).add_auth(request)
    try:
        response = http_requests.send(request, _SECONDS)
    except BotoCoreError as error:
        raise StateFailed("ApiGateway.SdkClientException", f"Unable to execute HTTP request: {error}") from None
    if response.is_error:
        raise StateFailed(f"ApiGateway.{response.status}", response.text)
    return response.result
