"""AppSync's directives: their definitions, and the authorization rules and subscriptions that they declare.

Source: AWS AppSync Developer Guide, "Using additional authorization modes" and "AWS AppSync GraphQL extensions".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import graphql

from blueprints.local.services.appsync.requests import API_KEY, COGNITO, IAM, LAMBDA, OPENID_CONNECT

DEFINITIONS = """
directive @aws_subscribe(mutations: [String]) on FIELD_DEFINITION
directive @aws_publish(subscriptions: [String]) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String]) on FIELD_DEFINITION | OBJECT
directive @aws_api_key on FIELD_DEFINITION | OBJECT
directive @aws_iam on FIELD_DEFINITION | OBJECT
directive @aws_oidc on FIELD_DEFINITION | OBJECT
directive @aws_lambda on FIELD_DEFINITION | OBJECT
directive @aws_cognito_user_pools(cognito_groups: [String]) on FIELD_DEFINITION | OBJECT
directive @canonical on OBJECT | FIELD_DEFINITION | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @hidden on OBJECT | FIELD_DEFINITION | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @renamed(to: String) on OBJECT | FIELD_DEFINITION | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
"""
"""The definitions that AppSync adds to every schema."""

_MODES = {
    "aws_api_key": API_KEY,
    "aws_auth": COGNITO,
    "aws_cognito_user_pools": COGNITO,
    "aws_iam": IAM,
    "aws_lambda": LAMBDA,
    "aws_oidc": OPENID_CONNECT,
}


@dataclass(frozen=True)
class AuthRule:
    """One authorization mode that a directive lets access a type or a field."""

    mode: str
    """An authentication type, such as `AWS_IAM`."""
    groups: tuple[str, ...] = ()
    """The Cognito groups of which the caller needs one; empty if every user may."""
    directive: str = ""
    """The directive's name, such as `aws_auth`, which has an effect only if Cognito is the API's only mode."""


def rules_of(directives: Iterable[graphql.DirectiveNode]) -> tuple[AuthRule, ...]:
    """The authorization rules in the directives of a type or a field."""
    return tuple(
        AuthRule(_MODES[each.name.value], texts_of(each, "cognito_groups"), each.name.value)
        for each in directives
        if each.name.value in _MODES
    )


def texts_of(directive: graphql.DirectiveNode, argument: str) -> tuple[str, ...]:
    """The list of texts in a directive's argument; empty without it."""
    found = next((each.value for each in directive.arguments if each.name.value == argument), None)
    return _texts(found)


def _texts(value: graphql.ValueNode | None) -> tuple[str, ...]:
    if isinstance(value, graphql.StringValueNode):
        return (value.value,)
    if isinstance(value, graphql.ListValueNode):
        return tuple(each.value for each in value.values if isinstance(each, graphql.StringValueNode))
    return ()
