"""Checks the properties of a mapping from a stream: refuses what Lambda refuses, and what is not emulated.

Limits: AWS Lambda API Reference, CreateEventSourceMapping.
"""

import re
import time
from typing import Any

from blueprints.local.base.event_patterns import LONGEST
from blueprints.local.base.stream_source import service_of
from blueprints.local.services.lambda_.event_source_mappings.filters import defect_of, patterns_of
from blueprints.local.services.lambda_.event_source_mappings.policy import PARTIAL_RESPONSES

_STREAMS = ("kinesis", "dynamodb")
_STREAM_ARN = re.compile(
    r"arn:[a-z-]+:(kinesis:[a-z0-9-]+:[0-9]{12}:stream/[^/:]+(/consumer/[^/:]+:[0-9]+)?"
    r"|dynamodb:[a-z0-9-]+:[0-9]{12}:table/[^/:]+/stream/.+)"
)
WHOLE = re.compile(r"-?[0-9]+")
_MOMENT = re.compile(r"[0-9]+(\.[0-9]+)?")
_NOT_EMULATED = {
    "AmazonManagedKafkaEventSourceConfig": "Kafka event sources",
    "DocumentDBEventSourceConfig": "DocumentDB event sources",
    "KMSKeyArn": "filter criteria encrypted with a key of your own",
    "LoggingConfig": "logs of event source mappings",
    "ProvisionedPollerConfig": "provisioned pollers",
    "Queues": "message broker event sources",
    "SelfManagedEventSource": "self-managed Kafka event sources",
    "SelfManagedKafkaEventSourceConfig": "self-managed Kafka event sources",
    "SourceAccessConfigurations": "event sources with access configurations",
    "Topics": "Kafka event sources",
}
_RANGES = {
    "BatchSize": (1, 10_000),
    "MaximumBatchingWindowInSeconds": (0, 300),
    "MaximumRecordAgeInSeconds": (-1, 604_800),
    "MaximumRetryAttempts": (-1, 10_000),
    "ParallelizationFactor": (1, 10),
    "TumblingWindowInSeconds": (0, 900),
}
_YOUNGEST_LIMIT_SECONDS = 60
# the default quota of an account
_MOST_FILTERS = 5
_DESTINATIONS = ("sqs", "sns", "s3")


def refusal(properties: dict[str, Any], source_arn: str) -> str | None:
    """Why a mapping with these properties from a stream is refused; None if it is not."""
    service = service_of(source_arn)
    return (
        _out_of_range(properties)
        or unsupported_property(properties)
        or _unsupported_source(service, source_arn)
        or bad_filter(properties, service)
        or _bad_destination(properties)
        or _bad_response_type(properties)
    )


def starting_position_refusal(properties: dict[str, Any]) -> str | None:
    """Why a stream mapping can't start where it says."""
    position, moment = properties.get("StartingPosition"), properties.get("StartingPositionTimestamp")
    of_kinesis = service_of(str(properties.get("EventSourceArn") or "")) == "kinesis"
    positions = ("LATEST", "TRIM_HORIZON", *(("AT_TIMESTAMP",) if of_kinesis else ()))
    if position not in positions:
        return f"StartingPosition must be {' or '.join(positions)} for this stream, not {position}."
    if position != "AT_TIMESTAMP":
        return "StartingPositionTimestamp is for StartingPosition AT_TIMESTAMP." if moment else None
    if not moment:
        return "StartingPosition AT_TIMESTAMP needs a StartingPositionTimestamp."
    if not _MOMENT.fullmatch(str(moment)):
        return f"StartingPositionTimestamp must be in seconds since 1970, not {moment!r}."
    return "StartingPositionTimestamp can't be in the future." if float(moment) > time.time() else None


def unsupported_property(properties: dict[str, Any]) -> str | None:
    """Why properties are refused that the embedded AWS does not emulate; None if there are none."""
    named = [name for name in _NOT_EMULATED if properties.get(name)]
    if named:
        return f"{named[0]} ({_NOT_EMULATED[named[0]]}) is not emulated by the embedded AWS."
    if int(properties.get("TumblingWindowInSeconds") or 0) > 0:
        return "TumblingWindowInSeconds (tumbling windows) is not emulated by the embedded AWS."
    return None


def _unsupported_source(service: str, source_arn: str) -> str | None:
    if service not in _STREAMS:
        return f"Event source {source_arn or '(none)'}: only SQS, Kinesis and DynamoDB streams are emulated here."
    if not _STREAM_ARN.fullmatch(source_arn):
        return f"Event source {source_arn} is no ARN of a stream; take the Arn of a stream or StreamArn of a table."
    return None


def _out_of_range(properties: dict[str, Any]) -> str | None:
    for name, (least, most) in _RANGES.items():
        value = properties.get(name)
        if value is not None and not WHOLE.fullmatch(str(value)):
            return f"{name} must be a whole number, not {value!r}."
        if value is not None and not least <= int(value) <= most:
            return f"{name} must be between {least} and {most}, not {value}."
    age = properties.get("MaximumRecordAgeInSeconds")
    if age is not None and 0 <= int(age) < _YOUNGEST_LIMIT_SECONDS:
        return f"MaximumRecordAgeInSeconds must be -1 or at least {_YOUNGEST_LIMIT_SECONDS}, not {age}."
    return None


def bad_filter(properties: dict[str, Any], service: str) -> str | None:
    """Why Lambda refuses the FilterCriteria of a mapping from a service; None if it accepts them."""
    patterns = patterns_of(properties.get("FilterCriteria"))
    if len(patterns) > _MOST_FILTERS:
        return f"FilterCriteria may hold {_MOST_FILTERS} filters, not {len(patterns)}."
    for number, pattern in enumerate(patterns, start=1):
        if len(pattern) > LONGEST:
            return (
                f"1 validation error detected: Value at 'filterCriteria.filters.{number}.member.pattern' failed to "
                f"satisfy constraint: Member must have length less than or equal to {LONGEST}"
            )
        defect = defect_of(pattern, service)
        if defect:
            return f"Invalid filter pattern definition: {pattern!r}: {defect}."
    return None


def _bad_destination(properties: dict[str, Any]) -> str | None:
    destination = ((properties.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if destination and service_of(destination) not in _DESTINATIONS:
        return f"The on-failure destination {destination} is no SQS queue, SNS topic or S3 bucket."
    if destination and destination.endswith(".fifo"):
        return f"The on-failure destination {destination} is FIFO; take a standard queue or topic."
    return None


def _bad_response_type(properties: dict[str, Any]) -> str | None:
    wrong = [each for each in properties.get("FunctionResponseTypes") or () if each != PARTIAL_RESPONSES]
    return f"FunctionResponseTypes may hold {PARTIAL_RESPONSES}, not {wrong[0]}." if wrong else None
