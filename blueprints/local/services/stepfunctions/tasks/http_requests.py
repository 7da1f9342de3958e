"""Requests over HTTP, and their responses as Step Functions gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments
from blueprints.states_language import json_text


@dataclass(frozen=True)
class HttpResponse:
    """A response; a status of 400 and above is an error for the task."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_error(self) -> bool:
        """Whether the task fails."""
        return self.status >= HTTPStatus.BAD_REQUEST

    @property
    def result(self) -> dict[str, Any]:
        """The result of a task."""
        return {
            "Headers": {name: [value] for name, value in self.headers.items()},
            "ResponseBody": _parsed(self.text),
            "StatusCode": self.status,
            "StatusText": _phrase(self.status),
        }


def request(
    method: str, url: str, query: Mapping[str, Any], headers: Mapping[str, str], body: bytes | None
) -> AWSRequest:
    """A request that can be signed and sent; a list in the query is repeated."""
    encoded = urlencode(query, doseq=True)
    return AWSRequest(method=method, url=f"{url}?{encoded}" if encoded else url, data=body, headers=dict(headers))


def send(prepared: AWSRequest, seconds: float) -> HttpResponse:
    """Send a request without following redirects; blocks. Raises botocore's BotoCoreError if there is no response."""
    response = URLLib3Session(timeout=seconds).send(prepared.prepare())
    return HttpResponse(response.status_code, dict(response.headers), response.content.decode(errors="replace"))


def joined(headers: Any) -> dict[str, str]:
    """The headers of a state, whose values may be lists."""
    given = headers or {}
    return {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}


def with_content_type(headers: Mapping[str, str], content_type: str) -> dict[str, str]:
    """The headers, with a content type unless there is one."""
    has_one = any(name.lower() == "content-type" for name in headers)
    return dict(headers) if has_one else {**headers, "Content-Type": content_type}


def check(arguments: Any, fields: tuple[str, ...], required: tuple[str, ...], methods: tuple[str, ...]) -> None:
    """Raise UnusableArguments for arguments that are no request."""
    if not isinstance(arguments, Mapping):
        raise UnusableArguments(["The parameters must be a JSON object"])
    faults = [f'The field "{each}" is not supported by Step Functions' for each in arguments if each not in fields]
    faults += [f'The field "{each}" is required but was missing' for each in required if each not in arguments]
    if not faults and arguments["Method"] not in methods:
        faults.append(f"The value for the field 'Method' must be one of {', '.join(methods)}")
    if faults:
        raise UnusableArguments(faults)


def _parsed(text: str) -> Any:
    try:
        return json_text.read(text)
    except ValueError:
        return text


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
