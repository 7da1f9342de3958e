"""Results of publishing, as lines for a person and as data for a program."""

from collections.abc import Sequence
from typing import Any

from blueprints.publish.plan import Change, Plan, shortened
from blueprints.publish.publishing import Outcome
from blueprints.sar_rules.findings import Verdict

_LOCAL = ":000000000000:"  # the embedded AWS's account; it has no console
_MARKS: dict[Verdict, str] = {"unconfirmed": "unconfirmed", "accepted": "note"}
"""How findings are marked that do not stop publishing; a refused finding is an error instead."""


def lines(outcome: Outcome) -> list[str]:
    """The plan as lines, and the application's ARN and link."""
    planned = list(_plan_lines(outcome.plan)) if outcome.plan else []
    if outcome.plan and not outcome.plan.actions:
        planned = [f"{outcome.plan.name} {outcome.plan.version}: nothing to do"]
    if outcome.published and outcome.arn:
        planned.append(f"published: {outcome.arn}")
        link = deploy_link(outcome.arn)
        planned.extend([f"deploy it: {link}"] if link else [])
    return planned


def findings(outcomes: Sequence[Outcome]) -> list[str]:
    """The findings of all patterns that do not stop publishing: each message once, with its places."""
    places: dict[tuple[Verdict, str], list[str]] = {}
    for each in (finding for outcome in outcomes for finding in outcome.findings):
        places.setdefault((each.verdict, each.message), []).append(each.where)
    said = []
    for wanted, mark in _MARKS.items():
        for (verdict, message), where in places.items():
            if verdict == wanted:
                said.extend([f"{mark}: {message}", *(f"  {place}" for place in dict.fromkeys(where))])
    return said


def as_json(outcomes: Sequence[Outcome], missing: str | None) -> dict[str, Any]:
    """All results as data."""
    patterns = [{**each.as_json(), "deploy": deploy_link(each.arn) if each.arn else None} for each in outcomes]
    return {"patterns": patterns, "missing": missing}


def status(outcomes: Sequence[Outcome], *, planned_only: bool) -> int:
    """The exit status: 1 if something failed or was not published, 2 if a plan that was asked for has actions."""
    if any(each.error for each in outcomes):
        return 1
    pending = any(each.pending for each in outcomes)
    return (2 if planned_only else 1) if pending else 0


def deploy_link(arn: str) -> str | None:
    """The URL of the console page that deploys an application; None for the embedded AWS, which has no console."""
    if _LOCAL in arn:
        return None
    region = arn.split(":")[3]
    return f"https://{region}.console.aws.amazon.com/lambda/home?region={region}#/create/app?applicationId={arn}"


def _plan_lines(plan: Plan) -> list[str]:
    uploads = [
        f"upload {each.key[:12]}… {each.size:,} bytes{' (already uploaded)' if each.present else ''}"
        for each in plan.uploads
    ]
    actions = []
    for action in plan.actions:
        actions.append(f"{action.call} {plan.name} {plan.version}")
        actions.extend(f"  {_change_line(each)}" for each in action.changes)
    return [*uploads, *actions, f"digest of this plan: {plan.digest}"]


def _change_line(change: Change) -> str:
    before, after = shortened(change.before), shortened(change.after)
    return f"{change.field}: {after}" if change.before is None else f"{change.field}: {before} → {after}"
