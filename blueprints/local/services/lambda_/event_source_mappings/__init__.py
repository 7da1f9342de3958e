"""Event source mappings of Kinesis and DynamoDB streams, in place of the base emulator's, and batches of SQS queues.

Follows the AWS Lambda Developer Guide, "How Lambda processes records from stream and queue-based event sources", "Using
Lambda with Kinesis" and "Using Lambda with DynamoDB".

Plain values decide what is sent next, without the base emulator:

    policy          a mapping's settings
    answers         interprets a function's response
    decisions       what happens to a batch after its response
    lane            records that must stay in order
    shard_progress  the position in a shard, and its lanes

The rest acts on the base emulator:

    filters, permission  which records the function gets, and whether its role may read them
    mapping         the progress of one mapping
    invocations     invokes the function
    destinations    sends failed batches to the on-failure destination
    poller          runs all mappings of streams
    queue_batches   handles batches of SQS queues
    registration    creates, changes and deletes mappings
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
    """Replaces the event that Kinesis and DynamoDB set after every put, so that it wakes the poller of streams."""

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
