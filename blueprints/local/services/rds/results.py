"""Rows of PostgreSQL as the RDS Data API returns them: typed fields, metadata of columns, or one JSON string."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROW_LIMIT = 64 * 1024
RESULT_LIMIT = 1024 * 1024
JSON_LIMIT = 10 * 1024 * 1024

_INTEGERS = {"int2", "int4", "int8", "oid"}
_FLOATS = {"float4", "float8"}
_TIMES = {"time", "timestamp", "timestamptz"}
_TEXTS = {"text", "varchar", "bpchar", "name"}
# What the API returns, besides enumerations; of anything else, such as an interval, it says that it is unsupported.
_RETURNED = {*_INTEGERS, *_FLOATS, *_TIMES, *_TEXTS, "bool", "bytea", "cidr", "date", "inet", "json", "jsonb"}
_RETURNED |= {"numeric", "uuid", "vector"}
_RETURNED_IN_ARRAYS = {*_RETURNED, "bit"} - {"bytea", "cidr", "inet", "jsonb", "oid", "vector"}
_ENUMERATION = "e"
_FRACTION = re.compile(r"\.\d+")
_ARRAY_FIELDS = {"longValue": "longValues", "doubleValue": "doubleValues", "booleanValue": "booleanValues"}
# Codes of java.sql.Types, which the API hands through.
_CODES = {
    "bool": -7,
    "int2": 5,
    "int4": 4,
    "int8": -5,
    "float4": 7,
    "float8": 8,
    "numeric": 2,
    "bpchar": 1,
    "varchar": 12,
    "text": 12,
    "name": 12,
    "bytea": -2,
    "date": 91,
    "time": 92,
    "timetz": 92,
    "timestamp": 93,
    "timestamptz": 93,
}
_ARRAY_CODE, _OTHER_CODE = 2003, 1111


class UnsupportedResult(Exception):
    """The result is of a type or a size the API does not return."""


@dataclass(frozen=True)
class Type:
    """A PostgreSQL type by its name in pg_type; `element` is the type of an array's members, else None."""

    name: str
    kind: str
    element: "Type | None" = None


@dataclass(frozen=True)
class Column:
    """A column of a result."""

    label: str
    type: Type
    precision: int
    scale: int


@dataclass(frozen=True)
class ResultOptions:
    """How decimals and long integers are represented: the API's resultSetOptions."""

    decimals_as_numbers: bool = False
    longs_as_strings: bool = False

    @classmethod
    def of(cls, request: dict[str, Any]) -> "ResultOptions":
        """Read a request's resultSetOptions."""
        given = request.get("resultSetOptions") or {}
        return cls(given.get("decimalReturnType") == "DOUBLE_OR_LONG", given.get("longReturnType") == "STRING")


def fields(columns: list[Column], rows: list[tuple[Any, ...]], options: ResultOptions) -> list[list[dict[str, Any]]]:
    """The `records` of an answer, from rows of text as PostgreSQL writes it. Raises UnsupportedResult."""
    converters = [_converter(column.type, options) for column in columns]
    return [[convert(text) for convert, text in zip(converters, row, strict=True)] for row in rows]


def check_size(rows: list[tuple[str | None, ...]]) -> None:
    """Hold rows of text to the limits, which count what PostgreSQL sends for them. Raises UnsupportedResult."""
    total = 0
    for row in rows:
        size = 2 + sum(4 + len(text.encode()) for text in row if text is not None)
        total += size
        if size > ROW_LIMIT:
            raise UnsupportedResult("Database returned more than the allowed response size limit")
        if total > RESULT_LIMIT:
            raise UnsupportedResult("The result exceeds the size limit 1 MB.")


