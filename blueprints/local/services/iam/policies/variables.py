"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and the literals `${*}`, `${?}` and `${$}`.

Source: IAM User Guide, "IAM policy elements: Variables and tags".
"""

import re
from collections.abc import Callable
from typing import Any

from blueprints.local.services.iam.policies.patterns import literal

VERSION = "2012-10-17"
"""The version of the policy language that has variables; in others `${` is text."""

Lookup = Callable[[str], Any]
"""From the name of a condition key to its value in the request; None if the request has none."""

_VARIABLE = re.compile(r"\$\{\s*(?P<name>[^,{}']*?)\s*(?:,\s*'(?P<default>(?:[^']|'')*)'\s*)?\}")
_SPECIAL = ("*", "?", "$")


def has_variables(text: str) -> bool:
    """Whether a value of a policy has something to replace."""
    return "${" in text


def names_in(text: str) -> list[str]:
    """The keys whose values a text takes."""
    return [found["name"] for found in _VARIABLE.finditer(text)] if has_variables(text) else []


def expanded(pattern: str, lookup: Lookup) -> str | None:
    """A pattern with the values of its variables, in which their characters are literal.

    None if a variable without a default has no value or several: then the pattern matches nothing.
    """
    parts: list[str] = []
    end = 0
    for found in _VARIABLE.finditer(pattern):
        value = _value(found, lookup)
        if value is None:
            return None
        parts += (pattern[end : found.start()], literal(value))
        end = found.end()
    return "".join((*parts, pattern[end:]))


def _value(variable: re.Match[str], lookup: Lookup) -> str | None:
    name, default = variable["name"], variable["default"]
    if name in _SPECIAL:
        return name
    value = lookup(name)
    if value is None or isinstance(value, list):
        return None if default is None else default.replace("''", "'")
    return str(value)
