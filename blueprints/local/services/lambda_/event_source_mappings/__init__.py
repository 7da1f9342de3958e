"""Event source mappings of SQS queues and of Kinesis and DynamoDB streams, in place of the base emulator's.

Follows the AWS Lambda Developer Guide, "How Lambda processes records from stream and queue-based event sources", "Using
Lambda with Kinesis", "Using Lambda with DynamoDB" and "Using Lambda with Amazon SQS".

Plain values decide what is sent next, without the base emulator:

    policy          a mapping's settings
    answers         interprets a function's response
    decisions       what happens to a batch of a stream after its response
    lane            records that must stay in order
    shard_progress  the position in a shard, and its lanes
    gathering       messages of a queue that become a batch

The rest acts on the base emulator:

    filters, permission  which records the function gets, and what its role may do
    mapping, poller      what all mappings have in common; runs them
    stream_mapping, stream_work, stream_invocations   mappings of streams
    destinations         sends failed batches to the on-failure destination
    queue_mapping, queue_work                         mappings of queues
    refusals, queue_refusals, registration            creates, changes and deletes mappings
"""

from blueprints.local.base.clock import Clock
from blueprints.local.base.internals import Internal
from blueprints.local.services.lambda_.event_source_mappings.answers import failed_messages
from blueprints.local.services.lambda_.event_source_mappings.filters import matching
from blueprints.local.services.lambda_.event_source_mappings.poller import Poller
from blueprints.local.services.lambda_.event_source_mappings.refusals import bad_filter
from blueprints.local.services.lambda_.event_source_mappings.registration import Registration
from blueprints.local.services.lambda_.executor import Executor

__all__ = ["Poller", "bad_filter", "failed_messages", "install", "matching"]

START_BASE_POLLER = Internal("services.lambda_svc", "_ensure_poller", ())
# Every service of the base emulator sets this event after it put something into a queue or stream.
SOURCE_CHANGED = Internal("core.concurrency", "esm_wake")


def install(executor: Executor, endpoint: str, clock: Clock) -> Poller:
    """Replace the base emulator's pollers."""
    poller = Poller(executor, endpoint, clock)
    START_BASE_POLLER.replace(lambda: None)
    SOURCE_CHANGED.current().set = poller.look
    Registration(poller).install()
    return poller
