"""Validation errors as AppSync reports them: in the words of graphql-java, with the path of the field.

Seen of AppSync: FieldUndefined, WrongType, SubSelectionRequired, MissingFieldArgument, UnknownArgument. The other
descriptions follow the sources of graphql-java and are not confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import graphql

from blueprints.local.services.appsync.requests import GraphqlError

_Text = Callable[[re.Match[str], Any], str]

_Q = r"'([^']*)'"
_MESSAGES: tuple[tuple[str, str, str | _Text], ...] = (
    (rf"Cannot query field {_Q} on type {_Q}\.", "FieldUndefined", "Field '{0}' in type '{1}' is undefined"),
    (rf"Unknown argument {_Q} on field {_Q}", "UnknownArgument", "Unknown field argument {0}"),
    (rf"Unknown argument {_Q} on directive", "UnknownArgument", "Unknown directive argument {0}"),
    (
        rf"Field {_Q} argument {_Q} of type {_Q} is required",
        "MissingFieldArgument",
        "Missing field argument {1}",
    ),
    (
        rf"Directive '@(\w+)' argument {_Q} of type",
        "MissingDirectiveArgument",
        "Missing directive argument {1}",
    ),
    (
        rf"Field {_Q} of type {_Q} must have a selection of subfields",
        "SubSelectionRequired",
        "Sub selection required for type {bare} of field {0}",
    ),
    (
        rf"Field {_Q} must not have a selection since type {_Q} has no subfields",
        "SubSelectionNotAllowed",
        "Sub selection not allowed on leaf type {bare} of field {0}",
    ),
    (rf"Unknown type {_Q}", "UnknownType", "Unknown type {0}"),
    (rf"Unknown fragment {_Q}", "UndefinedFragment", "Undefined fragment {0}"),
    (rf"Fragment {_Q} is never used", "UnusedFragment", "Unused fragment {0}"),
    (rf"Cannot spread fragment {_Q} within itself", "FragmentCycle", "Fragment cycles not allowed"),
    (r"Variable '\$(\w+)' is not defined", "UndefinedVariable", "Undefined variable {0}"),
    (r"Variable '\$(\w+)' is never used", "UnusedVariable", "Unused variable {0}"),
    (
        rf"Variable '\$(\w+)' of type {_Q} used in position expecting type {_Q}",
        "VariableTypeMismatch",
        "Variable type '{1}' doesn't match expected type '{2}'",
    ),
    (
        r"Variable '\$(\w+)' cannot be non-input type",
        "NonInputTypeOnVariable",
        "Input variable {0} type is not an input type",
    ),
    (
        r"There can be only one variable named '\$(\w+)'",
        "DuplicateVariableName",
        "There can be only one variable '{0}'",
    ),
    (
        r"This anonymous operation must be the only defined operation",
        "LoneAnonymousOperationViolation",
        "Anonymous operation with other operations.",
    ),
    (
        rf"There can be only one operation named {_Q}",
        "DuplicateOperationName",
        "There can be only one operation named '{0}'",
    ),
    (
        rf"There can be only one fragment named {_Q}",
        "DuplicateFragmentName",
        "There can be only one fragment named '{0}'",
    ),
    (
        rf"There can be only one argument named {_Q}",
        "DuplicateArgumentNames",
        "There can be only one argument named '{0}'",
    ),
    (r"Unknown directive '@(\w+)'", "UnknownDirective", "Unknown directive {0}"),
    (r"Directive '@(\w+)' may not be used on", "MisplacedDirective", "Directive {0} not allowed here"),
    (
        r"The directive '@(\w+)' can only be used once",
        "DuplicateDirectiveName",
        "Directives must be uniquely named within a location. The directive '{0}' used on a '{node}' is not unique",
    ),
    (
        r"Fragment cannot condition on non composite type",
        "InlineFragmentTypeConditionInvalid",
        "Inline fragment type condition is invalid, must be on Object/Interface/Union",
    ),
    (
        rf"Fragment {_Q} cannot condition on non composite type",
        "FragmentTypeConditionInvalid",
        "Fragment type condition is invalid, must be on Object/Interface/Union",
    ),
    (
        rf"Fragment (?:{_Q} )?cannot be spread here as objects of type {_Q} can never be of type {_Q}",
        "InvalidFragmentType",
        "Fragment cannot be spread here as objects of type {1} can never be of type {2}",
    ),
    (r"Fields '([^']*)' conflict because (.*?)\. Use different", "FieldsConflict", "{0}: {1}"),
    (r"The '[^']*' definition is not executable", "NonExecutableDefinition", "The definition is not executable."),
)


def translate(
    schema: graphql.GraphQLSchema, document: graphql.DocumentNode, faults: Iterable[graphql.GraphQLError]
) -> list[GraphqlError]:
    """Graphql-core's validation errors as AppSync gives them."""
    faults = list(faults)
    if not faults:
        return []
    places = _Places(schema, document)
    return [_translated(places, each) for each in faults]


