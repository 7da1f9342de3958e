"""The metrics of AWS/Lambda, for every kind of invocation.

Source: AWS Lambda Developer Guide, "Types of metrics for Lambda functions".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blueprints.local.base.internals import Internal

EMIT = Internal("services.lambda_svc", "_emit_lambda_metrics", ("function_name", "duration_ms", "error", "throttle"))
SCOPE = Internal("core.responses", "request_scope", ("account_id", "region"))
RECORD = Internal("services.cloudwatch", "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions"))

_NAMESPACE = "AWS/Lambda"


def install() -> None:
    """Stop the base emulator from recording: it knows synchronous invocations alone, and no alias."""
    EMIT.replace(lambda function_name, duration_ms, error, throttle: None)  # noqa: ARG005 - as it is called


def record_invocation(config: Mapping[str, Any], result: Mapping[str, Any], milliseconds: float, running: int) -> None:
    """Record an invocation that has ended or was throttled.

    `result` is the base emulator's, `running` the number of environments of the function that were at work.
    """
    values = [("Throttles", float(bool(result.get("throttle"))), "Count")]
    if not result.get("throttle"):
        values += [
            ("Invocations", 1.0, "Count"),
            ("Errors", float(bool(result.get("error"))), "Count"),
            ("Duration", milliseconds, "Milliseconds"),
            ("ConcurrentExecutions", float(running), "Count"),
        ]
    _record(config, values)


def record(config: Mapping[str, Any], name: str, value: float, unit: str = "Count") -> None:
    """Record one value of another metric, such as `IteratorAge`, of the function as it was invoked."""
    _record(config, [(name, value, unit)])


def record_of_mapping(function_arn: str, mapping_id: str, name: str, value: float) -> None:
    """Record one value of a metric of an event source mapping."""
    region, account = function_arn.split(":")[3:5]
    with SCOPE.current()(account, region):
        RECORD.current()(_NAMESPACE, name, value, "Count", {"EventSourceMappingUUID": mapping_id})


def _record(config: Mapping[str, Any], values: Sequence[tuple[str, float, str]]) -> None:
    """Record values, each by name and unit, in the function's account and Region."""
    region, account = str(config["FunctionArn"]).split(":")[3:5]
    with SCOPE.current()(account, region):
        for dimensions in _dimensions(config):
            for name, value, unit in values:
                RECORD.current()(_NAMESPACE, name, value, unit, dimensions)


def _dimensions(config: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Of the function, of its alias or version, and of the version that the alias chose."""
    function = str(config["FunctionName"])
    yield {"FunctionName": function}
    arn = str(config["FunctionArn"])
    qualifier = arn.split(":")[7] if arn.count(":") >= 7 else ""
    resource = f"{function}:{qualifier}" if qualifier else function
    yield {"FunctionName": function, "Resource": resource}
    version = str(config.get("Version", "$LATEST"))
    if qualifier and qualifier != version:
        yield {"FunctionName": function, "Resource": resource, "ExecutedVersion": version}
