"""Starts, resets and stops the embedded AWS, and invokes functions in it.

The embedded AWS runs in a child process (`server`). The tools talk to it as any program talks to AWS, through boto3.
"""

import base64
import json
import os
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import boto3
import botocore.session
from botocore.config import Config

from blueprints.cached_models import CachedModels
from blueprints.errors import BlueprintError
from blueprints.local.base.process import (
    HOST,
    INITIALISE_PATH,
    LAYER_COPIES_PATH,
    RECENT_EVENTS_PATH,
    RESET_PATH,
    WITHOUT_EFFECT_PATH,
)
from blueprints.local.server_process import TIME_SCALE, ServerProcess

ACCOUNT = "000000000000"
REGION = "us-east-1"
# The base emulator checks the owner's signed URLs with it. Not secret: the account is on loopback only.
SECRET = "test"  # noqa: S105
_START_SECONDS = 60.0
_REPORT = re.compile(r"REPORT RequestId: \S+\tDuration: ([\d.]+) ms\t.*?Max Memory Used: (\d+) MB")
_JSON_REPORT = '"type": "platform.report"'


@dataclass(frozen=True)
class FunctionResponse:
    """The result of an invocation."""

    payload: Any
    """The function's answer, or the error as Lambda describes it."""
    failed: bool
    log: str
    """The last 4 KB of what Lambda logged, START to REPORT."""
    duration_ms: float | None
    memory_mb: int | None


_LOOK_SECONDS = 0.5
_FAILED = re.compile(r"^\S+ \S+ ERROR \[blueprints\.[\w.]+\] (.*)$", re.MULTILINE)


