"""DynamoDB: checks of PartiQL, stream records for every way of writing, time to live, and metrics."""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.dynamodb import (
    metrics,
    partiql_checks,
    stream_records,
    table_definitions,
    table_replacement,
    time_to_live,
)
from blueprints.local.services.dynamodb.stream_source import DynamoDBSource


class DynamoDB(Extension):
    """Extends the base emulator's tables and streams."""

    def install(self, aws: EmbeddedAws) -> None:
        partiql_checks.install()
        stream_records.install()
        table_definitions.install()
        table_replacement.install()
        time_to_live.install(aws.clock)
        metrics.install()


EXTENSION = DynamoDB()
__all__ = ["EXTENSION", "DynamoDBSource"]
