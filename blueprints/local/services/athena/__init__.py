"""Athena: SELECTs over Iceberg and Parquet tables, answered by DuckDB where it answers as Athena does.

queries      replaces the base emulator's engine
permissions  what the caller may read and write
tables       the tables of the Glue catalog that a statement names, read with the caller's permissions
plain_files  tables of Parquet, CSV and JSON files
translation  reads a statement, and refuses what would be answered otherwise
dialect      sqlglot's parser of Athena's SQL
inference    the types of expressions, as Trino infers them
types        what Athena does not compare or convert, and DuckDB does
rewriting    writes a statement so that DuckDB answers it as Trino does
functions    the functions in Python; they are in arithmetic, strings, patterns, dates, arrays, json_text
failures     how a query ends that has no answer
results      the text of values and the file of a result
named_queries  named queries as resources of CloudFormation
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.extension import EmbeddedAws, Extension, IamResource
from blueprints.local.base.internals import Internal
from blueprints.local.services.athena import named_queries
from blueprints.local.services.athena.queries import EXECUTIONS, Queries

NAMED_QUERIES = Internal("services.athena", "_named_queries")


class Athena(Extension):
    """Reads Iceberg, asks the caller's permissions, and refuses statements that would be answered otherwise."""

    after = ("glue", "iam")

    def iam_resources(self) -> Mapping[str, IamResource]:
        return {"athena": _workgroup_of}

    def resource_types(self) -> Mapping[str, Mapping[str, Callable[..., Any]]]:
        return {"AWS::Athena::NamedQuery": named_queries.handlers()}

    def install(self, aws: EmbeddedAws) -> None:
        Queries(aws.endpoint).install()


def _workgroup_of(request: dict[str, Any], query: dict[str, Any]) -> str | None:  # noqa: ARG001 - all is in the body
    """A query, also a named one, is authorised as its workgroup."""
    for parameter, stored in (("QueryExecutionId", EXECUTIONS), ("NamedQueryId", NAMED_QUERIES)):
        if parameter in request:
            known = stored.current().get(request[parameter]) or {}
            return f"workgroup/{known.get('WorkGroup', 'primary')}"
    if "QueryString" in request or "WorkGroup" in request:
        return f"workgroup/{request.get('WorkGroup') or 'primary'}"
    return None


EXTENSION = Athena()
