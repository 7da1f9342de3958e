"""Writes events of executions to CloudWatch Logs, as the loggingConfiguration of a state machine says.

Source: AWS Step Functions Developer Guide, "Using CloudWatch Logs to log execution history", with its table of the
events at each level.
"""

import json
import logging
import re
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.logs import Line, append
from blueprints.local.services.stepfunctions.execution.execution import Execution
from blueprints.local.services.stepfunctions.execution.history import Event, details_member

SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

_ENDINGS = frozenset(("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"))
_FATAL = _ENDINGS - {"ExecutionSucceeded"}
_ERROR = re.compile(r".*(Failed|TimedOut|Aborted)|FailStateEntered")
# The details that hold data of an execution.
_DATA = frozenset(
    (
        *("input", "inputDetails", "output", "outputDetails", "parameters"),
        *("assignedVariables", "assignedVariablesDetails"),
    )
)
_LONGEST_BYTES = 248 * 1024
_ESCAPED_BYTES = 6
"""The most bytes that a character takes in JSON, as in `\\u001f`."""
_TEXTS = (("input", "inputDetails"), ("output", "outputDetails"))
_SECONDS_BEFORE_WRITING = 0.1
_MOST_KEPT = 500

log = logging.getLogger(__name__)

_Key = tuple[str, str, str, str]
"""Account, Region, log group and state machine."""


class ExecutionLogs:
    """Collects lines and writes them in batches: after a tenth of a second, and when an execution ends."""

    def __init__(self) -> None:
        self._lines: dict[_Key, list[Line]] = {}
        self._lock = threading.Lock()
        self._due: threading.Timer | None = None
        self._streams: dict[_Key, tuple[str, str]] = {}
        self._lost: set[_Key] = set()

    def on_event(self, execution: Execution, event: Event) -> None:
        """Log an event if the state machine's level includes it."""
        configuration = execution.revision.logging
        level = configuration.get("level", "OFF") if configuration else "OFF"
        kind = event["type"]
        if not _is_logged(kind, level):
            return
        group = group_of(configuration)
        if group is None:
            return
        with_data = bool(configuration.get("includeExecutionData"))
        line = (int(event["timestamp"] * 1000), json.dumps(_entry(execution, event, with_data), ensure_ascii=False))
        revision = execution.revision
        key = (revision.account, revision.region, group, revision.name)
        with self._lock:
            kept = self._lines.setdefault(key, [])
            kept.append(line)
            if kind not in _ENDINGS and len(kept) < _MOST_KEPT:
                self._write_soon()
                return
        self.write()

    def write(self) -> None:
        """Write what was collected."""
        with self._lock:
            lines, self._lines, self._due = self._lines, {}, None
            for key, batch in lines.items():
                account, region, group, machine = key
                with SCOPE.current()(account, region):
                    if not append(group, self._stream(key), batch) and key not in self._lost:
                        self._lost.add(key)
                        log.error("the log of %s is lost: there is no log group %s", machine, group)

    def reset(self) -> None:
        """Forget what was not written."""
        with self._lock:
            self._lines, self._streams, self._lost = {}, {}, set()

    def _write_soon(self) -> None:
        if self._due is None:
            self._due = threading.Timer(_SECONDS_BEFORE_WRITING, self.write)
            self._due.daemon = True
            self._due.start()

    def _stream(self, key: _Key) -> str:
        """The stream of a state machine in the present minute."""
        minute = datetime.now(UTC).strftime("%Y-%m-%d-%H-%M")
        known, name = self._streams.get(key, ("", ""))
        if known != minute:
            name = f"states/{key[-1]}/{minute}/{uuid.uuid4().hex[:8]}"
            self._streams[key] = (minute, name)
        return name


def group_of(configuration: Mapping[str, Any]) -> str | None:
    """The name of the log group of a loggingConfiguration; None if it has none."""
    for each in configuration.get("destinations") or ():
        arn = str((each.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", ""))
        name = arn.partition(":log-group:")[2].removesuffix(":*")
        if name:
            return name
    return None


def _is_logged(kind: str, level: str) -> bool:
    if level == "ALL":
        return True
    if level == "ERROR":
        return _ERROR.fullmatch(kind) is not None
    return level == "FATAL" and kind in _FATAL


def _entry(execution: Execution, event: Event, with_data: bool) -> dict[str, Any]:
    details = dict(event.get(details_member(event["type"])) or {})
    if with_data:
        _truncate(details)
    else:
        details = {name: value for name, value in details.items() if name not in _DATA}
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(int(event["timestamp"] * 1000)),
        "execution_arn": execution.arn,
        "redrive_count": str(execution.redrive_count),
    }


def _truncate(details: dict[str, Any]) -> None:
    """Shorten texts that CloudWatch Logs does not take, and say so in the details beside them."""
    for name, beside in _TEXTS:
        text = details.get(name)
        if not isinstance(text, str) or len(text) * _ESCAPED_BYTES <= _LONGEST_BYTES:
            continue
        written = text.encode()
        too_many = len(json.dumps(text, ensure_ascii=False).encode()) - _LONGEST_BYTES
        if too_many > 0:
            details[name] = written[:-too_many].decode(errors="ignore")
            details[beside] = {"truncated": True}
