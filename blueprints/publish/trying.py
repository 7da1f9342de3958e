"""Tries patterns as their users meet them, and deletes everything afterwards.

A private copy of the pattern is published, deployed from the repository with a change set as the console does, and the
pattern's demo runs on that stack. Everything that a try creates has a name or a tag by which the next try finds it: if
a try is killed, the next one deletes what it left.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blueprints.demo import check_playable, explaining_failures, play
from blueprints.errors import BlueprintError
from blueprints.packaging.build import Package
from blueprints.packaging.host import host_packages
from blueprints.pattern import Pattern
from blueprints.progress import Progress, Report
from blueprints.publish.application import Application
from blueprints.publish.destinations import Destination
from blueprints.publish.private_copy import find_copy, private_copy_of, publish_copy
from blueprints.publish.publishing import Options, Outcome, prepare
from blueprints.publish.repository import Repository
from blueprints.stacks.calls import is_on_this_machine
from blueprints.stacks.client import Stacks
from blueprints.stacks.deletion import Deletion
from blueprints.stacks.prerequisites import with_prerequisites
from blueprints.stacks.stack import Stack
from blueprints.template.artifacts import packaged
from blueprints.template.reading import Template

TAG = "serverless-blueprints:try"
"""The tag of every stack that a try creates; its value is the private copy's name. Other stacks are never deleted."""
STACK_PREFIX = "serverlessrepo-"
"""The repository puts this in front of a stack's name."""


