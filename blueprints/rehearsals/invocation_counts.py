"""How often each version of a function ran for its alias, and how often with an error, by its metrics."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from blueprints.rehearsals.observation import Gradual

Counts = dict[str, dict[str, tuple[int, int]]]
"""Invocations and errors by version, by the function's logical id."""

_DAY = 86_400


def counts(client: Callable[[str], Any], functions: list[Gradual]) -> Counts:
    """The numbers of the last day."""
    found: Counts = {}
    for each in functions:
        listed = client("lambda").list_versions_by_function(FunctionName=each.name)["Versions"]
        versions = [version["Version"] for version in listed if version["Version"] != "$LATEST"]
        found[each.logical_id] = {
            version: (_sum(client, each, version, "Invocations"), _sum(client, each, version, "Errors"))
            for version in versions
        }
    return found


def _sum(client: Callable[[str], Any], function: Gradual, version: str, metric: str) -> int:
    now = datetime.now(UTC)
    dimensions = {
        "FunctionName": function.name,
        "Resource": f"{function.name}:{function.alias}",
        "ExecutedVersion": version,
    }
    points = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(days=1),
        EndTime=now + timedelta(minutes=1),
        Period=_DAY,
        Statistics=["Sum"],
    )["Datapoints"]
    return int(sum(point["Sum"] for point in points))
