"""Iceberg's schema for columns with types of Hive, as the Glue catalog has them.

Source: Apache Iceberg specification, "Schemas and data types", and Iceberg's mapping of Hive's types.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

_WORDS = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_ ]*|[<>(),:]|\d+)")
_SIMPLE = {
    "bigint": "LongType",
    "binary": "BinaryType",
    "boolean": "BooleanType",
    "date": "DateType",
    "double": "DoubleType",
    "float": "FloatType",
    "int": "IntegerType",
    "integer": "IntegerType",
    "string": "StringType",
    "timestamp": "TimestampType",
    "timestamp with local time zone": "TimestamptzType",
}


class NotAType(Exception):
    """A column has a type that Iceberg does not have; the message names both."""


def schema_of(columns: Sequence[Mapping[str, Any]]) -> Any:
    """pyiceberg's Schema of the columns, all optional. Raises NotAType."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    ids, fields = count(1), []
    for each in columns:
        name, kind = str(each["Name"]), str(each.get("Type") or "")
        field = next(ids)
        reader = _Reader(name, kind, ids)
        fields.append(NestedField(field, name, reader.whole(), required=False, doc=each.get("Comment") or None))
    return Schema(*fields)


class _Reader:
    """Reads the type of one column."""

    def __init__(self, column: str, kind: str, ids: Iterator[int]) -> None:
        self._column, self._kind, self._ids = column, kind, ids
        self._words: list[str] = [each.strip() for each in _WORDS.findall(kind)]
        if re.sub(r"\s", "", "".join(self._words)) != re.sub(r"\s", "", kind):
            raise self._fault()

    def whole(self) -> Any:
        """The type. Raises NotAType."""
        found = self._type()
        if self._words:
            raise self._fault()
        return found

    def _type(self) -> Any:
        from pyiceberg import types

        word = self._next().lower()
        nested: dict[str, Callable[[], Any]] = {
            "decimal": self._decimal,
            "array": self._list,
            "map": self._map,
            "struct": self._struct,
        }
        if word in nested:
            return nested[word]()
        if word not in _SIMPLE:
            raise self._fault()
        return getattr(types, _SIMPLE[word])()

    def _decimal(self) -> Any:
        from pyiceberg.types import DecimalType

        if not self._words:
            return DecimalType(10, 0)
        self._expect("(")
        precision, scale = self._number(), 0
        if self._words[:1] == [","]:
            self._next()
            scale = self._number()
        self._expect(")")
        if not (1 <= precision <= 38 and scale <= precision):
            raise self._fault()
        return DecimalType(precision, scale)

    def _list(self) -> Any:
        from pyiceberg.types import ListType

        self._expect("<")
        found = ListType(next(self._ids), self._type(), element_required=False)
        self._expect(">")
        return found

    def _map(self) -> Any:
        from pyiceberg.types import MapType

        self._expect("<")
        key_id, key = next(self._ids), self._type()
        self._expect(",")
        found = MapType(key_id, key, next(self._ids), self._type(), value_required=False)
        self._expect(">")
        return found

    def _struct(self) -> Any:
        from pyiceberg.types import NestedField, StructType

        self._expect("<")
        fields: list[Any] = []
        while not fields or self._words[:1] == [","]:
            if fields:
                self._next()
            name = self._next()
            self._expect(":")
            fields.append(NestedField(next(self._ids), name, self._type(), required=False))
        self._expect(">")
        return StructType(*fields)

    def _next(self) -> str:
        if not self._words:
            raise self._fault()
        return self._words.pop(0)

    def _number(self) -> int:
        word = self._next()
        if not word.isdigit():
            raise self._fault()
        return int(word)

    def _expect(self, word: str) -> None:
        if self._next() != word:
            raise self._fault()

    def _fault(self) -> NotAType:
        return NotAType(f"The column {self._column} has the type {self._kind!r}, which Iceberg does not have.")
