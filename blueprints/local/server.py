"""The embedded AWS as a process: the base emulator, extended, on one loopback port.

Started by `cloud.Cloud` as `python -m blueprints.local.server FOLDER PORT TIME_SCALE`. It says on standard output, as
one line of JSON, at which port it answers or why it can't start; and it lives as long as its standard input is open, so
that a parent that is killed leaves nothing behind: no process, no port, no folder.
"""

import asyncio
import json
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol
from urllib.parse import parse_qs

from blueprints.local.base.deferred_imports import Deferral
from blueprints.local.base.internals import IncompatibleEmulator, Internal, verify
from blueprints.local.services.lambda_.unpacking import remove
from blueprints.quick_start import with_room, without_collecting

if TYPE_CHECKING:
    from blueprints.local.services.lambda_.executor import Executor

_Application = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Awaitable[None]]], Awaitable[None]]

INITIALISE_PATH = "/_blueprints/initialise"
RESET_PATH = "/_ministack/reset"
SAR_FOLDER = "BLUEPRINTS_SAR_FOLDER"
"""Environment variable: where the Serverless Application Repository keeps what outlives the process."""
HOST = "127.0.0.1"
_LARGE_LIBRARIES = frozenset({"boto3", "docker", "duckdb", "jsonata"})

log = logging.getLogger(__name__)


class Mount(Protocol):
    """A service of our own in front of the base emulator."""

    def takes(self, scope: dict[str, Any]) -> bool:
        """Whether a request is for this service."""

    async def answer(
        self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Awaitable[None]]
    ) -> None:
        """Answer a request that it takes."""

    def reset(self) -> None:
        """Empty the account of what this service holds."""


def configure(folder: Path, port: int) -> None:
    """Set what the base emulator reads from its environment when it is imported."""
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        AUTH="true",
        BIND_HOST=HOST,  # the default binds every interface
        MINISTACK_HOST=HOST,
        GATEWAY_PORT=str(port),
        IOT_MTLS_ENABLED="0",  # else 0.0.0.0:8883 is bound
        SFTP_ENABLED="0",
        TMPDIR=str(temporary),
        STATE_DIR=str(folder / "state"),
        S3_DATA_DIR=str(folder / "s3"),
        PERSIST_STATE="0",
        LOG_LEVEL=os.environ.get("BLUEPRINTS_LOG_LEVEL", "WARNING"),
        # Never a Docker daemon: what needs one is refused, not tried.
        DOCKER_HOST=f"unix://{folder}/no-docker.sock",
    )


def all_internals() -> tuple[Internal, ...]:
    """Every internal of the base emulator that the extensions take hold of."""
    from blueprints.local.services import apigateway, cloudformation, dynamodb, logs, s3
    from blueprints.local.services import eventbridge as events
    from blueprints.local.services.cloudformation import properties_without_effect, resource_types
    from blueprints.local.services.codebuild import builds
    from blueprints.local.services.codepipeline import pipeline_service, pipelines
    from blueprints.local.services.eventbridge import targets as event_targets
    from blueprints.local.services.iam import (
        identity_policies,
        requested_resources,
        resource_policies,
        service_roles,
        transport,
    )
    from blueprints.local.services.kinesis import record_distribution
    from blueprints.local.services.kinesis import retention as stream_retention
    from blueprints.local.services.lambda_ import (
        asynchronous,
        configuration,
        event_source_mappings,
        executor,
        foreign_layers,
        function_code,
        function_logs,
        function_paths,
        inline_code,
        payload_limits,
    )
    from blueprints.local.services.logs import subscriptions as log_delivery
    from blueprints.local.services.rds import clusters, data_api
    from blueprints.local.services.s3 import notifications as s3_delivery
    from blueprints.local.services.scheduler import schedules
    from blueprints.local.services.serverlessrepo import endpoint
    from blueprints.local.services.sns import subscriptions as sns_delivery

    return (
        *apigateway.INTERNALS,
        *asynchronous.INTERNALS,
        *builds.INTERNALS,
        *cloudformation.INTERNALS,
        *configuration.INTERNALS,
        *event_source_mappings.INTERNALS,
        *event_targets.INTERNALS,
        *events.INTERNALS,
        *executor.INTERNALS,
        *foreign_layers.INTERNALS,
        *function_code.INTERNALS,
        *function_logs.INTERNALS,
        *identity_policies.INTERNALS,
        *logs.INTERNALS,
        *function_paths.INTERNALS,
        *inline_code.INTERNALS,
        *payload_limits.INTERNALS,
        *pipeline_service.INTERNALS,
        *pipelines.INTERNALS,
        *clusters.INTERNALS,
        *data_api.INTERNALS,
        *dynamodb.INTERNALS,
        *record_distribution.INTERNALS,
        *resource_policies.INTERNALS,
        *requested_resources.INTERNALS,
        *properties_without_effect.INTERNALS,
        *resource_types.INTERNALS,
        *s3.INTERNALS,
        *s3_delivery.INTERNALS,
        *schedules.INTERNALS,
        *sns_delivery.INTERNALS,
        *log_delivery.INTERNALS,
        *service_roles.INTERNALS,
        *endpoint.INTERNALS,
        *stream_retention.INTERNALS,
        *transport.INTERNALS,
    )


