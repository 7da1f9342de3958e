"""Serves the web page of a pattern, its folder `web/`, to a browser on this machine.

Beside the files of the folder there is `config.json`, from which the page learns about the stack:

    {"outputs": {"GraphQLUrl": "…"}, "region": "eu-west-1", "endpoint": "http://localhost:4566", …}

`endpoint` is where an embedded AWS answers, and null for the AWS cloud. A `page(stack)` in the pattern's `demo.py` adds
members: a context manager that makes what only the page needs, such as users, yields a dict, and removes it at the end.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

from blueprints.demo import DemoStack, demo_module
from blueprints.errors import BlueprintError, at
from blueprints.pattern import Pattern
from blueprints.stacks.calls import advice_on

# The page loads nothing from elsewhere; it may connect to any API.
_SECURITY_POLICY = "default-src 'self'; img-src 'self' data:; connect-src http: https: ws: wss:; frame-ancestors 'none'"


def folder_of(pattern: Pattern) -> Path:
    """The folder of a pattern's page. Raises BlueprintError if it has none."""
    folder = pattern.folder / "web"
    if not (folder / "index.html").is_file():
        raise BlueprintError(
            f"{pattern.name} has no web page, so there is nothing to open.",
            where=at(pattern.folder),
            advice="Leave out --open. A page is a folder web/ with an index.html.",
        )
    return folder


@contextmanager
def served(pattern: Pattern, stack: DemoStack, region: str, endpoint: str | None) -> Iterator[str]:
    """Serve the page of a deployed pattern until the `with` ends; yields its URL, which only this machine reaches."""
    folder = folder_of(pattern)
    page = getattr(demo_module(pattern), "page", None)
    with _explaining_failures(pattern), page(stack) if page else nullcontext({}) as more:
        config = {"outputs": stack.outputs, "region": region, "endpoint": endpoint, **more}
        server = _Server(("127.0.0.1", 0), partial(_Handler, directory=str(folder), config=config))
        thread = threading.Thread(target=server.serve_forever, name="web-page", daemon=True)
        thread.start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@contextmanager
def _explaining_failures(pattern: Pattern) -> Iterator[None]:
    """Turn what the pattern's `page` raises, such as a refusal of AWS, into a BlueprintError."""
    try:
        yield
    except BlueprintError:
        raise
    except Exception as error:
        where = at(pattern.folder / "demo.py")
        raise BlueprintError(f"The page cannot be shown: {error}", where=where, advice=advice_on(error)) from error


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about a browser that closed its connection."""


class _Handler(SimpleHTTPRequestHandler):
    """Answers with the files of one folder and `config.json`."""

    extensions_map = {  # noqa: RUF012 - as the base class has it; what the system knows about suffixes differs
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
    }

    def __init__(self, *arguments: Any, directory: str, config: Mapping[str, Any]) -> None:
        self._config = config
        super().__init__(*arguments, directory=directory)

    def do_GET(self) -> None:
        """Answer a request; one under another host name comes from a page of somebody else's."""
        port = cast("tuple[str, int]", self.server.server_address)[1]
        if self.headers.get("Host") not in (f"localhost:{port}", f"127.0.0.1:{port}"):
            self.send_error(403, "This page is for browsers on this machine.")
        elif self.path.partition("?")[0] == "/config.json":
            body = json.dumps(self._config).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def list_directory(self, path: Any) -> None:
        """Show no listings."""
        self.send_error(404, f"There is no page {Path(path).name}.")

    def end_headers(self) -> None:
        """Add the headers of every answer."""
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", _SECURITY_POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_: Any) -> None:
        """Log nothing: standard error is for errors."""


def open_in_browser(url: str, tell: Callable[[str], None]) -> None:
    """Open the page in the user's browser, or say that there is none to open it in."""
    import webbrowser

    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if not opened:
        tell(f"No browser was found. Open {url} yourself.")
