"""Places nodes on a line so that weighted edges are as short as possible: the network simplex method.

It solves: minimise the sum of weight * (position of head - position of tail), where every edge has a least length. Both
the layers of a picture and the horizontal positions in it are such problems.
Source: Gansner, Koutsofios, North and Vo, "A Technique for Drawing Directed Graphs", 1993.
"""

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


def solve(count: int, edges: Sequence[Edge]) -> list[int]:
    """Positions of the nodes 0 to `count` - 1; the smallest is 0.

    The edges have no cycle and join all nodes.
    """
    network = _Network(count, edges)
    for _ in range(_MOST_WORK // max(len(edges), 1)):
        network.walk()
        leaving = network.leaving_edge()
        if leaving is None or not network.exchange(leaving):
            break
    lowest = min(network.position)
    return [each - lowest for each in network.position]


class _Network:
    """The edges as columns of numbers, and a spanning tree of edges that have their least length."""

    def __init__(self, count: int, edges: Sequence[Edge]) -> None:
        self.tails = [edge.tail for edge in edges]
        self.heads = [edge.head for edge in edges]
        self.leasts = [edge.least for edge in edges]
        self.flows = [0] * count
        """By node, the weights of the edges that leave it, less those of the edges that enter it."""
        self.touching: list[list[int]] = [[] for _ in range(count)]
        for number, edge in enumerate(edges):
            self.flows[edge.tail] += edge.weight
            self.flows[edge.head] -= edge.weight
            self.touching[edge.tail].append(number)
            self.touching[edge.head].append(number)
        self.position = _longest_paths(self.tails, self.heads, self.leasts, self.touching)
        self.beside: list[list[int]] = [[] for _ in range(count)]
        """By node, the edges of the tree that touch it."""
        self.order: list[int] = []
        """The nodes, every parent before its children."""
        self.up = [-1] * count
        """By node, the edge of the tree to its parent; -1 at the root."""
        self._grow(count)

    def _slack(self, number: int) -> int:
        return self.position[self.heads[number]] - self.position[self.tails[number]] - self.leasts[number]

    def _other_end(self, number: int, node: int) -> int:
        return self.heads[number] if self.tails[number] == node else self.tails[number]

    def _grow(self, count: int) -> None:
        """Grow the tree from node 0; where no edge is tight, move what is reached towards the nearest node."""
        reached, open_nodes = {0}, [0]
        while True:
            while open_nodes:
                node = open_nodes.pop()
                for number in self.touching[node]:
                    other = self._other_end(number, node)
                    if other not in reached and not self._slack(number):
                        self._join(number)
                        reached.add(other)
                        open_nodes.append(other)
            if len(reached) == count:
                return
            leaving = [n for n in range(len(self.tails)) if (self.tails[n] in reached) != (self.heads[n] in reached)]
            nearest = min(leaving, key=lambda number: (self._slack(number), number))
            move = self._slack(nearest) if self.tails[nearest] in reached else -self._slack(nearest)
            for node in reached:
                self.position[node] += move
            open_nodes = sorted(reached)

    def _join(self, number: int) -> None:
        self.beside[self.tails[number]].append(number)
        self.beside[self.heads[number]].append(number)

    def walk(self) -> None:
        """Walk through the tree from its root, node 0."""
        tails, heads, beside, up = self.tails, self.heads, self.beside, self.up
        order = [0]
        up[0] = -1
        for node in order:
            above = up[node]
            for number in beside[node]:
                if number != above:
                    child = heads[number] if tails[number] == node else tails[number]
                    up[child] = number
                    order.append(child)
        self.order = order

    def leaving_edge(self) -> int | None:
        """The child of the tree edge whose cut value is the lowest below 0; None where the positions are the best.

        The cut value of a tree edge is the change of the sum of lengths when its two sides are pulled apart by 1.
        """
        flows, heads, up = self.flows.copy(), self.heads, self.up
        best, found = 0, None
        for node in reversed(self.order):
            number = up[node]
            if number < 0:
                continue
            flow, head = flows[node], heads[number]
            if head == node:
                flow, parent = -flow, self.tails[number]
            else:
                parent = head
            if flow < best:
                best, found = flow, node
            flows[parent] += flows[node]
        return found

    def exchange(self, child: int) -> bool:
        """Replace the tree edge above a node by the shortest other edge between its sides, in the opposite direction.

        Returns whether there is one.
        """
        leaving, below = self.up[child], self._below(child)
        child_is_tail = self.tails[leaving] == child
        inner, outer = (self.heads, self.tails) if child_is_tail else (self.tails, self.heads)
        entering, shortest = None, 0
        for number, node in enumerate(inner):
            if node in below and outer[number] not in below:
                slack = self._slack(number)
                if entering is None or slack < shortest:
                    entering, shortest = number, slack
        if entering is None:
            return False
        move = -shortest if child_is_tail else shortest
        for node in below:
            self.position[node] += move
        self.beside[self.tails[leaving]].remove(leaving)
        self.beside[self.heads[leaving]].remove(leaving)
        self._join(entering)
        return True

    def _below(self, child: int) -> set[int]:
        """A node and all below it in the tree."""
        below, waiting = {child}, [child]
        while waiting:
            node = waiting.pop()
            for number in self.beside[node]:
                if number != self.up[node]:
                    other = self._other_end(number, node)
                    below.add(other)
                    waiting.append(other)
        return below


def _longest_paths(
    tails: Sequence[int], heads: Sequence[int], leasts: Sequence[int], touching: Sequence[Sequence[int]]
) -> list[int]:
    """The first positions: every node as far to the front as its edges allow."""
    entering = [sum(heads[number] == node for number in numbers) for node, numbers in enumerate(touching)]
    position = [0] * len(touching)
    ready = [node for node, number in enumerate(entering) if not number]
    for node in ready:
        for number in touching[node]:
            if tails[number] == node:
                head = heads[number]
                position[head] = max(position[head], position[node] + leasts[number])
                entering[head] -= 1
                if not entering[head]:
                    ready.append(head)
    return position
