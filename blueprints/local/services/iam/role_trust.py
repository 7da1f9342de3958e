"""Reads a role's trust policy: which services may assume it."""

import json
from typing import Any


def trusts(document: Any, service: str) -> bool:
    """Whether a trust policy, as text or parsed, lets a service such as `lambda.amazonaws.com` assume the role."""
    read = json.loads(document) if isinstance(document, str) else document or {}
    return any(
        each.get("Effect") == "Allow" and _names(each.get("Principal"), service)
        for each in _as_list(read.get("Statement"))
    )


def _names(principal: Any, service: str) -> bool:
    if not isinstance(principal, dict):
        return bool(principal == "*")
    return service in _as_list(principal.get("Service")) or "*" in _as_list(principal.get("AWS"))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
