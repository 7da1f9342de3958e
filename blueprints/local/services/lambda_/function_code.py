"""What a function version consists of on disk: its package and layers unpacked once, and how to start it.

Function records are the base emulator's: `config` holds what GetFunctionConfiguration answers, `code_zip` the package.
"""

import hashlib
import io
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blueprints.local.base.folders import remove
from blueprints.local.base.internals import Internal
from blueprints.local.base.urls import with_local_urls
from blueprints.local.services.lambda_ import file_system
from blueprints.local.services.lambda_.execution_environment import Launch
from blueprints.local.services.lambda_.function_logs import stream_of
from blueprints.local.services.lambda_.unpacked_packages import WORTHWHILE_BYTES, shared_package
from blueprints.local.services.lambda_.unpacking import lay_over, unpack, write_protect
from blueprints.packaging.interpreters import prefixes, stand_in
from blueprints.packaging.lambda_runtime import runtime_environment

LAYER_ZIP = Internal("services.lambda_svc", "_resolve_layer_zip", ("attachment",))
CREDENTIALS = Internal("core.lambda_runtime", "execution_credentials", ("config",))

# Lambda gives an initialisation 10 seconds, and one that takes longer a second try within the function's timeout.
_INIT_SECONDS = 10.0
_unpacking = threading.Lock()
_STAND_IN_CLIENT = Path(__file__).with_name("runtime_client_stand_in")
# The settings that an environment is started with; a change of one needs a new environment.
_LAUNCH_FACTS = (
    "CodeSha256",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
)


class CannotRun(Exception):
    """A function that cannot run here; the message says why."""


def reason_not_to_run(config: dict[str, Any]) -> str | None:
    """Why a function cannot run here, or None: only zip packages on Python runtimes do."""
    if config.get("PackageType") == "Image":
        return "it is a container image; the embedded AWS runs zip packages"
    runtime = str(config.get("Runtime") or "")
    if not runtime.startswith("python3."):
        return f"its runtime is {runtime or 'not given'}; the embedded AWS runs python3.x"
    return None


def launch_key(config: dict[str, Any]) -> str:
    """The key of the environments that may serve a function version."""
    facts = json.dumps([config.get(fact) for fact in _LAUNCH_FACTS], sort_keys=True, default=str)
    return (
        f"{config['FunctionName']}:{config.get('Version', '$LATEST')}:{hashlib.sha256(facts.encode()).hexdigest()[:16]}"
    )


@dataclass(frozen=True)
class CodeStore:
    """Unpacks packages and layers into one folder each, named by content."""

    folder: Path

    def package(self, record: dict[str, Any], *, protected: bool = False) -> Path:
        """The folder of a function's own code, /var/task on Lambda; `protected` if the function cannot write to it."""
        code = record.get("code_zip")
        config = record["config"]
        if not code:
            raise CannotRun(f"function {config['FunctionName']} has no code")
        if protected and len(code) >= WORTHWHILE_BYTES:
            return shared_package(hashlib.sha256(code).hexdigest(), lambda fresh: unpack(io.BytesIO(code), fresh))
        return self._unpacked(str(config["CodeSha256"]).replace("/", "_"), code)

    def layers(self, config: dict[str, Any]) -> Path | None:
        """The folder of a function's merged layers, /opt on Lambda; None if it has no layers. Raises CannotRun."""
        folders = [self._layer(config, attachment) for attachment in config.get("Layers") or []]
        if len(folders) < 2:
            return folders[0] if folders else None
        names = "\n".join(folder.name for folder in folders)
        return self._made(
            f"layers-{hashlib.sha256(names.encode()).hexdigest()}", lambda fresh: lay_over(folders, fresh)
        )

    def _layer(self, config: dict[str, Any], attachment: Any) -> Path:
        archive = LAYER_ZIP.current()(attachment)
        if not archive:
            arn = attachment.get("Arn") if isinstance(attachment, dict) else attachment
            raise CannotRun(f"function {config['FunctionName']} cannot run: the content of layer {arn} is not here")
        return self._unpacked(hashlib.sha256(archive).hexdigest(), archive)

    def clear(self) -> None:
        """Forget everything."""
        remove(self.folder)

    def _unpacked(self, name: str, archive: bytes) -> Path:
        return self._made(name, lambda fresh: unpack(io.BytesIO(archive), fresh))

    def _made(self, name: str, make: Callable[[Path], None]) -> Path:
        place = self.folder / name
        with _unpacking:  # environments that start at the same time often have the same package
            if place.is_dir():
                return place
            fresh = self.folder / f".{uuid.uuid4().hex}"
            make(fresh)
            if file_system.unavailable():
                write_protect(fresh)
            fresh.rename(place)
        return place


def launch_of(record: dict[str, Any], store: CodeStore, endpoint: str) -> Launch:
    """How to start an environment for a function version, with a log stream of its own."""
    config = record["config"]
    version = str(config["Runtime"]).removeprefix("python")
    runtime = runtime_environment(stand_in(version).interpreter)
    protected = file_system.protects_packages(prefixes(runtime.interpreter.path))
    package = store.package(record, protected=protected)
    layers = store.layers(config)
    path = [package]
    if layers:
        path += [layers / "python" / "lib" / f"python{version}" / "site-packages", layers / "python"]
    path.append(runtime.path)
    if not runtime.native:
        path.append(_STAND_IN_CLIENT)
    log_stream = stream_of(config)
    return Launch(
        interpreter=runtime.interpreter.path,
        python_path=tuple(path),
        handler=str(config["Handler"]),
        environment=_environment(config, endpoint, log_stream),
        log_stream=log_stream,
        memory_mb=int(config.get("MemorySize") or 128),
        init_seconds=max(_INIT_SECONDS, float(config.get("Timeout") or 3)),
        layers=layers,
        temporary_mb=int((config.get("EphemeralStorage") or {}).get("Size") or 512),
    )


def _environment(config: dict[str, Any], endpoint: str, log_stream: tuple[str, str]) -> dict[str, str]:
    region = str(config["FunctionArn"]).split(":")[3]
    logging = config.get("LoggingConfig") or {}
    variables = (config.get("Environment") or {}).get("Variables") or {}
    reserved = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_FUNCTION_NAME": str(config["FunctionName"]),
        "AWS_LAMBDA_FUNCTION_VERSION": str(config.get("Version", "$LATEST")),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize") or 128),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": log_stream[0],
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream[1],
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "_HANDLER": str(config["Handler"]),
        # Handlers reach the embedded AWS by the SDKs' own setting, so their code does not change.
        "AWS_ENDPOINT_URL": endpoint,
        # The SDK would call StartSyncExecution at sync-127.0.0.1.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        **CREDENTIALS.current()(config),
    }
    if logging.get("LogFormat") == "JSON":
        reserved["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        reserved["AWS_LAMBDA_LOG_LEVEL"] = str(logging.get("ApplicationLogLevel") or "INFO")
    return {**{str(name): with_local_urls(str(value), endpoint) for name, value in variables.items()}, **reserved}
