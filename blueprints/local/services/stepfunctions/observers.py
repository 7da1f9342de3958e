"""What follows executions as they run: logs, metrics, and events about their status."""

from blueprints.local.services.stepfunctions.execution.engine import Engine
from blueprints.local.services.stepfunctions.execution_logs import ExecutionLogs
from blueprints.local.services.stepfunctions.metrics import Metrics
from blueprints.local.services.stepfunctions.status_events import StatusEvents


class Observers:
    """Listens to an engine."""

    def __init__(self, engine: Engine) -> None:
        self._logs, self._metrics, self._status_events = ExecutionLogs(), Metrics(), StatusEvents()
        engine.event_listeners += [self._logs.on_event, self._metrics.on_event]
        engine.status_listeners += [self._metrics.on_status_change, self._status_events.on_status_change]

    def reset(self) -> None:
        """Forget what concerns the account that is emptied."""
        self._logs.reset()
        self._metrics.reset()

    def close(self) -> None:
        """End the threads."""
        self._status_events.close()
