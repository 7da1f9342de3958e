"""The selection set of a field as resolvers see it, in `info`.

Source: AWS AppSync Developer Guide, "Resolver context object reference", info.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import graphql

from blueprints.local.services.appsync.execution.documents import Operation


def selection_set_list(operation: Operation, nodes: list[graphql.FieldNode], variables: Mapping[str, Any]) -> list[str]:
    """The paths of the selected fields, parents first, such as `items/id`, with aliases in place of names."""
    found: dict[str, None] = {}
    for node in nodes:
        for path in _paths(operation, node.selection_set, variables, ""):
            found.setdefault(path)
    return list(found)


def _paths(
    operation: Operation, selection_set: graphql.SelectionSetNode | None, variables: Mapping[str, Any], prefix: str
) -> Iterator[str]:
    for each in selection_set.selections if selection_set else ():
        if not _is_included(each, variables):
            continue
        if isinstance(each, graphql.FieldNode):
            path = prefix + (each.alias or each.name).value
            yield path
            yield from _paths(operation, each.selection_set, variables, f"{path}/")
        elif isinstance(each, graphql.FragmentSpreadNode):
            fragment = operation.fragments[each.name.value]
            yield from _paths(operation, fragment.selection_set, variables, prefix)
        elif isinstance(each, graphql.InlineFragmentNode):
            yield from _paths(operation, each.selection_set, variables, prefix)


def _is_included(node: graphql.SelectionNode, variables: Mapping[str, Any]) -> bool:
    skip = graphql.get_directive_values(graphql.GraphQLSkipDirective, node, dict(variables))
    if skip and skip.get("if"):
        return False
    include = graphql.get_directive_values(graphql.GraphQLIncludeDirective, node, dict(variables))
    return not (include and not include.get("if"))


def selection_set_text(operation: Operation, nodes: list[graphql.FieldNode]) -> str:
    """The selection set as text, in graphql-java's form; empty for a scalar."""
    node = nodes[0].selection_set
    if node is None:
        return ""
    text = operation.texts.get(id(node))
    if text is None:
        text = operation.texts[id(node)] = graphql.print_ast(node)
    return text


def cut(operation: Operation, selection_sets: list[graphql.SelectionSetNode], value: Any) -> Any:
    """An error's data, reduced to the selected fields."""
    if isinstance(value, list):
        return [cut(operation, selection_sets, each) for each in value]
    if not selection_sets or not isinstance(value, Mapping):
        return value
    below: dict[str, list[graphql.SelectionSetNode]] = {}
    for each in selection_sets:
        _collect(operation, each, below)
    return {name: cut(operation, sets, value[name]) for name, sets in below.items() if name in value}


def _collect(
    operation: Operation, selection_set: graphql.SelectionSetNode, below: dict[str, list[graphql.SelectionSetNode]]
) -> None:
    for each in selection_set.selections:
        if isinstance(each, graphql.FieldNode):
            sets = below.setdefault(each.name.value, [])
            if each.selection_set:
                sets.append(each.selection_set)
        elif isinstance(each, graphql.FragmentSpreadNode):
            _collect(operation, operation.fragments[each.name.value].selection_set, below)
        elif isinstance(each, graphql.InlineFragmentNode):
            _collect(operation, each.selection_set, below)
