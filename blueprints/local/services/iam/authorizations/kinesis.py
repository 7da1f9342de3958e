"""Amazon Kinesis Data Streams: streams, which a request names by name, ARN or iterator, and consumers.

Source: Service Authorization Reference, "Amazon Kinesis Data Streams".
"""

from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations.call import Call
from blueprints.local.services.iam.authorizations.needs import Needs, Operations, any_resource, by_operation

ITERATORS = Internal("services.kinesis", "_shard_iterators")
CONSUMERS = Internal("services.kinesis", "_consumers")


def _stream(call: Call) -> str:
    name = call.text("StreamName")
    return call.text("StreamARN") or (call.arn(f"stream/{name}") if name else "*")


def _stream_of_iterator(call: Call) -> str:
    iterator = ITERATORS.current().get(call.text("ShardIterator")) or {}
    return call.arn(f"stream/{iterator['stream']}") if "stream" in iterator else _stream(call)


def _consumer(call: Call) -> str:
    """By its ARN, or by its stream and its name; one that does not exist has no timestamp in its ARN."""
    if call.text("ConsumerARN"):
        return call.text("ConsumerARN")
    stream, name = call.text("StreamARN"), call.text("ConsumerName")
    for arn, each in CONSUMERS.current().items():
        if each.get("StreamARN") == stream and each.get("ConsumerName") == name:
            return str(arn)
    return f"{stream}/consumer/{name}:*" if stream and name else "*"


def _tagged(call: Call) -> str:
    return call.text("ResourceARN") or "*"


_WITHOUT_RESOURCE = (
    "DescribeAccountSettings",
    "DescribeLimits",
    "DisableEnhancedMonitoring",
    "EnableEnhancedMonitoring",
    "ListStreams",
    "UpdateAccountSettings",
    "UpdateShardCount",
    "UpdateStreamMode",
)
_ON_CONSUMERS = ("DeregisterStreamConsumer", "DescribeStreamConsumer", "SubscribeToShard")
_ON_EITHER = (
    "DeleteResourcePolicy",
    "GetResourcePolicy",
    "ListTagsForResource",
    "PutResourcePolicy",
    "TagResource",
    "UntagResource",
)

_OPERATIONS: Operations = {
    **{name: (Needs(name, any_resource),) for name in _WITHOUT_RESOURCE},
    **{name: (Needs(name, _consumer),) for name in _ON_CONSUMERS},
    **{name: (Needs(name, _tagged),) for name in _ON_EITHER},
    "GetRecords": (Needs("GetRecords", _stream_of_iterator),),
    "RegisterStreamConsumer": (
        Needs("RegisterStreamConsumer", _stream),
        Needs("TagResource", _consumer, when=lambda call: call.has("Tags")),
    ),
}

SERVICES = {"kinesis": by_operation("kinesis", _OPERATIONS, default=_stream)}
