"""Places nodes on a line so that weighted edges are as short as possible: the network simplex method.

It solves: minimise the sum of weight * (position of head - position of tail), where every edge has a least length. Both
the layers of a picture and the horizontal positions in it are such problems.
Source: Gansner, Koutsofios, North and Vo, "A Technique for Drawing Directed Graphs", 1993.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

_MOST_WORK = 2_000_000
"""Pivots times edges. Every position between pivots is allowed, so stopping early costs beauty alone."""


@dataclass(frozen=True)
class Edge:
    """`head` lies at least `least` after `tail`; a larger weight makes the edge shorter."""

    tail: int
    head: int
    least: int
    weight: int


class _Tree:
    """A spanning tree of edges that have their least length."""

    def __init__(self, count: int, edges: Sequence[Edge], position: list[int]) -> None:
        self.edges, self.position = edges, position
        self.members: set[int] = set()
        self._grow(count)

    def slack(self, number: int) -> int:
        edge = self.edges[number]
        return self.position[edge.head] - self.position[edge.tail] - edge.least

    def _grow(self, count: int) -> None:
        """Grow the tree from node 0; where no edge is tight, move what is reached towards the nearest node."""
        touching: dict[int, list[int]] = defaultdict(list)
        for number, edge in enumerate(self.edges):
            touching[edge.tail].append(number)
            touching[edge.head].append(number)
        reached, open_nodes = {0}, [0]
        while True:
            while open_nodes:
                node = open_nodes.pop()
                for number in touching[node]:
                    edge = self.edges[number]
                    other = edge.head if edge.tail == node else edge.tail
                    if other not in reached and self.slack(number) == 0:
                        self.members.add(number)
                        reached.add(other)
                        open_nodes.append(other)
            if len(reached) == count:
                return
            leaving = [n for n, e in enumerate(self.edges) if (e.tail in reached) != (e.head in reached)]
            nearest = min(leaving, key=lambda number: (self.slack(number), number))
            move = self.slack(nearest) if self.edges[nearest].tail in reached else -self.slack(nearest)
            for node in reached:
                self.position[node] += move
            open_nodes = sorted(reached)

    def order(self, count: int) -> tuple[list[int], list[int]]:
        """The nodes with every parent before its children, and by node the edge to its parent (-1 at the root)."""
        beside: dict[int, list[int]] = defaultdict(list)
        for number in sorted(self.members):
            beside[self.edges[number].tail].append(number)
            beside[self.edges[number].head].append(number)
        up, order, seen = [-1] * count, [0], {0}
        for node in order:
            for number in beside[node]:
                edge = self.edges[number]
                other = edge.head if edge.tail == node else edge.tail
                if other not in seen:
                    seen.add(other)
                    up[other] = number
                    order.append(other)
        return order, up


def solve(count: int, edges: Sequence[Edge]) -> list[int]:
    """Positions of the nodes 0 to `count` - 1; the smallest is 0.

    The edges have no cycle and join all nodes.
    """
    position = _longest_paths(count, edges)
    tree = _Tree(count, edges, position)
    for _ in range(_MOST_WORK // max(len(edges), 1)):
        order, up = tree.order(count)
        leaving = _negative_cut(edges, order, up)
        if leaving is None or not _exchange(tree, order, up, leaving):
            break
    lowest = min(position)
    return [each - lowest for each in position]


def _longest_paths(count: int, edges: Sequence[Edge]) -> list[int]:
    waiting = [0] * count
    after: dict[int, list[Edge]] = defaultdict(list)
    for edge in edges:
        waiting[edge.head] += 1
        after[edge.tail].append(edge)
    position = [0] * count
    ready = [node for node in range(count) if not waiting[node]]
    for node in ready:
        for edge in after[node]:
            position[edge.head] = max(position[edge.head], position[node] + edge.least)
            waiting[edge.head] -= 1
            if not waiting[edge.head]:
                ready.append(edge.head)
    return position


def _negative_cut(edges: Sequence[Edge], order: Sequence[int], up: Sequence[int]) -> int | None:
    """The child of the tree edge whose cut value is the lowest below 0; None where the positions are the best.

    The cut value of a tree edge is the change of the sum of lengths when its two sides are pulled apart by 1.
    """
    out = [0] * len(order)  # weights that leave a subtree, less those that enter it
    for edge in edges:
        out[edge.tail] += edge.weight
        out[edge.head] -= edge.weight
    best, found = 0, None
    for node in reversed(order[1:]):
        edge = edges[up[node]]
        child_is_tail = edge.tail == node
        value = out[node] if child_is_tail else -out[node]
        if value < best:
            best, found = value, node
        out[edge.head if child_is_tail else edge.tail] += out[node]
    return found


def _exchange(tree: _Tree, order: Sequence[int], up: Sequence[int], child: int) -> bool:
    """Replace a tree edge by the shortest other edge between its two sides, in the opposite direction."""
    leaving = up[child]
    below = {child}
    for node in order:
        if up[node] >= 0 and node not in below:
            joining = tree.edges[up[node]]
            if (joining.head if joining.tail == node else joining.tail) in below:
                below.add(node)
    child_is_tail = tree.edges[leaving].tail == child
    entering = None
    for number, edge in enumerate(tree.edges):
        inside_tail, inside_head = edge.tail in below, edge.head in below
        opposite = inside_head and not inside_tail if child_is_tail else inside_tail and not inside_head
        if opposite and (entering is None or tree.slack(number) < tree.slack(entering)):
            entering = number
    if entering is None:
        return False
    move = tree.slack(entering) * (-1 if child_is_tail else 1)
    for node in below:
        tree.position[node] += move
    tree.members.remove(leaving)
    tree.members.add(entering)
    return True
