"""The part of NetworkX that cfn-lint uses: a directed graph of resources, and the search for a cycle in it.

Importing NetworkX takes 0.1 s. The results are the same, which a test compares on random graphs.
"""

from collections.abc import Iterator
from typing import Any

Attributes = dict[str, Any]
Edge = tuple[Any, Any, int]


class NetworkXNoCycle(Exception):
    """There is no cycle; the name is NetworkX's."""


class MultiDiGraph:
    """A directed graph that allows several edges between two nodes."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.nodes: dict[Any, Attributes] = {}
        self.edges = Edges(self)
        self.successors: dict[Any, dict[Any, dict[int, Attributes]]] = {}
        self.predecessors: dict[Any, dict[Any, dict[int, Attributes]]] = {}

    def add_node(self, node: Any, **attributes: Any) -> None:
        """Add a node, or attributes to it."""
        self.nodes.setdefault(node, {}).update(attributes)

    def add_edge(self, source: Any, target: Any, **attributes: Any) -> None:
        """Add an edge, and its ends if they are not nodes yet."""
        self.add_node(source)
        self.add_node(target)
        parallel = self.successors.setdefault(source, {}).setdefault(target, {})
        self.predecessors.setdefault(target, {})[source] = parallel
        parallel[len(parallel)] = attributes

    def get_edge_data(self, source: Any, target: Any) -> dict[int, Attributes] | None:
        """The edges from one node to another, by number; None if there are none."""
        return self.successors.get(source, {}).get(target)

    def in_edges(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """The edges that end at a node."""
        for end in self.meant(node):
            for source, parallel in self.predecessors.get(end, {}).items():
                yield from [(source, end)] * len(parallel)

    def edges_from(self, node: Any) -> Iterator[Edge]:
        """The edges that begin at a node, with their numbers."""
        for target, parallel in self.successors.get(node, {}).items():
            yield from ((node, target, number) for number in parallel)

    def meant(self, node: Any) -> list[Any]:
        """The node; for a name that is no node, the nodes of one letter in it, as NetworkX takes it for a list."""
        return [node] if node in self.nodes else [each for each in node if each in self.nodes]


class Edges:
    """The edges of a graph, ordered by the nodes at which they begin."""

    def __init__(self, graph: MultiDiGraph) -> None:
        self._graph = graph

    def data(self) -> Iterator[tuple[Any, Any, Attributes]]:
        """Each edge with its attributes."""
        for source in self._graph.nodes:
            for target, parallel in self._graph.successors.get(source, {}).items():
                yield from ((source, target, attributes) for attributes in parallel.values())


def find_cycle(graph: MultiDiGraph, source: Any) -> list[Edge]:
    """The edges of the first cycle that a depth-first search finds from a node. Raises NetworkXNoCycle without one."""
    explored: set[Any] = set()
    for start in graph.meant(source):
        cycle = [] if start in explored else _cycle_from(graph, start, explored)
        if cycle:
            return cycle
    raise NetworkXNoCycle


def _cycle_from(graph: MultiDiGraph, start: Any, explored: set[Any]) -> list[Edge]:
    path: list[Edge] = []
    on_path = {start}
    waiting = [graph.edges_from(start)]
    explored.add(start)
    while waiting:
        edge = next(waiting[-1], None)
        if edge is None:
            waiting.pop()
            if path:
                on_path.discard(path.pop()[1])
        elif edge[1] in on_path:
            first = next(index for index, (tail, _, _) in enumerate([*path, edge]) if tail == edge[1])
            return [*path, edge][first:]
        elif edge[1] not in explored:
            explored.add(edge[1])
            on_path.add(edge[1])
            path.append(edge)
            waiting.append(graph.edges_from(edge[1]))
    return []
