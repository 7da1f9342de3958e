"""Creates, updates, describes, lists and deletes aliases of state machines."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns
from blueprints.local.services.stepfunctions.api.machine_store import MachineStore, is_number
from blueprints.local.services.stepfunctions.api.pages import page
from blueprints.local.services.stepfunctions.api.records import Alias, StateMachine

_WHOLE = 100

Answer = dict[str, Any]


class Aliases:
    """The operations on aliases."""

    def __init__(self, store: MachineStore) -> None:
        self._store = store

    def create(self, given: Answer) -> Answer:
        """CreateStateMachineAlias. A repeated request with the same parameters finds the first one's alias."""
        listed = given["routingConfiguration"]
        machine_arn = _check_form(listed)
        with self._store.changing:
            routing = self._routing(machine_arn, listed)
            machine = self._store.get_active(machine_arn)
            name, description = given["name"], given.get("description")
            alias = machine.aliases.get(name)
            if alias is None:
                alias = Alias(f"{machine_arn}:{name}", name, routing, description)
                machine.aliases[name] = alias
            elif (alias.routing, alias.description) != (routing, description):
                raise ServiceError(
                    "ConflictException",
                    "Failed to create alias because an alias with the same name and a different routing "
                    "configuration already exists.",
                )
        return {"stateMachineAliasArn": alias.arn, "creationDate": alias.created}

    def update(self, given: Answer) -> Answer:
        """UpdateStateMachineAlias. Executions that run keep the version that was chosen for them."""
        if "routingConfiguration" not in given and "description" not in given:
            raise ServiceError("ValidationException", "Either description or routingConfiguration must be specified")
        with self._store.changing:
            machine_arn, alias = self._get(given["stateMachineAliasArn"])
            self._store.get_active(machine_arn)
            if "routingConfiguration" in given:
                listed = given["routingConfiguration"]
                if _check_form(listed) != machine_arn:
                    raise ServiceError(
                        "ValidationException", "Routing configuration must contain versions of the alias's machine."
                    )
                alias.routing = self._routing(machine_arn, listed)
            alias.description = given.get("description", alias.description)
            alias.updated = time.time()
            return {"updateDate": alias.updated}

    def describe(self, given: Answer) -> Answer:
        """DescribeStateMachineAlias."""
        machine_arn, alias = self._get(given["stateMachineAliasArn"])
        return {
            "stateMachineAliasArn": alias.arn,
            "name": alias.name,
            "description": alias.description,
            "routingConfiguration": [
                {"stateMachineVersionArn": f"{machine_arn}:{number}", "weight": weight}
                for number, weight in alias.routing.items()
            ],
            "creationDate": alias.created,
            "updateDate": alias.updated,
        }

    def list(self, given: Answer) -> Answer:
        """ListStateMachineAliases, by name: those of a machine, or those that route to a version of it."""
        arn = given["stateMachineArn"]
        arns.check(arn, arns.MACHINE)
        machine_arn, qualifier = arns.unqualified(arn)
        machine = self._store.get(machine_arn)
        if qualifier and self._store.version(arn) is None:
            raise _not_found()
        found = [each for each in machine.aliases.values() if not qualifier or int(qualifier) in each.routing]
        found.sort(key=lambda each: each.name)
        shown, token = page(found, given, lambda each: each.name)
        return {
            "stateMachineAliases": [{"stateMachineAliasArn": each.arn, "creationDate": each.created} for each in shown],
            "nextToken": token,
        }

    def delete(self, given: Answer) -> Answer:
        """DeleteStateMachineAlias, which also succeeds if there is none."""
        arn = given["stateMachineAliasArn"]
        arns.check(arn, arns.MACHINE)
        machine_arn, name = arns.unqualified(arn)
        with self._store.changing:
            machine: StateMachine | None = self._store.find(machine_arn)
            if machine is not None:
                machine.aliases.pop(name, None)
        return {}

    def _get(self, arn: str) -> tuple[str, Alias]:
        arns.check(arn, arns.MACHINE)
        alias = self._store.alias(arn)
        if alias is None:
            raise _not_found()
        return arns.unqualified(arn)[0], alias

    def _routing(self, machine_arn: str, listed: Sequence[Mapping[str, Any]]) -> dict[int, int]:
        routing = {}
        for each in listed:
            version = self._store.version(each["stateMachineVersionArn"])
            if version is None:
                raise _not_found()
            routing[version.number] = each["weight"]
        self._store.get(machine_arn)
        return routing


def _check_form(listed: Sequence[Mapping[str, Any]]) -> str:
    """The ARN of the machine whose versions are listed. Raises ValidationException."""
    version_arns = [each["stateMachineVersionArn"] for each in listed]
    shown = f"[{', '.join(version_arns)}]"
    split = [arns.unqualified(each) for each in version_arns]
    for arn in version_arns:
        arns.check(arn, arns.MACHINE)
    if not all(is_number(qualifier) for _, qualifier in split):
        raise _invalid(f"must contain state machine version ARNs. Received: {shown}")
    if len(set(version_arns)) < len(version_arns):
        raise _invalid(f"must contain distinct state machine version ARNs. Received: {shown}")
    if len({machine for machine, _ in split}) > 1:
        raise _invalid(f"must contain versions of the same state machine. Received: {shown}")
    weights = [each["weight"] for each in listed]
    if sum(weights) != _WHOLE:
        raise ServiceError(
            "ValidationException", f"Sum of routing configuration weights must equal 100. Received: {weights}"
        )
    return split[0][0]


def _invalid(fault: str) -> ServiceError:
    return ServiceError("ValidationException", f"Routing configuration {fault}")


def _not_found() -> ServiceError:
    return ServiceError("ResourceNotFound", "Request references a resource that does not exist.")
