"""The values that an alarm compares: its metric, or its expression, for each of the last periods in scaled time."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.cloudwatch.metric_math import Expression, InvalidExpression, Series

METRICS = Internal("services.cloudwatch", "_metrics")
DIMENSIONS_KEY = Internal("services.cloudwatch", "_dims_key", ("dims",))
STATISTICS = Internal("services.cloudwatch", "_calc_stats", ("points",))
STATISTIC = Internal("services.cloudwatch", "_stat_value", ("stats", "stat_name", "points"))

_MINUTE = 60


@dataclass(frozen=True)
class Windows:
    """The last `count` periods, each of `seconds` scaled seconds; `end` is in real seconds since 1970."""

    end: float
    seconds: int
    count: int
    scale: float

    @classmethod
    def before(cls, now: float, seconds: int, count: int, scale: float) -> "Windows":
        """The windows at a real moment. They end at a whole minute; those of less than a minute at whole periods."""
        step = min(seconds, _MINUTE)
        return cls(math.floor(now * scale / step) * step / scale, seconds, count, scale)

    def values(self, points: Sequence[Mapping[str, Any]], statistic: str) -> Series:
        """The statistic of the points in each window, the oldest first."""
        width = self.seconds / self.scale
        held: list[list[Mapping[str, Any]]] = [[] for _ in range(self.count)]
        for point in reversed(points):
            place = math.ceil((self.end - point["Timestamp"]) / width) - 1
            if place >= self.count + 1 and point["Timestamp"] < self.end - (self.count + 1) * width:
                break  # points come in about the order of time
            if 0 <= place < self.count:
                held[place].append(point)
        return [self._statistic(each, statistic) for each in reversed(held)]

    @staticmethod
    def _statistic(points: list[Mapping[str, Any]], statistic: str) -> float | None:
        stats = STATISTICS.current()(points) if points else None
        if not stats:
            return None
        value = STATISTIC.current()(stats, statistic, points)
        return None if value is None else float(value)


def period_of(alarm: Mapping[str, Any]) -> int:
    """The seconds of an alarm's period: with `Metrics`, the longest of theirs."""
    periods = [int((each.get("MetricStat") or {}).get("Period") or each.get("Period") or 0) for each in _queries(alarm)]
    return max(periods, default=0) or int(alarm.get("Period") or _MINUTE)


def values_of(alarm: Mapping[str, Any], windows: Windows) -> Series:
    """The values of an alarm in the account and Region of the caller's context. Raises InvalidExpression."""
    queries = list(_queries(alarm))
    if not queries:
        statistic = str(alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average")
        return windows.values(_points(alarm), statistic)
    metrics = {
        str(each["Id"]): windows.values(_points(each["MetricStat"]["Metric"]), str(each["MetricStat"]["Stat"]))
        for each in queries
        if each.get("MetricStat")
    }
    others: dict[str, Series] = {}
    for each in _in_order(queries, metrics.keys()):
        others[str(each["Id"])] = Expression(str(each["Expression"])).evaluate(metrics, others, windows.seconds)
    returned = returned_id(queries)
    return {**metrics, **others}[returned]


def returned_id(queries: Sequence[Mapping[str, Any]]) -> str:
    """The id of the query that the alarm watches. Raises InvalidExpression unless there is exactly one."""
    returned = [str(each["Id"]) for each in queries if each.get("ReturnData", True) not in (False, "false")]
    if len(returned) != 1:
        raise InvalidExpression("Exactly one element of the metrics list should return data.")
    return returned[0]


def check(queries: Sequence[Mapping[str, Any]]) -> None:
    """Raise InvalidExpression for `Metrics` of an alarm that CloudWatch refuses, or that cannot be evaluated here."""
    names = {str(each["Id"]) for each in queries}
    for each in queries:
        if each.get("Expression"):
            unknown = Expression(str(each["Expression"])).names - names
            if unknown:
                raise InvalidExpression(f"There is no metric or expression {', '.join(sorted(unknown))}")
    returned_id(queries)
    list(_in_order(queries, {str(each["Id"]) for each in queries if each.get("MetricStat")}))


def _queries(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from alarm.get("Metrics") or ()


def _in_order(queries: Sequence[Mapping[str, Any]], known: Any) -> Iterator[Mapping[str, Any]]:
    """The expressions, each after those that it names."""
    waiting = [each for each in queries if each.get("Expression")]
    done = set(known)
    while waiting:
        ready = [each for each in waiting if Expression(str(each["Expression"])).names <= done]
        if not ready:
            raise InvalidExpression("The expressions wait for each other")
        for each in ready:
            waiting.remove(each)
            done.add(str(each["Id"]))
            yield each


def _points(metric: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The points of exactly the metric with these dimensions."""
    dimensions = {str(each["Name"]): str(each["Value"]) for each in metric.get("Dimensions") or ()}
    key = (metric.get("Namespace"), metric.get("MetricName"), DIMENSIONS_KEY.current()(dimensions))
    return list(METRICS.current().get(key) or ())
