"""Structured logs and metrics: Powertools' Logger and Metrics, without the price of its Tracer.

Both take the service's name from POWERTOOLS_SERVICE_NAME; metrics are written to the log (EMF), in the namespace
POWERTOOLS_METRICS_NAMESPACE. Traces need no code: a template's `Tracing: Active` records every invocation, and
importing an X-Ray SDK would double the time of a handler's import.
"""

import warnings

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

__all__ = ["Logger", "MetricUnit", "Metrics"]

# An invocation that has nothing to count is no mistake, and the warning would stand in the logs beside every one.
warnings.filterwarnings("ignore", message="No application metrics to publish")
