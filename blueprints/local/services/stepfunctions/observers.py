"""What follows executions as they run: logs, metrics, status events, and lines about failures for the user."""

import logging

from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution.execution import FAILED, TIMED_OUT, Execution
from blueprints.local.services.stepfunctions.execution_logs import ExecutionLogs
from blueprints.local.services.stepfunctions.metrics import Metrics
from blueprints.local.services.stepfunctions.status_events import StatusEvents

_LONGEST = 300

log = logging.getLogger(__name__)


class Observers:
    """Listens to an engine."""

    def __init__(self, engine: Engine) -> None:
        self._logs, self._metrics, self._status_events = ExecutionLogs(), Metrics(), StatusEvents()
        engine.event_listeners += [self._logs.on_event, self._metrics.on_event]
        engine.status_listeners += [self._metrics.on_status_change, self._status_events.on_status_change]
        engine.status_listeners.append(_report_failure)

    def reset(self) -> None:
        """Forget what concerns the account that is emptied."""
        self._logs.reset()
        self._metrics.reset()
        self._status_events.reset()

    def close(self) -> None:
        """End the threads."""
        self._status_events.close()


def _report_failure(execution: Execution) -> None:
    """A line about an execution that failed, which `run` and `up` print; its children in a Map Run have none."""
    if execution.status in (FAILED, TIMED_OUT) and not execution.map_run_arn:
        reasons = ": ".join(part for part in (execution.error, execution.cause) if part) or "no reason given"
        what = "timed out" if execution.status == TIMED_OUT else f"failed: {' '.join(reasons.split())[:_LONGEST]}"
        log.error("execution %s of %s %s", execution.name, execution.revision.name, what)
