"""Runs the statements of Athena, in place of the base emulator's engine."""

import asyncio
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.athena.permissions import Permissions
from blueprints.local.services.athena.tables import CatalogTables
from blueprints.local.services.athena.translation import QueryRefused, read, to_duckdb

RUN = Internal("services.athena", "_run_duckdb", ("query", "database", "catalog"))

_TYPES = {
    "BIGINT": "bigint",
    "BLOB": "varbinary",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DECIMAL": "decimal",
    "DOUBLE": "double",
    "FLOAT": "float",
    "HUGEINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "TINYINT": "tinyint",
    "VARCHAR": "varchar",
}

Results = dict[str, Any]


class Queries:
    """The engine: reads tables in the caller's name, and answers with DuckDB."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def install(self) -> None:
        """Replace the base emulator's engine."""
        base = RUN.current()

        async def run(query: str, database: str, catalog: str | None = None) -> Results:
            if catalog and catalog.lower() != "awsdatacatalog":
                return dict(await base(query, database, catalog))
            return await asyncio.to_thread(self._answer, query, database, Permissions())

        RUN.replace(run)

    def _answer(self, query: str, database: str, permissions: Permissions) -> Results:
        try:
            import duckdb
            import pyiceberg  # noqa: F401 - later modules import it
            import sqlglot  # noqa: F401
        except ImportError as error:
            raise QueryRefused(
                f"Queries need the package {error.name}: pip install 'serverless-blueprints[athena]'"
            ) from error
        statement, tables = read(query), CatalogTables(permissions, self._endpoint)
        connection = duckdb.connect(":memory:")
        try:
            connection.execute("SET TimeZone = 'UTC'")
            schema = {}
            for _, owner, name in statement.tables:
                place = f"{owner or database}.{name}"
                rows = tables.rows(tables.described(owner or database, name))
                schema[place] = _load(connection, owner or database, name, rows)
            cursor = connection.execute(to_duckdb(statement, database, schema))
            kinds = [str(each[1]) for each in cursor.description or []]
            return {
                "columns": [each[0] for each in cursor.description or []],
                "column_types": [_TYPES.get(kind.partition("(")[0], "varchar") for kind in kinds],
                "rows": [list(row) for row in cursor.fetchall()],
            }
        except duckdb.Error as error:
            raise QueryRefused(str(error).splitlines()[0]) from error
        finally:
            connection.close()


def _load(connection: Any, database: str, name: str, rows: Any) -> dict[str, str]:
    """Give DuckDB a table; returns its columns' types in Athena's words."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(database)}")
    connection.register("incoming", rows)
    place = f"{_quoted(database)}.{_quoted(name)}"
    connection.execute(f"CREATE TABLE {place} AS SELECT * FROM incoming")  # noqa: S608 - quoted
    connection.unregister("incoming")
    described = connection.execute(f"DESCRIBE {place}").fetchall()
    return {column: "VARCHAR" if kind == "BLOB" else str(kind) for column, kind, *_ in described}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