@dataclass
class TryResult:
    """The result of trying one pattern."""

    pattern: str
    twin: str | None = None
    """The ARN of its private copy."""
    version: str | None = None
    """The private copy's version, which contains the digest of its content."""
    stack: str | None = None
    """The stack that was deployed from the repository."""
    outputs: dict[str, str] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    """What the demo returned."""
    files: list[str] = field(default_factory=list)
    """Absolute paths of the files that the demo downloaded."""
    kept: bool = False
    """Whether the private copy and the stacks were kept, as requested."""
    errors: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the demo passed, and everything that was to be deleted was deleted."""
        return not self.errors

    def as_json(self) -> dict[str, Any]:
        """The result as data."""
        return {**dataclasses.asdict(self), "passed": self.passed}


class Tries:
    """Tries patterns at one destination, one after the other; one that fails does not stop the others."""

    def __init__(self, destination: Destination, progress: Progress, folder: Path, *, keep: bool = False) -> None:
        """Demos download into folders below `folder`; `keep` keeps private copies and stacks."""
        assert destination.client is not None
        assert destination.repository is not None
        here = is_on_this_machine(destination.client("cloudformation"))
        self._destination = dataclasses.replace(destination, packages=self._host_packages) if here else destination
        self._client: Callable[[str], Any] = destination.client
        self._repository: Repository = destination.repository
        self._stacks = Stacks(self._client, progress.report)
        self._progress, self._folder, self._keep = progress, folder, keep
        self._notes: list[str] = []

    def run(self, patterns: Sequence[Pattern], parameters: Mapping[str, str]) -> list[TryResult]:
        """Try each pattern. `parameters` are given to every pattern that has them."""
        results = []
        for pattern in patterns:
            result = TryResult(pattern.name)
            results.append(result)
            try:
                self._try(pattern, parameters, result)
            except BlueprintError as error:
                result.errors.append(str(error))
        return results

    def _try(self, pattern: Pattern, parameters: Mapping[str, str], result: TryResult) -> None:
        if pattern.folder.resolve().is_relative_to(self._downloads(pattern)):
            raise BlueprintError(
                f"The demo's downloads would replace {pattern.name} itself.",
                where=str(self._folder),
                advice="Name another folder with --output.",
            )
        check_playable(pattern, None, self._downloads(pattern))
        with self._progress.step(f"Build {pattern.name}") as step:
            self._notes.clear()
            outcome = Outcome(pattern.name)
            copy = private_copy_of(prepare(pattern, self._destination, Options(apply=True), self._progress, outcome))
            step.notes.extend(self._notes)
        if self._stacks_of(copy.name) or find_copy(copy.name, self._repository):
            with self._progress.step("Delete what an earlier try left"):
                self._delete(copy.name)
        result.version = copy.version
        try:
            stack = self._deploy(pattern, copy, parameters, result)
            self._play(pattern, stack, result)
        except BlueprintError as error:
            result.errors.append(str(error))
        finally:
            result.kept = self._keep
            if not self._keep:
                with self._progress.step(f"Delete {copy.name}"):
                    self._delete(copy.name)

    def _deploy(self, pattern: Pattern, copy: Application, given: Mapping[str, str], result: TryResult) -> Stack:
        with self._progress.step(f"Publish {copy.name}, shared with nobody") as step:
            result.twin = publish_copy(copy, self._repository, self._destination.bucket, self._progress.report)
            step.notes.append(copy.version)
        parameters = with_prerequisites(
            pattern, given, lambda name, template: self._prerequisite(copy.name, name, template)
        )
        with self._progress.step(f"Deploy {STACK_PREFIX}{copy.name} from the repository"):
            self._progress.report("creating the change set")
            change_set, stack_id = self._repository.create_change_set(
                result.twin, copy.version, copy.name, parameters, {TAG: copy.name}
            )
            result.stack = stack_id.split("/")[1]
            stack = self._stacks.execute_change_set(change_set, stack_id)
        result.outputs = stack.outputs
        return stack

    def _prerequisite(self, copy_name: str, name: str, template: Template) -> dict[str, str]:
        """Deploy a prerequisite and return its outputs. Its resources are deleted with it, also retained ones."""
        body = json.loads(packaged(template, {}))
        for resource in body["Resources"].values():
            resource["DeletionPolicy"] = "Delete"
        with self._progress.step(f"Deploy its {name}"):
            return self._stacks.create(f"{copy_name}-{name}", json.dumps(body), tags={TAG: copy_name}).outputs

    def _play(self, pattern: Pattern, stack: Stack, result: TryResult) -> None:
        with explaining_failures(self._client, lambda: stack, where=stack.name):
            played = play(pattern, stack.outputs, self._client, None, self._downloads(pattern), self._progress)
        result.result, result.files = played.result, [str(path) for path in played.files]

    def _downloads(self, pattern: Pattern) -> Path:
        """The folder that a demo downloads to."""
        return (self._folder / pattern.name).resolve()

    def _stacks_of(self, copy_name: str) -> list[dict[str, Any]]:
        """Every stack that a try of this private copy created: the main stack, then those of prerequisites."""
        main = self._stacks.find(STACK_PREFIX + copy_name)
        created = self._stacks.tagged({TAG: copy_name})
        if main is None or main["StackId"] in [each["StackId"] for each in created]:
            return sorted(created, key=lambda each: each["StackName"] != STACK_PREFIX + copy_name)
        if self._stacks.tags(main).get(TAG) != copy_name:
            raise BlueprintError(
                f"There is a stack {main['StackName']} that 'blueprints try' has not created: it lacks the tag {TAG}.",
                where=main["StackId"],
                advice="It is not changed. Delete it, or give this pattern another Name.",
            )
        return [main, *created]

    def _delete(self, copy_name: str) -> None:
        """Delete everything that a try of this private copy created; a failure does not stop the other deletions."""
        errors = []
        for stack in self._stacks_of(copy_name):
            try:
                Deletion(self._stacks).delete(stack["StackId"])
            except BlueprintError as error:
                errors.append(str(error))
        self._repository.forget()
        arn = find_copy(copy_name, self._repository)
        if arn is not None:
            self._progress.report(f"deleting {arn}")
            self._repository.delete(arn)
        if errors:
            raise BlueprintError("\n".join(errors))

    def _host_packages(self, pattern: Pattern, report: Report) -> list[Package]:
        """Packages for this machine's processor, which an AWS on this machine runs functions on."""
        packages, notes = host_packages(pattern, report)
        self._notes.extend(notes)
        return packages
