"""Boxes, labels and arrows with their places, in pixels from the upper left corner of their block."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from blueprints.flow_pictures.boxes import Box, Chip
from blueprints.flow_pictures.flow import Transition


@dataclass(frozen=True)
class PlacedBox:
    """A box and its upper left corner."""

    box: Box
    x: int
    y: int


@dataclass(frozen=True)
class PlacedChip:
    """The label of a transition and its upper left corner."""

    chip: Chip
    x: int
    y: int


@dataclass(frozen=True)
class PlacedArrow:
    """The line of a transition from its upper to its lower end."""

    transition: Transition
    spans: tuple[tuple[int, int, int], ...]
    """By layer: the horizontal position, and where it enters and leaves the layer."""
    points_up: bool
    """Whether the arrow's head is at the upper end."""
    chip: PlacedChip | None
    loop: int = 0
    """For a transition from a state to itself: how far its loop reaches out of the box."""


@dataclass(frozen=True)
class Placed:
    """A block with everything in its place."""

    width: int
    height: int
    boxes: tuple[PlacedBox, ...]
    arrows: tuple[PlacedArrow, ...]
    start: tuple[int, int] | None = None
    """The centre of the start mark."""
    ends: tuple[tuple[int, int], ...] = ()
    """The centres of the end marks."""
    inner: Mapping[str, tuple["Placed", ...]] = field(default_factory=dict)
    """The placed branches by the name of their state."""
