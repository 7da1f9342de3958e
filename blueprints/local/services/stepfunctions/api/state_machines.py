"""Creates, updates, describes, lists and deletes state machines."""

import time
import uuid
from dataclasses import replace
from typing import Any

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.api import arns, machine_settings
from blueprints.local.services.stepfunctions.api.machine_store import MachineStore, does_not_exist
from blueprints.local.services.stepfunctions.api.pages import page
from blueprints.local.services.stepfunctions.api.records import INITIAL_REVISION, StateMachine, Version
from blueprints.local.services.stepfunctions.api.tags import read_tags
from blueprints.local.services.stepfunctions.api.task_resources import check_resources
from blueprints.local.services.stepfunctions.api.versions import Versions
from blueprints.local.services.stepfunctions.execution.execution import Revision
from blueprints.states_language.definition import State
from blueprints.states_language.variable_references import variable_references

Answer = dict[str, Any]


class StateMachines:
    """The operations on state machines."""

    def __init__(self, store: MachineStore, versions: Versions) -> None:
        self._store = store
        self._versions = versions

    def create(self, given: Answer) -> Answer:
        """CreateStateMachine. A repeated request with the same parameters finds the first one's machine."""
        arns.check_name(given["name"])
        _check_description(given)
        _, region = arns.scope()
        arn = arns.make(arns.MACHINE, given["name"])
        kind = given.get("type", "STANDARD")
        definition = machine_settings.read_definition(given["definition"], kind)
        encryption = machine_settings.read_encryption(given.get("encryptionConfiguration"))
        machine_settings.check_role(given["roleArn"], region)
        check_resources(definition, given["roleArn"], region)
        if given.get("publish"):
            machine_settings.check_publishing(arn)
        revision = Revision(
            machine_arn=arn,
            name=given["name"],
            definition_text=given["definition"],
            definition=definition,
            role_arn=given["roleArn"],
            type=kind,
            logging=machine_settings.read_logging(given.get("loggingConfiguration"), given["roleArn"], region),
            tracing=bool((given.get("tracingConfiguration") or {}).get("enabled")),
        )
        published = given.get("versionDescription", "") if given.get("publish") else None
        machine = StateMachine(
            revision, encryption, read_tags(given.get("tags", ()), arn), published_at_creation=published
        )
        with self._store.changing:
            existing = self._store.find(arn)
            if existing is None:
                self._store.add(machine)
            else:
                machine = _same(self._store.get_active(arn), machine)
            version = self._versions.publish_revision(machine, published or None) if published is not None else None
        answer = {"stateMachineArn": arn, "creationDate": machine.created}
        return {**answer, "stateMachineVersionArn": version.arn} if version else answer

    def update(self, given: Answer) -> Answer:
        """UpdateStateMachine. Executions that run keep the revision that they started with."""
        _check_description(given)
        arn = given["stateMachineArn"]
        changes = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
        if not given.get("publish") and not any(name in given for name in changes):
            raise ServiceError(
                "MissingRequiredParameter",
                "Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be "
                "specified",
            )
        with self._store.changing:
            machine = self._store.get_active(arn)
            if given.get("publish"):
                machine_settings.check_publishing(arn)
            revision = _changed(machine.revision, given)
            if "encryptionConfiguration" in given:
                machine.encryption = machine_settings.read_encryption(given["encryptionConfiguration"])
            if revision != machine.revision:
                machine.revision = replace(revision, revision_id=str(uuid.uuid4()))
            machine.updated = time.time()
            answer: Answer = {"updateDate": machine.updated, "revisionId": _shown_id(machine.revision)}
            if given.get("publish"):
                version = self._versions.publish_revision(machine, given.get("versionDescription"))
                answer["stateMachineVersionArn"] = version.arn
            return answer

    def describe(self, given: Answer) -> Answer:
        """DescribeStateMachine, also of a version, of an alias, and with the label of a distributed Map state."""
        arn = given["stateMachineArn"]
        arns.check(arn, arns.MACHINE)
        plain, label = arns.without_label(arn)
        machine_arn, qualifier = arns.unqualified(plain)
        machine = self._store.find(machine_arn)
        if machine is None:
            raise does_not_exist(arn)
        revision = machine.revision
        described: Answer = {"creationDate": machine.created}
        if qualifier:
            version = self._version(plain)
            if version is None:
                raise does_not_exist(arn)
            revision, described = version.revision, {"creationDate": version.created}
            if version.description:
                described["description"] = version.description
        if label:
            labels = _labels(revision)
            if label not in labels and None not in labels:
                raise does_not_exist(arn)
            described["label"] = label
        shown = given.get("includedData") != "METADATA_ONLY"
        return {
            **described,
            **revision_fields(revision),
            "definition": revision.definition_text if shown else "{}",
            "stateMachineArn": arn,
            "status": "DELETING" if machine.deleting else "ACTIVE",
            "type": revision.type,
            "encryptionConfiguration": machine.encryption,
        }

    def list(self, given: Answer) -> Answer:
        """ListStateMachines, by name."""
        shown, token = page(self._store.of_request(), given, lambda each: each.name)
        return {
            "stateMachines": [
                {
                    "stateMachineArn": each.arn,
                    "name": each.name,
                    "type": each.revision.type,
                    "creationDate": each.created,
                }
                for each in shown
            ],
            "nextToken": token,
        }

    def delete(self, given: Answer) -> Answer:
        """DeleteStateMachine, which also succeeds if there is none. Executions that run go on to their end."""
        arn = given["stateMachineArn"]
        arns.check(arn, arns.MACHINE)
        self._store.delete(arn)
        return {}

    def _version(self, arn: str) -> Version | None:
        alias = self._store.alias(arn)
        if alias is None:
            return self._store.version(arn)
        machine_arn, _ = arns.unqualified(arn)
        return self._store.get(machine_arn).versions.get(next(iter(alias.routing)))


