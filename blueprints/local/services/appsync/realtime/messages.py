"""The messages of AppSync's WebSocket protocol, as text.

Source: AWS AppSync Developer Guide, "Building a real-time WebSocket client in AWS AppSync".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from blueprints.local.services.appsync import client_json
from blueprints.local.services.appsync.http import describe, encode
from blueprints.local.services.appsync.requests import GraphqlError, Response

SUBPROTOCOL = "graphql-ws"
BAD_REQUEST = "BadRequestException"
UNAUTHORIZED = "UnauthorizedException"
CONNECTION_TIMEOUT_MS = 300_000
"""A client that receives nothing for so many milliseconds considers the connection lost."""


class MalformedMessage(Exception):
    """A message that is not of the protocol; the text says why."""


@dataclass(frozen=True)
class Start:
    """What a `start` message asks for."""

    id: str
    query: str
    variables: Mapping[str, Any]
    operation_name: str | None
    authorization: Mapping[str, str]
    """The headers that authenticate the subscription, by lower-case name."""
    data: str
    """The payload's `data`: the text that a signature of AWS_IAM covers."""


def parse(text: str) -> dict[str, Any]:
    """A message of a client. Raises MalformedMessage if it is not a JSON object."""
    try:
        message = client_json.read(text)
    except ValueError as error:
        raise MalformedMessage("The message is not valid JSON.") from error
    if not isinstance(message, dict):
        raise MalformedMessage("The message is not a JSON object.")
    return message


def parse_start(message: Mapping[str, Any]) -> Start:
    """The content of a `start` message. Raises MalformedMessage."""
    number = message.get("id")
    if not isinstance(number, str) or not number:
        raise MalformedMessage("A start message needs an id.")
    payload = message.get("payload")
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(data, str):
        raise MalformedMessage("The payload of a start message needs `data`: the GraphQL request as a string of JSON.")
    request = parse(data)
    query, variables, name = request.get("query"), request.get("variables"), request.get("operationName")
    if not isinstance(query, str):
        raise MalformedMessage("The GraphQL request needs `query`: a string.")
    if not isinstance(variables, dict | None):
        raise MalformedMessage("The `variables` of the GraphQL request are not an object.")
    return Start(
        id=number,
        query=query,
        variables=variables or {},
        operation_name=name if isinstance(name, str) else None,
        authorization=_authorization(payload),
        data=data,
    )


def _authorization(payload: Mapping[str, Any]) -> dict[str, str]:
    extensions = payload.get("extensions")
    headers = extensions.get("authorization") if isinstance(extensions, dict) else None
    if not isinstance(headers, dict):
        return {}
    return {name.lower(): value for name, value in headers.items() if isinstance(value, str)}


def connection_ack() -> str:
    """The answer to `connection_init`."""
    return json.dumps({"type": "connection_ack", "payload": {"connectionTimeoutMs": CONNECTION_TIMEOUT_MS}})


def connection_error(message: str, error_type: str) -> str:
    """The refusal of a connection. Amplify does not try again after a code of 400, 401 or 403."""
    error = {"errorType": error_type, "message": message, "errorCode": 400}
    return json.dumps({"type": "connection_error", "payload": {"errors": [error]}})


def keep_alive() -> str:
    """What the server sends every minute."""
    return '{"type":"ka"}'


def start_ack(number: str) -> str:
    """A subscription is active."""
    return json.dumps({"id": number, "type": "start_ack"})


def complete(number: str) -> str:
    """A subscription has ended, on the client's wish or by an invalidation."""
    return json.dumps({"id": number, "type": "complete"})


def error(number: str, message: str, error_type: str) -> str:
    """A subscription failed or has ended, or a message was refused; `number` is empty if it had no id."""
    return json.dumps(
        {"id": number, "type": "error", "payload": {"errors": [{"errorType": error_type, "message": message}]}}
    )


def refusal(number: str, errors: tuple[GraphqlError, ...]) -> str:
    """A subscription that was refused, with the errors of its document, its rules or its resolver."""
    return json.dumps({"id": number, "type": "error", "payload": {"errors": [describe(each) for each in errors]}})


def data(number: str, payload: str) -> str:
    """An event for a subscription; `payload` comes from `payload_of`, so that it is encoded once for many."""
    return f'{{"id":{json.dumps(number)},"type":"data","payload":{payload}}}'


def payload_of(response: Response) -> str:
    """The payload of an event as JSON."""
    return encode(response).decode()
