"""The Lambda Runtime API, as one execution environment sees it.

Each execution environment talks to a server of its own on a free loopback port: AWS's runtime interface client
addresses the API by host and port alone, so the port is what tells the environments apart.
Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import json
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from blueprints.local.base.client_json import read_json

API_VERSION = "/2018-06-01"
# Lambda accepts 6 MB plus a little for the envelope; the figure is the one its error message names.
MAX_RESPONSE_BYTES = 6_291_556
_LONGEST_LINE = 65_536


@dataclass
class Invocation:
    """One event for a function, and its outcome."""

    request_id: str
    payload: bytes
    function_arn: str
    deadline_ms: int
    trace_id: str | None = None
    response: bytes | None = None
    error: dict[str, Any] | None = None
    fatal: bool = False
    """Whether the runtime client gives up after this outcome, so that its environment must not be used again."""
    finished: threading.Event = field(default_factory=threading.Event)

    def succeed(self, response: bytes) -> None:
        """Record the function's answer."""
        self.response = response
        self.finished.set()

    def fail(self, error_type: str, message: str, stack_trace: list[str] | None = None) -> None:
        """Record a failure the way Lambda reports it; the first outcome stands."""
        if not self.finished.is_set():
            self.error = {
                "errorMessage": message,
                "errorType": error_type,
                "requestId": self.request_id,
                "stackTrace": stack_trace or [],
            }
            self.finished.set()


class RuntimeApi:
    """Serves invocations to one runtime process, one at a time."""

    def __init__(self) -> None:
        self.initialised = threading.Event()
        self.init_error: dict[str, Any] | None = None
        self._pending: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._current: Invocation | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API wants them."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def submit(self, invocation: Invocation) -> None:
        """Hand an invocation to the runtime process."""
        self._pending.put(invocation)

    def close(self) -> None:
        """Stop serving without waiting for it; a runtime that still waits for work loses its connection."""
        self._pending.put(None)
        threading.Thread(target=self._shut_down, name="runtime-api-close", daemon=True).start()

    def _shut_down(self) -> None:
        self._server.shutdown()  # returns when serve_forever looks up next, up to half a second later
        self._server.server_close()

    def next_invocation(self) -> Invocation | None:
        """Wait for an invocation. A runtime's first call also reports that its initialisation succeeded."""
        self.initialised.set()
        self._current = self._pending.get()
        return self._current

    def report_init_error(self, error: dict[str, Any]) -> None:
        """Record that initialisation failed."""
        self.init_error = error
        self.initialised.set()

    def respond(self, request_id: str, body: bytes) -> tuple[int, bytes]:
        """Record the function's response; one that is too large is refused and becomes the invocation's error."""
        invocation = self._matching(request_id)
        if invocation is None:
            return 400, _error_body("InvalidRequestID", f"no invocation {request_id} is under way")
        if len(body) > MAX_RESPONSE_BYTES:
            message = f"Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE_BYTES} bytes)."
            invocation.fatal = True  # awslambdaric exits when its response is refused
            invocation.fail("Function.ResponseSizeTooLarge", message)
            return 413, _error_body("RequestEntityTooLarge", message)
        invocation.succeed(body)
        return 202, b'{"status":"OK"}'

    def report_error(self, request_id: str, error: dict[str, Any]) -> tuple[int, bytes]:
        """Record the exception that the handler raised, as the runtime describes it."""
        invocation = self._matching(request_id)
        if invocation is None:
            return 400, _error_body("InvalidRequestID", f"no invocation {request_id} is under way")
        invocation.fail(
            str(error.get("errorType") or "Runtime.Unknown"),
            str(error.get("errorMessage") or ""),
            error.get("stackTrace"),
        )
        return 202, b'{"status":"OK"}'

    def _matching(self, request_id: str) -> Invocation | None:
        current = self._current
        return current if current is not None and current.request_id == request_id else None

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        return type("RuntimeApiRequest", (_RuntimeApiRequest,), {"api": self})


class _RuntimeApiRequest(BaseHTTPRequestHandler):
    """Translates between HTTP and RuntimeApi."""

    api: RuntimeApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one packet

    raw_requestline: bytes
    fields: dict[str, str]
    """The request's headers, by names in lower case."""

    def parse_request(self) -> bool:
        """Read the head of a request. The base class reads headers as those of a mail, in ten times the time."""
        try:
            self.command, self.path, self.request_version = self.raw_requestline.decode("latin-1").split()
        except ValueError:
            return False
        self.requestline = f"{self.command} {self.path}"
        self.fields = {}
        while (line := self.rfile.readline(_LONGEST_LINE)).strip():
            name, _, value = line.decode("latin-1").partition(":")
            self.fields[name.strip().lower()] = value.strip()
        self.close_connection = self.fields.get("connection", "").lower() == "close"
        return self.fields.get("expect", "").lower() != "100-continue" or self.handle_expect_100()

    def do_GET(self) -> None:
        if self.path != f"{API_VERSION}/runtime/invocation/next":
            self._answer(404, _error_body("NotFound", self.path))
            return
        invocation = self.api.next_invocation()
        if invocation is None:
            self.close_connection = True
            return
        self._answer(200, invocation.payload, _invocation_headers(invocation))

    def do_POST(self) -> None:
        body = self._body()
        route = self._route()
        if route is None:
            self._answer(404, _error_body("NotFound", self.path))
        else:
            self._answer(*route(body))

    def _route(self) -> Callable[[bytes], tuple[int, bytes]] | None:
        parts = self.path.removeprefix(f"{API_VERSION}/runtime/").split("/")
        match parts:
            case ["init", "error"]:
                return self._init_error
            case ["invocation", request_id, "response"]:
                return lambda body: self.api.respond(request_id, body)
            case ["invocation", request_id, "error"]:
                return lambda body: self.api.report_error(request_id, _parsed(body))
            case _:
                return None

    def _init_error(self, body: bytes) -> tuple[int, bytes]:
        self.api.report_init_error(_parsed(body))
        return 202, b'{"status":"OK"}'

    def _body(self) -> bytes:
        if self.fields.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked_body()
        return self.rfile.read(int(self.fields.get("content-length") or 0))

    def _chunked_body(self) -> bytes:
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            # A killed environment drops its connection in the middle of a request; its invocation reports the kill.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Log nothing: the log is for the function's output."""


def _invocation_headers(invocation: Invocation) -> dict[str, str]:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
    }
    if invocation.trace_id:
        headers["Lambda-Runtime-Trace-Id"] = invocation.trace_id
    return headers


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        parsed = read_json(body)
    except ValueError:
        parsed = None
    return (
        parsed
        if isinstance(parsed, dict)
        else {"errorMessage": body.decode(errors="replace"), "errorType": "Runtime.Unknown"}
    )


def _error_body(error_type: str, message: str) -> bytes:
    return json.dumps({"errorMessage": message, "errorType": error_type}).encode()
