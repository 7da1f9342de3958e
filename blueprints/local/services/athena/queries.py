"""Runs the statements of Athena, in place of the base emulator's engine, and writes their results."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError

from blueprints.local.base.clients import Caller
from blueprints.local.base.internals import Internal
from blueprints.local.services.athena import results
from blueprints.local.services.athena.failures import QueryRefused
from blueprints.local.services.athena.permissions import Permissions
from blueprints.local.services.athena.rewriting import PythonFunction
from blueprints.local.services.athena.tables import CatalogTables
from blueprints.local.services.athena.translation import Translated, read, to_duckdb

START = Internal("services.athena", "_start_query_execution", ("data",))
EXECUTE = Internal("services.athena", "_execute_query", ("query_id", "query", "database", "ddl", "catalog"))
RUN = Internal("services.athena", "_run_duckdb", ("query", "database", "catalog"))
GET_RESULTS = Internal("services.athena", "_get_query_results", ("data",))
RUN_DDL = Internal("services.athena", "_run_ddl", ("ddl", "database"))
EXECUTIONS = Internal("services.athena", "_executions")
BUCKETS = Internal("services.s3", "_buckets")
WORKGROUPS = Internal("services.athena", "_workgroups")
REFUSE = Internal("core.responses", "error_response_json")

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

log = logging.getLogger(__name__)


class Queries:
    """The engine: reads tables in the caller's name, answers with DuckDB, and writes results in the caller's name."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def install(self) -> None:
        """Replace the base emulator's engine."""
        self._base_start, self._base_run = START.current(), RUN.current()
        self._base_results = GET_RESULTS.current()
        GET_RESULTS.replace(self._results)
        START.replace(self._start)
        EXECUTE.replace(self._execute)

    def _start(self, data: dict[str, Any]) -> Any:
        """StartQueryExecution: the caller must be able to find the bucket of the result."""
        location = _location(data)
        if location is None:
            return self._base_start(data)
        bucket = location.removeprefix("s3://").partition("/")[0]
        exists = BUCKETS.current().get(bucket) is not None
        if not exists or not Permissions().allow("s3:GetBucketLocation", f"arn:aws:s3:::{bucket}"):
            return REFUSE.current()("InvalidRequestException", f"Unable to verify/create output bucket {bucket}", 400)
        given = {**(data.get("ResultConfiguration") or {}), "OutputLocation": location}
        return self._base_start({**data, "ResultConfiguration": given})

    def _results(self, data: dict[str, Any]) -> Any:
        """GetQueryResults: decimals with their precision and scale."""
        status, headers, body = self._base_results(data)
        execution = EXECUTIONS.current().get(data.get("QueryExecutionId")) or {}
        if status != 200 or not any(each.startswith("decimal(") for each in execution.get("_column_types") or ()):
            return status, headers, body
        found = json.loads(body)
        for each in found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]:
            if decimal := re.fullmatch(r"decimal\((\d+),(\d+)\)", each["Type"]):
                each |= {"Type": "decimal", "Precision": int(decimal[1]), "Scale": int(decimal[2])}
        return status, headers, json.dumps(found).encode()

    async def _execute(self, query_id: str, query: str, database: str, ddl: Any, catalog: str | None = None) -> None:
        """Run a statement to its end, and record how it ended."""
        execution = EXECUTIONS.current().get(query_id)
        if execution is None:
            return
        execution["Status"]["State"], began = "RUNNING", time.monotonic()
        permissions = Permissions()
        try:
            if ddl is not None:
                found = RUN_DDL.current()(ddl, database)
            elif catalog and catalog.lower() != "awsdatacatalog":
                found = await self._base_run(query, database, catalog)
            else:
                found = await asyncio.to_thread(self._answer, query, database, permissions)
            await asyncio.to_thread(self._write, execution, found, permissions)
        except QueryRefused as refused:
            _end(execution, "FAILED", str(refused)[:2000])
        except Exception as fault:
            log.exception("the query %s stopped on a fault of the embedded AWS", query_id)
            _end(execution, "FAILED", str(fault)[:2000])
        else:
            milliseconds = round((time.monotonic() - began) * 1000)
            execution["_results"] = {"columns": found["columns"], "rows": found["rows"]}
            execution["_column_types"] = found.get("column_types") or ["varchar"] * len(found["columns"])
            times = ("EngineExecutionTimeInMillis", "TotalExecutionTimeInMillis")
            execution["Statistics"] |= dict.fromkeys(times, milliseconds)
            _end(execution, "SUCCEEDED", "")

    def _answer(self, query: str, database: str, permissions: Permissions) -> Results:
        try:
            import duckdb
            import numpy as np  # noqa: F401 - DuckDB needs it for functions in Python
            import pyiceberg  # noqa: F401 - later modules import it
            import sqlglot  # noqa: F401
        except ImportError as error:
            raise QueryRefused(
                f"Queries need the package {error.name}: pip install 'serverless-blueprints[athena]'"
            ) from error
        statement, tables = read(query), CatalogTables(permissions, self._endpoint)
        # Without tables, a statement is translated, or refused, before DuckDB starts, which takes longer.
        translated = None if statement.tables else to_duckdb(statement, database.lower(), {})
        connection = duckdb.connect(":memory:")
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET disabled_optimizers = 'reorder_filter'")  # conditions are asked in their order
            connection.execute("SET ieee_floating_point_ops = true")  # a division by zero is Infinity, as in Athena
            schema = {}
            for owner_catalog, owner, name in statement.tables:
                if owner_catalog not in ("", "awsdatacatalog"):
                    raise QueryRefused(f"The catalog {owner_catalog} is not emulated: write awsdatacatalog, or none.")
                place = owner or database.lower()
                described = tables.described(place, name)
                schema[f"{place}.{name}"] = _load(connection, place, name, tables.rows(described), described)
            translated = translated or to_duckdb(statement, database.lower(), schema)
            for each in translated.functions:
                _register(connection, each)
            answer: Any = connection.execute(translated.sql)
            kinds = [str(each[1]) for each in answer.description or []]
            return {
                "columns": list(translated.columns),
                "column_types": _column_types(translated, kinds),
                "rows": [
                    [results.text(*each) for each in zip(row, kinds, translated.timestamp_digits, strict=True)]
                    for row in answer.fetchall()
                ],
            }
        except duckdb.Error as error:
            raise QueryRefused(_reason(error)) from error
        finally:
            connection.close()

    def _write(self, execution: dict[str, Any], found: Results, permissions: Permissions) -> None:
        """Write the result's file in the name of the caller. Raises QueryRefused."""
        location = execution["ResultConfiguration"]["OutputLocation"]
        bucket, _, key = location.removeprefix("s3://").partition("/")
        columns, rows = found["columns"], found["rows"]
        if execution.get("StatementType") == "DML":
            content = results.csv(columns, [[_as_text(each) for each in row] for row in rows])
        else:
            content = "".join("\t".join(_as_text(each) or "" for each in row) + "\n" for row in rows).encode()
        refused = (
            f"Access denied when writing output to url: {location} . Please ensure you are allowed to access the S3 "
            "bucket."
        )
        if not permissions.may_write(bucket, key):
            raise QueryRefused(refused)
        about = {"columns": columns, "types": found.get("column_types")}
        s3 = _s3_of(permissions.owner(self._endpoint))
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="application/octet-stream")
            s3.put_object(Bucket=bucket, Key=f"{key}.metadata", Body=json.dumps(about).encode())
        except ClientError as error:
            raise QueryRefused(f"{refused} {error}") from error


