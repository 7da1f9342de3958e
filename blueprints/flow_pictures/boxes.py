"""The boxes of a picture: the lines of text in each, and the size that they need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from blueprints.flow_pictures.flow import Flow, FlowState, Transition
from blueprints.flow_pictures.outcomes import Outcome
from blueprints.flow_pictures.text_size import width, wrap

NAME_SIZE, DETAIL_SIZE, LABEL_SIZE = 13, 11, 11
"""Font sizes in pixels."""
NAME_LINE, DETAIL_LINE, LABEL_LINE = 17, 15, 14
"""Distances of lines in pixels."""
PADDING = 12
BADGE = 28
"""The room for the number of retries beside the name."""
_TEXT_WIDTH, _FRAME_TEXT_WIDTH, _LABEL_WIDTH = 200, 280, 150
_LEAST_WIDTH = 96
_FRAME_PADDING, _BRANCH_GAP = 18, 28
_DETAIL_LINES, _LABEL_LINES, _MOST_LABELS = 2, 3, 4
POINT = 14
"""How far the left and right end of a Choice state's hexagon reach out."""
ICON = 16


Outcomes = Mapping[str, Outcome]
"""The outcome of each state of an execution, by name."""


@dataclass(frozen=True)
class Detail:
    """A line below a state's name; `what` is `call`, `waits` or `outcome`."""

    text: str
    what: str


@dataclass(frozen=True)
class Inner:
    """A branch or an item processor in a frame, with its place in the frame."""

    flow: Flow
    width: int
    height: int
    x: int
    y: int


@dataclass(frozen=True)
class Box:
    """A state's box; that of a Parallel or Map state is a frame around others."""

    state: FlowState
    name: tuple[str, ...]
    details: tuple[Detail, ...]
    width: int
    height: int
    inner: tuple[Inner, ...] = ()

    @property
    def header(self) -> int:
        """The height of its text."""
        return _header(self.name, self.details)


@dataclass(frozen=True)
class Chip:
    """The label of a transition."""

    lines: tuple[str, ...]
    width: int
    height: int


def box_of(state: FlowState, outcome: Outcome | None, inner: Sequence[tuple[Flow, int, int]]) -> Box:
    """A state's box around its branches, given each with its width and height."""
    widths = [each for _, each, _ in inner]
    inside = sum(widths) + _BRANCH_GAP * max(len(widths) - 1, 0)
    most = max(_FRAME_TEXT_WIDTH, inside) if inner else _TEXT_WIDTH
    name = tuple(wrap(state.name, NAME_SIZE, most, bold=True))
    details = tuple(_details(state, outcome, most))
    badge = 2 * BADGE if state.retries else 0
    text = max(
        [width(line, NAME_SIZE, bold=True) + badge for line in name]
        + [width(each.text, DETAIL_SIZE) + (ICON if each.what == "waits" else 0) for each in details]
    )
    around = PADDING + (POINT if state.type == "Choice" else 0)
    wide = max(_LEAST_WIDTH, text + 2 * around, inside + 2 * _FRAME_PADDING)
    wide += wide % 2
    if not inner:
        return Box(state, name, details, wide, _header(name, details))
    top = _header(name, details) + _FRAME_PADDING - 2
    left, placed = (wide - inside) // 2, []
    for flow, its_width, its_height in inner:
        placed.append(Inner(flow, its_width, its_height, left, top))
        left += its_width + _BRANCH_GAP
    return Box(state, name, details, wide, top + max(each.height for each in placed) + _FRAME_PADDING, tuple(placed))


def _header(name: Sequence[str], details: Sequence[Detail]) -> int:
    return 2 * PADDING - 4 + NAME_LINE * len(name) + DETAIL_LINE * len(details)


def _details(state: FlowState, outcome: Outcome | None, most: int) -> list[Detail]:
    details = [
        Detail(line, "call") for each in state.lines for line in wrap(each, DETAIL_SIZE, most, lines=_DETAIL_LINES)
    ]
    if state.waits:
        details.append(Detail(state.waits, "waits"))
    for each in outcome.lines if outcome else ():
        details += [Detail(line, "outcome") for line in wrap(each, DETAIL_SIZE, most, lines=_DETAIL_LINES)]
    return details


def chip_of(transition: Transition) -> Chip | None:
    """The label of a transition; None if it has none."""
    if not transition.labels:
        return None
    shown = transition.labels[:_MOST_LABELS]
    lines = [line for each in shown for line in wrap(each, LABEL_SIZE, _LABEL_WIDTH, lines=_LABEL_LINES)]
    if len(transition.labels) > len(shown):
        lines.append(f"and {len(transition.labels) - len(shown)} more")
    wide = max(width(line, LABEL_SIZE) for line in lines) + 14
    return Chip(tuple(lines), wide + wide % 2, LABEL_LINE * len(lines) + 6)