class Server:
    """Composes the extensions: what runs functions, what delivers events to them, what deploys them."""

    def __init__(self, folder: Path, port: int, time_scale: float) -> None:
        from blueprints.local.base import service_models
        from blueprints.local.services import apigateway, cloudformation, dynamodb, logs, s3
        from blueprints.local.services import eventbridge as events
        from blueprints.local.services.cloudformation import resource_types
        from blueprints.local.services.cloudformation.properties_without_effect import WithoutEffect
        from blueprints.local.services.codebuild.builds import Builds
        from blueprints.local.services.codepipeline import pipeline_service
        from blueprints.local.services.codepipeline.pipelines import Pipelines
        from blueprints.local.services.eventbridge import targets as event_targets
        from blueprints.local.services.iam import requested_resources, transport
        from blueprints.local.services.kinesis import record_distribution
        from blueprints.local.services.kinesis import retention as stream_retention
        from blueprints.local.services.lambda_ import (
            configuration,
            event_source_mappings,
            function_paths,
            inline_code,
            payload_limits,
        )
        from blueprints.local.services.lambda_.asynchronous import AsynchronousInvocations
        from blueprints.local.services.lambda_.executor import Executor
        from blueprints.local.services.lambda_.foreign_layers import ForeignLayers
        from blueprints.local.services.logs import subscriptions as log_delivery
        from blueprints.local.services.rds import clusters
        from blueprints.local.services.rds.data_api import DataApi
        from blueprints.local.services.s3 import notifications as s3_delivery
        from blueprints.local.services.scheduler import schedules
        from blueprints.local.services.serverlessrepo.endpoint import Endpoint
        from blueprints.local.services.sns import subscriptions as sns_delivery

        verify((*service_models.INTERNALS, *all_internals()))
        service_models.install()
        endpoint = f"http://{HOST}:{port}"
        self.executor = Executor(folder, endpoint)
        self.executor.install()
        invocations = AsynchronousInvocations(endpoint, time_scale)
        invocations.install()
        s3.install()
        s3_delivery.install(invocations)
        sns_delivery.install(invocations, endpoint)
        schedules.install()
        log_delivery.install(invocations)
        logs.install()
        self.pipelines = Pipelines(endpoint, time_scale)
        pipeline_service.install(self.pipelines, endpoint)
        event_targets.install(invocations, endpoint, time_scale)
        requested_resources.install()
        resource_types.install()
        dynamodb.install(time_scale)
        apigateway.install()
        events.install(time_scale)
        event_source_mappings.install(endpoint, time_scale)
        payload_limits.install()
        function_paths.install()
        inline_code.install()
        configuration.install()
        layers = ForeignLayers()
        layers.install()
        self.builds = Builds(folder / "builds", endpoint)
        self.builds.install()
        self.databases = clusters.Databases(folder / "postgres", time_scale)
        clusters.install(self.databases)
        DataApi(self.databases).install()
        cloudformation.install()
        stream_retention.install()
        record_distribution.install()
        transport.install()
        published = os.environ.get(SAR_FOLDER)
        repository = Endpoint(Path(published) if published else folder / "sar", endpoint)
        repository.install()
        self.mounts: tuple[Mount, ...] = (Initialisation(self.executor), WithoutEffect(), layers, repository)

    def application(self) -> _Application:
        """The base emulator's application, with the services of our own in front."""
        from ministack.app import app

        async def application(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
            if scope["type"] == "http":
                for mount in self.mounts:
                    if mount.takes(scope):
                        await mount.answer(scope, receive, send)
                        return
                if scope["path"] == RESET_PATH:
                    self.pipelines.reset()
                    for mount in self.mounts:
                        mount.reset()
            await app(scope, receive, send)

        return application


class Initialisation:
    """Starts a function's environment on request, so that deploying finds out whether it can run."""

    def __init__(self, executor: "Executor") -> None:
        self._executor = executor

    def takes(self, scope: dict[str, Any]) -> bool:
        """Whether an environment is to be started."""
        return bool(scope["path"] == INITIALISE_PATH)

    async def answer(
        self,
        scope: dict[str, Any],
        receive: Callable[..., Any],  # noqa: ARG002 - there is no body
        send: Callable[..., Awaitable[None]],
    ) -> None:
        """Start an environment of the function that the query names."""
        function = parse_qs(scope["query_string"].decode())["function"][0]
        answer = await asyncio.to_thread(self._initialise, function)
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def reset(self) -> None:
        """Nothing is held here: environments end with their functions."""

    def _initialise(self, function_arn: str) -> dict[str, Any]:
        """Start an environment of a function, named by its ARN with qualifier, and keep it for the first event."""
        from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
        from blueprints.local.services.lambda_.execution_environment import InitialisationFailed
        from blueprints.local.services.lambda_.function_code import CannotRun

        function = FunctionAsInvoked.named(function_arn)
        if function is None:
            return {"error": f"{function_arn} does not exist", "log": ""}
        try:
            return {"milliseconds": self._executor.initialise(function.record)}
        except InitialisationFailed as failure:
            return {"error": str(failure), "log": failure.log}
        except CannotRun as reason:
            return {"error": str(reason), "log": ""}


def main() -> None:
    """Serve until standard input ends."""
    folder, port, time_scale = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    _allow_many_files()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the parent decides
    try:
        listener = _listen(port)
    except OSError as error:
        _refuse(f"port {port} on {HOST} can't be used: {error.strerror}")
    port = listener.getsockname()[1]
    configure(folder, port)
    Deferral(_is_rarely_used).install()
    try:
        with without_collecting():
            server = Server(folder, port, time_scale)
            application = server.application()
    except IncompatibleEmulator as error:
        _refuse(str(error))

    def end(*_: object) -> NoReturn:
        server.builds.close()
        server.executor.close()
        server.databases.close()
        remove(folder)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=_end_with_stdin, args=(end,), name="parent-watch", daemon=True).start()
    print(json.dumps({"port": port, "notes": _notes()}), flush=True)
    asyncio.run(_serve(application, listener))


