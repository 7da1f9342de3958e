"""Coerces the variables of a request, with AppSync's messages.

Seen of AppSync: the messages about null and about fields that an input type lacks. The others follow graphql-java.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import graphql

from blueprints.local.services.appsync.requests import GraphqlError
from blueprints.local.services.appsync.schemas import scalars

_MAXIMUM_DEPTH = 100


def coerce(
    schema: graphql.GraphQLSchema, operation: graphql.OperationDefinitionNode, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of the operation's variables; variables without value and default are left out.

    Raises GraphqlError for the first one that does not fit its type.
    """
    coerced: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_ = graphql.type_from_ast(schema, definition.type)
        if name not in given:
            if definition.default_value is not None:
                coerced[name] = graphql.value_from_ast(definition.default_value, type_)  # type: ignore[arg-type]
                continue
            if not graphql.is_non_null_type(type_):
                continue
        try:
            coerced[name] = _coerced(type_, given.get(name), name, 0)
        except GraphqlError as error:
            place = graphql.get_location(definition.loc.source, definition.loc.start) if definition.loc else None
            error.locations = ((place.line, place.column),) if place else ()
            raise
    return coerced


def _coerced(type_: Any, value: Any, variable: str, depth: int) -> Any:
    if depth > _MAXIMUM_DEPTH:
        raise GraphqlError(f"Variable '{variable}' is nested too deeply.")
    if graphql.is_non_null_type(type_):
        if value is None:
            raise GraphqlError(f"Variable '{variable}' has coerced Null value for NonNull type '{type_}'")
        return _coerced(type_.of_type, value, variable, depth)
    if value is None:
        return None
    if graphql.is_list_type(type_):
        items = value if isinstance(value, list) else [value]
        return [_coerced(type_.of_type, each, variable, depth + 1) for each in items]
    if graphql.is_input_object_type(type_):
        return _coerced_object(type_, value, variable, depth)
    return _coerced_leaf(type_, value, variable)


def _coerced_leaf(type_: Any, value: Any, variable: str) -> Any:
    if graphql.is_enum_type(type_):
        if not isinstance(value, str) or value not in type_.values:
            raise _invalid(
                variable, f"Invalid input for Enum '{type_.name}'. No value found for name '{scalars.java_text(value)}'"
            )
        return value
    if type_.name in scalars.BUILT_IN:
        # As graphql-java, which takes the text of a number, and any value as text.
        try:
            return scalars.serialize(type_.name, value)
        except scalars.Unserializable as error:
            raise _invalid(variable, str(error)) from None
    try:
        return type_.parse_value(value)
    except graphql.GraphQLError as error:
        raise _invalid(variable, error.message) from None


def _coerced_object(type_: Any, value: Any, variable: str, depth: int) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise GraphqlError(
            f"Variable '{variable}' has an invalid value. Expected type 'Map' but was '{scalars.java_type(value)}'. "
            "Variables for input objects must be an instance of type 'Map'."
        )
    for name in value:
        if name not in type_.fields:
            raise GraphqlError(
                f"The variables input contains a field name '{name}' that is not defined for input object type "
                f"'{type_.name}' "
            )
    coerced = {}
    for name, field in type_.fields.items():
        if name in value:
            coerced[name] = _coerced(field.type, value[name], variable, depth + 1)
        elif field.default_value is not graphql.Undefined:
            coerced[name] = field.default_value
        elif graphql.is_non_null_type(field.type):
            raise GraphqlError(f"Variable '{variable}' has coerced Null value for NonNull type '{field.type}'")
    return coerced


def _invalid(variable: str, reason: str) -> GraphqlError:
    return GraphqlError(f"Variable '{variable}' has an invalid value. {reason}")
