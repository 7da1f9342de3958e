"""A request for a metric without dimensions means the one that has none.

The base emulator then adds up all metrics of that name, whatever their dimensions.
Source: Amazon CloudWatch User Guide, "Dimensions": CloudWatch treats each combination of dimensions as a metric.
"""

from collections.abc import Mapping, Sequence

from blueprints.local.base.internals import Internal

DIMENSIONS = Internal("services.cloudwatch", "_dims_from_list", ("dimensions",))


class _Dimensions(dict[str, str]):
    """Is true also if empty: the base emulator asks that to see whether to compare dimensions."""

    def __bool__(self) -> bool:
        return True


def install() -> None:
    """Let GetMetricData and GetMetricStatistics compare dimensions always."""
    read = DIMENSIONS.current()

    def read_dimensions(dimensions: Sequence[Mapping[str, str]]) -> _Dimensions:
        return _Dimensions(read(dimensions))

    DIMENSIONS.replace(read_dimensions)
