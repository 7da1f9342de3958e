"""Runs functions: replaces the base emulator's executor, through which every invocation passes.

The base emulator runs handlers in its own interpreter, reports every failure as `Runtime.HandlerError` and enforces
neither memory nor payload limits. Here each function runs in execution environments of its own (see
`execution_environment`), so a requirement that is missing, an error's type and a limit show as they do on Lambda.
"""

import logging
import time
from collections import deque
from pathlib import Path
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.clock import Clock
from blueprints.local.base.delivery import Delivery
from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_ import function_logs, metrics
from blueprints.local.services.lambda_.alias_routing import routed
from blueprints.local.services.lambda_.environment_keys import CannotDecrypt, check_role
from blueprints.local.services.lambda_.environment_pool import EnvironmentPool
from blueprints.local.services.lambda_.execution_environment import ExecutionEnvironment, InitialisationFailed, Launch
from blueprints.local.services.lambda_.function_code import (
    CannotRun,
    CodeStore,
    launch_key,
    launch_of,
    reason_not_to_run,
)
from blueprints.local.services.lambda_.function_logs import InvocationReport
from blueprints.local.services.lambda_.runtime_api import Invocation
from blueprints.local.services.lambda_.sent_payload import delivery_of

EXECUTE = Internal("services.lambda_svc", "_execute_function", ("func", "event"))
SCOPE_MISMATCH = Internal("services.lambda_svc", "_function_config_scope_mismatch", ("config",))
IN_SCOPE = Internal(
    "services.lambda_svc", "_run_with_function_config_scope", ("func_or_config", "callback", "args", "kwargs")
)
ACQUIRE_SLOT = Internal("services.lambda_svc", "_acquire_execution_slot", ("func", "config"))
RUNNING = Internal("services.lambda_svc", "_inflight")
RELEASE_SLOT = Internal("services.lambda_svc", "_release_execution_slot", ("key",))
THROTTLED = Internal("services.lambda_svc", "_throttle_response", ("reason_code", "msg", "retry_after"))
TRACE_ID = Internal("services.lambda_svc", "_xray_trace_id_for_invocation", ("config", "inbound_trace_header"))
FUNCTIONS = Internal("services.lambda_svc", "_functions")

log = logging.getLogger(__name__)

_LIMIT_REASONS = {
    "function": "ReservedFunctionConcurrentInvocationLimitExceeded",
    "account": "ConcurrentInvocationLimitExceeded",
}

_EVENTS_KEPT, _LARGEST_EVENT_KEPT = 10, 64 * 1024