def revision_fields(revision: Revision) -> Answer:
    """The parts of a revision that every description of it has."""
    return {
        "name": revision.name,
        "definition": revision.definition_text,
        "roleArn": revision.role_arn,
        "loggingConfiguration": dict(revision.logging),
        "tracingConfiguration": {"enabled": revision.tracing},
        "revisionId": _shown_id(revision),
        "variableReferences": variable_references(revision.definition) or None,
    }


def _shown_id(revision: Revision) -> str | None:
    return None if revision.revision_id == INITIAL_REVISION else revision.revision_id


def _check_description(given: Answer) -> None:
    if "versionDescription" in given and not given.get("publish"):
        raise ServiceError("ValidationException", "Version description can only be set when publish is true")


def _same(existing: StateMachine, asked: StateMachine) -> StateMachine:
    """The existing machine if a creation asks for the same one; roles and tags may differ."""

    def compared(machine: StateMachine) -> tuple[Any, ...]:
        revision = machine.revision
        return (
            revision.definition_text,
            revision.type,
            dict(revision.logging),
            revision.tracing,
            machine.encryption,
            machine.published_at_creation,
        )

    if compared(existing) != compared(asked):
        raise ServiceError("StateMachineAlreadyExists", f"State Machine Already Exists: '{existing.arn}'")
    return existing


def _changed(revision: Revision, given: Answer) -> Revision:
    """A revision with the changes of a request. Raises ServiceError."""
    _, region = arns.scope()
    role_arn = given.get("roleArn", revision.role_arn)
    if "roleArn" in given:
        machine_settings.check_role(role_arn, region)
    changes: dict[str, Any] = {"role_arn": role_arn}
    if "definition" in given and given["definition"] != revision.definition_text:
        changes["definition_text"] = given["definition"]
        changes["definition"] = machine_settings.read_definition(given["definition"], revision.type)
    if "roleArn" in given or "definition" in changes:
        definition = changes.get("definition", revision.definition)
        check_resources(definition, role_arn, region)
    if "loggingConfiguration" in given:
        changes["logging"] = machine_settings.read_logging(given["loggingConfiguration"], role_arn, region)
    if "tracingConfiguration" in given:
        changes["tracing"] = bool(given["tracingConfiguration"].get("enabled"))
    return replace(revision, **changes)


def _labels(revision: Revision) -> set[str | None]:
    """The labels of a definition's distributed Map states; None for a state whose Map Runs make labels of their own."""
    found: set[str | None] = set()
    blocks = [revision.definition.block]
    while blocks:
        states: list[State] = list(blocks.pop().states.values())
        found |= {each.fields.get("Label") for each in states if each.is_distributed}
        blocks.extend(block for each in states for block in each.blocks)
    return found
