"""CodeDeploy runs this before a new version gets traffic: does it keep, change, sync and delete a note?"""

from dataclasses import dataclass
from typing import Any

from deployment_probe import ProbeUser, check, remove_records

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.observability import Logger
from blueprints_shared.settings import load


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets; `new_version` is the ARN of the version to probe."""

    new_version: str
    table: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Let the new version work for a user who does not exist."""

    def probe(_: deployment_hooks.TimeLeft) -> None:
        settings, sub = load(Settings), f"_probe-{event['DeploymentId']}"
        try:
            use_api(ProbeUser(client("lambda", read_timeout=15, attempts=2), settings.new_version, sub))
        finally:
            remove_records(client("dynamodb"), settings.table, sub)

    return deployment_hooks.answer(event, context, probe, logger)


def use_api(user: ProbeUser) -> None:
    """Create a notebook and a note, change and delete it, as an app does. Raises CheckFailed."""
    user.ask("Mutation.createNotebook", input={"id": "probe", "name": "Probe"})
    note = {"id": "probe", "notebookId": "probe", "title": "Probe"}
    check(user.ask("Mutation.createNote", input=note)["_version"] == 1, "a new note is not of version 1")

    edit = {"id": "probe", "title": "Changed", "_version": 1}
    for _ in range(2):  # the second time as an app that did not get the answer
        check(user.ask("Mutation.updateNote", input=edit)["_version"] == 2, "an edit did not lead to version 2, once")
    check(user.ask("Query.getNote", id="probe")["title"] == "Changed", "an edited note was read as it was before")

    user.ask("Mutation.deleteNote", input={"id": "probe", "_version": 2})
    answer = user.try_to("Mutation.updateNote", input={"id": "probe", "title": "Late", "_version": 2})
    kind = answer.get("error", {}).get("type")
    check(kind == "ConflictUnhandled", f"an edit of a deleted note was answered with {kind}")
    changes = user.ask("Query.syncNotes", lastSync=0)
    check(changes["items"] == [] and changes["startedAt"] > 0, "a first sync has the deleted note")
