"""AppSync's scalars: validation and serialization.

Source: AWS AppSync Developer Guide, "Scalar types in GraphQL"; messages as graphql-java and AppSync give them.
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, time
from typing import Any
from urllib.parse import urlsplit

import graphql

from blueprints.local.base.client_json import read_json

_OFFSET = r"(?:Z|[+-]\d{2}:\d{2}(?::\d{2})?)"
_TIME = r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?"
_DATE = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})({_OFFSET})?")
_TIME_ONLY = re.compile(rf"({_TIME})({_OFFSET})?")
_DATE_TIME = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}})T({_TIME})({_OFFSET})")
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]*")
_LONGEST_OFFSET_HOURS = 18
_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?")
_INT_LIMIT = 2**31
_LONG_LIMIT = 2**63


class Unserializable(Exception):
    """A resolver's value does not fit the field's scalar; the message is graphql-java's."""


def definitions() -> str:
    """The scalars in the schema definition language."""
    return "".join(f"scalar {name}\n" for name in AWS_SCALARS)


def install(scalar: graphql.GraphQLScalarType) -> None:
    """Give a scalar of a schema AppSync's rules, if it is one of AppSync's."""
    known = AWS_SCALARS.get(scalar.name)
    if known is not None:
        parse = _parser(scalar.name, *known)
        scalar.parse_value = parse  # type: ignore[assignment, method-assign]
        scalar.parse_literal = _literal(scalar.name, parse)  # type: ignore[method-assign]


def serialize(name: str, value: Any) -> Any:
    """A scalar's value as the response has it. Raises Unserializable."""
    if name in BUILT_IN:
        return BUILT_IN[name](value)
    if name in AWS_SCALARS:
        return _serialize_aws(name, value)
    return value


def _serialize_aws(name: str, value: Any) -> Any:
    if name == "AWSJSON":
        return _as_json_text(value)
    is_valid, kind = AWS_SCALARS[name]
    if name == "AWSTimestamp" and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not is_valid(value):
        raise Unserializable(f"Unable to serialize `{java_text(value)}` as a valid {kind}.")
    return value


def _as_json_text(value: Any) -> str:
    if isinstance(value, str):
        try:
            read_json(value)
        except ValueError:
            return json.dumps(value, ensure_ascii=False)
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parser(name: str, is_valid: Callable[[Any], bool], kind: str) -> Callable[[Any], Any]:
    def parse(value: Any) -> Any:
        if not is_valid(value):
            raise graphql.GraphQLError(f"Unable to parse `{java_text(value)}` as a valid {kind}.")
        return read_json(value) if name == "AWSJSON" else value

    return parse


def _literal(name: str, parse: Callable[[Any], Any]) -> Callable[..., Any]:
    def parse_literal(node: graphql.ValueNode, _variables: Any = None) -> Any:
        if name == "AWSTimestamp" and isinstance(node, graphql.IntValueNode):
            return parse(int(node.value))
        if name != "AWSTimestamp" and isinstance(node, graphql.StringValueNode):
            return parse(node.value)
        raise graphql.GraphQLError(f"Unable to parse `{graphql.print_ast(node)}` as a valid {AWS_SCALARS[name][1]}.")

    return parse_literal


def java_text(value: Any) -> str:
    """A value as Java's toString gives it, which AppSync's messages and its String fields contain."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={java_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(java_text(each) for each in value) + "]"
    return str(value)


def java_type(value: Any) -> str:
    """The name of the Java class that AppSync's messages give for a value."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer" if -_INT_LIMIT <= value < _INT_LIMIT else "Long"
    if isinstance(value, float):
        return "Double"
    if isinstance(value, str):
        return "String"
    if isinstance(value, Mapping):
        return "LinkedHashMap"
    return "ArrayList" if isinstance(value, list | tuple) else type(value).__name__


def _mismatch(expected: str, value: Any) -> Unserializable:
    return Unserializable(f"Expected type '{expected}' but was '{java_type(value)}'.")


def _serialize_int(value: Any) -> int:
    number = _number(value)
    if number is None or not -_INT_LIMIT <= number < _INT_LIMIT or number != int(number):
        raise _mismatch("Int", value)
    return int(number)


def _serialize_float(value: Any) -> float | int:
    number = _number(value)
    if number is None:
        raise _mismatch("Float", value)
    return number


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        if _INTEGER.fullmatch(value):
            return int(value)
        if not _DECIMAL.fullmatch(value):
            return None
        value = float(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def _serialize_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.lower() == "true"
    if isinstance(value, int | float):
        return value != 0
    raise _mismatch("Boolean", value)


def _serialize_id(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _mismatch("ID", value)


BUILT_IN: Mapping[str, Callable[[Any], Any]] = {
    "Int": _serialize_int,
    "Float": _serialize_float,
    "Boolean": _serialize_boolean,
    "ID": _serialize_id,
    "String": java_text,
}
"""How graphql-java coerces the values of GraphQL's own scalars, in responses and in variables."""


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_time_of_day(text: str) -> bool:
    try:
        time.fromisoformat(text.partition(".")[0])
    except ValueError:
        return False
    return True


def _is_offset(text: str | None) -> bool:
    if text is None or text == "Z":
        return True
    hours, minutes, *seconds = (int(part) for part in text[1:].split(":"))
    return hours <= _LONGEST_OFFSET_HOURS and minutes < 60 and all(each < 60 for each in seconds)


def _is_date(value: Any) -> bool:
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    return bool(found and _is_day(found[1]) and _is_offset(found[2]))


def _is_time(value: Any) -> bool:
    found = _TIME_ONLY.fullmatch(value) if isinstance(value, str) else None
    return bool(found and _is_time_of_day(found[1]) and _is_offset(found[2]))


def _is_date_time(value: Any) -> bool:
    found = _DATE_TIME.fullmatch(value) if isinstance(value, str) else None
    return bool(found and _is_day(found[1]) and _is_time_of_day(found[2]) and _is_offset(found[3]))


def _is_timestamp(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LONG_LIMIT <= value < _LONG_LIMIT


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and _EMAIL.fullmatch(value) is not None


def _is_json(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        read_json(value)
    except ValueError:
        return False
    return True


def _is_url(value: Any) -> bool:
    if not isinstance(value, str) or any(each.isspace() for each in value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.scheme in ("mailto", "file")))


def _is_phone(value: Any) -> bool:
    """Whether a value is a number of 7 to 15 digits, also with spaces or hyphens between them."""
    if not isinstance(value, str) or not _PHONE.fullmatch(value):
        return False
    return 7 <= sum(each.isdigit() for each in value) <= 15


def _is_ip_address(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        return False
    return True


AWS_SCALARS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "AWSDate": (_is_date, "date"),
    "AWSTime": (_is_time, "time"),
    "AWSDateTime": (_is_date_time, "DateTime Object"),
    "AWSTimestamp": (_is_timestamp, "timestamp"),
    "AWSEmail": (_is_email, "email address"),
    "AWSJSON": (_is_json, "JSON"),
    "AWSURL": (_is_url, "URL"),
    "AWSPhone": (_is_phone, "phone number"),
    "AWSIPAddress": (_is_ip_address, "IP address"),
}
"""Each scalar's check, and what messages call its values."""
