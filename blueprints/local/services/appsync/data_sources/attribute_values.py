"""Converts attribute values of DynamoDB between resolvers and boto3."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from blueprints.local.services.appsync.data_sources.calls import SourceFailed

_SETS = ("SS", "NS", "BS")


def to_boto3(item: Any) -> dict[str, Any]:
    """Typed values by name, whose numbers may be numbers and whose binary values are base64. Raises SourceFailed."""
    if not isinstance(item, Mapping):
        raise unusable("Attribute values must be an object.")
    return {str(name): _typed(name, value) for name, value in item.items()}


def _typed(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise unusable(f"The value of {name} must have a type of DynamoDB, such as S; use util.dynamodb.toDynamoDB.")
    ((kind, content),) = value.items()
    try:
        return {str(kind): _content(name, str(kind), content)}
    except (TypeError, AttributeError, binascii.Error):
        raise unusable(f"The value of {name} does not fit the type {kind} of DynamoDB.") from None


def _content(name: str, kind: str, content: Any) -> Any:
    if kind == "N":
        return _number_text(content)
    if kind == "B":
        return base64.b64decode(content, validate=True)
    if kind == "M":
        return to_boto3(content)
    if kind == "L":
        return [_typed(name, each) for each in content]
    if kind in _SETS:
        return [_content(name, kind[0], each) for each in content]
    return content


def _number_text(content: Any) -> str:
    if isinstance(content, float) and content.is_integer():
        content = int(content)
    return str(content)


def from_boto3(item: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An item as resolvers get it: plain values, sets as lists, binary values as base64."""
    if item is None:
        return None
    return {name: _plain(value) for name, value in item.items()}


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "NULL":
        return None
    if kind == "M":
        return from_boto3(content)
    if kind == "L":
        return [_plain(each) for each in content]
    if kind in _SETS:
        return [_scalar(kind[0], each) for each in content]
    return _scalar(kind, content)


def _scalar(kind: str, content: Any) -> Any:
    if kind == "N":
        number = float(content)
        return int(content) if number.is_integer() and "." not in content and "E" not in content.upper() else number
    if kind == "B":
        return base64.b64encode(bytes(content)).decode()
    return content


def unusable(message: str) -> SourceFailed:
    """The failure of a request that cannot be sent to DynamoDB as it is."""
    return SourceFailed("MappingTemplate", message)
