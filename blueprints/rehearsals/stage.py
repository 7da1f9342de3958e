"""Where rehearsals play: a pattern, deployed to an embedded AWS, and one changed version of it after the other."""

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from blueprints.copying import copy
from blueprints.errors import BlueprintError, at
from blueprints.local.bring_up import Prepared, bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy, uploads
from blueprints.local.prerequisites import deploy_prerequisites
from blueprints.pattern import Function, Pattern
from blueprints.progress import Progress
from blueprints.rehearsals.breaks import Break, apply
from blueprints.rehearsals.observation import Change, Observation
from blueprints.rehearsals.rehearsal import Handled, Outcome, Rehearsal
from blueprints.rehearsals.repeated_events import Repeated, repeated_events
from blueprints.rehearsals.settings import FILE, read_settings
from blueprints.rehearsals.targets import Client, Count, FunctionTarget, Target, targets
from blueprints.rehearsals.traffic import Played, Traffic
from blueprints.stacks.stack import Stack
from blueprints.template.expansion import expand
from blueprints.template.reading import load

PREFERENCE = "DeploymentPreference"
"""The parameter of patterns that chooses how traffic shifts."""
DEFAULT_PREFERENCE = "Canary10Percent10Minutes"

_ENVIRONMENT = "Environment"
_SECONDS_TO_CALM_DOWN = 60.0
_QUIET_SECONDS = 2.0
"""Two minutes of the embedded AWS: an alarm rings a minute after what it watches for."""
_LONG_DEMO = 3.0
"""Seconds from which a demo is not played during the deployment."""
_UNCHANGED = "\n# A rehearsal deploys this line as a new version.\n"


@dataclass(frozen=True)
class _Deployed:
    """The released version on the embedded AWS."""

    pattern: Pattern
    """In a copy of the folder."""
    prepared: Prepared
    stack: Stack
    targets: list[Target]
    traffic: Traffic
    repeated: list[Repeated]