class Executor:
    """Runs invocations in execution environments below `folder`; functions find the AWS APIs at `endpoint`."""

    def __init__(self, folder: Path, endpoint: str, clock: Clock) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._code = CodeStore(folder / "code")
        self._pool = EnvironmentPool(folder / "environments")
        self._recent: dict[str, deque[bytes]] = {}

    def install(self) -> None:
        """Replace the base emulator's executor."""
        EXECUTE.replace(self.execute)

    def reset(self) -> None:
        """End every environment and forget the functions' code."""
        self._pool.close()
        self._code.clear()
        self._recent.clear()

    def close(self) -> None:
        """End every environment."""
        self._pool.close()

    def execute(self, func: dict[str, Any], event: object) -> dict[str, Any]:
        """Run one invocation for the base emulator; see `deliver`."""
        config = func.get("config") or func
        return self.deliver(routed(func), delivery_of(str(config["FunctionArn"]), event))

    def deliver(self, func: dict[str, Any], delivery: Delivery) -> dict[str, Any]:
        """Run a function's record with an event.

        Returns the base emulator's result: `body`, `log`, and `error` or `throttle`.
        """
        config = func.get("config") or func
        if SCOPE_MISMATCH.current()(config):
            return dict(IN_SCOPE.current()(config, self.deliver, func, delivery))
        # Reserved concurrency belongs to the whole function, and is not in a version's record.
        base = FUNCTIONS.current().get(config["FunctionName"]) or func
        slot, limit = ACQUIRE_SLOT.current()(base, config)
        if slot is None:
            message = f"Rate Exceeded: {config['FunctionName']} is at its {limit} concurrency limit."
            refused = dict(THROTTLED.current()(_LIMIT_REASONS[limit], message))
            metrics.record_invocation(config, refused, 0.0, 0)
            return refused
        running, begun = int(RUNNING.current().get(slot, 1)), time.monotonic()
        try:
            result = self._run({"code_zip": func.get("code_zip"), "config": config}, delivery)
        finally:
            RELEASE_SLOT.current()(slot)
        if not self._clock.was_reset_since(delivery.made):
            metrics.record_invocation(config, result, (time.monotonic() - begun) * 1000, running)
            if not result.get("error") and len(delivery.payload) <= _LARGEST_EVENT_KEPT:
                arn = str(config["FunctionArn"])
                self._recent.setdefault(arn, deque(maxlen=_EVENTS_KEPT)).append(delivery.payload)
        if result.get("error") and not self._clock.was_reset_since(delivery.made):
            said = f"{result['body'].get('errorType')}: {result['body'].get('errorMessage')}"
            log.error("function %s failed: %.300s", config["FunctionName"], " ".join(said.split()))
        return result

    def recent_events(self, arn: str) -> list[Any]:
        """The last small events that a function, version or alias has handled without an error."""
        return [read_json(payload or b"null") for payload in self._recent.get(arn, ())]

    def initialise(self, record: dict[str, Any]) -> float:
        """Start an environment and keep it for the first event; returns the milliseconds it took.

        Raises InitialisationFailed or CannotRun.
        """
        key = launch_key(record["config"])
        begun = time.monotonic()
        environment = self._environment(key, record)
        self._pool.release(key, environment)
        return (time.monotonic() - begun) * 1000

    def _run(self, record: dict[str, Any], delivery: Delivery) -> dict[str, Any]:
        config = record["config"]
        key = launch_key(config)
        try:
            environment = self._environment(key, record)
        except CannotRun as reason:
            return _failure(
                {"errorType": "Runtime.CannotRun", "errorMessage": str(reason), "requestId": delivery.request_id}, ""
            )
        except CannotDecrypt as refused:
            return _failure(
                {"errorType": refused.code, "errorMessage": str(refused), "requestId": delivery.request_id}, ""
            )
        except InitialisationFailed as failure:
            return self._failed_to_initialise(config, delivery, failure)
        try:
            return self._invoke(environment, config, delivery)
        finally:
            self._pool.release(key, environment)

    def _environment(self, key: str, record: dict[str, Any]) -> ExecutionEnvironment:
        reason = reason_not_to_run(record["config"])
        if reason:
            raise CannotRun(f"function {record['config']['FunctionName']} cannot run: {reason}")
        return self._pool.acquire(key, lambda: self._launch(record))

    def _launch(self, record: dict[str, Any]) -> Launch:
        check_role(record["config"])
        return launch_of(record, self._code, self._endpoint)

    def _invoke(self, environment: ExecutionEnvironment, config: dict[str, Any], delivery: Delivery) -> dict[str, Any]:
        timeout = float(config.get("Timeout") or 3)
        invocation = Invocation(
            request_id=delivery.request_id,
            payload=delivery.payload,
            function_arn=str(config["FunctionArn"]),
            deadline_ms=int((time.time() + timeout) * 1000),
            trace_id=TRACE_ID.current()(config),
        )
        init_ms = environment.take_init_ms()
        begun = time.monotonic()
        output = environment.invoke(invocation, timeout)
        report = _report(config, invocation, (time.monotonic() - begun) * 1000, environment.memory_mb, init_ms)
        if invocation.error is not None:
            output += function_logs.last_words(invocation.error)
        log = self._write_log(environment.log_stream, config, report, output, delivery)
        if invocation.error is not None:
            return _failure(invocation.error, log)
        return {**_parsed(invocation.response or b"null"), "log": log}

    def _failed_to_initialise(
        self, config: dict[str, Any], delivery: Delivery, failure: InitialisationFailed
    ) -> dict[str, Any]:
        report = InvocationReport(
            request_id=delivery.request_id,
            version=str(config.get("Version", "$LATEST")),
            duration_ms=0.0,
            memory_size_mb=int(config.get("MemorySize") or 128),
            memory_used_mb=failure.memory_mb,
            init_ms=None,
            status="error",
            error_type=failure.error_type,
        )
        log = self._write_log(failure.log_stream, config, report, failure.log, delivery)
        error = {
            "errorMessage": failure.message,
            "errorType": failure.error_type,
            "requestId": delivery.request_id,
            "stackTrace": failure.stack_trace,
        }
        return _failure(error, log)

    def _write_log(
        self, stream: tuple[str, str], config: dict[str, Any], report: InvocationReport, output: str, delivery: Delivery
    ) -> str:
        log_format = str((config.get("LoggingConfig") or {}).get("LogFormat") or "Text")
        lines = function_logs.lines_of(report, output, log_format)
        if not self._clock.was_reset_since(delivery.made):
            function_logs.write(stream, lines)
        return "\n".join(lines) + "\n"


def _report(
    config: dict[str, Any], invocation: Invocation, duration_ms: float, memory_mb: int, init_ms: float | None
) -> InvocationReport:
    error_type = str(invocation.error["errorType"]) if invocation.error else None
    status = "success" if error_type is None else "timeout" if error_type == "Sandbox.Timedout" else "error"
    return InvocationReport(
        request_id=invocation.request_id,
        version=str(config.get("Version", "$LATEST")),
        duration_ms=duration_ms,
        memory_size_mb=int(config.get("MemorySize") or 128),
        memory_used_mb=memory_mb,
        init_ms=init_ms,
        status=status,
        error_type=error_type,
    )


def _parsed(response: bytes) -> dict[str, Any]:
    try:
        return {"body": read_json(response)}
    except ValueError:
        # A handler may return other bytes than JSON; they are passed on unchanged.
        return {"body": response.decode(errors="replace"), "raw_payload": True}


def _failure(error: dict[str, Any], log: str) -> dict[str, Any]:
    return {"body": error, "error": True, "function_error": "Unhandled", "log": log}
