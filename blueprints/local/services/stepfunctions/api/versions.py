"""Publishes, lists and deletes versions of state machines."""

from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.api.machine_store import MachineStore, is_number
from blueprints.local.services.stepfunctions.api.pages import page
from blueprints.local.services.stepfunctions.api.records import StateMachine, Version

Answer = dict[str, Any]


class Versions:
    """The operations on versions."""

    def __init__(self, store: MachineStore) -> None:
        self._store = store

    def publish(self, given: Answer) -> Answer:
        """PublishStateMachineVersion. A revision that is published already keeps its version."""
        with self._store.changing:
            machine = self._store.get_active(given["stateMachineArn"])
            wanted, present = given.get("revisionId"), machine.revision.revision_id
            if wanted not in (None, present):
                raise ServiceError(
                    "ConflictException",
                    f"Failed to publish the State Machine version for revision {wanted}. "
                    f"The current State Machine revision is {present}.",
                )
            version = self.publish_revision(machine, given.get("description"))
        return {"stateMachineVersionArn": version.arn, "creationDate": version.created}

    def publish_revision(self, machine: StateMachine, description: str | None) -> Version:
        """The version of a machine's present revision, published now unless it is already."""
        with self._store.changing:
            for version in machine.versions.values():
                if version.revision.revision_id == machine.revision.revision_id:
                    return version
            machine.last_version += 1
            number = machine.last_version
            version = Version(f"{machine.arn}:{number}", number, machine.revision, description)
            machine.versions[number] = version
            return version

    def list(self, given: Answer) -> Answer:
        """ListStateMachineVersions, newest first."""
        machine = self._store.get(given["stateMachineArn"])
        versions = sorted(machine.versions.values(), key=lambda each: each.number, reverse=True)
        shown, token = page(versions, given, lambda each: each.number, descending=True)
        return {
            "stateMachineVersions": [
                {"stateMachineVersionArn": each.arn, "creationDate": each.created} for each in shown
            ],
            "nextToken": token,
        }

    def delete(self, given: Answer) -> Answer:
        """DeleteStateMachineVersion, which also succeeds if there is none."""
        arn = given["stateMachineVersionArn"]
        arns.check(arn, arns.MACHINE)
        machine_arn, qualifier = arns.unqualified(arn)
        if not is_number(qualifier):
            raise ServiceError("ValidationException", f"The ARN must be of a state machine version: '{arn}'")
        with self._store.changing:
            machine = self._store.find(machine_arn)
            if machine is not None:
                _check_unused(machine, int(qualifier))
                machine.versions.pop(int(qualifier), None)
        return {}


def _check_unused(machine: StateMachine, number: int) -> None:
    names = [alias.name for alias in machine.aliases.values() if number in alias.routing]
    if names:
        raise ServiceError(
            "ConflictException",
            "Version to be deleted must not be referenced by an alias. Current list of aliases referencing this "
            f"version: [{', '.join(names)}]",
        )
