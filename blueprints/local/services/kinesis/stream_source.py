"""Reads Kinesis data streams, also after re-sharding and through enhanced fan-out consumers.

The base emulator drops a shard with its records when it is split or merged. On AWS a closed shard stays readable, and
its records are what a mapping has to process before those of the shards that follow it; so they are kept here.
"""

import json
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring_ascii
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_records import Record
from blueprints.local.base.stream_source import Shard
from blueprints.local.services.kinesis.metrics import record_read

STREAMS = Internal("services.kinesis", "_streams")
CONSUMERS = Internal("services.kinesis", "_consumers")
RESOLVE = Internal("services.kinesis", "_resolve_stream", ("data",))
AS_BASE64 = Internal("services.kinesis", "_ensure_base64", ("value",))
SPLIT = Internal("services.kinesis", "_split_shard", ("data",))
MERGE = Internal("services.kinesis", "_merge_shards", ("data",))
RESIZE = Internal("services.kinesis", "_update_shard_count", ("data",))

# Kept in the stream's own record, so that they are deleted with it.
_CLOSED = "closed_shards"
_PARENTS = "parents"

_CONSUMER = "/consumer/"
_POLLING = ("kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:DescribeStream", "kinesis:ListShards")
_LOOKING_UP = ("kinesis:DescribeStreamSummary", "kinesis:ListShards")
_SUBSCRIBING = "kinesis:SubscribeToShard"

_Shards = dict[str, dict[str, Any]]
_Reshard = Callable[[dict[str, Any]], Any]


def install() -> None:
    """Keep closed shards, and let a new shard count make new shards."""
    SPLIT.replace(_keeping_closed(SPLIT.current()))
    MERGE.replace(_keeping_closed(MERGE.current()))
    RESIZE.replace(_keeping_closed(RESIZE.current(), then=_as_children))


def is_consumer(arn: str) -> bool:
    """Whether the ARN is an enhanced fan-out consumer's."""
    return _CONSUMER in arn


class KinesisSource:
    """One data stream, by its own ARN or by the ARN of a consumer."""

    batch_info = "KinesisBatchInfo"

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self._stream_arn, self._consumer, _ = arn.partition(_CONSUMER)
        _, _, _, self._region, self._account, resource = self._stream_arn.split(":", 5)
        self._name = resource.partition("/")[2]

    @property
    def permissions(self) -> tuple[tuple[str, str], ...]:
        """The actions on the stream, and SubscribeToShard for a consumer."""
        if not self._consumer:
            return tuple((action, self.arn) for action in _POLLING)
        return (*((action, self._stream_arn) for action in _LOOKING_UP), (_SUBSCRIBING, self.arn))

    def shards(self) -> list[Shard] | None:
        """Closed shards first: they are the parents."""
        stream = self._stream()
        if stream is None or (self._consumer and self._registered() is None):
            return None
        closed = [Shard(each, _parents(shard), closed=True) for each, shard in stream.get(_CLOSED, {}).items()]
        return closed + [Shard(each, _parents(shard)) for each, shard in list(stream["shards"].items())]

    def end(self, shard_id: str) -> int:
        """The newest record's position."""
        records = self._records(shard_id)
        return _position(records[-1]) if records else 0

    def before(self, shard_id: str, moment: float) -> int:
        """The position of the last record that had arrived before a moment, in seconds since the epoch."""
        records = self._records(shard_id)
        count = bisect_left(records, moment, key=lambda record: float(record["ApproximateArrivalTimestamp"]))
        return _position(records[count - 1]) if count else 0

    def read(self, shard_id: str, after: int, limit: int, role_arn: str) -> list[Record]:
        """Records in the form of Lambda's Kinesis events."""
        begun = time.monotonic()
        records = self._records(shard_id)
        begin = bisect_right(records, after, key=_position)
        read = records[begin : begin + limit]
        empty = len(json.dumps(self._event(shard_id, role_arn, "", "", "", 0)))
        overhead = empty - len('""') - len("0")
        as_base64 = AS_BASE64.current()
        found = [self._record(shard_id, each, as_base64(each["Data"]), role_arn, overhead) for each in read]
        if read:
            consumer = self.arn.partition(_CONSUMER)[2].partition(":")[0]
            record_read(self._stream_arn, consumer, read, (time.monotonic() - begun) * 1000)
        return found

    def _stream(self) -> dict[str, Any] | None:
        stream: dict[str, Any] | None = STREAMS.current().get_scoped(self._account, self._region, self._name)
        return stream

    def _registered(self) -> dict[str, Any] | None:
        consumer: dict[str, Any] | None = CONSUMERS.current().get_scoped(self._account, self._region, self.arn)
        return consumer

    def _records(self, shard_id: str) -> list[dict[str, Any]]:
        stream = self._stream() or {"shards": {}}
        shard = stream["shards"].get(shard_id) or stream.get(_CLOSED, {}).get(shard_id)
        return shard["records"] if shard else []

    def _record(self, shard_id: str, raw: dict[str, Any], data: str, role_arn: str, overhead: int) -> Record:
        identifier, key, arrived = raw["SequenceNumber"], raw["PartitionKey"], raw["ApproximateArrivalTimestamp"]
        # A record without a partition key (record_distribution) is stored with an empty one; functions get null.
        event = self._event(shard_id, role_arn, identifier, key or None, data, arrived)
        # The event's length as JSON, added up: encoding a record only to measure it costs as much as reading it.
        size = (
            overhead
            + 2 * len(identifier)
            + len(encode_basestring_ascii(key) if key else "null")
            + len(data)
            + len(repr(arrived))
        )
        return Record(int(identifier), identifier, key, arrived, size, event)

    def _event(
        self, shard_id: str, role_arn: str, identifier: str, key: str | None, data: str, arrived: float
    ) -> dict[str, Any]:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": key,
                "sequenceNumber": identifier,
                "data": data,
                "approximateArrivalTimestamp": arrived,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{shard_id}:{identifier}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role_arn,
            "awsRegion": self._region,
            "eventSourceARN": self.arn,
        }


