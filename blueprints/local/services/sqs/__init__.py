"""SQS: one change of a queue's messages at a time, queues as event source mappings read them, and metrics."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.sqs import exclusive_changes, metrics, receipts
from blueprints.local.services.sqs.metrics import record_sent
from blueprints.local.services.sqs.queue_source import MOST_AT_ONCE, Message, QueueSource


class Sqs(Extension):
    """Extends the base emulator's queues."""

    def install(self, aws: EmbeddedAws) -> None:
        receipts.install()
        exclusive_changes.install()
        metrics.install()


EXTENSION = Sqs()
__all__ = ["EXTENSION", "MOST_AT_ONCE", "Message", "QueueSource", "record_sent"]