def formatted(columns: list[Column], rows: list[tuple[Any, ...]], options: ResultOptions) -> str:
    """The `formattedRecords` of an answer: a JSON array of objects. Raises UnsupportedResult."""
    labels = [column.label for column in columns]
    repeated = {label for label in labels if labels.count(label) > 1}
    if repeated:
        raise UnsupportedResult(f"The result has several columns named {', '.join(sorted(repeated))}; use aliases.")
    converters = [_converter(column.type, options) for column in columns]
    objects = [
        {label: _plain(convert(text)) for label, convert, text in zip(labels, converters, row, strict=True)}
        for row in rows
    ]
    text = json.dumps(objects, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > JSON_LIMIT:
        raise UnsupportedResult("Database returned more than the allowed response size limit")
    return text


def metadata(columns: list[Column]) -> list[dict[str, Any]]:
    """The `columnMetadata` of an answer."""
    return [
        {
            "arrayBaseColumnType": _code(column.type.element) if column.type.element else 0,
            "isAutoIncrement": False,
            "isCaseSensitive": column.type.name in ("text", "varchar", "bpchar", "name"),
            "isCurrency": column.type.name == "money",
            "isSigned": column.type.name in _INTEGERS | _FLOATS | {"numeric"},
            "label": column.label,
            "name": column.label,
            "nullable": 2,  # unknown: PostgreSQL does not say it of a result
            "precision": column.precision,
            "scale": column.scale,
            "schemaName": "",
            "tableName": "",
            "type": _ARRAY_CODE if column.type.element else _code(column.type),
            "typeName": column.type.name,
        }
        for column in columns
    ]


def _code(of: Type) -> int:
    return _CODES.get(of.name, _OTHER_CODE)


_Field = dict[str, Any]


def _converter(of: Type, options: ResultOptions) -> Callable[[Any], _Field]:
    if of.element:
        if of.element.name not in _RETURNED_IN_ARRAYS:
            raise UnsupportedResult(f"The result contains the unsupported data type {_shown(of)}.")
        member = _scalar(of.element.name, options)
        convert: Callable[[Any], _Field] = lambda value: {"arrayValue": _array(value, member)}  # noqa: E731
    elif of.name in _RETURNED or of.kind == _ENUMERATION:
        convert = _scalar(of.name, options)
    else:
        raise UnsupportedResult(f"The result contains the unsupported data type {_shown(of)}.")
    return lambda value: {"isNull": True} if value is None else convert(value)


def _shown(of: Type) -> str:
    """A type as the API names it in an error: in capitals, but for the aliases of object identifiers."""
    if of.name == "char":
        return '"CHAR"'
    return of.name if of.name.startswith("reg") else of.name.upper()


def _scalar(name: str, options: ResultOptions) -> Callable[[str], _Field]:
    if name == "bool":
        return lambda text: {"booleanValue": text in ("t", "true")}
    if name in _INTEGERS:
        return (lambda text: {"stringValue": text}) if options.longs_as_strings else _long
    if name in _FLOATS:
        return _double
    if name == "numeric" and options.decimals_as_numbers:
        return lambda text: _double(text) if "." in text or text == "NaN" else _long(text)
    if name == "bytea":
        return lambda text: {"blobValue": base64.b64encode(binascii.unhexlify(text[2:])).decode()}
    if name in _TIMES:
        # The session's zone is UTC, and the API returns times in UTC without saying so.
        return lambda text: {"stringValue": _FRACTION.sub(_to_milliseconds, text.removesuffix("+00"))}
    return lambda text: {"stringValue": text}


def _to_milliseconds(fraction: re.Match[str]) -> str:
    """A fraction of a second in three digits, or in six where those are not enough."""
    digits = fraction[0].ljust(7, "0")
    return digits[:4] if digits.endswith("000") else digits


def _long(text: str) -> _Field:
    return {"longValue": int(text)}


def _double(text: str) -> _Field:
    number = float(text)
    # JSON has no word for these; AWS's protocol writes them as strings.
    return {"doubleValue": number if math.isfinite(number) else text}


def _array(values: list[Any], member: Callable[[Any], _Field]) -> dict[str, Any]:
    if any(isinstance(value, list) for value in values):
        raise UnsupportedResult("The result contains a multidimensional array.")
    converted = [{"isNull": True} if value is None else member(value) for value in values]
    names = {name for each in converted for name in each if name != "isNull"} or {"stringValue"}
    (name,) = names
    return {_ARRAY_FIELDS.get(name, "stringValues"): [each.get(name) for each in converted]}


def _plain(field: _Field) -> Any:
    """A field's value by itself."""
    ((name, value),) = field.items()
    if name == "isNull":
        return None
    if name == "arrayValue":
        ((_, members),) = value.items()
        return members
    return value
