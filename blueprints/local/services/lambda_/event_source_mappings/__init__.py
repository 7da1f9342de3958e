"""Event source mappings of Kinesis and DynamoDB streams, in place of the base emulator's, and batches of SQS queues.

Follows the AWS Lambda Developer Guide, "How Lambda processes records from stream and queue-based event sources", "Using
Lambda with Kinesis" and "Using Lambda with DynamoDB".

What is sent next, and what an answer means, is decided by plain values: `records` (a record, a batch), `policy` (a
mapping's settings), `answers` (what a function's answer says), `decisions` (what then becomes of the batch), `lane`
(records that must stay in order) and `shard_progress` (how far a shard was read, and its lanes). Around them stands
what touches the base emulator: `kinesis_source` and `dynamodb_source` read streams, `stream_consumers` registers those
with enhanced fan-out, `filters` and `permission` ask, `mapping` holds one mapping's progress, `invocations` calls the
function, `destinations` takes what failed, `poller` runs it all, `queue_batches` runs the batches of SQS queues, and
`registration` takes mappings in, changes and removes them.
"""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.dynamodb import stream_source as dynamodb_source
from blueprints.local.services.kinesis import consumers as stream_consumers
from blueprints.local.services.kinesis import stream_source as kinesis_source
from blueprints.local.services.lambda_.event_source_mappings import (
    filters,
    permission,
    poller,
    queue_batches,
    queue_refusals,
    registration,
)
from blueprints.local.services.lambda_.event_source_mappings.poller import Poller
from blueprints.local.services.lambda_.event_source_mappings.registration import Registration

STOCK_POLLERS = (
    Internal("services.lambda_svc", "_poll_kinesis", ()),
    Internal("services.lambda_svc", "_poll_dynamodb_streams", ()),
)
WAKES = (Internal("services.kinesis", "esm_wake"), Internal("services.dynamodb", "esm_wake"))
RESET = Internal("services.lambda_svc", "reset", ())
INTERNALS = (
    *STOCK_POLLERS,
    *WAKES,
    RESET,
    *dynamodb_source.INTERNALS,
    *filters.INTERNALS,
    *kinesis_source.INTERNALS,
    *permission.INTERNALS,
    *poller.INTERNALS,
    *queue_batches.INTERNALS,
    *queue_refusals.INTERNALS,
    *registration.INTERNALS,
    *stream_consumers.INTERNALS,
)


class _Wake:
    """Stands where both services set the base emulator's event after every put: streams wake their own poller."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.set = look


def install(endpoint: str, time_scale: float) -> None:
    """Replace the base emulator's pollers of streams; its poller of queues stays, but not its handling of a batch."""
    streams = Poller(endpoint, time_scale)
    for stock in STOCK_POLLERS:
        stock.replace(lambda: False)
    for wake in WAKES:
        wake.replace(_Wake(streams.look))
    kinesis_source.install()
    stream_consumers.install()
    queue_batches.install()
    Registration(streams).install()
    reset: Callable[[], Any] = RESET.current()

    def reset_all() -> None:
        streams.clear()
        reset()

    RESET.replace(reset_all)
