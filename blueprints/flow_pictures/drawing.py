"""Writes a placed state machine as SVG."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from blueprints.flow_pictures import style
from blueprints.flow_pictures.boxes import (
    DETAIL_LINE,
    DETAIL_SIZE,
    ICON,
    LABEL_LINE,
    LABEL_SIZE,
    NAME_LINE,
    NAME_SIZE,
    PADDING,
    POINT,
    Box,
    Detail,
)
from blueprints.flow_pictures.flow import CATCH, Flow, FlowState, Transition
from blueprints.flow_pictures.layout import MARK, place
from blueprints.flow_pictures.outcomes import ELSEWHERE, NOT_REACHED, SUCCEEDED, Outcome
from blueprints.flow_pictures.placed import Placed, PlacedArrow, PlacedBox, PlacedChip
from blueprints.flow_pictures.shapes import arrow_paths, hexagon, rounded_top
from blueprints.flow_pictures.text_size import width

_MARGIN = 16
_LEGEND_HEIGHT = 34
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": " ", "\n": " ", "\r": " "})
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def draw(flow: Flow, title: str, outcomes: Mapping[str, Outcome] | None = None) -> str:
    """A state machine as an SVG document, which ends with a line feed.

    With `outcomes`, by the name of the state, it shows an execution: a state without an outcome was not reached.
    """
    if outcomes is not None:
        outcomes = dict(_all_outcomes(flow, outcomes, NOT_REACHED))
    placed = place(flow, outcomes or {})
    picture = _Picture(outcomes)
    legend = picture.legend_entries() if outcomes is not None else []
    wide = max(placed.width, sum(each for _, each in legend)) + 2 * _MARGIN
    high = placed.height + 2 * _MARGIN + (_LEGEND_HEIGHT if legend else 0)
    left = (wide - placed.width) // 2
    body = [*picture.block(placed, left, _MARGIN), *picture.legend(legend, wide, high)]
    size = f'width="{wide}" height="{high}" viewBox="0 0 {wide} {high}"'
    reading = 'role="img" aria-labelledby="title description"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {reading} font-family="{style.FONTS}">',
        f'<title id="title">{_text(title)}</title>',
        f'<desc id="description">{_text(" ".join(_sentences(flow, outcomes)))}</desc>',
    ]
    return "\n".join([*head, *body, "</svg>", ""])


def _all_outcomes(flow: Flow, known: Mapping[str, Outcome], others: str) -> Iterator[tuple[str, Outcome]]:
    """The outcome of every state; `others` is the status of states whose outcome is not known."""
    for state in flow.states:
        outcome = known.get(state.name, Outcome(others))
        yield state.name, outcome
        inside = ELSEWHERE if state.is_distributed and outcome.status not in (NOT_REACHED, ELSEWHERE) else others
        for block in state.blocks:
            yield from _all_outcomes(block, known, inside)


def _sentences(flow: Flow, outcomes: Mapping[str, Outcome] | None) -> Iterator[str]:
    """The picture in words, for who cannot see it."""
    yield f"It starts with {flow.start}."
    for state in flow.states:
        does = f" ({', '.join(state.lines)})" if state.lines else ""
        outcome = outcomes[state.name] if outcomes is not None else None
        became = f" {', '.join((outcome.status, *outcome.lines))}." if outcome else ""
        goes = [_goes(each) for each in flow.transitions if each.source == state.name]
        then = "; ".join(goes) or "ends"
        yield f"{state.type} {state.name}{does}:{became} It {then}."
        for number, block in enumerate(state.blocks, 1):
            named = f"Branch {number} of {state.name}" if state.type == "Parallel" else f"For each item of {state.name}"
            yield f"{named}: " + " ".join(_sentences(block, outcomes))


def _goes(transition: Transition) -> str:
    when = "on" if transition.kind == CATCH else "if"
    condition = f", {when} {' or '.join(transition.labels)}" if transition.labels else ""
    return f"goes to {transition.target}{condition}"


class _Picture:
    """Makes the elements of a picture, as lines of SVG."""

    def __init__(self, outcomes: Mapping[str, Outcome] | None) -> None:
        self._outcomes = outcomes

    def block(self, placed: Placed, left: int, top: int) -> Iterator[str]:
        """Everything in a block: boxes below, then arrows, then their labels."""
        for box in placed.boxes:
            yield from self._box(box, left, top)
            for inner, block in zip(box.box.inner, placed.inner[box.box.state.name], strict=True):
                yield from self.block(block, left + box.x + inner.x, top + box.y + inner.y)
        if placed.start:
            x, y = placed.start
            yield f'<circle class="start" cx="{left + x}" cy="{top + y}" r="{MARK // 2}" fill="{style.LINE}"/>'
        for x, y in placed.ends:
            yield (
                f'<g class="end" fill="none" stroke="{style.LINE}"><circle cx="{left + x}" cy="{top + y}" '
                f'r="{MARK // 2 - 1}" stroke-width="2"/><circle cx="{left + x}" cy="{top + y}" r="3" '
                f'fill="{style.LINE}" stroke="none"/></g>'
            )
        for arrow in sorted(placed.arrows, key=lambda each: self._is_taken(each.transition)):
            yield self._arrow(arrow, left, top)
        for arrow in placed.arrows:
            if arrow.chip:
                yield from self._chip(arrow.transition, arrow.chip, left, top)

    def _outcome(self, state: FlowState) -> Outcome | None:
        """The outcome of a state; None if the picture shows no execution."""
        return self._outcomes[state.name] if self._outcomes is not None else None

    # --- boxes -------------------------------------------------------------------------------------------------------

    def _box(self, placed: PlacedBox, left: int, top: int) -> Iterator[str]:
        box, x, y = placed.box, left + placed.x, top + placed.y
        state = box.state
        outcome = self._outcome(state)
        fill, line = style.OUTCOMES[outcome.status] if outcome else (style.BOX_FILL, style.BOX_LINE)
        not_reached = outcome is not None and outcome.status == NOT_REACHED
        status = f" data-status={_attribute(outcome.status)}" if outcome else ""
        yield f'<g class="state" data-state={_attribute(state.name)}{status}>'
        yield f"<title>{_text(_tooltip(state, outcome))}</title>"
        dashes = ' stroke-dasharray="4 3"' if not_reached else ""
        weight = 2 if outcome and outcome.status not in (NOT_REACHED, ELSEWHERE) else 1
        border = f'stroke="{line}" stroke-width="{weight}"{dashes}'
        if box.inner:
            yield (
                f'<rect x="{x}" y="{y}" width="{box.width}" height="{box.height}" rx="10" fill="{style.FRAME_FILL}" '
                f'fill-opacity="{style.FRAME_FILL_OPACITY}" {border}/>'
            )
            high = box.header
            yield f'<path d="{rounded_top(x, y, box.width, high)}" fill="{fill}" {border}/>'
            yield from self._dividers(box, x, y)
        elif state.type == "Choice":
            high = box.height
            yield f'<path class="box" d="{hexagon(x, y, box.width, high)}" fill="{fill}" {border}/>'
        else:
            high = box.height
            radius = high // 2 if state.type in ("Succeed", "Fail") else 8
            yield (
                f'<rect class="box" x="{x}" y="{y}" width="{box.width}" height="{high}" rx="{radius}" fill="{fill}" '
                f"{border}/>"
            )
        yield self._accent(state, box, x, y, high)
        yield from self._words(box, x, y, faded=not_reached)
        yield "</g>"

    def _accent(self, state: FlowState, box: Box, x: int, y: int, high: int) -> str:
        """The coloured stroke by which the types of states differ."""
        colour = style.ACCENTS.get(state.type, style.LINE)
        stroke = f'stroke="{colour}" stroke-width="3" stroke-linecap="round"'
        if state.type in ("Succeed", "Fail", "Choice"):
            return f'<path d="M{x + box.width // 2 - 9} {y + 4}h18" {stroke}/>'
        return f'<path d="M{x + 5} {y + 9}v{high - 18}" {stroke}/>'

    def _dividers(self, box: Box, x: int, y: int) -> Iterator[str]:
        for before, after in pairwise(box.inner):
            middle = x + (before.x + before.width + after.x) // 2
            yield (
                f'<path d="M{middle} {y + box.header + 10}V{y + box.height - 10}" stroke="{style.LINE}" '
                f'stroke-dasharray="2 4"/>'
            )

    def _words(self, box: Box, x: int, y: int, *, faded: bool) -> Iterator[str]:
        middle, line = x + box.width // 2, y + PADDING + NAME_SIZE - 3
        colour = style.DETAIL_TEXT if faded else style.NAME_TEXT
        for each in box.name:
            yield _written(each, middle, line, NAME_SIZE, colour, bold=True)
            line += NAME_LINE
        line -= 1
        for detail in box.details:
            yield from self._detail(detail, middle, line)
            line += DETAIL_LINE
        if box.state.retries:
            yield from _retries(box.state.retries, x + box.width - (POINT if box.state.type == "Choice" else 0), y)

    def _detail(self, detail: Detail, middle: int, line: int) -> Iterator[str]:
        colour = {"call": style.DETAIL_TEXT, "waits": style.WAIT_TEXT, "outcome": style.NAME_TEXT}[detail.what]
        if detail.what != "waits":
            yield _written(detail.text, middle, line, DETAIL_SIZE, colour)
            return
        begin = middle - (width(detail.text, DETAIL_SIZE) + ICON) // 2
        yield (
            f'<g fill="none" stroke="{colour}" stroke-width="1.4" stroke-linecap="round"><circle cx="{begin + 6}" '
            f'cy="{line - 4}" r="5"/><path d="M{begin + 6} {line - 7}v3l2 1.5"/></g>'
        )
        yield _written(detail.text, begin + ICON, line, DETAIL_SIZE, colour, anchor="start")

    # --- arrows ------------------------------------------------------------------------------------------------------

    def _arrow(self, arrow: PlacedArrow, left: int, top: int) -> str:
        transition = arrow.transition
        is_error = transition.kind == CATCH
        colour = style.ERROR_LINE if is_error else style.LINE
        weight, faded = "1.6", ""
        if self._outcomes is not None:
            if self._is_taken(transition):
                colour, weight = (style.ERROR_LINE if is_error else style.TAKEN_LINE), "2.4"
            elif not self._is_unknown(transition):
                faded = ' opacity="0.55"'
        dashes = ' stroke-dasharray="5 4"' if is_error else ""
        line, head = arrow_paths(arrow, left, top)
        ends = (
            f" data-from={_attribute(transition.source)} data-to={_attribute(transition.target)}"
            if transition.kind != "mark"
            else ""
        )
        return (
            f'<g class="{transition.kind}"{ends}{faded}><path d="{line}" fill="none" stroke="{colour}" '
            f'stroke-width="{weight}"{dashes}/><path d="{head}" fill="{colour}"/></g>'
        )

    def _is_taken(self, transition: Transition) -> bool:
        outcomes = self._outcomes or {}
        if transition.kind == "mark":
            begins = transition.target in outcomes and outcomes[transition.target].status != NOT_REACHED
            return begins or (transition.source in outcomes and outcomes[transition.source].status == SUCCEEDED)
        source = outcomes.get(transition.source)
        return source is not None and (transition.target, transition.kind) in source.next

    def _is_unknown(self, transition: Transition) -> bool:
        """Whether it is in executions of their own."""
        source = (self._outcomes or {}).get(transition.source)
        return source is not None and source.status == ELSEWHERE

    def _chip(self, transition: Transition, placed: PlacedChip, left: int, top: int) -> Iterator[str]:
        chip, x, y = placed.chip, left + placed.x, top + placed.y
        is_error = transition.kind == CATCH
        fill, line, colour = style.ERROR_CHIP if is_error else style.CHIP
        yield '<g class="label">'
        yield f"<title>{_text(' or '.join(transition.labels))}</title>"
        yield (
            f'<rect x="{x}" y="{y}" width="{chip.width}" height="{chip.height}" rx="{min(chip.height // 2, 10)}" '
            f'fill="{fill}" stroke="{line}"/>'
        )
        for number, each in enumerate(chip.lines):
            base = y + 3 + LABEL_SIZE - 1 + LABEL_LINE * number
            yield _written(each, x + chip.width // 2, base, LABEL_SIZE, colour)
        yield "</g>"

    # --- legend ------------------------------------------------------------------------------------------------------

    def legend_entries(self) -> list[tuple[str, int]]:
        """The outcomes that occur, with the width that each needs in the legend."""
        present = {each.status for each in (self._outcomes or {}).values()}
        return [(each, width(each, DETAIL_SIZE) + 42) for each in style.OUTCOMES if each in present]

    def legend(self, entries: list[tuple[str, int]], wide: int, high: int) -> Iterator[str]:
        """A line at the bottom that says which colour means what."""
        x, y = (wide - sum(each for _, each in entries)) // 2, high - _MARGIN - 20
        for name, its_width in entries:
            fill, line = style.OUTCOMES[name]
            dashes = ' stroke-dasharray="4 3"' if name == NOT_REACHED else ""
            yield (
                f'<rect x="{x + 3}" y="{y}" width="{its_width - 6}" height="20" rx="10" fill="{fill}" '
                f'stroke="{line}"{dashes}/>'
            )
            yield _written(name, x + its_width // 2, y + 14, DETAIL_SIZE, style.NAME_TEXT)
            x += its_width


def _tooltip(state: FlowState, outcome: Outcome | None) -> str:
    parts = [f"{state.type} {state.name}", *state.lines, state.waits]
    if outcome:
        parts += [outcome.status, *outcome.lines]
    return ": ".join([parts[0], ", ".join(each for each in parts[1:] if each)]).removesuffix(": ")


def _retries(count: int, right: int, y: int) -> Iterator[str]:
    """A small arrow in a circle with the number of retries, in the upper right corner."""
    x, middle = right - 30, y + 13
    yield (
        f"<g><title>retried up to {count} times</title>"
        f'<path d="M{x + 4} {middle - 3}a4.5 4.5 0 1 0 3.5 1.6" fill="none" stroke="{style.DETAIL_TEXT}" '
        f'stroke-width="1.4"/><path d="M{x + 3} {middle - 6.5}l5 3.2l-5 2.8z" fill="{style.DETAIL_TEXT}"/>'
        f"{_written(str(count), x + 13, middle + 4, DETAIL_SIZE, style.DETAIL_TEXT, anchor='start')}</g>"
    )


def _written(text: str, x: int, y: int, size: int, colour: str, *, bold: bool = False, anchor: str = "middle") -> str:
    weight = ' font-weight="600"' if bold else ""
    middle = ' text-anchor="middle"' if anchor == "middle" else ""
    return f'<text x="{x}" y="{y}" font-size="{size}"{weight}{middle} fill="{colour}">{_text(text)}</text>'


def _text(text: str) -> str:
    """A text as XML; what XML does not allow, such as control characters, becomes the replacement character."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text).translate(_ESCAPES)


def _attribute(text: str) -> str:
    """A text as the value of an attribute, with quotes."""
    return f'"{_text(text)}"'
