"""Tables of plain files: Parquet, CSV and JSON, with the columns and types that the catalog states.

DuckDB guesses the types of JSON from a sample, and reads what does not fit as something else: types are always given.
"""

import re
from collections.abc import Sequence
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.athena.failures import QueryRefused

FORMAT = Internal("services.athena", "_data_format", ("table_data",))
RELATION = Internal("services.athena", "_table_relation", ("table_data", "files"))
EMPTY = Internal("services.athena", "_empty_relation", ("table_data",))
PATH_KEYS = Internal("services.athena", "_path_partition_keys", ("table_data", "files"))
HIVE_OPTIONS = Internal("services.athena", "_hive_options", ("partitions",))

_FORMATS = ("parquet", "csv", "json")
_TYPES = {
    "bigint": "BIGINT",
    "binary": "BLOB",
    "boolean": "BOOLEAN",
    "char": "VARCHAR",
    "date": "DATE",
    "double": "DOUBLE",
    "float": "FLOAT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "smallint": "SMALLINT",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
    "tinyint": "TINYINT",
    "varchar": "VARCHAR",
}
_DECIMAL = re.compile(r"decimal\((\d+)(?:,\s*(\d+))?\)")
_LARGEST_OBJECT = 64 * 2**20
"""Bytes of a JSON object."""

_Column = dict[str, Any]


def read(connection: Any, table: dict[str, Any], files: Sequence[str]) -> Any:
    """The rows of a table's files as a pyarrow Table, with the catalog's columns alone. Raises QueryRefused."""
    format_ = str(FORMAT.current()(table)).lower()
    if format_ not in _FORMATS:
        raise QueryRefused(f"Tables of {format_} files are not emulated: use Parquet, CSV, JSON or Iceberg.")
    if not files:
        relation = EMPTY.current()(table)
    elif format_ == "json":
        relation = _json(table, files)
    else:
        relation = RELATION.current()(table, files)
    return connection.execute(f"SELECT {_projection(connection, table, relation)} FROM {relation}").to_arrow_table()  # noqa: S608


def _json(table: dict[str, Any], files: Sequence[str]) -> str:
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    types = {str(each["Name"]): _duckdb_type(each) for each in columns}
    nested = [name for name, kind in types.items() if kind is None]
    if nested:
        raise QueryRefused(f"Nested columns of JSON files are not emulated: {', '.join(nested)}.")
    partitions = HIVE_OPTIONS.current()(PATH_KEYS.current()(table, files))
    given = ", ".join(f"{_text(name)}: {_text(str(kind))}" for name, kind in types.items())
    paths = ", ".join(map(_text, files))
    options = f"format = 'newline_delimited', maximum_object_size = {_LARGEST_OBJECT}, {partitions}"
    return f"read_json([{paths}], columns = {{{given}}}, {options})"


def _projection(connection: Any, table: dict[str, Any], relation: str) -> str:
    """The catalog's columns: those that the files lack are NULL, as in Athena."""
    columns = [*((table.get("StorageDescriptor") or {}).get("Columns") or []), *(table.get("PartitionKeys") or [])]
    described = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - quoted
    found = {str(each[0]).lower(): str(each[0]) for each in described}
    projected = []
    for each in columns:
        name, kind = str(each["Name"]), _duckdb_type(each)
        value = _name(found[name.lower()]) if name.lower() in found else "NULL"
        typed = value if kind is None and value != "NULL" else f"CAST({value} AS {kind or 'VARCHAR'})"
        projected.append(f"{typed} AS {_name(name)}")
    return ", ".join(projected) or "*"


def _duckdb_type(column: _Column) -> str | None:
    """DuckDB's type of a column; None for arrays, maps and structs."""
    declared = str(column.get("Type") or "string").lower().strip()
    decimal = _DECIMAL.fullmatch(declared)
    if decimal:
        return f"DECIMAL({decimal[1]}, {decimal[2] or 0})"
    if declared == "decimal":
        return "DECIMAL(10, 0)"
    return _TYPES.get(declared.partition("(")[0])


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
