"""Metrics in log events: lines in the embedded metric format become metrics.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import record

APPEND = Internal("services.cloudwatch_logs", "_append_log_events", ("stream", "events"))

_MARK = '"_aws"'
_MOST_VALUES = 100

log = logging.getLogger(__name__)


def install() -> None:
    """Look at every event that is written to a log stream."""
    original: Callable[[dict[str, Any], Sequence[Mapping[str, Any]]], None] = APPEND.current()

    def append(stream: dict[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
        original(stream, events)
        for event in events:
            message = str(event.get("message", ""))
            if _MARK in message:
                _record(message)

    APPEND.replace(append)


def _record(message: str) -> None:
    for namespace, name, value, unit, dimensions in metrics_of(message):
        record(namespace, [dimensions], [(name, value, unit)])


def metrics_of(message: str) -> Iterator[tuple[str, str, float, str, dict[str, str]]]:
    """Namespace, name, value, unit and dimensions of every metric in a line; none if the line is not of the format."""
    try:
        line = json.loads(message)
    except ValueError:
        return
    if not isinstance(line, dict) or not isinstance(line.get("_aws"), dict):
        return
    for directive in line["_aws"].get("CloudWatchMetrics") or ():
        for dimensions in _dimension_sets(directive, line):
            for metric in directive.get("Metrics") or ():
                for value in _values(line.get(metric.get("Name"))):
                    unit = str(metric.get("Unit", "None"))
                    yield str(directive.get("Namespace")), str(metric["Name"]), value, unit, dimensions


def _dimension_sets(directive: Mapping[str, Any], line: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for names in directive.get("Dimensions") or [[]]:
        if all(name in line for name in names):
            yield {str(name): str(line[name]) for name in names}


def _values(found: Any) -> Iterator[float]:
    values = found if isinstance(found, list) else [found]
    for value in values[:_MOST_VALUES]:
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield float(value)
