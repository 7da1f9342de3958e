"""Kinesis: retention, closed shards, consumers with enhanced fan-out, records without a partition key, and metrics."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.kinesis import consumers, metrics, record_distribution, retention, stream_source
from blueprints.local.services.kinesis.stream_source import KinesisSource, is_consumer


class Kinesis(Extension):
    """Extends the base emulator's streams."""

    def install(self, aws: EmbeddedAws) -> None:
        stream_source.install()
        consumers.install()
        retention.install()
        record_distribution.install()
        metrics.install(aws.clock.scale)


EXTENSION = Kinesis()
__all__ = ["EXTENSION", "KinesisSource", "is_consumer"]
