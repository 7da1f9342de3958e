"""The state machines of every account and Region, found by their ARNs."""

import random
import threading
from dataclasses import dataclass

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.api.execution_store import ExecutionStore
from blueprints.local.services.stepfunctions.api.records import Alias, StateMachine, Version
from blueprints.local.services.stepfunctions.execution.execution import Revision


@dataclass(frozen=True)
class Target:
    """What an ARN that an execution is started with refers to."""

    machine: StateMachine
    revision: Revision
    version_arn: str | None = None
    alias_arn: str | None = None


class MachineStore:
    """State machines by ARN. They are changed only while `changing` is held."""

    def __init__(self, executions: ExecutionStore) -> None:
        self._machines: dict[str, StateMachine] = {}
        self._executions = executions
        self._deleting: set[str] = set()
        self.changing = threading.RLock()

    def add(self, machine: StateMachine) -> None:
        """Keep a new state machine."""
        with self.changing:
            self._machines[machine.arn] = machine

    def of_request(self) -> list[StateMachine]:
        """The state machines of the request's account and Region, by name."""
        self._finish_deletions()
        with self.changing:
            mine = [each for each in self._machines.values() if arns.is_of_request(each.arn)]
        return sorted(mine, key=lambda each: each.name)

    def find(self, arn: str) -> StateMachine | None:
        """The state machine of an ARN without a qualifier."""
        self._finish_deletions()
        return self._machines.get(arn) if arns.is_of_request(arn) else None

    def get(self, arn: str) -> StateMachine:
        """The state machine of an ARN without a qualifier. Raises ServiceError."""
        arns.check(arn, arns.MACHINE)
        machine = self.find(arn)
        if machine is None:
            raise does_not_exist(arn)
        return machine

    def get_active(self, arn: str) -> StateMachine:
        """The same, of one that is not being deleted."""
        machine = self.get(arn)
        if machine.deleting:
            raise ServiceError("StateMachineDeleting", f"State Machine is being deleted: '{arn}'")
        return machine

    def version(self, arn: str) -> Version | None:
        """The version of an ARN that is qualified with a number."""
        machine_arn, qualifier = arns.unqualified(arn)
        machine = self.find(machine_arn)
        return machine.versions.get(int(qualifier)) if machine and is_number(qualifier) else None

    def alias(self, arn: str) -> Alias | None:
        """The alias of an ARN that is qualified with a name."""
        machine_arn, qualifier = arns.unqualified(arn)
        machine = self.find(machine_arn)
        return machine.aliases.get(qualifier) if machine else None

    def target(self, arn: str) -> Target:
        """What to run for an ARN; an alias chooses one of its versions by weight. Raises ServiceError."""
        arns.check(arn, arns.MACHINE)
        machine_arn, qualifier = arns.unqualified(arn)
        with self.changing:
            if not qualifier:
                machine = self.get_active(arn)
                return Target(machine, machine.revision)
            alias = self.alias(arn)
            version = self._choose(machine_arn, alias) if alias else self.version(arn)
            if version is None:
                raise does_not_exist(arn)
            return Target(
                self.get_active(machine_arn), version.revision, version.arn, alias_arn=alias.arn if alias else None
            )

    def delete(self, arn: str) -> None:
        """Begin the deletion of a state machine; it ends with its last execution."""
        with self.changing:
            machine = self.find(arn)
            if machine is not None:
                machine.deleting = True
                self._deleting.add(arn)
        self._finish_deletions()

    def reset(self) -> None:
        """Drop every state machine."""
        with self.changing:
            self._machines.clear()
            self._deleting.clear()

    def _choose(self, machine_arn: str, alias: Alias) -> Version | None:
        number = random.choices(list(alias.routing), list(alias.routing.values()))[0]  # noqa: S311 - no secret
        return self._machines[machine_arn].versions.get(number)

    def _finish_deletions(self) -> None:
        if not self._deleting:
            return
        with self.changing:
            for arn in [each for each in self._deleting if not self._executions.is_running(each)]:
                self._deleting.discard(arn)
                del self._machines[arn]
                self._executions.forget_machine(arn)


def does_not_exist(arn: str) -> ServiceError:
    """The error for a state machine, version or alias that an operation does not find."""
    return ServiceError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def is_number(qualifier: str) -> bool:
    """Whether a qualifier is a version's number."""
    return qualifier.isascii() and qualifier.isdigit()
