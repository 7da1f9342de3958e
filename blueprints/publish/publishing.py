"""Publishes patterns one after the other: preflight, build, plan, apply. One that fails does not stop the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern
from blueprints.publish import preflight
from blueprints.publish.application import Application, application
from blueprints.publish.apply import apply
from blueprints.publish.destinations import Destination
from blueprints.publish.plan import Plan, plan
from blueprints.publish.sharing import Sharing
from blueprints.sar_rules.findings import Finding, stop_at_refused, verdict
from blueprints.stacks.calls import Conflict
from blueprints.steps import Steps
from blueprints.template.reading import load

_LOOKS = 4


@dataclass(frozen=True)
class Wish:
    """What the person asked for."""

    apply: bool
    sharing: Sharing | None = None
    approved: str | None = None
    """The digest of the plans that may be carried out; None for whatever is planned."""


@dataclass
class Outcome:
    """What became of one pattern."""

    pattern: str
    findings: list[Finding] = field(default_factory=list)
    plan: Plan | None = None
    published: bool = False
    """Whether everything in the plan has been done."""
    arn: str | None = None
    error: str | None = None

    @property
    def pending(self) -> bool:
        """Whether there is something left to do."""
        return self.plan is not None and bool(self.plan.actions) and not self.published

    def as_json(self) -> dict[str, Any]:
        """The outcome as data."""
        return {
            "pattern": self.pattern,
            "verdict": verdict(self.findings),
            "findings": [each.as_json() for each in self.findings],
            "plan": self.plan.as_json() if self.plan else None,
            "published": self.published,
            "arn": self.arn,
            "error": self.error,
        }


def publish(
    patterns: Sequence[Pattern],
    destination: Destination,
    wish: Wish,
    steps: Steps,
    show: Callable[[Outcome], list[str]] = lambda _: [],
) -> list[Outcome]:
    """Plan, and apply if that is wished; `show` makes the lines that a step is shown with."""
    outcomes = []
    for pattern in patterns:
        outcome = Outcome(pattern.name)
        outcomes.append(outcome)
        try:
            with steps.step(f"{'Publish' if wish.apply else 'Plan'} {pattern.name}") as step:
                _publish(pattern, destination, wish, steps, outcome)
                step.notes.extend(show(outcome))
        except BlueprintError as error:
            outcome.error = str(error)
    return outcomes


def prepared(pattern: Pattern, destination: Destination, wish: Wish, steps: Steps, outcome: Outcome) -> Application:
    """A pattern as an application: judged, built, packaged, judged again."""
    template = load(pattern.template)
    public = wish.sharing is not None and wish.sharing.public
    outcome.findings.extend(preflight.of_template(pattern, template, public=public))
    stop_at_refused(pattern.name, outcome.findings)
    packages = destination.packages(pattern, steps.progress)
    lenient = destination.local or destination.repository is None
    outcome.findings.extend(preflight.of_packages(pattern, packages, local=lenient))
    stop_at_refused(pattern.name, outcome.findings)
    made = application(pattern, template, packages)
    outcome.findings.extend(preflight.of_size(template, len(made.packaged(None).encode())))
    stop_at_refused(pattern.name, outcome.findings)
    return made


def _publish(pattern: Pattern, destination: Destination, wish: Wish, steps: Steps, outcome: Outcome) -> None:
    made = prepared(pattern, destination, wish, steps, outcome)
    for look in range(1, _LOOKS + 1):
        steps.progress("comparing with what is published")
        outcome.plan = plan(made, destination.repository, wish.sharing, destination.bucket)
        outcome.arn = outcome.plan.arn
        if not wish.apply or destination.repository is None:
            return
        if wish.approved and outcome.plan.digest != wish.approved:
            raise BlueprintError(
                f"The plan for {pattern.name} is {outcome.plan.digest}, and {wish.approved} was approved.",
                advice="Something has changed since. Look at the plan again: blueprints publish --plan --json",
            )
        try:
            outcome.arn = apply(outcome.plan, destination.repository, destination.bucket, steps.progress)
        except Conflict as conflict:
            if look == _LOOKS:
                raise BlueprintError(f"Someone else keeps publishing {made.name}: {conflict}") from conflict
            destination.repository.forget()
        else:
            outcome.published = True
            return
