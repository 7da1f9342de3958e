"""Runs the unmodified base emulator and moto's server, and makes clients for them and for the embedded AWS."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_HOST = "127.0.0.1"
_START_SECONDS = 60.0
_PATIENCE = 30.0


def client(service: str, endpoint: str) -> Any:
    """Return a botocore client with the account owner's credentials; it ignores the user's AWS settings and proxies."""
    import botocore.session
    from botocore.config import Config

    from blueprints.local.cloud import ACCOUNT, REGION, SECRET

    nobodys = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    session = botocore.session.Session({"profile": (None, None, None, None), **nobodys})
    return session.create_client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key=SECRET,
        config=Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1}, proxies={}),
    )


@contextmanager
def stock() -> Iterator[str]:
    """Run the unmodified base emulator in a separate process, and yield its endpoint."""
    folder, port = Path(tempfile.mkdtemp(prefix="benchmark-")), _free_port()
    command = [sys.executable, "-m", "ministack"]
    with _server(
        "ministack", command, _stock_environment(folder, port), folder, port, "/_ministack/health"
    ) as endpoint:
        yield endpoint
        _request(f"{endpoint}/_ministack/reset", method="POST")


@contextmanager
def moto(command: Path) -> Iterator[str]:
    """Run moto's server, with its interpreter of state machines, in a separate process, and yield its endpoint."""
    folder, port = Path(tempfile.mkdtemp(prefix="benchmark-")), _free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    with _server("moto", [str(command), "-H", _HOST, "-p", str(port)], kept, folder, port, "/moto-api/") as endpoint:
        settings = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
        _request(f"{endpoint}/moto-api/config", method="POST", body=settings)
        yield endpoint


@contextmanager
def _server(
    name: str, command: list[str], environment: dict[str, str], folder: Path, port: int, health: str
) -> Iterator[str]:
    """Run a server in a folder, which is deleted afterwards, and yield its endpoint as soon as it answers."""
    endpoint = f"http://{_HOST}:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _await_health(name, process, f"{endpoint}{health}", folder / "log")
            yield endpoint
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            shutil.rmtree(folder, ignore_errors=True)


def _stock_environment(folder: Path, port: int) -> dict[str, str]:
    (folder / "tmp").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    return {
        **kept,
        "AUTH": "true",
        "BIND_HOST": _HOST,
        "MINISTACK_HOST": _HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "TMPDIR": str(folder / "tmp"),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        "PERSIST_STATE": "0",
        "LOG_LEVEL": "WARNING",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _await_health(name: str, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            _request(url)
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{name} does not respond:\n{said}") from error
            time.sleep(0.05)
        else:
            return


def _request(url: str, method: str = "GET", body: bytes | None = None) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 - loopback
    opener.open(request, timeout=30).close()


def deploy(endpoint: str, name: str, template: dict[str, Any]) -> dict[str, str]:
    """Deploy a template to a running emulator and return the stack's outputs. Raises RuntimeError if it fails."""
    cloudformation = client("cloudformation", endpoint)
    capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Capabilities=capabilities)
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        if "IN_PROGRESS" not in stack["StackStatus"]:
            break
        time.sleep(0.05)
    raise RuntimeError(f"the stack could not be deployed: {stack['StackStatus']} {stack.get('StackStatusReason', '')}")


def delete(endpoint: str, name: str) -> None:
    """Delete a stack and wait until it is deleted."""
    cloudformation = client("cloudformation", endpoint)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