def _position(raw: dict[str, Any]) -> int:
    return int(raw["SequenceNumber"])


def _parents(shard: dict[str, Any]) -> tuple[str, ...]:
    stated = (shard.get("parent_shard_id"), shard.get("adjacent_parent_shard_id"))
    return shard.get(_PARENTS) or tuple(filter(None, stated))


def _keeping_closed(reshard: _Reshard, then: Callable[[_Shards, _Shards], _Shards] | None = None) -> _Reshard:
    def resharded(data: dict[str, Any]) -> object:
        _, stream = RESOLVE.current()(data)
        before: _Shards = dict(stream["shards"]) if stream else {}
        answer = reshard(data)
        if stream:
            closed = {name: each for name, each in before.items() if stream["shards"].get(name) is not each}
            kept = stream.setdefault(_CLOSED, {})
            kept.update(closed)
            if then and closed:
                stream["shards"] = then(kept, stream["shards"])
        return answer

    return resharded


def _as_children(closed: _Shards, made: _Shards) -> _Shards:
    """Number new shards after all others, each a child of the shards whose keys it takes over."""
    newest = max(int(name.rpartition("-")[2]) for name in closed)
    grown = {parent for shard in closed.values() for parent in _parents(shard)}
    leaves = {name: shard for name, shard in closed.items() if name not in grown}
    children: _Shards = {}
    for number, shard in enumerate(made.values(), newest + 1):
        parents = tuple(name for name, leaf in leaves.items() if _overlap(leaf, shard))
        stated = dict(zip(("parent_shard_id", "adjacent_parent_shard_id"), parents, strict=False))
        children[f"shardId-{number:012d}"] = {**shard, **stated, _PARENTS: parents}
    return children


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    def ends(shard: dict[str, Any]) -> Iterable[int]:
        return int(shard["starting_hash_key"]), int(shard["ending_hash_key"])

    (begin, end), (other_begin, other_end) = ends(one), ends(other)
    return begin <= other_end and other_begin <= end