def _notes() -> list[str]:
    """What differs from Lambda on this machine, as lines for the user."""
    from blueprints.local.services.lambda_.file_system import unavailable

    reason = unavailable()
    if reason is None:
        return []
    writable = "their code, their home and shared memory" if os.getuid() == 0 else "shared memory"
    note = (
        f"Functions use this machine's own files ({reason}): they can write to {writable}, which fails on "
        "Lambda, and have no /opt and no /var/task (docs/embedded-aws.md)"
    )
    return [note]


def _is_rarely_used(module: str) -> bool:
    """Whether a module is imported only when it is used: large libraries, and most services of the base emulator."""
    package, _, name = module.rpartition(".")
    return module in _LARGE_LIBRARIES or (package == "ministack.services" and name != "cloudformation")


def _allow_many_files() -> None:
    """Every execution environment holds some descriptors, and the usual soft limit is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(1024)
    return listener


async def _serve(application: _Application, listener: socket.socket) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.accesslog = None
    await serve(application, config)  # type: ignore[arg-type]


def _end_with_stdin(end: Callable[[], NoReturn]) -> None:
    while sys.stdin.buffer.read(4096):
        continue
    end()


def _refuse(reason: str) -> NoReturn:
    print(json.dumps({"error": reason}), flush=True)
    os._exit(1)


if __name__ == "__main__":
    with_room(main)