@lru_cache(maxsize=16)
def _s3_of(caller: Caller) -> Any:
    """A client of S3 that queries share, because to make one takes longer than to write a result."""
    return caller.client("s3", connections=32)


def _register(connection: Any, function: PythonFunction) -> None:
    """Let DuckDB call a function in Python; NULL is an argument as others."""
    given, returned = [*function.parameters], function.returns
    connection.create_function(function.name, function.answer, given, returned, null_handling="special")


def _column_types(translated: Translated, kinds: Sequence[str]) -> list[str]:
    """The types of the columns in Athena's words. Raises QueryRefused where DuckDB's are others than Trino's."""
    found = []
    for expected, kind in zip(translated.types, kinds, strict=True):
        known = _TYPES.get(kind.partition("(")[0], "varchar") if not kind.endswith("]") else "array"
        known = kind.lower().replace(" ", "") if known == "decimal" else known
        if expected is None or known == "array":
            found.append(known)
            continue
        word = expected if expected.startswith("decimal") else re.sub(r"\(\d+\)", "", expected)
        word = {"real": "float", "int": "integer"}.get(word, word)
        if word != known:
            raise QueryRefused(f"A column of type {word} is not emulated here, because DuckDB has {known} for it.")
        found.append(word)
    return found


def _reason(error: Exception) -> str:
    """Why a query failed: in Athena's words, if a function in Python said it."""
    first = str(error).splitlines()[0]
    return first.rpartition("QueryFailed: ")[2]


def _location(data: Mapping[str, Any]) -> str | None:
    """Where the result goes: what the workgroup enforces, or what the request says; it ends with a slash."""
    group = (WORKGROUPS.current().get(data.get("WorkGroup") or "primary") or {}).get("Configuration") or {}
    of_group = (group.get("ResultConfiguration") or {}).get("OutputLocation")
    given = (data.get("ResultConfiguration") or {}).get("OutputLocation")
    enforced = bool(of_group and group.get("EnforceWorkGroupConfiguration"))
    chosen = of_group if enforced else given or of_group
    return f"{str(chosen).rstrip('/')}/" if chosen else None


def _end(execution: dict[str, Any], state: str, reason: str) -> None:
    status = execution["Status"]
    if status["State"] == "CANCELLED":
        return
    status |= {"StateChangeReason": reason, "CompletionDateTime": int(time.time()), "State": state}


def _as_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _load(connection: Any, database: str, name: str, rows: Any, about: Mapping[str, Any]) -> dict[str, str]:
    """Give DuckDB a table; returns its columns' types in Athena's words."""
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(database)}")
    connection.register("incoming", rows)
    place = f"{_quoted(database)}.{_quoted(name)}"
    connection.execute(f"CREATE TABLE {place} AS SELECT * FROM incoming")  # noqa: S608 - quoted
    connection.unregister("incoming")
    is_iceberg = str((about.get("Parameters") or {}).get("table_type", "")).upper() == "ICEBERG"
    described = connection.execute(f"DESCRIBE {place}").fetchall()
    return {column.lower(): _athena_type(str(kind), 6 if is_iceberg else 3) for column, kind, *_ in described}


def _athena_type(kind: str, timestamp_digits: int) -> str:
    """A type for the translation; maps and rows can only be selected, and have none."""
    if kind.endswith("[]"):
        inner = _athena_type(kind[:-2], timestamp_digits)
        return "UNKNOWN" if inner == "UNKNOWN" else f"ARRAY({inner})"
    if kind == "TIMESTAMP":
        return f"TIMESTAMP({timestamp_digits})"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"TIMESTAMP({timestamp_digits}) WITH TIME ZONE"
    if kind == "BLOB":
        return "VARBINARY"
    if kind == "FLOAT":
        return "REAL"
    return kind if kind.partition("(")[0] in _TYPES else "UNKNOWN"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
