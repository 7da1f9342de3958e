"""Draws the cost of two ways over the amount of work, and where they cross, as SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_WIDTH, _HEIGHT = 910, 430
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 650, 90, 350
_COLOURS = ("#bf3989", "#0969da")
_FONT = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


@dataclass(frozen=True)
class Line:
    """A way to do the work: its name, and for each amount of work its CPU seconds and its peak memory in MB."""

    name: str
    seconds: Sequence[float]
    memory: Sequence[float]


def crossing(amounts: Sequence[float], first: Sequence[float], second: Sequence[float]) -> float | None:
    """The amount of work from which `first` costs less; None if it does not within what was measured.

    Between two measured amounts, both are taken for straight lines on logarithmic axes.
    """
    gaps = [math.log(one / other) for one, other in zip(first, second, strict=True)]
    for (amount, gap), (next_amount, next_gap) in pairwise(zip(amounts, gaps, strict=True)):
        if gap > 0 >= next_gap:
            share = gap / (gap - next_gap)
            return math.exp(math.log(amount) + share * (math.log(next_amount) - math.log(amount)))
    return None


def draw(title: str, amounts: Sequence[int], unit: str, first: Line, second: Line) -> str:
    """The picture: both lines on logarithmic axes, with each measured value; below, the memory of the second one."""
    seconds = [*first.seconds, *second.seconds]
    decades = range(math.floor(math.log10(min(seconds))), math.ceil(math.log10(max(seconds))) + 1)

    def x(amount: float) -> float:
        low, high = math.log(amounts[0]), math.log(amounts[-1])
        return _LEFT + 30 + (math.log(amount) - low) / (high - low) * (_RIGHT - _LEFT - 50)

    def y(value: float) -> float:
        return _BOTTOM - (math.log10(value) - decades[0]) / (decades[-1] - decades[0]) * (_BOTTOM - _TOP)

    parts = [_text(20, 30, title, weight="bold", size=16)]
    for decade in decades:
        level = y(10**decade)
        parts.append(f'<path d="M{_LEFT} {level:.1f}H{_RIGHT}" stroke="#d0d7de"/>')
        parts.append(_text(_LEFT - 8, level + 4, f"{10**decade:g} s", anchor="end", colour="#57606a"))
    for amount, memory in zip(amounts, second.memory, strict=True):
        parts.append(_text(x(amount), _BOTTOM + 22, f"{amount:,}", anchor="middle", colour="#57606a"))
        parts.append(_text(x(amount), _BOTTOM + 52, f"{memory:,.0f} MB", anchor="middle", colour=_COLOURS[1]))
    parts.append(_text(_RIGHT + 45, _BOTTOM + 22, unit, colour="#57606a"))
    parts.append(_text(_RIGHT + 45, _BOTTOM + 52, f"memory of the {second.name}", colour=_COLOURS[1]))
    for line, colour, anchor, aside, down_by in (
        (first, _COLOURS[0], "end", 6, -10),
        (second, _COLOURS[1], "start", 6, 18),
    ):
        points = [(x(amount), y(value)) for amount, value in zip(amounts, line.seconds, strict=True)]
        path = "L".join(f"{across:.1f} {down:.1f}" for across, down in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        for (across, down), value in zip(points, line.seconds, strict=True):
            parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" fill="{colour}"/>')
            parts.append(_text(across + aside, down + down_by, f"{value:.3g} s", anchor=anchor, colour=colour))
        parts.append(_text(_RIGHT + 10, points[-1][1] + 4, line.name, weight="bold", colour=colour))
    where = crossing(amounts, first.seconds, second.seconds)
    if where:
        parts.append(f'<path d="M{x(where):.1f} {_TOP}V{_BOTTOM}" stroke="#1f2328" stroke-dasharray="4 4"/>')
    said = f"They cross at {_rounded(where):,} {unit}." if where else f"They do not cross up to {amounts[-1]:,} {unit}."
    parts.append(_text(20, 50, f"CPU seconds of a new process. {said}", colour="#57606a"))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'role="img" aria-labelledby="title" font-family="{_FONT}">\n<title id="title">{title}. {said}</title>\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _rounded(amount: float) -> int:
    """An amount with two digits."""
    return int(round(amount, 1 - math.floor(math.log10(amount))))


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    size: int = 13,
    colour: str = "#1f2328",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{words}</text>'
    )
