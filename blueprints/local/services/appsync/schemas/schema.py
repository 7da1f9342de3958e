"""Reads a schema definition as AppSync does, and answers questions about its directives."""

from __future__ import annotations

from functools import lru_cache

import graphql

from blueprints.local.services.appsync.nesting import nesting
from blueprints.local.services.appsync.schemas import directives, scalars
from blueprints.local.services.appsync.schemas.directives import AuthRule

_LARGEST = 1_000_000
"""Bytes of a schema, a quota of AppSync."""
_DEEPEST = 250
"""Brackets that may be open at the same time."""
_SCHEMAS_KEPT = 64


class InvalidSchema(Exception):
    """A schema that AppSync refuses; `errors` has a message for each reason."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


class Schema:
    """A schema as it was deployed. Compared by identity: `parse` returns the same object for the same text."""

    def __init__(self, definition: str, schema: graphql.GraphQLSchema) -> None:
        self.definition = definition
        self.graphql = schema
        """The schema as graphql-core has it."""

    def field(self, type_name: str, field_name: str) -> graphql.GraphQLField | None:
        """A field of an object type or an interface; None if there is none."""
        found = self.graphql.type_map.get(type_name)
        if isinstance(found, graphql.GraphQLObjectType | graphql.GraphQLInterfaceType):
            field: graphql.GraphQLField | None = found.fields.get(field_name)
            return field
        return None

    def authorization_of(self, type_name: str, field_name: str) -> tuple[AuthRule, ...]:
        """The rules that decide who may read a field: its own directives, otherwise its type's; empty without."""
        field = self.field(type_name, field_name)
        own = directives.rules_of(field.ast_node.directives) if field and field.ast_node else ()
        return own or self.type_authorization_of(type_name)

    def type_authorization_of(self, type_name: str) -> tuple[AuthRule, ...]:
        """The rules of a type's own directives, those of its extensions included."""
        found = self.graphql.type_map.get(type_name)
        nodes = [found.ast_node, *found.extension_ast_nodes] if found is not None else []
        return tuple(rule for node in nodes if node is not None for rule in directives.rules_of(node.directives))

    def subscribed_mutations(self, subscription_field: str) -> tuple[str, ...]:
        """The mutations that a field of the subscription type subscribes to, by @aws_subscribe."""
        subscription = self.graphql.subscription_type
        field = subscription.fields.get(subscription_field) if subscription else None
        if field is None or field.ast_node is None:
            return ()
        return tuple(
            name
            for each in field.ast_node.directives
            if each.name.value == "aws_subscribe"
            for name in directives.texts_of(each, "mutations")
        )


@lru_cache(_SCHEMAS_KEPT)
def parse(definition: str) -> Schema:
    """The schema in a text of the schema definition language. Raises InvalidSchema."""
    if len(definition.encode(errors="replace")) > _LARGEST:
        raise InvalidSchema(("Schema document size exceeds 1 MB.",))
    if nesting(definition) > _DEEPEST:
        raise InvalidSchema(("The schema is nested too deeply.",))
    try:
        written = graphql.parse(definition)
    except graphql.GraphQLError as error:
        raise InvalidSchema((_syntax_error(error),)) from None
    except RecursionError:
        raise InvalidSchema(("The schema is nested too deeply.",)) from None
    schema = _built(graphql.concat_ast([_definitions(written), written]))
    errors = [_message(each) for each in graphql.validate_schema(schema)]
    errors += _faulty_subscriptions(schema)
    errors += _unsupported_scalars(schema)
    if errors:
        raise InvalidSchema(tuple(errors))
    for each in schema.type_map.values():
        if isinstance(each, graphql.GraphQLScalarType):
            scalars.install(each)
    return Schema(definition, schema)


def _definitions(written: graphql.DocumentNode) -> graphql.DocumentNode:
    """AppSync's own definitions, without those that the schema declares itself."""
    declared = {
        each.name.value
        for each in written.definitions
        if isinstance(each, graphql.DirectiveDefinitionNode | graphql.ScalarTypeDefinitionNode)
    }
    own = graphql.parse(scalars.definitions() + directives.DEFINITIONS)
    return graphql.DocumentNode(definitions=tuple(each for each in own.definitions if each.name.value not in declared))  # type: ignore[attr-defined]


def _built(document: graphql.DocumentNode) -> graphql.GraphQLSchema:
    from graphql.validation.validate import validate_sdl

    faults = validate_sdl(document)
    if faults:
        raise InvalidSchema(tuple(_message(each) for each in faults))
    try:
        return graphql.build_ast_schema(document, assume_valid_sdl=True)
    except (TypeError, graphql.GraphQLError) as error:
        raise InvalidSchema((str(error),)) from None


def _syntax_error(error: graphql.GraphQLError) -> str:
    place = error.locations[0] if error.locations else None
    where = f" at line {place.line} column {place.column}" if place else ""
    return f"Schema has invalid syntax{where}: {error.message.removeprefix('Syntax Error: ')}"


def _message(error: graphql.GraphQLError) -> str:
    place = error.locations[0] if error.locations else None
    return f"{error.message} [@{place.line}:{place.column}]" if place else error.message


def _faulty_subscriptions(schema: graphql.GraphQLSchema) -> list[str]:
    """Faults of @aws_subscribe: mutations that do not exist or return another type."""
    faults = []
    mutations = schema.mutation_type.fields if schema.mutation_type else {}
    for name, field in (schema.subscription_type.fields if schema.subscription_type else {}).items():
        for directive in field.ast_node.directives if field.ast_node else ():
            if directive.name.value != "aws_subscribe":
                continue
            for mutation in directives.texts_of(directive, "mutations"):
                if mutation not in mutations:
                    faults.append(f"Subscription field {name}: there is no mutation {mutation}.")
                elif _without_null(str(mutations[mutation].type)) != _without_null(str(field.type)):
                    faults.append(f"Subscription field {name} and mutation {mutation} have different output types.")
    return faults


def _unsupported_scalars(schema: graphql.GraphQLSchema) -> list[str]:
    supported = (*scalars.AWS_SCALARS, *graphql.specified_scalar_types)
    found = [name for name, each in schema.type_map.items() if isinstance(each, graphql.GraphQLScalarType)]
    others = [name for name in found if name not in supported]
    if not others:
        return []
    names = ", ".join(sorted(supported))
    return [f"Schema defines an unsupported scalar [{', '.join(others)}]. Supported scalars are [{names}]"]


def _without_null(type_text: str) -> str:
    return type_text.replace("!", "")
