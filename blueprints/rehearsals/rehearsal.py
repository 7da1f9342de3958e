"""A rehearsal: the released version gets traffic, a changed one is deployed gradually, and what happens is judged."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blueprints.copying import copy
from blueprints.errors import BlueprintError, at
from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy, uploads
from blueprints.local.prerequisites import deploy_prerequisites
from blueprints.pattern import Pattern
from blueprints.progress import Progress
from blueprints.rehearsals.breaks import Break, apply
from blueprints.rehearsals.invocation_counts import Counts, counts
from blueprints.rehearsals.observation import Change, Gradual, Observation, gradual_functions
from blueprints.rehearsals.traffic import Traffic
from blueprints.stacks.stack import Stack
from blueprints.template.reading import load

PREFERENCE = "DeploymentPreference"
"""The parameter of patterns that chooses how traffic shifts."""
_ENVIRONMENT = "Environment"
DEFAULT_PREFERENCE = "Canary10Percent10Minutes"

_SECONDS_FOR_EVENTS = 2.0
_UNCHANGED = "\n# A rehearsal deploys this line as a new version.\n"


@dataclass(frozen=True)
class Handled:
    """Invocations of a function's alias during the deployment, by version."""

    function: str
    version: str
    invocations: int
    errors: int


@dataclass(frozen=True)
class Rehearsal:
    """What happened, and whether it is what should have happened."""

    pattern: str
    function: str
    change: str
    """What the changed version does."""
    preference: str
    wanted: str
    """`deployed` or `stopped`."""
    outcome: str
    """The same of what happened."""
    reason: str | None
    """CloudFormation's reason why the update failed."""
    began: float
    seconds: float
    """Real seconds of the update; `scale` times as many passed on the embedded AWS."""
    scale: float
    changes: list[Change]
    handled: list[Handled]
    demos: int
    """How often the demo was played meanwhile."""
    failed_demos: list[str]
    afterwards: str | None
    """Why the demo fails after the deployment; None if it passes."""

    @property
    def is_as_wanted(self) -> bool:
        """Whether a wrong version was stopped, or a right one deployed, and the demo passes afterwards."""
        return self.outcome == self.wanted and self.afterwards is None

    @property
    def handled_wrongly(self) -> int:
        """Errors of the changed version on events of the alias."""
        return sum(each.errors for each in self.handled if each.version != "released")


