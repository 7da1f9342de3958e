"""Reads DynamoDB streams: the one shard the base emulator keeps per stream, also after the stream was switched off."""

import json
import uuid
from bisect import bisect_right
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.stream_records import Record
from blueprints.local.base.stream_source import Shard
from blueprints.local.services.dynamodb.metrics import record_stream_read

TABLES = Internal("services.dynamodb", "_tables")
LIVE = Internal("services.dynamodb", "stream_live_records", ("table_name", "account_id", "region"))
CLOSED = Internal("services.dynamodb", "closed_stream", ("stream_arn",))
ITEM_SIZE = Internal("services.dynamodb", "_item_size_bytes", ("item",))
SHARD_ID = Internal("services.dynamodb_streams", "_DEFAULT_SHARD_ID")

_ACTIONS = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams")

# A sequence number begins with the milliseconds of its making; the creation time in the record is cut to seconds.
_MILLISECOND_DIGITS = 20


class DynamoDBSource:
    """One stream of a table."""

    batch_info = "DDBStreamBatchInfo"

    def __init__(self, arn: str) -> None:
        self.arn = arn
        _, _, _, self._region, self._account, resource = arn.split(":", 5)
        self._table = resource.split("/")[1]

    @property
    def permissions(self) -> tuple[tuple[str, str], ...]:
        """The actions, all on the stream."""
        return tuple((action, self.arn) for action in _ACTIONS)

    def shards(self) -> list[Shard] | None:
        """The stream's one shard."""
        return None if self._records() is None else [Shard(SHARD_ID.current())]

    def end(self, shard_id: str) -> int:  # noqa: ARG002 - there is one shard
        """The newest record's position."""
        records = self._records()
        return _position(records[-1]) if records else 0

    def read(self, shard_id: str, after: int, limit: int, role_arn: str) -> list[Record]:  # noqa: ARG002
        """Records in the form of Lambda's DynamoDB events."""
        records = self._records() or []
        begin = bisect_right(records, after, key=_position)
        read = [_record(each) for each in records[begin : begin + limit]]
        if read:
            size = sum(each.size for each in read)
            record_stream_read(self.arn, len(read), size, (self._account, self._region))
        return read

    def _records(self) -> list[dict[str, Any]] | None:
        table = TABLES.current().get_scoped(self._account, self._region, self._table) or {}
        enabled = (table.get("StreamSpecification") or {}).get("StreamEnabled")
        if enabled and table.get("LatestStreamArn") == self.arn:
            live: list[dict[str, Any]] = LIVE.current()(self._table, account_id=self._account, region=self._region)
            return live
        closed = CLOSED.current()(self.arn)
        return closed["records"] if closed else None


def _position(raw: dict[str, Any]) -> int:
    return int(raw["dynamodb"]["SequenceNumber"])


def _record(raw: dict[str, Any]) -> Record:
    change = raw["dynamodb"]
    identifier = change["SequenceNumber"]
    images = (change.get(name) or {} for name in ("Keys", "NewImage", "OldImage"))
    size = sum(int(ITEM_SIZE.current()(image)) for image in images)
    event = {**raw, "eventID": uuid.UUID(raw["eventID"]).hex, "dynamodb": {**change, "SizeBytes": size}}
    return Record(
        position=int(identifier),
        identifier=identifier,
        key=json.dumps(change["Keys"], sort_keys=True),
        arrived=int(identifier[:_MILLISECOND_DIGITS]) / 1000,
        size=len(json.dumps(event)),
        event=event,
    )
