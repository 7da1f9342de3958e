"""A trace that functions send to the tests over the network, as they share no files."""

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

# To be put in front of a handler: `leave(text)` appends to the trace at the URL in the variable TRACE, and
# `wait_for_release()` returns once the test has called `release()`.
LEAVE = """
import os, time, urllib.request
def _request(data):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(os.environ["TRACE"], data=data, timeout=10) as answer:
        return answer.read()
def leave(text):
    _request(text.encode())
def wait_for_release():
    while not _request(None):
        time.sleep(0.02)
"""


class Trace:
    """What functions have left so far."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._parts: list[str] = []
        self.released = b""

    def add(self, text: str) -> None:
        self._parts.append(text)

    def release(self) -> None:
        """Let functions go on that wait for it."""
        self.released = b"released"

    def read(self) -> str:
        return "".join(self._parts)

    def read_all(self) -> str:
        """Read after everything that was sent before has arrived: requests are answered one after the other."""
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(self.url, timeout=10).close()
        return self.read()


@contextmanager
def tracing() -> Iterator[Trace]:
    """Serves a trace at a URL of its own."""

    class Request(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            trace.add(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(trace.released)))
            self.end_headers()
            self.wfile.write(trace.released)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            pass

    class Server(HTTPServer):
        request_queue_size = 64  # functions that leave something at the same moment

    server = Server(("127.0.0.1", 0), Request)
    trace = Trace(f"http://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield trace
    finally:
        server.shutdown()
        server.server_close()
