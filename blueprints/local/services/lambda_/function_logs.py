"""Writes a function's output into CloudWatch Logs as Lambda does: a stream per environment, START to REPORT.

Source of the formats: AWS Lambda Developer Guide, "Working with Lambda function logs" and "Lambda Telemetry API".
"""

import json
import math
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from blueprints.local.base.internals import Internal

GROUPS = Internal("services.cloudwatch_logs", "_log_groups")
GROUP_ARN = Internal("services.cloudwatch_logs", "_make_group_arn", ("name",))
APPEND = Internal("services.cloudwatch_logs", "_append_log_events", ("stream", "events"))
SUBSCRIPTIONS = Internal(
    "services.cloudwatch_logs", "_fanout_to_subscription_filters", ("group_name", "stream_name", "events")
)


@dataclass(frozen=True)
class InvocationReport:
    """The REPORT of a finished invocation."""

    request_id: str
    version: str
    duration_ms: float
    memory_size_mb: int
    memory_used_mb: int
    init_ms: float | None
    status: str
    """`success`, `error`, or `timeout`."""
    error_type: str | None = None

    @property
    def billed_ms(self) -> int:
        """Initialisation is billed since August 2025."""
        return math.ceil(self.duration_ms + (self.init_ms or 0))


def stream_of(config: dict[str, Any]) -> tuple[str, str]:
    """Log group and a fresh stream name for a new environment of a function version.

    In a group of its own choice, which functions may share, the stream names the function too. Source: AWS Lambda
    Developer Guide, "Configuring CloudWatch log groups".
    """
    own = f"/aws/lambda/{config['FunctionName']}"
    group = str((config.get("LoggingConfig") or {}).get("LogGroup") or own)
    day = datetime.now(UTC).strftime("%Y/%m/%d")
    name = "" if group == own else config["FunctionName"]
    return group, f"{day}/{name}[{config.get('Version', '$LATEST')}]{uuid.uuid4().hex}"


def lines_of(report: InvocationReport, output: str, log_format: str) -> list[str]:
    """The log of one invocation, as Lambda frames it for the function's log format (`Text` or `JSON`)."""
    # The runtime client separates the lines of a stack trace by carriage returns, so that they stay one event.
    printed = [line.replace("\r", "\n") for line in output.split("\n") if line]
    if log_format == "JSON":
        return _json_frame(report, printed)
    return _text_frame(report, printed)


def last_words(error: dict[str, Any]) -> str:
    """Lambda's own line for an error that the runtime cannot log: a time-out, or a process that ended; else nothing."""
    error_type, message = str(error["errorType"]), str(error["errorMessage"])
    if error_type == "Sandbox.Timedout":
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        return f"{now}Z {error['requestId']} {message.rpartition(' Error: ')[2]}\n"
    if error_type in ("Runtime.ExitError", "Runtime.OutOfMemory"):
        return f"{message}\r{error_type}\n"
    return ""


def write(stream: tuple[str, str], lines: list[str]) -> None:
    """Append to a log stream; creates group and stream if they are missing."""
    group_name, stream_name = stream
    now = int(time.time() * 1000)
    groups = GROUPS.current()
    if group_name not in groups:
        groups[group_name] = _new_group(group_name, now)
    streams = groups[group_name]["streams"]
    if stream_name not in streams:
        streams[stream_name] = _new_stream(now)
    events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
    APPEND.current()(streams[stream_name], events)
    SUBSCRIPTIONS.current()(group_name, stream_name, [{"timestamp": now, "message": line} for line in lines])


def _text_frame(report: InvocationReport, printed: list[str]) -> list[str]:
    request = f"RequestId: {report.request_id}"
    figures = [
        f"REPORT {request}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {report.billed_ms} ms",
        f"Memory Size: {report.memory_size_mb} MB",
        f"Max Memory Used: {report.memory_used_mb} MB",
    ]
    if report.init_ms is not None:
        figures.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.status != "success":
        figures.append(f"Status: {report.status}")
    if report.error_type:
        figures.append(f"Error Type: {report.error_type}")
    return [f"START {request} Version: {report.version}", *printed, f"END {request}", "\t".join(figures)]


def _json_frame(report: InvocationReport, printed: list[str]) -> list[str]:
    metrics: dict[str, Any] = {
        "durationMs": round(report.duration_ms, 3),
        "billedDurationMs": report.billed_ms,
        "memorySizeMB": report.memory_size_mb,
        "maxMemoryUsedMB": report.memory_used_mb,
    }
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    ending: dict[str, Any] = {"requestId": report.request_id, "metrics": metrics, "status": report.status}
    if report.error_type:
        ending["errorType"] = report.error_type
    start = {"requestId": report.request_id, "version": report.version}
    return [_platform_event("platform.start", start), *printed, _platform_event("platform.report", ending)]


def _platform_event(kind: str, record: dict[str, Any]) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return json.dumps({"time": now, "type": kind, "record": record})


def _new_group(name: str, now: int) -> dict[str, Any]:
    return {
        "arn": GROUP_ARN.current()(name),
        "creationTime": now,
        "retentionInDays": None,
        "tags": {},
        "subscriptionFilters": {},
        "streams": {},
    }


def _new_stream(now: int) -> dict[str, Any]:
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": now,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
