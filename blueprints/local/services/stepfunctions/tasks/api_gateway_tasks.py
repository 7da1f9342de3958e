"""The optimized integration `apigateway:invoke`: a request to an API of API Gateway.

Source: AWS Step Functions Developer Guide, "Create API Gateway REST APIs with Step Functions".
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

from blueprints.local.base.clients import Caller
from blueprints.local.base.urls import with_local_urls
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
_REQUIRED = ("ApiEndpoint", "Method")
_HOST = re.compile(r"[a-z0-9]+\.execute-api\.[\w.:-]+")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
_SECONDS = 30


@dataclass(frozen=True)
class ApiRequest:
    """A request, from the arguments of a state."""

    host: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    is_signed: bool


def request_of(arguments: Any) -> ApiRequest:
    """The request of a state. Raises UnusableArguments."""
    if not isinstance(arguments, Mapping):
        raise UnusableArguments(["The parameters must be a JSON object"])
    faults = [f'The field "{each}" is not supported by Step Functions' for each in arguments if each not in _FIELDS]
    faults += [f'The field "{each}" is required but was missing' for each in _REQUIRED if each not in arguments]
    if not faults and arguments["Method"] not in _METHODS:
        faults.append(f"The value for the field 'Method' must be one of {', '.join(_METHODS)}")
    if not faults and not _HOST.fullmatch(str(arguments["ApiEndpoint"])):
        faults.append("The value for the field 'ApiEndpoint' must be the host of an API of API Gateway")
    if faults:
        raise UnusableArguments(faults)
    body, headers = arguments.get("RequestBody"), _headers(arguments.get("Headers") or {})
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    stage, path = arguments.get("Stage"), str(arguments.get("Path") or "")
    parts = [part.strip("/") for part in (stage, path) if part]
    return ApiRequest(
        host=str(arguments["ApiEndpoint"]),
        method=str(arguments["Method"]),
        path="/".join(parts),
        query=urlencode(arguments.get("QueryParameters") or {}, doseq=True),
        headers=headers,
        body=None if body is None else (body if isinstance(body, str) else dump(body)).encode(),
        is_signed=arguments.get("AuthType") == "IAM_ROLE",
    )


def call_api(caller: Caller, request: ApiRequest) -> dict[str, Any]:
    """Send a request and return its response; blocks. Raises StateFailed, also for a status of 400 and above."""
    url = with_local_urls(f"https://{request.host}/", caller.endpoint) + request.path
    sent = AWSRequest(
        method=request.method,
        url=f"{url}?{request.query}" if request.query else url,
        data=request.body,
        headers=dict(request.headers),
    )
    if request.is_signed:
        credentials = Credentials(caller.access_key, caller.secret_key, caller.session_token)
        SigV4Auth(credentials, "execute-api", caller.region).add_auth(sent)
    try:
        response = URLLib3Session(timeout=_SECONDS).send(sent.prepare())
    except HTTPClientError as error:
        raise StateFailed("ApiGateway.SdkClientException", f"Unable to execute HTTP request: {error}") from None
    text = response.content.decode(errors="replace")
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        raise StateFailed(f"ApiGateway.{response.status_code}", text)
    return {
        "Headers": {name: [value] for name, value in response.headers.items()},
        "ResponseBody": _parsed(text),
        "StatusCode": response.status_code,
        "StatusText": HTTPStatus(response.status_code).phrase,
    }


def _headers(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
