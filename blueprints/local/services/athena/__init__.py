"""Athena: SELECTs over Iceberg and Parquet tables, answered by DuckDB where it answers as Athena does.

queries      replaces the base emulator's engine
translation  reads a statement, refuses what DuckDB would answer otherwise, and writes it in DuckDB's dialect
tables       the tables of the Glue catalog that a statement names, read with the caller's permissions
"""

from blueprints.local.base.extension import EmbeddedAws, Extension
from blueprints.local.services.athena.queries import Queries


class Athena(Extension):
    """Reads Iceberg, asks the caller's permissions, and refuses statements that would be answered otherwise."""

    after = ("iam",)

    def install(self, aws: EmbeddedAws) -> None:
        Queries(aws.endpoint).install()


EXTENSION = Athena()
