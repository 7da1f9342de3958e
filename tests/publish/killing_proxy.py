"""Stands between a publisher's process and AWS, and kills the process once AWS has carried out its nth request."""

import http.client
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A process that is killed closes its connections as it stands: nothing to tell."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class KillingProxy:
    """A context manager; `aim` names the process and the request."""

    def __init__(self, endpoint):
        self._behind = urlsplit(endpoint).netloc
        self._lock = threading.Lock()
        self._left, self._process = None, None
        self.requests = 0
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"

    def aim(self, process, request):
        """Kill a process after a request, the first one being 0; None lets it live."""
        with self._lock:
            self._process, self._left, self.requests = process, request, 0

    def carried_out(self):
        """Called after each request, before its answer goes back."""
        with self._lock:
            if self._process is not None and self.requests == self._left:
                os.kill(self._process, signal.SIGKILL)
            self.requests += 1

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def forward(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
                behind = http.client.HTTPConnection(proxy._behind, timeout=60)
                try:
                    behind.request(self.command, self.path, body, headers)
                    answer = behind.getresponse()
                    content = answer.read()
                finally:
                    behind.close()
                proxy.carried_out()
                try:
                    self.answer(answer, content)
                except OSError:
                    self.close_connection = True  # who asked is no more

            def answer(self, answer, content):
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {*_HOP_BY_HOP, "content-length", "date", "server"}:
                        self.send_header(name, value)
                # What HeadObject says of an object is its length, not the answer's.
                length = answer.getheader("content-length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = forward

            def log_message(self, *_):
                """Say nothing."""

        return Handler
