"""Places the states and transitions of a block in layers, from top to bottom.

This is Sugiyama's method. Transitions that lead back are turned round, states get layers, and long transitions get a
bend in every layer that they pass. Then the order within each layer is chosen for few crossings, and the horizontal
positions so that the usual way is straight. The label of a transition has a place of its own in a layer, so it covers
nothing.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from blueprints.flow_pictures.boxes import POINT, Box, Chip, Outcomes, box_of, chip_of
from blueprints.flow_pictures.flow import CATCH, Flow, Transition
from blueprints.flow_pictures.network_simplex import Edge, solve
from blueprints.flow_pictures.ordering import order_layers
from blueprints.flow_pictures.placed import Placed, PlacedArrow, PlacedBox, PlacedChip

MARK = 14
"""The diameter of the marks of start and end."""
_LAYER_GAP, _MOST_EXTRA_GAP = 30, 36
_GAPS = {"box": 30, "chip": 14, "bend": 16, "mark": 16}
_SIDE_PORT = 40
LOOP = 26
"""How far the loop of a state that leads to itself reaches out."""
_PASSED = {"chip", "bend"}
_STRAIGHT = {"long": 24, "whole": 6, "end": 2}
"""How much it matters that a step is straight: between bends, between two boxes, between a box and a bend."""
_LEAST_LOOP = 22
_USUAL = 50
"""How much more it matters on the usual way."""


@dataclass
class _Node:
    """What has a place in a layer: a `box`, the `chip` of a label, the `bend` of a long transition, or a `mark`."""

    kind: str
    width: int
    height: int
    layer: int = 0
    x: int = 0
    """Its centre."""
    y: int = 0
    """Its upper edge."""


@dataclass
class _Way:
    """A transition on its way through the layers, from the upper to the lower end."""

    transition: Transition
    nodes: list[int]
    is_turned: bool
    chip: Chip | None = None
    chip_node: int | None = None
    ports: tuple[int, int] = (0, 0)
    """How far from the centres of its upper and lower end it begins and ends."""


START, END = "\0start", "\0end of "
"""Beginnings of the names of marks, which no state has."""


def place(flow: Flow, outcomes: Outcomes, *, outermost: bool = True) -> Placed:
    """Place the states of a block. Only the outermost block has marks of start and end."""
    inner = {
        state.name: tuple(place(each, outcomes, outermost=False) for each in state.blocks) for state in flow.states
    }
    boxes = {
        state.name: box_of(
            state,
            outcomes.get(state.name),
            [(block, made.width, made.height) for block, made in zip(state.blocks, inner[state.name], strict=True)],
        )
        for state in flow.states
    }
    return _Block(flow, boxes, outermost=outermost).placed(inner)


class _Block:
    """The graph of a block while its layout is made."""

    def __init__(self, flow: Flow, boxes: Mapping[str, Box], *, outermost: bool) -> None:
        self.flow, self.outermost = flow, outermost
        self.loops = [each for each in flow.transitions if each.source == each.target]
        self.boxes = {
            name: replace(box, height=max(box.height, self._loops_height(name))) for name, box in boxes.items()
        }
        self.names: dict[str, int] = {}
        self.nodes: list[_Node] = []
        for name, box in self.boxes.items():
            self.names[name] = self._add(_Node("box", box.width + 2 * self._beside(name), box.height))
        self.ends = [each.name for each in flow.states if each.is_terminal and each.type not in ("Succeed", "Fail")]
        self.transitions = [each for each in flow.transitions if each.source != each.target]
        if outermost:
            self._add_marks()
        self.ways = self._turned()
        self._set_layers()
        self._bend()
        self.layers = self._ordered()
        self.tops: list[int] = []
        self.bottoms: list[int] = []
        self._set_ports()
        self._set_x()
        self._set_y()

    def _loop_chips(self, name: str) -> list[Chip | None]:
        """The label of each loop of a state."""
        return [chip_of(each) for each in self.loops if each.source == name]

    def _beside(self, name: str) -> int:
        """The room on each side of a box for its loops, with their labels on the right."""
        chips = self._loop_chips(name)
        return LOOP + max((chip.width for chip in chips if chip), default=0) if chips else 0

    def _loops_height(self, name: str) -> int:
        """The height that the loops of a state need, one below the other."""
        chips = self._loop_chips(name)
        return sum(_loop_height(chip) for chip in chips)

    def _add(self, node: _Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _add_marks(self) -> None:
        self.names[START] = self._add(_Node("mark", MARK, MARK))
        self.transitions.insert(0, Transition(START, self.flow.start, "mark"))
        for name in self.ends:
            self.names[END + name] = self._add(_Node("mark", MARK, MARK))
            self.transitions.append(Transition(name, END + name, "mark"))

    def _turned(self) -> list[_Way]:
        """The transitions, with those turned round that would close a circle."""
        after: dict[str, list[Transition]] = defaultdict(list)
        for each in sorted(self.transitions, key=lambda each: each.kind == CATCH):
            after[each.source].append(each)
        back = _closing_circles([START if self.outermost else self.flow.start, *self.boxes], after)
        ways = []
        for each in self.transitions:
            upper, lower = (each.target, each.source) if each in back else (each.source, each.target)
            ways.append(_Way(each, [self.names[upper], self.names[lower]], each in back, chip_of(each)))
        return ways

    def _set_layers(self) -> None:
        top = len(self.nodes)  # above all: it joins what nothing leads to
        edges = [
            Edge(way.nodes[0], way.nodes[1], 2 if way.chip else 1, 1 if way.transition.kind == CATCH else 4)
            for way in self.ways
        ]
        reached = {edge.head for edge in edges}
        edges += [Edge(top, node, 0, 0) for node in range(len(self.nodes)) if node not in reached]
        layers = solve(len(self.nodes) + 1, edges)
        highest = min(layers[:top])
        for node, layer in zip(self.nodes, layers, strict=False):
            node.layer = layer - highest

    def _bend(self) -> None:
        """Put a bend or the label of the transition into every layer that a transition passes."""
        for way in self.ways:
            upper, lower = way.nodes
            passed = range(self.nodes[upper].layer + 1, self.nodes[lower].layer)
            made = [self._add(_Node("bend", 2, 0, layer)) for layer in passed]
            if way.chip:  # beside the state that decides
                way.chip_node = made[-1 if way.is_turned else 0]
                node = self.nodes[way.chip_node]
                node.kind, node.width, node.height = "chip", way.chip.width, way.chip.height
            way.nodes = [upper, *made, lower]

    def _segments(self) -> Iterator[tuple[_Way, int, int]]:
        for way in self.ways:
            for upper, lower in pairwise(way.nodes):
                yield way, upper, lower

    def _ordered(self) -> list[list[int]]:
        layers: list[list[int]] = [[] for _ in range(max(node.layer for node in self.nodes) + 1)]
        below: dict[int, list[int]] = defaultdict(list)
        for _, upper, lower in sorted(self._segments(), key=lambda each: each[0].transition.kind == CATCH):
            below[upper].append(lower)
        seen: set[int] = set()
        first = self.names[START if self.outermost else self.flow.start]
        for root in [first, *range(len(self.nodes))]:
            waiting = [root]
            while waiting:
                node = waiting.pop()
                if node not in seen:
                    seen.add(node)
                    layers[self.nodes[node].layer].append(node)
                    waiting += reversed(below[node])
        return order_layers(layers, [(upper, lower) for _, upper, lower in self._segments()])

    def _set_ports(self) -> None:
        """Let what goes the usual way begin and end at the middle, errors and ways back at the side."""
        rank = {node: place for layer in self.layers for place, node in enumerate(layer)}
        for way in self.ways:
            begins = self._port(way, way.nodes[0], way.nodes[1], rank, lower_side=True)
            ends = self._port(way, way.nodes[-1], way.nodes[-2], rank, lower_side=False)
            way.ports = (begins, ends)

    def _port(self, way: _Way, node: int, next_node: int, rank: Mapping[int, int], *, lower_side: bool) -> int:
        at_side = way.is_turned or (way.transition.kind == CATCH and lower_side)
        if not at_side or self.nodes[node].kind != "box":
            return 0
        others = [
            rank[each.nodes[1 if lower_side else -2]]
            for each in self.ways
            if each is not way
            and each.nodes[0 if lower_side else -1] == node
            and not (each.is_turned or (each.transition.kind == CATCH and lower_side))
        ]
        half = self._flat_width(node) // 2
        reach = min(_SIDE_PORT, half // 2)
        if way.is_turned and way.transition.kind != CATCH:
            reach = min(_SIDE_PORT * 7 // 4, half - 8)
        if not others:
            return 0 if way.transition.kind == CATCH and not way.is_turned else reach
        return -reach if rank[next_node] < min(others) else reach

    def _flat_width(self, node: int) -> int:
        """The width of a box's upper and lower edge."""
        box = next(self.boxes[name] for name, number in self.names.items() if number == node)
        return box.width - 2 * (POINT if box.state.type == "Choice" else 8)

    def _set_x(self) -> None:
        """Choose the horizontal positions so that the weighted sum of all sideways steps is the least."""
        edges, count = [], len(self.nodes)
        for layer in self.layers:
            for left, right in pairwise(layer):
                edges.append(Edge(left, right, self._distance(left, right), 0))
        usual = self._usual_way()
        for way, upper, lower in self._segments():
            shift = (way.ports[1] if lower == way.nodes[-1] else 0) - (way.ports[0] if upper == way.nodes[0] else 0)
            kinds = {self.nodes[upper].kind, self.nodes[lower].kind}
            weight = _STRAIGHT["long" if kinds <= _PASSED else "whole" if kinds & _PASSED == set() else "end"]
            weight *= 1 if way.transition.kind == CATCH else 3
            weight *= _USUAL if way.transition in usual else 1
            # A node left of both ends makes the length the distance of the ends.
            edges.append(Edge(count, upper, max(shift, 0), weight))
            edges.append(Edge(count, lower, max(-shift, 0), weight))
            count += 1
        joined = count
        edges += [Edge(joined, layer[0], 0, 0) for layer in self.layers]
        edges += [Edge(joined, node, 0, 0) for node in range(len(self.nodes), count)]
        for node, x in zip(self.nodes, solve(count + 1, edges), strict=False):
            node.x = x
        left = min(node.x - node.width // 2 for node in self.nodes)
        for node in self.nodes:
            node.x -= left

    def _distance(self, left: int, right: int) -> int:
        first, second = self.nodes[left], self.nodes[right]
        gap = max(_GAPS[first.kind], _GAPS[second.kind])
        return (first.width + second.width) // 2 + gap

    def _usual_way(self) -> set[Transition]:
        """The longest way from the start without a step back, if possible without an error and a Fail state."""
        fails = {self.names[each.name] for each in self.flow.states if each.type == "Fail"}
        after: dict[int, list[_Way]] = defaultdict(list)
        for way in self.ways:
            if way.transition.kind != CATCH and not way.is_turned:
                after[way.nodes[0]].append(way)
        longest: dict[int, list[Transition]] = {}
        ends_well: dict[int, bool] = {}
        for node in sorted(self.names.values(), key=lambda each: -self.nodes[each].layer):
            well = [each for each in after[node] if ends_well[each.nodes[-1]]]
            ends_well[node] = bool(well) or not (after[node] or node in fails)
            ways = [[each.transition, *longest[each.nodes[-1]]] for each in well or after[node]]
            longest[node] = max(ways, key=len, default=[])
        return set(longest[self.names[START if self.outermost else self.flow.start]])

    def _set_y(self) -> None:
        y = 0
        steps = self._steps()
        for number, layer in enumerate(self.layers):
            for node in layer:
                self.nodes[node].y = y
            self.tops.append(y)
            y += max(self.nodes[node].height for node in layer)
            self.bottoms.append(y)
            y += _LAYER_GAP + min(steps[number] // 10, _MOST_EXTRA_GAP)

    def _steps(self) -> dict[int, int]:
        """The widest sideways step below each layer."""
        steps: dict[int, int] = defaultdict(int)
        for _, upper, lower in self._segments():
            layer = self.nodes[upper].layer
            steps[layer] = max(steps[layer], abs(self.nodes[upper].x - self.nodes[lower].x))
        return steps

    def placed(self, inner: Mapping[str, tuple[Placed, ...]]) -> Placed:
        boxes = []
        for name, box in self.boxes.items():
            node = self.nodes[self.names[name]]
            boxes.append(PlacedBox(box, node.x - box.width // 2, node.y))
        arrows = [self._arrow(way) for way in self.ways] + [
            each for name in self.names if name in self.boxes for each in self._loops(name)
        ]
        marks = {name: self.nodes[node] for name, node in self.names.items() if self.nodes[node].kind == "mark"}
        centres = {name: (node.x, node.y + MARK // 2) for name, node in marks.items()}
        return Placed(
            width=max(node.x + node.width // 2 for node in self.nodes),
            height=self.bottoms[-1],
            boxes=tuple(boxes),
            arrows=tuple(arrows),
            start=centres.get(START),
            ends=tuple(centre for name, centre in centres.items() if name != START),
            inner=inner,
        )

    def _arrow(self, way: _Way) -> PlacedArrow:
        spans = []
        for number in way.nodes:
            node = self.nodes[number]
            top, bottom = self.tops[node.layer], self.bottoms[node.layer]
            if number == way.nodes[0]:
                spans.append((node.x + way.ports[0], node.y + node.height, bottom))
            elif number == way.nodes[-1]:
                spans.append((node.x + way.ports[1], top, node.y))
            else:
                spans.append((node.x, top, bottom))
        chip = None
        if way.chip and way.chip_node is not None:
            node = self.nodes[way.chip_node]
            y = self.bottoms[node.layer] - node.height if way.is_turned else node.y
            chip = PlacedChip(way.chip, node.x - way.chip.width // 2, y)
        return PlacedArrow(way.transition, tuple(spans), way.is_turned, chip)

    def _loops(self, name: str) -> Iterator[PlacedArrow]:
        """The transitions from a state to itself, one below the other on its right."""
        node, box = self.nodes[self.names[name]], self.boxes[name]
        right, y = node.x + box.width // 2, node.y + (box.height - self._loops_height(name)) // 2
        for transition in self.loops:
            if transition.source == name:
                chip = chip_of(transition)
                middle = y + _loop_height(chip) // 2
                placed = PlacedChip(chip, right + LOOP, middle - chip.height // 2) if chip else None
                yield PlacedArrow(transition, ((right, middle - 9, middle + 9),), False, placed, LOOP - 6)
                y += _loop_height(chip)


def _loop_height(chip: Chip | None) -> int:
    return max(chip.height if chip else 0, _LEAST_LOOP) + 4


def _closing_circles(roots: list[str], after: Mapping[str, list[Transition]]) -> set[Transition]:
    """The transitions that lead back to a state on the way to themselves."""
    back: set[Transition] = set()
    done: set[str] = set()
    for root in roots:
        if root in done:
            continue
        way, open_states = [(root, iter(after.get(root, ())))], {root}
        while way:
            name, rest = way[-1]
            each = next(rest, None)
            if each is None:
                done.add(name)
                open_states.discard(name)
                way.pop()
            elif each.target in open_states:
                back.add(each)
            elif each.target not in done:
                open_states.add(each.target)
                way.append((each.target, iter(after.get(each.target, ()))))
    return back