@dataclass
class Stage:
    """A pattern, its parameters, and the embedded AWS. `open` comes before the first rehearsal, `close` at the end."""

    pattern: Pattern
    cloud: Cloud
    parameters: Mapping[str, str]
    progress: Progress
    show: Callable[[Change], None]
    preference: str = DEFAULT_PREFERENCE
    scale: float = 60.0
    function: str | None = None
    """The logical id of the function to change; by default the first one that is deployed gradually."""
    _folder: Any = field(default_factory=tempfile.TemporaryDirectory, init=False)
    _copies: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._client: Client = cache(self.cloud.client)

    def open(self) -> None:
        """Deploy the released version, and play the demo on it.

        Raises BlueprintError if nothing is deployed gradually, the version cannot be deployed, or its demo fails.
        """
        released, settings = self._copy(), read_settings(self.pattern.folder)
        settings.write_demo(released.folder)
        production = _production(released, self.pattern, self.preference)
        self._values = {**production, **settings.parameters, **self.parameters}
        prepared = prepare(released, self.progress, self._values)
        stack = bring_up(self.cloud, prepared, self.progress)
        found = targets(stack, expand(load(released.template), prepared.parameters), self._client)
        self._changed = function_to_change(found, self.function, released, self.pattern.name)
        traffic = Traffic(released, stack.outputs, self._client)
        played, fails_on_purpose = self._play_first(traffic, found)
        with self.progress.step("Repeat the events of the demo"):
            repeated = repeated_events(self._client, self.cloud.recent_events, found)
            for each in repeated:
                each.choose()
        self._judged = _judged(repeated, self._changed.logical_id)
        self._judged.concentrate()
        traffic.plays = plays_meanwhile(self._judged, played, fails_on_purpose=fails_on_purpose)
        self._deployed = _Deployed(released, prepared, stack, found, traffic, repeated)

    def _play_first(self, traffic: Traffic, found: list[Target]) -> tuple[Played, bool]:
        """Play the demo on the released version; returns also whether it makes functions fail."""
        with self.progress.step("Play the demo on the released version"):
            played = traffic.play()
            if played.failure:
                raise BlueprintError(
                    f"The demo fails before anything is changed: {played.failure}",
                    advice=f"Mend that first; `blueprints run {self.pattern.argument}` plays the same demo.",
                )
            functions = [each for each in found if isinstance(each, FunctionTarget)]
            errors = sum(count.errors for each in functions for count in each.counts(self._client).values())
            return played, errors > 0

    def close(self) -> None:
        """Remove the copies."""
        self._folder.cleanup()

    def rehearse(self, change: Break | None, own: Path | None = None) -> Rehearsal:
        """Deploy a changed version. `own` is a folder with the user's changed copy.

        Raises BlueprintError if the changed version cannot be packaged.
        """
        changed = self._changed_pattern(change, own)
        prepared = prepare(changed, Progress(), self._values)
        self._calm_down()
        return self._update(prepared, change)

    def restore(self) -> None:
        """Deploy the released version again, after a changed one has come through.

        Raises BlueprintError if that fails, or the alarms go on ringing.
        """
        with self.progress.step("Deploy the released version again"):
            self._calm_down()
            prepared = self._deployed.prepared
            self._deploy(prepared, {**prepared.parameters, PREFERENCE: "AllAtOnce"})

    def _copy(self) -> Pattern:
        """A new copy of the pattern, in a folder of the same name."""
        self._copies += 1
        folder = Path(self._folder.name) / str(self._copies) / self.pattern.folder.name
        if self._copies == 1:
            copy(self.pattern, folder, self.progress.report)
        else:
            shutil.copytree(self._deployed.pattern.folder, folder)
        return Pattern.load(folder / self.pattern.template.name)

    def _changed_pattern(self, change: Break | None, own: Path | None) -> Pattern:
        if own is not None:
            return Pattern.load(own)
        copied = self._copy()
        function = next(each for each in copied.functions if each.logical_id == self._changed.logical_id)
        if change is not None:
            apply(change, copied.template, function)
        else:
            source = function.code / f"{function.handler.rpartition('.')[0].replace('.', '/')}.py"
            source.write_text(source.read_text(encoding="utf-8") + _UNCHANGED, encoding="utf-8")
        return Pattern.load(copied.template)

    def _update(self, prepared: Prepared, change: Break | None) -> Rehearsal:
        deployed, client = self._deployed, self._client
        wrongly_in_part: int | None = None

        def show(change: Change) -> None:
            nonlocal wrongly_in_part
            self.show(change)
            deployed.traffic.follow(change.target, change.share)
            if change.share and change.target == self._judged.target.logical_id:
                if change.share < 1.0:
                    wrongly_in_part = 0
                elif wrongly_in_part is not None:
                    wrongly_in_part = _wrongly(self._handled(observation, before))

        observation = Observation(client, deployed.targets, show)
        before = {each.logical_id: each.counts(client) for each in deployed.targets}
        began, reason = time.time(), None
        observation.start()
        deployed.traffic.start(deployed.repeated)
        try:
            began = time.time()
            self._deploy(prepared, prepared.parameters)
        except BlueprintError as error:
            reason = error.what
        finally:
            seconds = time.time() - began
            observation.stop()
            deployed.traffic.stop()
        handled = self._handled(observation, before)
        with self.progress.step("Play the demo after the deployment"):
            afterwards = deployed.traffic.play().failure
        stopped_by = _stopped_by(reason, deployed.targets) if reason else None
        outcome: Outcome = "deployed" if not reason else "stopped" if stopped_by else "failed"
        return Rehearsal(
            pattern=self.pattern.name,
            break_name=change.name if change else None,
            function=self._changed.logical_id,
            change=f"{self._changed.logical_id} {change.what}" if change else "the same, deployed again",
            preference=self.preference,
            wanted="stopped" if change else "deployed",
            outcome=outcome,
            stopped_by=stopped_by,
            reason=reason,
            began=began,
            seconds=seconds,
            scale=self.scale,
            changes=observation.changes,
            handled=handled,
            wrongly_in_part=wrongly_in_part,
            refused=deployed.traffic.refused,
            demos=len(deployed.traffic.runs),
            failed_demos=[each.failure for each in deployed.traffic.runs if each.failure],
            afterwards=afterwards,
        )

    def _deploy(self, prepared: Prepared, parameters: Mapping[str, str]) -> None:
        values = deploy_prerequisites(self.cloud, prepared.pattern, dict(parameters), Progress())
        deploy(self.cloud, self._deployed.stack.name, prepared.files.uploaded(uploads(self.cloud)), values)

    def _handled(self, observation: Observation, before: Mapping[str, Mapping[str, Count]]) -> list[Handled]:
        """What the versions of each alias handled since `before`."""
        answers = {each.target.logical_id: each.answers for each in self._deployed.repeated}
        handled = []
        for target in self._deployed.targets:
            released = observation.released_version(target)
            for version, count in target.counts(self._client).items():
                added = count.since(before[target.logical_id].get(version, Count()))
                if version != released and not added.events:
                    continue
                given = answers.get(target.logical_id)
                wrong = given.wrong(version, released) if given and version != released else 0
                kind = "released" if version == released else "changed"
                handled.append(Handled(target.logical_id, kind, added.events, added.errors, wrong, target.event))
        return handled

    def _calm_down(self) -> None:
        """Wait until no alarm has rung for a while: one that rings for what was before would stop the deployment."""
        names = sorted({name for each in self._deployed.targets for name in each.alarms})
        cloudwatch, quiet_since = self._client("cloudwatch"), time.monotonic()
        end, ringing = quiet_since + _SECONDS_TO_CALM_DOWN, []
        while names and time.monotonic() < end:
            ringing = cloudwatch.describe_alarms(AlarmNames=names, StateValue="ALARM")["MetricAlarms"]
            if ringing:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET_SECONDS:
                return
            time.sleep(0.2)
        if ringing:
            raise BlueprintError(
                f"Alarms still ring {_SECONDS_TO_CALM_DOWN:.0f} seconds after the last traffic, so nothing can be "
                f"deployed: {', '.join(each['AlarmName'] for each in ringing)}."
            )


