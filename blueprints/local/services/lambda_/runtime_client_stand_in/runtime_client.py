"""Stands in for the compiled `runtime_client` of awslambdaric, which AWS builds for Linux only.

Same four functions, over the standard library, so that functions run on macOS and on Pythons AWS has no wheel for.
It is copied into execution environments alone, and imports the standard library only.
"""

import http.client
import os

_INVOCATION = "/2018-06-01/runtime/invocation"


class _RuntimeApi:
    """One kept connection to the Runtime API."""

    user_agent = ""
    connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Send one request; returns the response and its body."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        headers = {"User-Agent": self.user_agent}
        if body is not None:
            headers["Content-Type"] = content_type
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return response, response.read()


_api = _RuntimeApi()


def initialize_client(user_agent: str) -> None:
    """Store the runtime's user agent."""
    _api.user_agent = user_agent


def next() -> tuple[bytes, dict[str, str]]:  # noqa: A001 - the compiled client's name
    """Wait for an invocation; returns its payload and its headers."""
    response, body = _api.request("GET", f"{_INVOCATION}/next")
    _expect(response, 200)
    return body, dict(response.getheaders())


def post_invocation_result(
    invoke_id: str,
    result: bytes,
    content_type: str,
    invocation_id: str | None = None,  # noqa: ARG001 - the compiled client's signature
) -> None:
    """Deliver the function's response."""
    response, _ = _api.request("POST", f"{_INVOCATION}/{invoke_id}/response", result, content_type)
    _expect(response, 202)


def post_error(
    invoke_id: str,
    error: str,
    xray_fault: str,  # noqa: ARG001 - the compiled client's signature
    invocation_id: str | None = None,  # noqa: ARG001 - the compiled client's signature
) -> None:
    """Deliver the function's exception, described as JSON."""
    response, _ = _api.request("POST", f"{_INVOCATION}/{invoke_id}/error", error.encode())
    _expect(response, 202)


def _expect(response: http.client.HTTPResponse, status: int) -> None:
    if response.status != status:
        raise RuntimeError(f"The Runtime API answered {response.status} {response.reason}")
