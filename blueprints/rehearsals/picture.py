"""The timeline of a rehearsal as SVG: the share of the new version, and what happened when."""

from collections.abc import Iterator
from html import escape

from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.rehearsal import Rehearsal
from blueprints.rehearsals.reporting import clock, verdict_lines

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _LINE = 960, 60, 30, 80, 160, 20
_COLOURS = {"event": "#2563eb", "alarm": "#dc2626", "deployment": "#111827"}
_MOST_LETTERS = 120
_NUMBER_WIDTH = 14


def picture(rehearsal: Rehearsal) -> str:
    """The picture of the function that was changed, or of the first one that moved if that did not."""
    moved = [each.target for each in rehearsal.changes] or [rehearsal.function]
    shown = rehearsal.function if rehearsal.function in moved else moved[0]
    changes = [each for each in rehearsal.changes if each.target == shown]
    labels = [each for each in changes if each.kind in _COLOURS]
    lines = [
        f"{rehearsal.pattern}: {line.strip()}" if n == 0 else line.strip()
        for n, line in enumerate(verdict_lines(rehearsal))
    ]
    height = _TOP + _HEIGHT + 40 + _LINE * (len(labels) + len(lines) + 1)
    body = [
        *_axes(rehearsal),
        _area(rehearsal, changes),
        *_marks(rehearsal, labels),
        *_words(labels, lines, rehearsal),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13">\n<title>{escape(lines[0])}</title>\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _x(rehearsal: Rehearsal, moment: float) -> float:
    share = min(max((moment - rehearsal.began) / max(rehearsal.seconds, 0.001), 0.0), 1.0)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _TOP + _HEIGHT * (1 - share)


def _axes(rehearsal: Rehearsal) -> Iterator[str]:
    yield f'<text x="{_LEFT}" y="{_TOP - 52}" font-size="15" fill="#111827">Traffic to the changed version</text>'
    for share in (0.0, 0.5, 1.0):
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(share)}" y2="{_y(share)}" stroke="#e5e7eb"/>'
        yield f'<text x="{_LEFT - 8}" y="{_y(share) + 4}" text-anchor="end" fill="#6b7280">{share:.0%}</text>'
    for part in range(5):
        moment = rehearsal.began + rehearsal.seconds * part / 4
        label = clock((moment - rehearsal.began) * rehearsal.scale).strip()
        yield f'<text x="{_x(rehearsal, moment)}" y="{_y(0) + 18}" text-anchor="middle" fill="#6b7280">{label}</text>'


def _area(rehearsal: Rehearsal, changes: list[Change]) -> str:
    points, share = [(rehearsal.began, 0.0)], 0.0
    for each in changes:
        if each.share is not None:
            points += [(each.moment, share), (each.moment, each.share)]
            share = each.share
    end = rehearsal.began + rehearsal.seconds
    points += [(end, share), (end, 0.0)]
    path = " ".join(f"{_x(rehearsal, moment):.1f},{_y(each):.1f}" for moment, each in points)
    return f'<polygon points="{path}" fill="#93c5fd" stroke="#2563eb"/>'


def _marks(rehearsal: Rehearsal, labels: list[Change]) -> Iterator[str]:
    before, row = float("-inf"), 0
    for number, each in enumerate(labels, 1):
        x, colour = _x(rehearsal, each.moment), _COLOURS[each.kind]
        row = row + 1 if x - before < _NUMBER_WIDTH else 0  # numbers of the same moment stand above each other
        before = x
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_y(0)}" stroke="{colour}" stroke-dasharray="3 3"/>'
        yield (
            f'<text x="{x:.1f}" y="{_TOP - 6 - 12 * row}" text-anchor="middle" fill="{colour}" font-size="11">'
            f"{number}</text>"
        )


def _words(labels: list[Change], lines: list[str], rehearsal: Rehearsal) -> Iterator[str]:
    top = _TOP + _HEIGHT + 50
    for number, each in enumerate(labels, 1):
        when = clock(max(each.moment - rehearsal.began, 0.0) * rehearsal.scale).strip()
        text = f"{number}  {when}  {each.what}"
        yield _text(top + _LINE * (number - 1), text, _COLOURS[each.kind])
    for number, line in enumerate(lines):
        yield _text(top + _LINE * (len(labels) + number) + 8, line, "#111827")


def _text(y: float, text: str, colour: str) -> str:
    short = text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
    return f'<text x="{_LEFT}" y="{y}" fill="{colour}">{escape(short)}</text>'
