"""CloudWatch: alarms that watch the metric with their dimensions, period by period, and metrics of functions' logs.

alarms                 evaluates every alarm and acts when its state changes
alarm_values           the values that an alarm compares
alarm_states           the state by these values
metric_math            expressions over metrics
alarms_on_expressions  alarms with such expressions in templates
composite_alarms       alarms on the states of other alarms in templates
alarm_events           the events of alarms
dashboards             what dashboards may be
embedded_metrics       metrics in log events
recording              records the services' metrics in bounded memory
dimensionless          metrics without dimensions in requests
stored_amounts         metrics of queues and buckets
ringing                which alarms have rung since a moment
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.cloudwatch import (
    alarms_on_expressions,
    composite_alarms,
    dashboards,
    dimensionless,
    embedded_metrics,
    ringing,
)
from blueprints.local.services.cloudwatch.alarms import Alarms
from blueprints.local.services.cloudwatch.recording import Recording
from blueprints.local.services.cloudwatch.ringing import rang_since
from blueprints.local.services.cloudwatch.stored_amounts import StoredAmounts


class CloudWatch(Extension):
    """Replaces the evaluation of alarms; records metrics of logs, queues and buckets."""

    after = ("eventbridge",)

    def install(self, aws: EmbeddedAws) -> None:
        alarms_on_expressions.install()
        dashboards.install()
        dimensionless.install()
        embedded_metrics.install()
        Recording(aws.clock).install()
        Alarms(aws.clock).install()
        StoredAmounts(aws.clock).install()

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return composite_alarms.resource_types()

    def reset(self) -> None:
        ringing.forget()


EXTENSION = CloudWatch()
__all__ = ["EXTENSION", "rang_since"]
