"""Reads the headers that authenticate a WebSocket connection: from the URL, or from a subprotocol.

Browsers cannot set headers of a WebSocket's request. So AppSync takes them as JSON in base64: as `header` in the query
string (the first clients, Python's gql), or as a subprotocol `header-…` in base64url (Amplify).
"""

import base64
import binascii
from collections.abc import Iterable
from urllib.parse import unquote

from blueprints.local.base.client_json import read_json

_SUBPROTOCOL_PREFIX = "header-"


class NoCredentials(Exception):
    """The headers are missing or cannot be read; the text is AppSync's."""


def connection_headers(query_string: str, subprotocols: Iterable[str]) -> dict[str, str]:
    """The headers by lower-case name. Raises NoCredentials."""
    for each in subprotocols:
        if each.startswith(_SUBPROTOCOL_PREFIX):
            return _decoded(each.removeprefix(_SUBPROTOCOL_PREFIX))
    for each in query_string.split("&"):
        name, _, value = each.partition("=")
        if name == "header":
            return _decoded(unquote(value))  # not unquote_plus: gql sends base64's "+" unescaped
    raise NoCredentials("Required headers are missing.")


def _decoded(text: str) -> dict[str, str]:
    standard = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    padded = standard + "=" * (-len(standard) % 4)
    try:
        headers = read_json(base64.b64decode(padded, validate=True))
    except (binascii.Error, ValueError) as error:
        raise NoCredentials("The header is not a JSON object in base64.") from error
    if not isinstance(headers, dict):
        raise NoCredentials("The header is not a JSON object in base64.")
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
