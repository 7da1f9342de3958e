"""Decides whether a caller may access a field: by directives, by policies, by what a Lambda authorizer denies.

A field's directives replace those of its type. Without directives, only callers of the API's default authentication
type may access the field. Policies of IAM decide about the fields of the root types alone.

Source: AWS AppSync Developer Guide, "Using additional authorization modes", "AWS_IAM authorization" and "AWS_LAMBDA
authorization".
"""

from collections.abc import Iterable

from blueprints.local.services.appsync.authorization.providers import default_mode, is_only_cognito
from blueprints.local.services.appsync.records import GraphqlApi
from blueprints.local.services.appsync.requests import COGNITO, IAM, Identity, Unauthorized
from blueprints.local.services.appsync.schemas import AuthRule, Schema
from blueprints.local.services.iam import answer, question

_ONLY_FOR_COGNITO_ALONE = "aws_auth"


def may_access(api: GraphqlApi, schema: Schema, identity: Identity, type_name: str, field_name: str) -> bool:
    """Whether a caller may access a field of a type."""
    if _is_denied(api, identity, type_name, field_name):
        return False
    is_judged_by_policies = identity.mode == IAM and _is_root(schema, type_name)
    if is_judged_by_policies and not _policies_allow(api, identity, type_name, field_name):
        return False
    rules = _with_effect(api, schema.authorization_of(type_name, field_name))
    rules = rules or _with_effect(api, schema.type_authorization_of(type_name))
    if not rules:
        return identity.mode == default_mode(api) and not _denies_by_default(api, identity)
    return any(_admits(each, identity) for each in rules)


def _with_effect(api: GraphqlApi, rules: Iterable[AuthRule]) -> list[AuthRule]:
    return [each for each in rules if each.directive != _ONLY_FOR_COGNITO_ALONE or is_only_cognito(api)]


def _denies_by_default(api: GraphqlApi, identity: Identity) -> bool:
    """Whether a user pool with the default action DENY admits users only to fields with directives."""
    return identity.mode == COGNITO and (api.record.get("userPoolConfig") or {}).get("defaultAction") == "DENY"


def _admits(rule: AuthRule, identity: Identity) -> bool:
    if rule.mode != identity.mode:
        return False
    return not rule.groups or bool(set(rule.groups) & set(identity.groups))


def _is_denied(api: GraphqlApi, identity: Identity, type_name: str, field_name: str) -> bool:
    names = (f"{type_name}.{field_name}", f"{api.arn}/types/{type_name}/fields/{field_name}")
    return any(each in names for each in identity.denied_fields)


def check_permission(api: GraphqlApi, identity: Identity, root_type: str, fields: Iterable[str]) -> None:
    """Raises Unauthorized if the policies of a caller with AWS_IAM allow none of an operation's root fields."""
    if identity.mode == IAM and not any(_policies_allow(api, identity, root_type, each) for each in fields):
        raise Unauthorized("Permission denied")


def _policies_allow(api: GraphqlApi, identity: Identity, root_type: str, field_name: str) -> bool:
    principal = identity.principal
    if principal.account != api.account:
        return False
    if principal.policies is None:  # the account's owner
        return True
    asked = question(principal, "appsync:GraphQL", f"{api.arn}/types/{root_type}/fields/{field_name}", api.region)
    return bool(answer(principal, asked).decision == "Allow")


def _is_root(schema: Schema, type_name: str) -> bool:
    roots = (schema.graphql.query_type, schema.graphql.mutation_type, schema.graphql.subscription_type)
    return any(each is not None and each.name == type_name for each in roots)
