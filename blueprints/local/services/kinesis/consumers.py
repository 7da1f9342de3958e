"""Enhanced fan-out consumers: as resources of templates, and as event sources of Lambda.

The base emulator registers consumers and serves SubscribeToShard, but has no AWS::Kinesis::StreamConsumer, and its
CreateEventSourceMapping takes the ARN of a stream alone. Source: AWS CloudFormation Template Reference.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.kinesis.stream_source import CONSUMERS

REGISTER = Internal("services.kinesis", "_register_consumer", ("data",))
DEREGISTER = Internal("services.kinesis", "_deregister_consumer", ("data",))
STREAM_NAME = Internal("services.lambda_svc", "_kinesis_stream_name_from_arn_spec", ("spec",))
REPLACING = Internal("services.cloudformation.provisioners", "_REPLACING_PROPERTIES")

_TYPE = "AWS::Kinesis::StreamConsumer"
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
_RESOURCE = re.compile(r"stream/([^/]+)/consumer/[^/:]+:[0-9]+")

_Attributes = dict[str, Any]


def install() -> None:
    """Let templates register consumers, and mappings read through them."""
    REGISTRY.current()[_TYPE] = {"create": _create, "update": _update, "delete": _delete}
    REPLACING.current()[_TYPE] = ("ConsumerName", "StreamARN")
    STREAM_NAME.replace(_or_of_consumer(STREAM_NAME.current()))


def _create(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, _Attributes]:  # noqa: ARG001
    name = str(props.get("ConsumerName") or "")
    if not _NAME.fullmatch(name):
        raise ResourceFailed(f"ConsumerName {name!r} is not 1 to 128 letters, digits, underscores, dots and hyphens.")
    given = {"StreamARN": props.get("StreamARN"), "ConsumerName": name}
    status, _, body = REGISTER.current()(given)
    answer = json.loads(body)
    if status != 200:
        raise ResourceFailed(str(answer.get("message") or answer))
    arn = str(answer["Consumer"]["ConsumerARN"])
    return arn, _attributes(arn)


def _update(physical_id: str, old: dict[str, Any], new: dict[str, Any], *_: Any) -> tuple[str, _Attributes]:  # noqa: ARG001
    """Only tags can change without replacing a consumer, and nothing reads them."""
    return physical_id, _attributes(physical_id)


def _delete(physical_id: str, props: dict[str, Any]) -> None:  # noqa: ARG001
    """Deregister the consumer; deleting its stream may have done so before."""
    DEREGISTER.current()({"ConsumerARN": physical_id})


def _attributes(arn: str) -> _Attributes:
    consumer = CONSUMERS.current()[arn]
    created = datetime.fromtimestamp(consumer["ConsumerCreationTimestamp"], UTC)
    return {
        "ConsumerARN": arn,
        "ConsumerName": consumer["ConsumerName"],
        "ConsumerStatus": consumer["ConsumerStatus"],
        "ConsumerCreationTimestamp": created.isoformat().replace("+00:00", "Z"),
        "StreamARN": consumer["StreamARN"],
    }


def _or_of_consumer(stream_name: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    def named(spec: Any) -> str | None:
        consumer = _RESOURCE.fullmatch(spec.resource) if spec.service == "kinesis" else None
        return consumer[1] if consumer else stream_name(spec)

    return named