def introspected_fields(schema: graphql.GraphQLSchema, document: graphql.DocumentNode) -> list[GraphqlError]:
    """The errors with which AppSync refuses introspection where it is disabled: its types have no fields then."""
    return [
        _error(node, f"FieldUndefined: Field '{node.name.value}' in type '{parent}' is undefined", path)
        for node, parent, path in _Places(schema, document).fields()
        if parent.startswith("__") and node.name.value != "__typename"
    ]


def _translated(places: _Places, fault: graphql.GraphQLError) -> GraphqlError:
    node = fault.nodes[0] if fault.nodes else None
    path = places.path_of(fault.nodes)
    for pattern, kind, text in _MESSAGES:
        found = re.match(pattern, fault.message)
        if found:
            groups = [each or "" for each in found.groups()]
            about = {"bare": groups[1].strip("[]!") if len(groups) > 1 else "", "node": node.kind if node else ""}
            return _error(node, f"{kind}: {str(text).format(*groups, **about)}", path)
    argument = places.argument_of(fault.nodes)
    if argument is not None:
        name, value, type_text = argument
        return _error(node, f"WrongType: argument '{name}' with value '{value}' is not a valid '{type_text}'", path)
    return _error(node, f"InvalidSyntax: {fault.message}", path)


def _error(node: graphql.Node | None, text: str, path: str) -> GraphqlError:
    at = f" @ '{path}'" if path else ""
    return GraphqlError(f"Validation error of type {text}{at}", locations=_locations(node))


def _locations(node: graphql.Node | None) -> tuple[tuple[int, int], ...]:
    if node is None or node.loc is None:
        return ()
    place = graphql.get_location(node.loc.source, node.loc.start)
    return ((place.line, place.column),)


class _Places:
    """Where the nodes of a document are: their fields' paths, and the arguments that they are part of."""

    def __init__(self, schema: graphql.GraphQLSchema, document: graphql.DocumentNode) -> None:
        self._paths: dict[int, str] = {}
        self._arguments: dict[int, tuple[str, str, str]] = {}
        self._fields: list[tuple[graphql.FieldNode, str, str]] = []
        types = graphql.TypeInfo(schema)
        graphql.visit(document, graphql.TypeInfoVisitor(types, self._visitor(types)))

    def fields(self) -> Iterator[tuple[graphql.FieldNode, str, str]]:
        """Each field with the name of its parent type and its path."""
        return iter(self._fields)

    def path_of(self, nodes: Iterable[graphql.Node] | None) -> str:
        """The path of the first node of which one is known, such as `listNotes/items`."""
        return next((path for each in nodes or () if (path := self._paths.get(id(each)))), "")

    def argument_of(self, nodes: Iterable[graphql.Node] | None) -> tuple[str, str, str] | None:
        """The name, the value and the type of the argument that holds a node."""
        return next((found for each in nodes or () if (found := self._arguments.get(id(each)))), None)

    def _visitor(self, types: graphql.TypeInfo) -> graphql.Visitor:
        places = self
        path: list[str] = []
        arguments: list[tuple[str, str, str]] = []

        class Recorder(graphql.Visitor):
            def enter(self, node: graphql.Node, *_: Any) -> None:
                if isinstance(node, graphql.FieldNode):
                    path.append(node.name.value)
                    parent = types.get_parent_type()
                    places._fields.append((node, parent.name if parent else "", "/".join(path)))
                elif isinstance(node, graphql.FragmentDefinitionNode):
                    path.append(node.name.value)
                elif isinstance(node, graphql.ArgumentNode):
                    type_text = str(types.get_input_type() or "").removesuffix("!")
                    arguments.append((node.name.value, java_value(node.value), type_text))
                places._paths[id(node)] = "/".join(path)
                if arguments:
                    places._arguments[id(node)] = arguments[-1]

            def leave(self, node: graphql.Node, *_: Any) -> None:
                if isinstance(node, graphql.FieldNode | graphql.FragmentDefinitionNode):
                    path.pop()
                elif isinstance(node, graphql.ArgumentNode):
                    arguments.pop()

        return Recorder()


def java_value(node: graphql.ValueNode) -> str:
    """A literal as graphql-java's toString gives it, which messages of type WrongType contain."""
    if isinstance(node, graphql.ObjectValueNode):
        fields = ", ".join(
            f"ObjectField{{name='{each.name.value}', value={java_value(each.value)}}}" for each in node.fields
        )
        return f"ObjectValue{{objectFields=[{fields}]}}"
    if isinstance(node, graphql.ListValueNode):
        return f"ArrayValue{{values=[{', '.join(java_value(each) for each in node.values)}]}}"
    if isinstance(node, graphql.StringValueNode):
        return f"StringValue{{value='{node.value}'}}"
    if isinstance(node, graphql.EnumValueNode):
        return f"EnumValue{{name='{node.value}'}}"
    if isinstance(node, graphql.VariableNode):
        return f"VariableReference{{name='{node.name.value}'}}"
    if isinstance(node, graphql.NullValueNode):
        return "NullValue{}"
    kind = type(node).__name__.removesuffix("Node")
    return f"{kind}{{value={graphql.print_ast(node)}}}"
