"""The shapes of a picture, as data of SVG paths."""

from itertools import pairwise

from blueprints.flow_pictures.boxes import POINT
from blueprints.flow_pictures.layout import LOOP
from blueprints.flow_pictures.placed import PlacedArrow

_HEAD_LENGTH, _HEAD_WIDTH = 8, 4


def arrow_paths(arrow: PlacedArrow, left: int, top: int) -> tuple[str, str]:
    """The paths of an arrow's line and of its head; `left` and `top` are the corner of its block."""
    return _loop(arrow, left, top) if arrow.loop else _line(arrow, left, top)


def _line(arrow: PlacedArrow, left: int, top: int) -> tuple[str, str]:
    spans = [(left + x, top + begin, top + end) for x, begin, end in arrow.spans]
    (first_x, first_y, _), (last_x, _, last_y) = spans[0], spans[-1]
    start, finish = (first_y + _HEAD_LENGTH, last_y) if arrow.points_up else (first_y, last_y - _HEAD_LENGTH)
    parts = [f"M{first_x} {start}"]
    for (x, _, bottom), (next_x, top_of_next, _) in pairwise(spans):
        leaves, enters = max(bottom, start), min(top_of_next, finish)
        if next_x == x:
            parts.append(f"V{enters}")
        else:
            middle = (leaves + enters) // 2
            parts.append(f"V{leaves}C{x} {middle} {next_x} {middle} {next_x} {enters}")
    if arrow.points_up:
        return " ".join(parts), _head(first_x, first_y, -1)
    return " ".join(parts), _head(last_x, last_y, 1)


def _head(x: int, y: int, direction: int) -> str:
    back = y - direction * (_HEAD_LENGTH + 1)
    return f"M{x} {y}L{x - _HEAD_WIDTH} {back}H{x + _HEAD_WIDTH}Z"


def _loop(arrow: PlacedArrow, left: int, top: int) -> tuple[str, str]:
    ((x, begin, end),) = arrow.spans
    x, begin, end, reach = left + x, top + begin, top + end, LOOP
    line = f"M{x} {begin}C{x + reach} {begin - 8} {x + reach} {end + 8} {x + _HEAD_LENGTH} {end}"
    return line, f"M{x} {end}L{x + _HEAD_LENGTH + 1} {end - _HEAD_WIDTH}V{end + _HEAD_WIDTH}Z"


def hexagon(x: int, y: int, wide: int, high: int) -> str:
    """The outline of a Choice state's box, from its upper left corner."""
    left, right, middle = x + POINT, x + wide - POINT, y + high // 2
    return f"M{left} {y}H{right}L{x + wide} {middle}L{right} {y + high}H{left}L{x} {middle}Z"


def rounded_top(x: int, y: int, wide: int, high: int) -> str:
    """The outline of a frame's header, from its upper left corner."""
    return f"M{x} {y + high}V{y + 10}a10 10 0 0 1 10 -10H{x + wide - 10}a10 10 0 0 1 10 10V{y + high}Z"
