"""A GraphQL request, who makes it, and what is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blueprints.local.services.appsync.records import GraphqlApi

API_KEY = "API_KEY"
COGNITO = "AMAZON_COGNITO_USER_POOLS"
IAM = "AWS_IAM"
LAMBDA = "AWS_LAMBDA"
OPENID_CONNECT = "OPENID_CONNECT"


@dataclass(frozen=True)
class Identity:
    """An authenticated caller."""

    mode: str
    """The authentication type that admitted the caller: one of the constants above."""
    context: Mapping[str, Any] | None
    """`ctx.identity` of resolvers: `sub`, `claims`, `groups` for Cognito, `userArn`, `accountId` for IAM, or None."""
    groups: tuple[str, ...] = ()
    """The groups of a Cognito user, for @aws_auth and @aws_cognito_user_pools(cognito_groups: …)."""
    denied_fields: tuple[str, ...] = ()
    """Fields that a Lambda authorizer denies, as `Type.field` or as an ARN."""
    principal: Any = None
    """With AWS_IAM: the principal, whose policies decide about each top-level field."""


@dataclass(frozen=True)
class Request:
    """One operation to execute."""

    api: GraphqlApi
    identity: Identity
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)
    """The headers of the HTTP request, by lower-case name, without those that carry credentials.

    The value of a repeated header is a list of texts.
    """
    credentials: Mapping[str, str] = field(default_factory=dict)
    """The headers that carry credentials, which resolvers see and logs do not."""
    source_ip: str = "127.0.0.1"
    request_id: str = ""
    domain_name: str | None = None


@dataclass(eq=False)
class GraphqlError(Exception):
    """An error as AppSync reports it in `errors`."""

    message: str
    error_type: str | None = None
    data: Any = None
    error_info: Any = None
    path: tuple[str | int, ...] | None = None
    locations: tuple[tuple[int, int], ...] = ()
    """Lines and columns, from 1."""


@dataclass(frozen=True)
class ResolvedField:
    """A field whose resolver has run."""

    parent_type: str
    field_name: str
    path: tuple[str | int, ...]
    return_type: str
    started: float
    """Seconds after the request began."""
    seconds: float
    error: str | None
    """The message of the error that the resolver ended with."""
    logs: tuple[str, ...]
    """What the code logged, such as `INFO - code.js:5:3: "text"`."""


@dataclass(frozen=True)
class Response:
    """What is answered; `data` is None when the operation was not executed."""

    data: Mapping[str, Any] | None
    errors: tuple[GraphqlError, ...] = ()
    fields: tuple[ResolvedField, ...] = ()
    """The fields that had a resolver, in the order in which they ended."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that the code of resolvers added to the HTTP response."""


class Unauthorized(Exception):
    """A request that no authentication type of the API admits: an HTTP status with `error_type` and the message."""

    def __init__(self, message: str, error_type: str = "UnauthorizedException", status: int = 401) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.status = status
