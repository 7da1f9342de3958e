"""Keeps the points of metrics in bounded memory: a busy function has a dozen values for each invocation.

Equal values of a service that come at about the same moment are one point with a count, as PutMetricData has them. A
metric keeps its latest points only, and so do all metrics together.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import RECORD, Dimensions

METRICS = Internal("services.cloudwatch", "_metrics")
BUCKET = Internal("services.cloudwatch", "_metric_bucket", ("key",))
DIMENSIONS_KEY = Internal("services.cloudwatch", "_dims_key", ("dims",))
STORE = Internal(
    "services.cloudwatch",
    "_store_datum",
    ("namespace", "name", "dims", "ts", "unit", "value", "values", "counts", "stat_values"),
)
FORGET_OLD = Internal("services.cloudwatch", "_evict_old_metrics", ())

MOST_POINTS = 20_000
"""Of one metric; of more, the older half is forgotten."""
MOST_POINTS_OF_ALL = 400_000
"""Of all metrics together: about 120 MB. Of more, the older half is forgotten."""
_LONGEST_MOMENT = 1.0
_SECONDS = 6.0
"""Scaled seconds that count as one moment: a tenth of the shortest usual period."""

_Point = dict[str, Any]


class Recording:
    """Replaces what the base emulator does with the points of services and of PutMetricData."""

    def __init__(self, clock: Clock) -> None:
        self._moment = min(_LONGEST_MOMENT, clock.real(_SECONDS))
        self._changing = threading.Lock()
        self._kept = 0

    def install(self) -> None:
        """Take over."""
        RECORD.replace(self.record)
        STORE.replace(self.store)
        # At every request, it copies every point, and loses those that other threads record meanwhile.
        FORGET_OLD.replace(lambda: None)

    def record(
        self,
        namespace: str,
        metric_name: str,
        value: float,
        unit: str = "None",
        dimensions: Dimensions | None = None,
    ) -> None:
        """Record one value of a service, now, in the account and Region of the caller's context."""
        dims = dimensions or {}
        key = (namespace, metric_name, DIMENSIONS_KEY.current()(dims))
        now, number = time.time(), float(value)
        with self._changing:
            points: list[_Point] = BUCKET.current()(key)
            last = points[-1] if points else None
            if last and self._is_alike(last, number, unit, now):
                last["Count"] = float(last.get("Count", 1.0)) + 1.0
                return
            # The points of a metric share their dimensions.
            shared = last["Dimensions"] if last else dict(dims)
            self._add(points, {"Timestamp": now, "Value": number, "Unit": unit, "Dimensions": shared})

    def store(
        self,
        namespace: str,
        name: str,
        dims: dict[str, str],
        ts: float,
        unit: str,
        value: float | None,
        values: Sequence[float] | None,
        counts: Sequence[float] | None,
        stat_values: Mapping[str, float] | None,
    ) -> None:
        """Keep one element of PutMetricData: values with their counts, a statistic set, or a single value."""
        base = {"Timestamp": ts, "Unit": unit, "Dimensions": dims}
        if values is not None:
            pairs = zip(values, counts or [1.0] * len(values), strict=False)
            new = [{**base, "Value": float(each), "Count": float(count)} for each, count in pairs]
        elif stat_values is not None:
            count = float(stat_values.get("SampleCount", 0))
            mean = float(stat_values.get("Sum", 0)) / count if count else 0.0
            new = [{**base, "Value": mean, "_stat": stat_values}]
        else:
            new = [{**base, "Value": float(value or 0)}]
        with self._changing:
            points = BUCKET.current()((namespace, name, DIMENSIONS_KEY.current()(dims)))
            for each in new:
                self._add(points, each)

    def _is_alike(self, last: _Point, value: float, unit: str, now: float) -> bool:
        return (
            last["Value"] == value
            and last["Unit"] == unit
            and "_stat" not in last
            and 0 <= now - last["Timestamp"] < self._moment
        )

    def _add(self, points: list[_Point], point: _Point) -> None:
        points.append(point)
        self._kept += 1
        if len(points) > MOST_POINTS:
            del points[: MOST_POINTS // 2]
            self._kept -= MOST_POINTS // 2
        if self._kept > MOST_POINTS_OF_ALL:
            self._forget_older_half()

    def _forget_older_half(self) -> None:
        """Forget the older half of all points, and the metrics that have none left. The account may have been reset."""
        metrics = METRICS.current()
        every = list(metrics.all_items())
        moments = sorted(point["Timestamp"] for _, points in every for point in points)
        if len(moments) > MOST_POINTS_OF_ALL // 2:
            oldest = moments[-MOST_POINTS_OF_ALL // 2]
            for (account, region, key), points in every:
                points[:] = [each for each in points if each["Timestamp"] > oldest]
                if not points:
                    metrics.pop_scoped(account, region, key, None)
        self._kept = sum(len(points) for _, points in metrics.all_items())
