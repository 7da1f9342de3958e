"""A rehearsal in words: as lines of a timeline, and as JSON."""

from collections.abc import Iterator
from typing import Any

from blueprints.counting import counted
from blueprints.rehearsals.observation import Change
from blueprints.rehearsals.rehearsal import Rehearsal

_MINUTE = 60.0


def clock(seconds: float) -> str:
    """Seconds of the embedded AWS as minutes and seconds, such as `10:05`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:2d}:{rest:02d}"


def change_line(change: Change, began: float, scale: float) -> str:
    """One line of the timeline, with the time that has passed on the embedded AWS since the deployment began."""
    return f"  {clock(max(change.moment - began, 0.0) * scale)}  {change.function}: {change.what}"


def verdict_lines(rehearsal: Rehearsal) -> Iterator[str]:
    """What came of it."""
    yield f"{rehearsal.change}; {rehearsal.preference}"
    for each in rehearsal.handled:
        errors = f", {counted(each.errors, 'error')}" if each.errors else ""
        yield f"  {each.function}, {each.version} version: {counted(each.invocations, 'event')}{errors}"
    failed = f", {len(rehearsal.failed_demos)} failed" if rehearsal.failed_demos else ""
    yield f"  the demo was played {counted(rehearsal.demos, 'time')} meanwhile{failed}"
    if rehearsal.outcome == "stopped":
        wrongly = counted(rehearsal.handled_wrongly, "event")
        yield f"The changed version was stopped after it had handled {wrongly} wrongly."
    else:
        yield "The changed version was deployed."
    if rehearsal.afterwards:
        yield f"Afterwards the demo fails: {rehearsal.afterwards}"
    if rehearsal.outcome != rehearsal.wanted:
        yield f"It should have been {rehearsal.wanted}. {_advice(rehearsal)}"


def _advice(rehearsal: Rehearsal) -> str:
    if rehearsal.wanted == "deployed":
        return f"Why it was stopped: {rehearsal.reason}"
    events = sum(each.invocations for each in rehearsal.handled if each.version == "changed")
    return (
        f"It handled {counted(events, 'event')}, {rehearsal.handled_wrongly} of them wrongly, and no hook and no alarm "
        "saw that in time. Try a longer canary or a linear deployment with --preference, a lower threshold of the "
        "alarms, or a hook that checks more."
    )


def as_json(rehearsal: Rehearsal, pictures: list[str]) -> dict[str, Any]:
    """All of it. Times are seconds on the embedded AWS since the deployment began."""
    return {
        "pattern": rehearsal.pattern,
        "function": rehearsal.function,
        "change": rehearsal.change,
        "preference": rehearsal.preference,
        "wanted": rehearsal.wanted,
        "outcome": rehearsal.outcome,
        "as_wanted": rehearsal.is_as_wanted,
        "reason": rehearsal.reason,
        "handled_wrongly": rehearsal.handled_wrongly,
        "seconds": round(rehearsal.seconds, 1),
        "minutes_on_aws": round(rehearsal.seconds * rehearsal.scale / _MINUTE, 1),
        "timeline": [
            {
                "second": round(max(each.moment - rehearsal.began, 0.0) * rehearsal.scale),
                "function": each.function,
                "kind": each.kind,
                "what": each.what,
                **({"share": each.share} if each.share is not None else {}),
            }
            for each in rehearsal.changes
        ],
        "versions": [
            {
                "function": each.function,
                "version": each.version,
                "invocations": each.invocations,
                "errors": each.errors,
            }
            for each in rehearsal.handled
        ],
        "demos": {"played": rehearsal.demos, "failed": rehearsal.failed_demos, "afterwards": rehearsal.afterwards},
        "files": pictures,
    }
