"""Orders the nodes of each layer so that few transitions cross."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

_SWEEPS = 24


def order_layers(layers: Sequence[Sequence[int]], segments: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The layers with fewer crossings of the segments between neighbouring layers; the given order wins a tie."""
    above: dict[int, list[int]] = defaultdict(list)
    below: dict[int, list[int]] = defaultdict(list)
    for upper, lower in segments:
        below[upper].append(lower)
        above[lower].append(upper)
    current = [list(layer) for layer in layers]
    best, fewest = [list(layer) for layer in current], _all_crossings(current, below)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        downwards = sweep % 2 == 0
        numbers = range(1, len(current)) if downwards else range(len(current) - 2, -1, -1)
        for number in numbers:
            beside = current[number - 1] if downwards else current[number + 1]
            current[number] = _by_neighbours(current[number], beside, above if downwards else below)
        _swap_neighbours(current, above, below)
        crossings = _all_crossings(current, below)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in current], crossings
    return best


def _by_neighbours(layer: list[int], beside: Sequence[int], neighbours: Mapping[int, list[int]]) -> list[int]:
    """A layer in the order of the mean positions of its nodes' neighbours; nodes without any stay where they are."""
    position = {node: place for place, node in enumerate(beside)}
    means = {}
    for place, node in enumerate(layer):
        known = [position[each] for each in neighbours.get(node, ()) if each in position]
        means[node] = sum(known) / len(known) if known else float(place)
    return sorted(layer, key=lambda node: means[node])


def _swap_neighbours(layers: list[list[int]], above: Mapping[int, list[int]], below: Mapping[int, list[int]]) -> None:
    """Swap nodes that lie side by side wherever fewer transitions cross then."""
    improved = True
    while improved:
        improved = False
        places = {node: place for layer in layers for place, node in enumerate(layer)}
        for layer in layers:
            for place in range(len(layer) - 1):
                left, right = layer[place], layer[place + 1]
                now = _pair(left, right, above, places) + _pair(left, right, below, places)
                then = _pair(right, left, above, places) + _pair(right, left, below, places)
                if then < now:
                    layer[place], layer[place + 1] = right, left
                    places[left], places[right] = place + 1, place
                    improved = True


def _pair(left: int, right: int, neighbours: Mapping[int, list[int]], places: Mapping[int, int]) -> int:
    """How many transitions of two nodes of a layer cross on one side."""
    lefts, rights = neighbours.get(left, ()), neighbours.get(right, ())
    return sum(places[first] > places[second] for first in lefts for second in rights)


def _all_crossings(layers: Sequence[Sequence[int]], below: Mapping[int, list[int]]) -> int:
    places = {node: place for layer in layers for place, node in enumerate(layer)}
    return sum(
        _pair(layer[first], layer[second], below, places)
        for layer in layers
        for first in range(len(layer))
        for second in range(first + 1, len(layer))
    )
