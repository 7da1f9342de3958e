"""Tries a pattern as whoever deploys it from the repository meets it, and takes everything down again.

Its private twin is published, deployed from the repository with a change set as the console does, and the pattern's
demo is played on that stack. All that a try makes has a name or a tag by which the next one finds it: what a killed
try left standing is taken down by the next.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blueprints.demo import check_playable, explaining_failures, play
from blueprints.errors import BlueprintError
from blueprints.packaging.build import Package, Progress
from blueprints.packaging.host import host_packages
from blueprints.pattern import Pattern
from blueprints.publish.application import Application
from blueprints.publish.destinations import Destination
from blueprints.publish.publishing import Outcome, Wish, prepared
from blueprints.publish.repository import Repository
from blueprints.publish.twin import found, published, twin_of
from blueprints.stacks.calls import is_on_this_machine
from blueprints.stacks.client import Stacks
from blueprints.stacks.deletion import Deletion
from blueprints.stacks.prerequisites import with_prerequisites
from blueprints.stacks.stack import Stack
from blueprints.steps import Steps
from blueprints.template.artifacts import packaged
from blueprints.template.reading import Template

TAG = "serverless-blueprints:try"
"""Of every stack that a try makes; its value is the twin's name. What lacks it is never deleted."""
STACK_PREFIX = "serverlessrepo-"
"""What the repository puts in front of a stack's name."""


