"""A request to an AWS API, and what it needs permission for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from blueprints.local.base.client_json import read_json

NO_KEYS: Mapping[str, Any] = {}


class Authorization(NamedTuple):
    """One permission that a call needs."""

    action: str
    """Such as `sqs:SendMessage`."""
    resource: str = "*"
    """An ARN; `*` for an action without resource-level permissions."""
    keys: Mapping[str, Any] = NO_KEYS
    """Condition keys by name, besides the global ones; the value is a text or, of a multivalued key, a list."""


@dataclass
class Call:
    """A request, as the base emulator's router reads it. What a client sent may be anything."""

    service: str
    """The router's name of the service, such as `sqs` or `monitoring`."""
    operation: str
    """The operation that the base emulator read from the request, such as `SendMessageBatch`."""
    method: str
    path: str
    """Decoded, without the query."""
    headers: Mapping[str, str]
    """By name in lower case."""
    body: bytes
    query: Mapping[str, Any] = field(repr=False)
    """Parameters of the query and of a form: a text, or a list of texts."""
    region: str
    account: str
    _request: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def request(self) -> dict[str, Any]:
        """The body as a JSON object; empty if it is none."""
        if self._request is None:
            self._request = _json_object(self.body)
        return self._request

    def text(self, *names: str) -> str:
        """The first parameter of these names with a text, from the JSON body, the query or the form; or ''."""
        request = self.request
        for name in names:
            value = request.get(name) or self.query.get(name)
            if isinstance(value, list) and value:
                value = value[0]
            if value and isinstance(value, str):
                return value
        return ""

    def parameter(self, name: str) -> str:
        """A parameter of the query, whose body may be anything, such as the event of a function; or ''."""
        value = self.query.get(name) or ""
        return str(value[0] if isinstance(value, list) else value)

    def objects(self, name: str) -> list[dict[str, Any]]:
        """The objects in a list of the JSON body."""
        value = self.request.get(name)
        return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []

    def texts(self, name: str) -> list[str]:
        """The texts in a list of the JSON body."""
        value = self.request.get(name)
        return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []

    def has(self, *names: str) -> bool:
        """Whether the JSON body, the query or the form has one of these parameters; lists of a form by their prefix."""
        if any(self.request.get(name) for name in names):
            return True
        return any(given == name or given.startswith(f"{name}.") for given in self.query for name in names)

    def arn(self, resource: str, service: str | None = None) -> str:
        """The ARN of a resource such as `stream/orders` in the call's account and Region; an ARN stays as it is."""
        if resource.startswith("arn:"):
            return resource
        return f"arn:aws:{service or self.service}:{self.region}:{self.account}:{resource}"


def _json_object(body: bytes) -> dict[str, Any]:
    if body.lstrip()[:1] != b"{":
        return {}
    try:
        given = read_json(body)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
