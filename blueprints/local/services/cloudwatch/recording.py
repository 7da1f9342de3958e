"""Records the services' own metrics in bounded memory: a busy function has a dozen values for each invocation.

Equal values that come at about the same moment are one point with a count, as PutMetricData has them. A metric keeps
its latest points only.
"""

import threading
import time
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal

RECORD = Internal("services.cloudwatch", "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions"))
BUCKET = Internal("services.cloudwatch", "_metric_bucket", ("key",))
DIMENSIONS_KEY = Internal("services.cloudwatch", "_dims_key", ("dims",))

MOST_POINTS = 20_000
"""Of one metric; of more, the older half is forgotten."""
_LONGEST_MOMENT = 1.0
_SECONDS = 6.0
"""Scaled seconds that count as one moment: a tenth of the shortest usual period."""


class Recording:
    """Replaces the base emulator's entry point for the metrics of services."""

    def __init__(self, clock: Clock) -> None:
        self._moment = min(_LONGEST_MOMENT, clock.real(_SECONDS))
        self._changing = threading.Lock()

    def install(self) -> None:
        """Take over."""
        RECORD.replace(self.record)

    def record(
        self,
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: dict[str, Any] | None = None,
    ) -> None:
        """Record one value in the account and Region of the caller's context."""
        dims = dimensions or {}
        points = BUCKET.current()((namespace, metric_name, DIMENSIONS_KEY.current()(dims)))
        now, number = time.time(), float(value)
        with self._changing:
            last = points[-1] if points else None
            if last and self._is_alike(last, number, unit, now):
                last["Count"] = float(last.get("Count", 1.0)) + 1.0
                return
            points.append({"Timestamp": now, "Value": number, "Unit": unit, "Dimensions": dict(dims)})
            if len(points) > MOST_POINTS:
                del points[: MOST_POINTS // 2]

    def _is_alike(self, last: dict[str, Any], value: float, unit: str, now: float) -> bool:
        return (
            last["Value"] == value
            and last["Unit"] == unit
            and "_stat" not in last
            and 0 <= now - last["Timestamp"] < self._moment
        )