@dataclass
class Trial:
    """What became of one pattern."""

    pattern: str
    twin: str | None = None
    """The ARN of its private twin."""
    version: str | None = None
    """The twin's version, which names its content."""
    stack: str | None = None
    """The stack that was deployed from the repository."""
    outputs: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    """What the demo came to."""
    files: list[str] = field(default_factory=list)
    """All that the demo downloaded."""
    kept: bool = False
    """Whether twin and stacks were left standing, as was asked for."""
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the demo passed, and everything that should have been taken down was."""
        return not self.errors

    def as_json(self) -> dict[str, Any]:
        """The trial as data."""
        return {**dataclasses.asdict(self), "passed": self.passed}


class Trials:
    """Tries patterns at one destination, one after the other; one that fails does not stop the others."""

    def __init__(self, destination: Destination, steps: Steps, folder: Path, *, keep: bool = False) -> None:
        """Demos download into folders below `folder`; with `keep`, twins and stacks are left standing."""
        assert destination.client is not None
        assert destination.repository is not None
        here = is_on_this_machine(destination.client("cloudformation"))
        self._destination = dataclasses.replace(destination, packages=self._host_packages) if here else destination
        self._client: Callable[[str], Any] = destination.client
        self._repository: Repository = destination.repository
        self._stacks = Stacks(self._client, steps.progress)
        self._steps, self._folder, self._keep = steps, folder, keep
        self._notes: list[str] = []

    def run(self, patterns: Sequence[Pattern], parameters: Mapping[str, str]) -> list[Trial]:
        """Try each of the patterns, with these parameters ."""
        trials = []
        for pattern in patterns:
            trial = Trial(pattern.name)
            trials.append(trial)
            try:
                self._try(pattern, parameters, trial)
            except BlueprintError as error:
                trial.errors.append(str(error))
        return trials

    def _try(self, pattern: Pattern, parameters: Mapping[str, str], trial: Trial) -> None:
        if pattern.folder.resolve().is_relative_to(self._downloads(pattern)):
            raise BlueprintError(
                f"The demo's downloads would replace {pattern.name} itself.",
                where=str(self._folder),
                advice="Name another folder with --output.",
            )
        check_playable(pattern, None, self._downloads(pattern))
        with self._steps.step(f"Build {pattern.name}") as step:
            self._notes.clear()
            outcome = Outcome(pattern.name)
            twin = twin_of(prepared(pattern, self._destination, Wish(apply=True), self._steps, outcome))
            step.notes.extend(self._notes)
        if self._standing(twin.name) or found(twin.name, self._repository):
            with self._steps.step("Take down what an earlier try left"):
                self._take_down(twin.name)
        trial.version = twin.version
        try:
            stack = self._deploy(pattern, twin, parameters, trial)
            self._play(pattern, stack, trial)
        except BlueprintError as error:
            trial.errors.append(str(error))
        finally:
            trial.kept = self._keep
            if not self._keep:
                with self._steps.step(f"Take down {twin.name}"):
                    self._take_down(twin.name)

    def _deploy(self, pattern: Pattern, twin: Application, given: Mapping[str, str], trial: Trial) -> Stack:
        with self._steps.step(f"Publish {twin.name}, shared with nobody") as step:
            trial.twin = published(twin, self._repository, self._destination.bucket, self._steps.progress)
            step.notes.append(twin.version)
        parameters = with_prerequisites(
            pattern, given, lambda name, template: self._prerequisite(twin.name, name, template)
        )
        with self._steps.step(f"Deploy {STACK_PREFIX}{twin.name} from the repository"):
            self._steps.progress("creating the change set")
            change_set, stack_id = self._repository.change_set(
                trial.twin, twin.version, twin.name, parameters, {TAG: twin.name}
            )
            trial.stack = stack_id.split("/")[1]
            stack = self._stacks.execute_change_set(change_set, stack_id)
        trial.outputs = stack.outputs
        return stack

    def _prerequisite(self, twin: str, name: str, template: Template) -> dict[str, str]:
        """Deploy a prerequisite and return its outputs. Its resources are deleted with it, also retained ones."""
        body = json.loads(packaged(template, {}))
        for resource in body["Resources"].values():
            resource["DeletionPolicy"] = "Delete"
        with self._steps.step(f"Deploy its {name}"):
            return self._stacks.create(f"{twin}-{name}", json.dumps(body), tags={TAG: twin}).outputs

    def _play(self, pattern: Pattern, stack: Stack, trial: Trial) -> None:
        with explaining_failures(self._client, lambda: stack, where=stack.name):
            played = play(pattern, stack.outputs, self._client, None, self._downloads(pattern), self._steps)
        trial.result, trial.files = played.result, [str(path) for path in played.files]

    def _downloads(self, pattern: Pattern) -> Path:
        """The folder of a demo's downloads, which is emptied first."""
        return (self._folder / pattern.name).resolve()

    def _standing(self, twin: str) -> list[dict[str, Any]]:
        """Every stack that a try of this twin made, its prerequisites' last."""
        main = self._stacks.find(STACK_PREFIX + twin)
        made = self._stacks.tagged({TAG: twin})
        if main is None or main["StackId"] in [each["StackId"] for each in made]:
            return sorted(made, key=lambda each: each["StackName"] != STACK_PREFIX + twin)
        if self._stacks.tags(main).get(TAG) != twin:
            raise BlueprintError(
                f"There is a stack {main['StackName']} that no try has made: it lacks the tag {TAG}.",
                where=main["StackId"],
                advice="It is left alone. Delete it, or give this pattern another Name.",
            )
        return [main, *made]

    def _take_down(self, twin: str) -> None:
        """Delete all that a try of this twin made: what cannot be deleted does not keep the rest."""
        errors = []
        for stack in self._standing(twin):
            try:
                Deletion(self._stacks).delete(stack["StackId"])
            except BlueprintError as error:
                errors.append(str(error))
        self._repository.forget()
        arn = found(twin, self._repository)
        if arn is not None:
            self._steps.progress(f"deleting {arn}")
            self._repository.delete(arn)
        if errors:
            raise BlueprintError("\n".join(errors))

    def _host_packages(self, pattern: Pattern, progress: Progress) -> list[Package]:
        """Packages that this machine's processor can run, where the AWS is here too."""
        packages, notes = host_packages(pattern, progress)
        self._notes.extend(notes)
        return packages
