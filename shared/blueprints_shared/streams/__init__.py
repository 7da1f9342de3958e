"""Streams of Kinesis and DynamoDB as a function sees them.

checkpoint  handle a batch in order, stop at the first record that fails, report it
kinesis     the user records of a Kinesis batch
kpl         the aggregated record format of the Kinesis Producer Library
"""

from blueprints_shared.streams.checkpoint import BatchResponse, Progress, handle_in_order, sequence_number
from blueprints_shared.streams.kinesis import KinesisRecord, shard_id, user_records
from blueprints_shared.streams.kpl import MalformedAggregate

__all__ = [
    "BatchResponse",
    "KinesisRecord",
    "MalformedAggregate",
    "Progress",
    "handle_in_order",
    "sequence_number",
    "shard_id",
    "user_records",
]
