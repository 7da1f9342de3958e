"""The timeline of a rehearsal as SVG: the share of the new version, and what happened when."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.rehearsal import Rehearsal
from blueprints.rehearsals.reporting import clock, outcome, verdict_lines

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _LINE = 960, 64, 32, 130, 160, 21
_COLOURS = {"event": "#1d4ed8", "alarm": "#b91c1c", "deployment": "#111827"}
_INK, _GREY = "#111827", "#4b5563"
_GOOD, _BAD = "#15803d", "#b91c1c"
_MOST_LETTERS = 118
_LONG_HEADING = 95
_NUMBER_WIDTH = 16
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120)
"""Minutes between two marks of the axis."""
_MOST_MARKS = 11
_SECONDS_BEFORE = 30
"""Seconds of the embedded AWS that are shown before the first change."""


def picture(rehearsal: Rehearsal) -> str:
    """The picture of the alias that had a part of the traffic, or else of the function that was changed."""
    return _Picture(rehearsal, _shown(rehearsal)).svg()


def _shown(rehearsal: Rehearsal) -> str:
    parts = [each.target for each in rehearsal.changes if each.share and each.share < 1]
    if parts and rehearsal.function not in parts:
        return parts[0]
    return rehearsal.function


@dataclass(frozen=True)
class _Picture:
    rehearsal: Rehearsal
    shown: str

    def svg(self) -> str:
        labelled = {self.shown, self.rehearsal.function, *self._stopping}
        labels = [each for each in self.rehearsal.changes if each.kind in _COLOURS and each.target in labelled]
        lines = [line.strip() for line in verdict_lines(self.rehearsal)]
        heading, details = lines[0], [line for line in lines[1:] if line != outcome(self.rehearsal)]
        height = _TOP + _HEIGHT + 60 + _LINE * (len(labels) + len(details)) + 20
        body = [
            *self._heading(heading),
            *self._axes(),
            *self._outlines(),
            self._area(),
            *self._marks(labels),
            *self._words(labels, details),
        ]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" font-family="system-ui, sans-serif" font-size="13">\n'
            f"<title>{escape(f'{self.rehearsal.pattern}: {outcome(self.rehearsal)}')}</title>\n"
            f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
        )

    def _heading(self, heading: str) -> Iterator[str]:
        colour = _GOOD if self.rehearsal.is_as_wanted else _BAD
        became = outcome(self.rehearsal)
        yield _text(_LEFT, 34, became, colour, size=16 if len(became) < _LONG_HEADING else 13, weight="600")
        yield _text(_LEFT, 56, f"{self.rehearsal.pattern}: {heading}", _GREY)
        others = f" (grey: {', '.join(self._others)})" if self._others else ""
        yield _text(_LEFT, 84, f"Traffic to the changed version of {self.shown}{others}", _INK)

    @property
    def _others(self) -> list[str]:
        """The other aliases that moved."""
        moved = dict.fromkeys(each.target for each in self.rehearsal.changes if each.share is not None)
        return [each for each in moved if each != self.shown]

    @property
    def _stopping(self) -> list[str]:
        """The functions whose deployment is CloudFormation's reason why the update failed."""
        ended = [each for each in self.rehearsal.changes if each.kind == "deployment"]
        return [each.target for each in ended if each.what.split()[0] in (self.rehearsal.reason or "")]

    @property
    def _start(self) -> float:
        """Where the axis begins: other aliases of the stack may move first."""
        own = [each.moment for each in self.rehearsal.changes if each.target in (self.shown, self.rehearsal.function)]
        first = min(own, default=self.rehearsal.began)
        return max(first - _SECONDS_BEFORE / self.rehearsal.scale, self.rehearsal.began)

    @property
    def _end(self) -> float:
        return self.rehearsal.began + self.rehearsal.seconds

    def _x(self, moment: float) -> float:
        share = min(max((moment - self._start) / max(self._end - self._start, 0.001), 0.0), 1.0)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def _axes(self) -> Iterator[str]:
        for share in (0.0, 0.5, 1.0):
            yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(share)}" y2="{_y(share)}" stroke="#e5e7eb"/>'
            yield _text(_LEFT - 8, _y(share) + 4, f"{share:.0%}", _GREY, anchor="end")
        first, last = ((each - self.rehearsal.began) * self.rehearsal.scale / 60 for each in (self._start, self._end))
        step = next((each for each in _STEPS if (last - first) / each < _MOST_MARKS), _STEPS[-1])
        for minute in range(math.ceil(first / step) * step, int(last) + 1, step):
            x = self._x(self.rehearsal.began + minute * 60 / self.rehearsal.scale)
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_y(0)}" y2="{_y(0) + 4}" stroke="{_GREY}"/>'
            yield _text(x, _y(0) + 19, f"{minute} min" if minute else "0", _GREY, anchor="middle")

    def _area(self) -> str:
        return f'<polygon points="{self._steps(self.shown)}" fill="#93c5fd" fill-opacity="0.7" stroke="#2563eb"/>'

    def _outlines(self) -> Iterator[str]:
        for target in self._others:
            yield f'<polyline points="{self._steps(target)}" fill="none" stroke="#9ca3af"/>'

    def _steps(self, target: str) -> str:
        """The share of an alias's new version over time, as points."""
        points, share = [(self._start, 0.0)], 0.0
        for each in self.rehearsal.changes:
            if each.share is not None and each.target == target:
                points += [(each.moment, share), (each.moment, each.share)]
                share = each.share
        points += [(self._end, share), (self._end, 0.0)]
        return " ".join(f"{self._x(moment):.1f},{_y(each):.1f}" for moment, each in points)

    def _marks(self, labels: Sequence[Change]) -> Iterator[str]:
        before, row = float("-inf"), 0
        for number, each in enumerate(labels, 1):
            x, colour = self._x(each.moment), _COLOURS[each.kind]
            row = (
                (row + 1) % 3 if x - before < _NUMBER_WIDTH else 0
            )  # numbers of the same moment stand above each other
            before = x
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_y(0)}" stroke="{colour}" stroke-dasharray="3 3"/>'
            yield _text(x, _TOP - 6 - 12 * row, str(number), colour, anchor="middle", size=11)

    def _words(self, labels: Sequence[Change], details: Sequence[str]) -> Iterator[str]:
        top = _TOP + _HEIGHT + 50
        for number, each in enumerate(labels, 1):
            when = clock(max(each.moment - self.rehearsal.began, 0.0) * self.rehearsal.scale).strip()
            y, colour = top + _LINE * (number - 1), _COLOURS[each.kind]
            yield _text(_LEFT + 14, y, str(number), colour, anchor="end")
            yield _text(_LEFT + 64, y, when, colour, anchor="end")
            yield _text(_LEFT + 78, y, f"{each.target}: {each.what}", colour)
        for number, line in enumerate(details):
            yield _text(_LEFT, top + _LINE * (len(labels) + number) + 10, line, _INK)


def _y(share: float) -> float:
    return _TOP + _HEIGHT * (1 - share)


def _text(
    x: float, y: float, words: str, colour: str, *, anchor: str = "start", size: int = 13, weight: str = "400"
) -> str:
    short = words if len(words) <= _MOST_LETTERS else f"{words[: _MOST_LETTERS - 1]}…"
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}" '
        f'font-weight="{weight}">{escape(short)}</text>'
    )
