"""Publishes patterns one after the other: preflight, build, plan, apply. One that fails does not stop the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from blueprints.errors import BlueprintError
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.publish import preflight
from blueprints.publish.application import Application, application
from blueprints.publish.apply import apply
from blueprints.publish.destinations import Destination
from blueprints.publish.plan import Plan, make_plan
from blueprints.publish.sharing import Sharing
from blueprints.sar_rules.findings import RepositoryFinding, stop_at_refused, verdict
from blueprints.stacks.calls import Conflict
from blueprints.template.reading import load

_ATTEMPTS = 4


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    apply: bool
    """Whether the plan is carried out."""
    sharing: Sharing | None = None
    """Who may deploy the application; None leaves it unchanged."""
    approved: str | None = None
    """The digest of the only plan that may be carried out; None allows any plan."""


@dataclass
class Outcome:
    """The result of publishing one pattern."""

    pattern: str
    findings: list[RepositoryFinding] = field(default_factory=list)
    plan: Plan | None = None
    published: bool = False
    """Whether the plan has been carried out."""
    arn: str | None = None
    error: str | None = None

    @property
    def pending(self) -> bool:
        """Whether the plan has actions that have not been carried out."""
        return self.plan is not None and bool(self.plan.actions) and not self.published

    def as_json(self) -> dict[str, Any]:
        """The result as data."""
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
    options: Options,
    progress: Progress,
    show: Callable[[Outcome], list[str]] = lambda _: [],
) -> list[Outcome]:
    """Plan, and apply the plan if `options` ask for it. `show` makes the notes of a pattern's step."""
    outcomes = []
    for pattern in patterns:
        outcome = Outcome(pattern.name)
        outcomes.append(outcome)
        try:
            with progress.step(f"{'Publish' if options.apply else 'Plan'} {pattern.name}") as step:
                _publish(pattern, destination, options, progress, outcome)
                step.notes.extend(show(outcome))
        except BlueprintError as error:
            outcome.error = str(error)
    return outcomes


def prepare(
    pattern: Pattern, destination: Destination, options: Options, progress: Progress, outcome: Outcome
) -> Application:
    """Check, build and package a pattern as an application. Raises BlueprintError if it cannot be published."""
    template = load(pattern.template)
    public = options.sharing is not None and options.sharing.public
    outcome.findings.extend(preflight.check_template(pattern, template, public=public))
    stop_at_refused(pattern.name, outcome.findings)
    packages = destination.packages(pattern, progress.report)
    lenient = destination.local or destination.repository is None
    outcome.findings.extend(preflight.check_packages(pattern, packages, local=lenient))
    stop_at_refused(pattern.name, outcome.findings)
    made = application(pattern, template, packages)
    outcome.findings.extend(preflight.check_size(template, len(made.packaged(None).encode())))
    stop_at_refused(pattern.name, outcome.findings)
    return made


def _publish(
    pattern: Pattern, destination: Destination, options: Options, progress: Progress, outcome: Outcome
) -> None:
    made = prepare(pattern, destination, options, progress, outcome)
    for attempt in range(1, _ATTEMPTS + 1):
        progress.report("comparing with what is published")
        outcome.plan = make_plan(made, destination.repository, options.sharing, destination.bucket)
        outcome.arn = outcome.plan.arn
        if not options.apply or destination.repository is None:
            return
        if options.approved and outcome.plan.digest != options.approved:
            raise BlueprintError(
                f"The plan for {pattern.name} is {outcome.plan.digest}, but {options.approved} was approved.",
                advice="Something has changed since then. Look at the new plan: blueprints publish --plan --json",
            )
        try:
            outcome.arn = apply(outcome.plan, destination.repository, destination.bucket, progress.report)
        except Conflict as conflict:
            if attempt == _ATTEMPTS:
                raise BlueprintError(f"Another process keeps publishing {made.name}: {conflict}") from conflict
            destination.repository.forget()
        else:
            outcome.published = True
            return
