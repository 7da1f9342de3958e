"""The parser of Athena's SELECT statements: Trino's syntax. Most functions keep the names that were written."""

from typing import ClassVar

from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser

_KNOWN = (
    *("ABS", "AVG", "COALESCE", "CONCAT", "COUNT", "COUNT_IF", "DATE", "DENSE_RANK", "FIRST_VALUE", "GREATEST", "LAG"),
    *("LAST_VALUE", "LEAD", "LEAST", "LENGTH", "LOWER", "MAX", "MIN", "NULLIF", "RANK", "ROW_NUMBER", "STARTS_WITH"),
    *("SUM", "UPPER"),
)
"""Functions that sqlglot's own nodes stand for."""


class AthenaQueries(Trino):
    """Trino, whose other functions are not read as those of other databases."""

    class Parser(TrinoParser):
        """sqlglot's parser of Trino."""

        FUNCTIONS: ClassVar = {name: build for name, build in TrinoParser.FUNCTIONS.items() if name in _KNOWN}
