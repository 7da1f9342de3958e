"""A rehearsal in words: as lines of a timeline, as rows of a table, and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from blueprints.counting import counted
from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.rehearsal import Handled, Rehearsal

_MINUTE = 60.0


def clock(seconds: float) -> str:
    """Seconds of the embedded AWS as minutes and seconds, such as `10:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:2d}:{rest:02d}"


def change_line(change: Change, began: float, scale: float) -> str:
    """One line of the timeline, with the time that has passed on the embedded AWS since the deployment began."""
    return f"  {clock(max(change.moment - began, 0.0) * scale)}  {change.target}: {change.what}"


def verdict_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """The result: what the versions handled, whether the changed one was stopped, and whether it should have been."""
    yield f"{rehearsal.change}; {rehearsal.preference}"
    for each in rehearsal.handled:
        if each.events:
            yield f"  {_handled(each)}"
    failed = f", {len(rehearsal.failed_demos)} failed" if rehearsal.failed_demos else ""
    if rehearsal.demos:
        yield f"  the demo was played {counted(rehearsal.demos, 'time')} meanwhile{failed}"
    if rehearsal.refused:
        yield f"  {counted(rehearsal.refused, 'repeated event')} could not be sent"
    yield outcome(rehearsal)
    if rehearsal.afterwards:
        yield f"Afterwards the demo fails: {rehearsal.afterwards}"
    if rehearsal.outcome != rehearsal.wanted:
        yield f"It should have been {rehearsal.wanted}. {_advice(rehearsal)}"


def _handled(handled: Handled) -> str:
    parts = [counted(handled.events, handled.noun)]
    if handled.errors:
        parts.append(counted(handled.errors, "error"))
    if handled.wrong_answers:
        parts.append(counted(handled.wrong_answers, "wrong answer"))
    return f"{handled.target}, {handled.version} version: {', '.join(parts)}"


def outcome(rehearsal: Rehearsal) -> str:
    """What became of the changed version, as a sentence."""
    if rehearsal.outcome == "deployed":
        return "The changed version was deployed."
    if rehearsal.outcome == "failed":
        return f"The update failed, but no hook and no alarm has stopped it: {rehearsal.reason}"
    wrongly = counted(rehearsal.handled_wrongly, _noun(rehearsal))
    by = f"{rehearsal.stopped_by} stopped the changed version after it had handled {wrongly} wrongly."
    return by[0].upper() + by[1:]


def _noun(rehearsal: Rehearsal) -> str:
    return next((each.noun for each in rehearsal.handled_by_changed), "event")


def _advice(rehearsal: Rehearsal) -> str:
    if rehearsal.wanted == "deployed":
        return f"Why it was not: {rehearsal.reason}"
    if rehearsal.outcome == "failed":
        return "Mend what made the update fail, and rehearse again."
    if rehearsal.is_undecided:
        return (
            "It handled no event wrongly while it had a part of the traffic: too few events for a verdict. Try a "
            "longer canary or a linear deployment with --preference, or a machine that has less to do."
        )
    events = sum(each.events for each in rehearsal.handled_by_changed)
    return (
        f"It handled {counted(events, _noun(rehearsal))}, {rehearsal.handled_wrongly} of them wrongly, and no hook and "
        "no alarm saw that in time. Try a longer canary or a linear deployment with --preference, a lower threshold of "
        "the alarms, or a hook that checks more."
    )


def table(rehearsals: Sequence[Rehearsal]) -> Iterator[str]:
    """A line for each rehearsal, below a line of headings."""
    rows = [("the new version", "outcome", "handled wrongly", "seconds"), *map(table_row, rehearsals)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def table_row(rehearsal: Rehearsal) -> tuple[str, str, str, str]:
    """The new version, what became of it, what it handled wrongly, and the real seconds of the deployment."""
    became = short_outcome(rehearsal)
    return rehearsal.break_name or "unchanged", became, wrongly_of(rehearsal), f"{rehearsal.seconds:.1f}"


def short_outcome(rehearsal: Rehearsal) -> str:
    """What became of the new version, such as `stopped by the alarm Errors`."""
    became = f"stopped by {rehearsal.stopped_by}" if rehearsal.outcome == "stopped" else rehearsal.outcome
    return became if rehearsal.is_as_wanted else f"{became} (wrong)"


def wrongly_of(rehearsal: Rehearsal) -> str:
    """How many events the new version handled wrongly, such as `3 of 42 events`."""
    handled = sum(each.events for each in rehearsal.handled_by_changed)
    return f"{rehearsal.handled_wrongly} of {counted(handled, _noun(rehearsal))}"


def as_json(rehearsal: Rehearsal, pictures: list[str]) -> dict[str, Any]:
    """All of it. Times are seconds on the embedded AWS since the deployment began."""
    return {
        "pattern": rehearsal.pattern,
        "break": rehearsal.break_name,
        "function": rehearsal.function,
        "change": rehearsal.change,
        "preference": rehearsal.preference,
        "wanted": rehearsal.wanted,
        "outcome": rehearsal.outcome,
        "as_wanted": rehearsal.is_as_wanted,
        "stopped_by": rehearsal.stopped_by,
        "reason": rehearsal.reason,
        "handled_wrongly": rehearsal.handled_wrongly,
        "handled_wrongly_in_part": rehearsal.wrongly_in_part,
        "seconds": round(rehearsal.seconds, 1),
        "minutes_on_aws": round(rehearsal.seconds * rehearsal.scale / _MINUTE, 1),
        "timeline": [
            {
                "second": round(max(each.moment - rehearsal.began, 0.0) * rehearsal.scale),
                "target": each.target,
                "kind": each.kind,
                "what": each.what,
                **({"share": each.share} if each.share is not None else {}),
            }
            for each in rehearsal.changes
        ],
        "versions": [
            {
                "target": each.target,
                "version": each.version,
                "events": each.events,
                "errors": each.errors,
                "wrong_answers": each.wrong_answers,
            }
            for each in rehearsal.handled
        ],
        "refused": rehearsal.refused,
        "demos": {"played": rehearsal.demos, "failed": rehearsal.failed_demos, "afterwards": rehearsal.afterwards},
        "files": pictures,
    }