class Cloud:
    """A running embedded AWS. A context manager: leaving it leaves no process, no port and no folder."""

    def __init__(
        self,
        port: int = 0,
        time_scale: float = TIME_SCALE,
        sar_folder: Path | None = None,
        *,
        server: ServerProcess | None = None,
    ) -> None:
        """Start on a free port, or the given one, or wait for a process that is started already.

        The Serverless Application Repository keeps what is published in `sar_folder`; without, until the end. Raises
        BlueprintError when it can't start.
        """
        self._server = server or ServerProcess(port, time_scale, sar_folder)
        self.notes: tuple[str, ...] = ()
        """What differs from AWS on this machine, as lines for the user."""
        try:
            if not server:
                self._server.start()
            self._about = self._server.wait_until_listening()
            self.port = int(self._about["port"])
            self.notes = tuple(self._about["notes"])
            self._await_health()
        except BaseException:
            self.stop()
            raise

    @property
    def process_id(self) -> int:
        """The id of the process that runs the embedded AWS."""
        return self._server.process_id

    @property
    def endpoint(self) -> str:
        """The URL of every service."""
        return f"http://{HOST}:{self.port}"

    @property
    def tls_endpoint(self) -> str:
        """The URL of every service over TLS, for clients that trust `certificate_authority`."""
        return f"https://localhost:{self._about['tls_port']}"

    @property
    def certificate_authority(self) -> Path:
        """The file with the authority's certificate, made now if need be. Raises BlueprintError without."""
        path = Path(self._about["certificate_authority"])
        try:
            socket.create_connection((HOST, self._about["tls_port"])).close()  # the first connection makes it
        except OSError as error:
            raise BlueprintError("The port with TLS is closed.", advice=self._server.last_words()) from error
        deadline = time.monotonic() + _START_SECONDS
        while not path.is_file():
            if time.monotonic() > deadline or self._server.wait(0.02) is not None:
                raise BlueprintError(
                    "The embedded AWS has not created its certificate.", advice=self._server.last_words()
                )
        return path

    def environment(self) -> dict[str, str]:
        """The environment variables that make the AWS CLI, the SDKs and SAM use this AWS."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",  # there is no sync-127.0.0.1
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": "",  # a token from the user's own environment would make signed URLs invalid
            "AWS_REGION": REGION,  # most SDKs
            "AWS_DEFAULT_REGION": REGION,  # boto3, and the AWS CLI
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the account's owner, untouched by the user's own AWS settings."""
        return owner_client(self.endpoint, service)

    def invoke(self, function: str, event: object) -> FunctionResponse:
        """Invoke a function by name or ARN and wait for its answer."""
        response = self.client("lambda").invoke(
            FunctionName=function, LogType="Tail", Payload=json.dumps(event).encode()
        )
        log = base64.b64decode(response.get("LogResult", "")).decode(errors="replace")
        duration_ms, memory_mb = _measured(log)
        return FunctionResponse(
            payload=json.loads(response["Payload"].read() or b"null"),
            failed="FunctionError" in response,
            log=log,
            duration_ms=duration_ms,
            memory_mb=memory_mb,
        )

    def initialise(self, function_arn: str) -> dict[str, Any]:
        """Start an environment of a function and keep it warm: `milliseconds`, or `error` and `log`."""
        query = urllib.parse.urlencode({"function": function_arn})
        answer: dict[str, Any] = json.loads(self._get(f"{INITIALISE_PATH}?{query}", timeout=900.0))
        return answer

    def recent_events(self, function_arn: str) -> list[Any]:
        """The last events, at most ten, that a function, version or alias has handled without an error."""
        query = urllib.parse.urlencode({"function": function_arn})
        listed: list[Any] = json.loads(self._get(f"{RECENT_EVENTS_PATH}?{query}", timeout=60.0))
        return listed

    def provide_layer(self, arn: str, content: bytes) -> None:
        """Serve a zip file as the layer version `arn`, which is in another account. `*` matches any part of the ARN.

        `ssm:NAME` is the layer whose ARN is in the public parameter NAME of Systems Manager.
        """
        url = f"{self.endpoint}{LAYER_COPIES_PATH}?{urllib.parse.urlencode({'arn': arn})}"
        request = urllib.request.Request(url, data=content, method="PUT")  # noqa: S310
        _opener().open(request, timeout=60).close()

    def without_effect(self, stack: str) -> list[dict[str, str]]:
        """Properties of a stack that change nothing here: `resource`, `type`, `property`, `consequence`."""
        query = urllib.parse.urlencode({"stack": stack})
        listed: list[dict[str, str]] = json.loads(self._get(f"{WITHOUT_EFFECT_PATH}?{query}", timeout=60.0))
        return listed

    def reset(self) -> None:
        """Empty the account: every resource of every service is gone. Raises BlueprintError if a service fails."""
        request = urllib.request.Request(f"{self.endpoint}{RESET_PATH}", method="POST")  # noqa: S310
        try:
            _opener().open(request, timeout=60).close()
        except urllib.error.HTTPError as error:
            raise BlueprintError(
                f"The embedded AWS is not empty. {error.read().decode(errors='replace')}",
                advice=f"Its last words:\n{self._server.last_words()}",
            ) from error

    def stop(self) -> None:
        """End the process and all it started, and remove its folder. Stopping twice does no harm."""
        self._server.stop()

    def stay(self, tell: Callable[[str], None] | None = None) -> NoReturn:
        """Wait for as long as the process runs; raises BlueprintError when it ends by itself.

        `tell` gets a line for each invocation or delivery that fails meanwhile.
        """
        seen = self._server.log_size()
        while (status := self._server.wait(_LOOK_SECONDS)) is None:
            lines, newline, _ = self._server.log_after(seen).rpartition(b"\n")
            seen += len(lines) + len(newline)
            for line in _FAILED.findall(lines.decode(errors="replace")):
                if tell:
                    tell(line)
        raise BlueprintError(
            f"The embedded AWS stopped unexpectedly (exit status {status}), and its contents are lost. Start it again.",
            advice=f"Its last output:\n{self._server.last_words()}",
        )

    def server_log(self) -> str:
        """The log of the process: failed deliveries, and errors of its own."""
        return self._server.log_after(0).decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await_health(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._get("/_ministack/health", timeout=_START_SECONDS)
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                if time.monotonic() > deadline or self._server.wait(0.02) is not None:
                    last_words = self._server.last_words()
                    raise BlueprintError("The embedded AWS does not answer.", advice=last_words) from error
            else:
                return

    def _get(self, path: str, timeout: float) -> bytes:
        with _opener().open(self.endpoint + path, timeout=timeout) as response:
            body: bytes = response.read()
        return body


def warm_up() -> None:
    """Read what the clients of a deployment need, while the embedded AWS starts: later ones are made quickly."""
    for service in ("s3", "cloudformation", "lambda"):
        owner_client(f"http://{HOST}", service)


def owner_client(endpoint: str, service: str, region: str | None = None) -> Any:
    """A boto3 client of the account's owner in the embedded AWS that answers at `endpoint`."""
    settings = Config(connect_timeout=5, read_timeout=900, retries={"total_max_attempts": 3}, inject_host_prefix=False)
    return _owner_session().client(service, region_name=region, endpoint_url=endpoint, config=settings)


@cache
def _owner_session() -> "boto3.Session":
    """A session that ignores the user's own AWS settings, such as profile, endpoint and Region."""
    _reach_loopback_directly()
    blind = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = botocore.session.Session(blind)
    session.register_component("data_loader", CachedModels())
    return boto3.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key=SECRET, region_name=REGION, botocore_session=session
    )


def _reach_loopback_directly() -> None:
    """Exclude loopback from proxies: botocore reads them from the environment only."""
    for variable in ("NO_PROXY", "no_proxy"):
        os.environ[variable] = ",".join(filter(None, [os.environ.get(variable), HOST]))


def _opener() -> urllib.request.OpenerDirector:
    """An opener without proxies, which ignores those of the environment."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _measured(log: str) -> tuple[float | None, int | None]:
    """The duration in milliseconds and the memory in MB, by the report of a log in text or JSON."""
    text = _REPORT.search(log)
    if text:
        return float(text[1]), int(text[2])
    for line in reversed(log.splitlines()):
        if _JSON_REPORT in line:
            metrics = json.loads(line)["record"]["metrics"]
            return metrics["durationMs"], metrics["maxMemoryUsedMB"]
    return None, None
