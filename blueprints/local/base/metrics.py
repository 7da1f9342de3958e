"""Records the metrics of services, as CloudWatch keeps them: by namespace, name and dimensions."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext

from blueprints.local.base.internals import Internal

RECORD = Internal("services.cloudwatch", "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions"))
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))

Value = tuple[str, float, str]
"""The name of a metric, a value, and its unit, such as `Count` or `Milliseconds`."""
Dimensions = Mapping[str, str]
Scope = tuple[str, str]
"""An account and a Region."""


def record(
    namespace: str, dimensions: Iterable[Dimensions], values: Iterable[Value], scope: Scope | None = None
) -> None:
    """Record every value under each of the sets of dimensions. Any thread may call it.

    Without `scope`, they are of the account and Region of the caller's context.
    """
    keep = RECORD.current()
    values = tuple(values)
    with SCOPE.current()(*scope) if scope else nullcontext():
        for each in dimensions:
            for name, value, unit in values:
                keep(namespace, name, value, unit, each)


def scope_of(arn: str) -> Scope:
    """The account and the Region in an ARN."""
    region, account = arn.split(":", 5)[3:5]
    return account, region
