"""DynamoDB: PartiQL statements with their permissions, stream records for every way of writing, and time to live."""

from blueprints.local.services.dynamodb import (
    partiql_checks,
    partiql_permissions,
    stream_records,
    table_definitions,
    table_replacement,
    time_to_live,
)

INTERNALS = (
    *partiql_checks.INTERNALS,
    *partiql_permissions.INTERNALS,
    *stream_records.INTERNALS,
    *table_definitions.INTERNALS,
    *table_replacement.INTERNALS,
    *time_to_live.INTERNALS,
)


def install(time_scale: float) -> None:
    """Extend the base emulator's DynamoDB; expired items are looked for as often as `time_scale` says."""
    partiql_checks.install()
    partiql_permissions.install()
    stream_records.install()
    table_definitions.install()
    table_replacement.install()
    time_to_live.install(time_scale)
