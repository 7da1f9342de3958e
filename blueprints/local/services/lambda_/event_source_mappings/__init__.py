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

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_.event_source_mappings import queue_batches
from blueprints.local.services.lambda_.event_source_mappings.poller import Poller
from blueprints.local.services.lambda_.event_source_mappings.registration import Registration
from blueprints.local.services.lambda_.executor import Executor

STOCK_POLLERS = (
    Internal("services.lambda_svc", "_poll_kinesis", ()),
    Internal("services.lambda_svc", "_poll_dynamodb_streams", ()),
)
WAKES = (Internal("services.kinesis", "esm_wake"), Internal("services.dynamodb", "esm_wake"))


class _Wake:
    """Stands where both services set the base emulator's event after every put: streams wake their own poller."""

    def __init__(self, look: Callable[[], None]) -> None:
        self.set = look


def install(executor: Executor, endpoint: str, clock: Clock) -> Poller:
    """Replace the base emulator's pollers of streams; its poller of queues stays, but not its handling of a batch."""
    streams = Poller(executor, endpoint, clock)
    for stock in STOCK_POLLERS:
        stock.replace(lambda: False)
    for wake in WAKES:
        wake.replace(_Wake(streams.look))
    queue_batches.install()
    Registration(streams).install()
    return streams
