"""Creates and migrates the schema: numbered SQL files, each applied once, in order, in one transaction."""

import re
from pathlib import Path

from sql_database import Database, DatabaseRefused

__all__ = ["MISSING", "migrate"]

MISSING = {"42P01", "3F000"}
"""PostgreSQL's codes for a missing table and a missing schema."""

_FILES = Path(__file__).parent / "migrations"
_NAME = re.compile(r"(?P<version>\d{4})_\w+\.sql")


def migrate(database: Database, schema: str) -> int:
    """Apply the files that were not applied yet; return how many. `schema` must be an identifier."""
    files = _numbered_files()
    if _applied(database, schema) >= set(files):
        return 0
    with database.transaction() as transaction:
        # One migration at a time. In a subquery, because the Data API cannot return void.
        transaction.run(
            "SELECT 1 FROM (SELECT pg_advisory_xact_lock(hashtextextended(:schema, 0))) AS locked", schema=schema
        )
        transaction.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        transaction.run(f"SET LOCAL search_path TO {schema}")
        transaction.run("CREATE TABLE IF NOT EXISTS migrations (version integer PRIMARY KEY, applied_at timestamptz)")
        done = {int(version) for (version,) in transaction.rows("SELECT version FROM migrations")}
        missing = {version: path for version, path in files.items() if version not in done}
        for version, path in missing.items():
            for statement in _statements(path.read_text(encoding="utf-8")):
                transaction.run(statement)
            transaction.run("INSERT INTO migrations VALUES (:version, now())", version=version)
    return len(missing)


def _applied(database: Database, schema: str) -> set[int]:
    try:
        return {int(version) for (version,) in database.rows(f"SELECT version FROM {schema}.migrations")}  # noqa: S608
    except DatabaseRefused as refusal:
        if refusal.sqlstate in MISSING:
            return set()
        raise


def _numbered_files() -> dict[int, Path]:
    found = {match["version"]: path for path in _FILES.iterdir() if (match := _NAME.fullmatch(path.name))}
    return {int(version): found[version] for version in sorted(found)}


def _statements(text: str) -> list[str]:
    """Split at semicolons that end a line: the Data API runs one statement at a time."""
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|\Z)", text) if part.strip()]