@dataclass
class Stage:
    """Where a rehearsal plays: the pattern, its parameters, the embedded AWS."""

    pattern: Pattern
    cloud: Cloud
    parameters: Mapping[str, str]
    progress: Progress
    tell: Callable[[Change], None]
    preference: str = DEFAULT_PREFERENCE
    scale: float = 60.0
    _folder: Any = field(default_factory=tempfile.TemporaryDirectory, init=False)

    def close(self) -> None:
        """Remove the copy."""
        self._folder.cleanup()

    def rehearse(self, change: Break | None, own: Path | None = None, function: str | None = None) -> Rehearsal:
        """Play a rehearsal. `own` is a folder with the user's changed copy; `function` the one to break.

        Raises BlueprintError if the released version cannot be deployed or its demo fails.
        """
        copied = Path(self._folder.name) / self.pattern.folder.name
        copy(self.pattern, copied, self.progress.report)
        released = Pattern.load(copied)
        values = {**_production(released, self.preference), **self.parameters}
        prepared = prepare(released, self.progress, values)
        stack = bring_up(self.cloud, prepared, self.progress)
        gradual = gradual_functions(stack, self.cloud.client)
        chosen = _chosen(gradual, function, self.pattern)
        traffic = Traffic(released, stack.outputs, self.cloud.client)
        with self.progress.step("Play the demo on the released version"):
            first = traffic.once()
            if first.failure:
                raise BlueprintError(f"The demo fails before anything is changed: {first.failure}")
            traffic.events = self._events(gradual)
        changed = self._changed(copied, own, change, chosen)
        return self._deploy(changed, values, stack, gradual, chosen, traffic, change)

    def _events(self, gradual: list[Gradual]) -> dict[str, list[Any]]:
        """What each alias handled in the demo, which may end before the functions do."""
        end = time.monotonic() + _SECONDS_FOR_EVENTS
        while True:
            found = {each.alias_arn: self.cloud.recent_events(each.alias_arn) for each in gradual}
            if all(found.values()) or time.monotonic() > end:
                return found
            time.sleep(0.1)

    def _changed(self, copied: Path, own: Path | None, change: Break | None, chosen: Gradual) -> Pattern:
        """The pattern with its change, in the folder of the copy or in the user's own."""
        if own is not None:
            return Pattern.load(own)
        pattern = Pattern.load(copied)
        function = next(each for each in pattern.functions if each.logical_id == chosen.logical_id)
        if change is not None:
            apply(change, pattern.template, function)
        else:
            source = function.code / f"{function.handler.rpartition('.')[0].replace('.', '/')}.py"
            source.write_text(source.read_text(encoding="utf-8") + _UNCHANGED, encoding="utf-8")
        return Pattern.load(copied)

    def _deploy(
        self,
        changed: Pattern,
        values: Mapping[str, str],
        stack: Stack,
        gradual: list[Gradual],
        chosen: Gradual,
        traffic: Traffic,
        change: Break | None,
    ) -> Rehearsal:
        prepared = prepare(changed, Progress(), values)
        parameters = deploy_prerequisites(self.cloud, changed, prepared.parameters, Progress())
        observation = Observation(self.cloud.client, gradual, self.tell)
        before = counts(self.cloud.client, gradual)
        observation.start()
        traffic.start()
        began, reason = time.time(), None
        try:
            deploy(self.cloud, stack.name, prepared.files.uploaded(uploads(self.cloud)), parameters)
        except BlueprintError as error:
            reason = error.what
        seconds = time.time() - began
        observation.stop()
        traffic.stop()
        with self.progress.step("Play the demo after the deployment"):
            afterwards = traffic.once().failure
        return Rehearsal(
            pattern=self.pattern.name,
            function=chosen.logical_id,
            change=f"{chosen.logical_id} {change.what}" if change else "the same, deployed again",
            preference=self.preference,
            wanted="stopped" if change else "deployed",
            outcome="stopped" if reason else "deployed",
            reason=reason,
            began=began,
            seconds=seconds,
            scale=self.scale,
            changes=observation.changes,
            handled=_handled(gradual, observation, before, counts(self.cloud.client, gradual)),
            demos=len(traffic.runs) - 2,
            failed_demos=[each.failure for each in traffic.runs[1:-1] if each.failure],
            afterwards=afterwards,
        )


def _production(pattern: Pattern, preference: str) -> dict[str, str]:
    """The parameters of a deployment to production, as far as the template has them: its alarms ring sooner."""
    known = load(pattern.template).section("Parameters")
    values = {_ENVIRONMENT: "prod", PREFERENCE: preference}
    if PREFERENCE not in known:
        raise BlueprintError(
            f"{pattern.name} has no parameter {PREFERENCE}, so there is no gradual deployment to rehearse.",
            where=at(pattern.template),
        )
    return {name: value for name, value in values.items() if name in known}


def _chosen(gradual: list[Gradual], function: str | None, pattern: Pattern) -> Gradual:
    """The function to break: the one that is named, or the first. Raises BlueprintError if there is none."""
    listed = ", ".join(each.logical_id for each in gradual) or "none"
    for each in gradual:
        if function in (None, each.logical_id):
            return each
    raise BlueprintError(
        f"{pattern.name} has no function {function or ''} that is deployed gradually.".replace("  ", " "),
        advice=f"It has: {listed}.",
    )


def _handled(gradual: list[Gradual], observation: Observation, before: Counts, after: Counts) -> list[Handled]:
    """The invocations of each alias between two counts, by version."""
    handled = []
    for each in gradual:
        for version in after[each.logical_id]:
            invocations, errors = after[each.logical_id][version]
            earlier = before[each.logical_id].get(version, (0, 0))
            kind = "released" if version == observation.released_version(each) else "changed"
            if kind == "released" or invocations > earlier[0]:
                handled.append(Handled(each.logical_id, kind, invocations - earlier[0], errors - earlier[1]))
    return handled