def _production(released: Pattern, original: Pattern, preference: str) -> dict[str, str]:
    """The parameters of a deployment to production, as far as the template has them: its alarms ring sooner."""
    known = load(released.template).section("Parameters")
    if PREFERENCE not in known:
        raise BlueprintError(
            f"{original.name} has no parameter {PREFERENCE}, so there is no gradual deployment to rehearse.",
            where=at(original.template),
        )
    allowed = known[PREFERENCE].get("AllowedValues")
    if allowed and preference not in allowed:
        raise BlueprintError(
            f"{preference} is not a value of the parameter {PREFERENCE}.",
            where=at(original.template),
            advice=f"It takes: {', '.join(allowed)}.",
        )
    values = {_ENVIRONMENT: "prod", PREFERENCE: preference}
    return {name: value for name, value in values.items() if name in known}


def function_to_change(found: list[Target], wanted: str | None, pattern: Pattern, name: str) -> Function:
    """The function to change: the one that is named, or the first that is deployed gradually. Raises BlueprintError.

    If a state machine is deployed gradually, it can be any function of the pattern.
    """
    if not found:
        raise BlueprintError(f"{name} has no function and no state machine that is deployed gradually.")
    gradual = {each.logical_id for each in found if isinstance(each, FunctionTarget)}
    functions = [each for each in pattern.functions if each.logical_id in gradual]
    if len(gradual) < len(found):
        functions += [each for each in pattern.functions if each.logical_id not in gradual]
    for each in functions:
        if wanted in (None, each.logical_id):
            return each
    raise BlueprintError(
        f"{name} has no function {wanted or 'in its folder'} that is deployed gradually.",
        advice=f"It has: {', '.join(each.logical_id for each in functions) or 'none'}.",
    )


def _wrongly(handled: list[Handled]) -> int:
    return sum(each.errors + each.wrong_answers for each in handled if each.version == "changed")


def _judged(repeated: list[Repeated], function: str) -> Repeated:
    """The alias that gets most traffic: of the function, or of the last one that has events."""
    with_events = [each for each in repeated if each.events] or repeated
    return next((each for each in with_events if each.target.logical_id == function), with_events[-1])


def plays_meanwhile(judged: Repeated, played: Played, *, fails_on_purpose: bool) -> bool:
    """Whether the demo is played during the deployment, too. Raises BlueprintError if there is no traffic otherwise.

    A long demo would take the machine from the repeated events; one that makes functions fail rings the alarms.
    """
    if judged.events:
        return played.seconds < _LONG_DEMO and not fails_on_purpose
    if fails_on_purpose:
        raise BlueprintError(
            f"There is no traffic for {judged.target.logical_id}: none of the demo's events can be repeated, and the "
            "demo makes functions fail, which would ring the alarms.",
            advice=f"Events above 64 KB are not repeated; make the demo smaller in {FILE}.",
        )
    return True


def _stopped_by(reason: str, found: list[Target]) -> str | None:
    """The alarm or the hook that CloudFormation's reason names."""
    for target in found:
        for name, logical_id in target.alarms.items():
            if name in reason:
                return f"the alarm {logical_id}"
    for event, hook in (("BeforeAllowTraffic", "the hook before traffic"), ("AfterAllowTraffic", "the hook after it")):
        if event in reason:
            return hook
    return None
