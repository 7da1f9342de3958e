"""SQL as the RDS Data API takes it: one statement, with parameters by name, each sent with a type of its own.

The Data API binds a string as `varchar`, a number as `bigint` or `double precision`; so a string for a `uuid` column
fails there unless it has a type hint or a cast, and has to fail here.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

SQL_LIMIT = 65_536

# What a colon or semicolon means depends on where it stands: skip what can hold either without meaning it.
_TOKENS = re.compile(
    r"""
      (?P<skipped>
          [eE]'(?:[^'\\]|\\.|'')*'            # a string with backslash escapes
        | '(?:[^']|'')*'                      # a string
        | "(?:[^"]|"")*"                      # an identifier
        | \$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$   # a dollar-quoted string
        | --[^\n]*
        | /\*.*?\*/
        | ::
        | :=
      )
    | :(?P<name>[A-Za-z_]\w*)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_HINTED = {"DATE": "date", "TIME": "time", "TIMESTAMP": "timestamp", "UUID": "uuid", "JSON": "json"}
_TYPES = {"stringValue": "varchar", "longValue": "bigint", "doubleValue": "float8", "booleanValue": "bool"}

Quote = Callable[[Any], str]


class BadStatement(Exception):
    """The request can't be made a statement; `code` and message are what the API answers."""

    def __init__(self, message: str, code: str = "BadRequestException") -> None:
        super().__init__(message)
        self.code = code


def render(sql: str, parameters: list[dict[str, Any]], quote: Quote) -> str:
    """The statement with each `:name` replaced by its value; raises BadStatement.

    `quote` makes an SQL literal of a Python value.
    """
    if len(sql) > SQL_LIMIT:
        raise BadStatement(f"Number of characters in SQLStatement is longer than {SQL_LIMIT}")
    values = {each.get("name", ""): _literal(each, quote) for each in parameters}
    return _replaced(sql, values)


def _replaced(sql: str, values: Mapping[str, str]) -> str:
    parts = []
    position = 0
    for token in _TOKENS.finditer(sql):
        if token["end"]:
            if sql[token.end() :].strip():
                raise BadStatement("Multistatements aren't supported.", "ValidationException")
            parts.append(sql[position : token.start()])
            return "".join(parts)
        if token["name"] and not _is_slice(sql, token.start()):
            if token["name"] not in values:
                raise BadStatement(f"Cannot find parameter: {token['name']}")
            parts += [sql[position : token.start()], values[token["name"]]]
            position = token.end()
    return "".join([*parts, sql[position:]])


def _is_slice(sql: str, colon: int) -> bool:
    """Whether a colon stands between the bounds of an array slice, as in `a[i:j]`; behind a space it begins a name."""
    return bool(re.search(r"\[[^\[\]']*\w$", sql[:colon])) and bool(re.match(r"[^\[\]']*\]", sql[colon + 1 :]))


def _literal(parameter: dict[str, Any], quote: Quote) -> str:
    value = parameter.get("value") or {}
    name = parameter.get("name", "")
    if value.get("isNull"):
        return "NULL"
    if "arrayValue" in value:
        raise BadStatement("Array parameters are not supported.")
    if "blobValue" in value:
        return f"({quote(base64.b64decode(value['blobValue']))}::bytea)"
    for field, postgres_type in _TYPES.items():
        if field in value:
            return f"({quote(value[field])}::{_hinted(parameter.get('typeHint'), field, postgres_type)})"
    raise BadStatement(f"Parameter {name} has no value.")


def _hinted(hint: str | None, field: str, postgres_type: str) -> str:
    if hint is None:
        return postgres_type
    if hint == "DECIMAL":
        return "numeric"
    if hint not in _HINTED:
        raise BadStatement(f"Unknown type hint: {hint}")
    if field != "stringValue":
        raise BadStatement(f"The type hint {hint} needs a stringValue.")
    return _HINTED[hint]
