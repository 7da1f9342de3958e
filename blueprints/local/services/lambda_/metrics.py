"""The metrics of AWS/Lambda, for every kind of invocation.

Source: AWS Lambda Developer Guide, "Types of metrics for Lambda functions".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.metrics import Value, record, scope_of

EMIT = Internal("services.lambda_svc", "_emit_lambda_metrics", ("function_name", "duration_ms", "error", "throttle"))

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


def record_value(config: Mapping[str, Any], name: str, value: float, unit: str = "Count") -> None:
    """Record one value of another metric, such as `IteratorAge`, of the function as it was invoked."""
    _record(config, [(name, value, unit)])


def record_of_mapping(function_arn: str, mapping_id: str, name: str, value: float) -> None:
    """Record one value of a metric of an event source mapping."""
    dimensions = {"EventSourceMappingUUID": mapping_id}
    record(_NAMESPACE, [dimensions], [(name, value, "Count")], scope_of(function_arn))


def _record(config: Mapping[str, Any], values: Sequence[Value]) -> None:
    """Record values in the function's account and Region."""
    record(_NAMESPACE, _dimensions(config), values, scope_of(str(config["FunctionArn"])))


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
