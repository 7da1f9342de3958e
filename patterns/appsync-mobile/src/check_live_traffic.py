"""CodeDeploy runs this after a new version got all traffic: does the API still take and keep a note?"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from deployment_probe import ProbeUser, check, remove_records

from blueprints_shared import deployment_hooks
from blueprints_shared.clients import client
from blueprints_shared.deployment_hooks import CheckFailed
from blueprints_shared.observability import Logger
from blueprints_shared.quick_botocore import get_session
from blueprints_shared.settings import load

_MUTATION = (
    """mutation Check($input: AddSystemNoteInput!) { addSystemNote(input: $input) { id audience title _version } }"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment variables that the template sets; `live` is the ARN of the function's alias."""

    graphql_url: str
    live: str
    table: str


logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Add a note as a back end does, for a user who does not exist."""

    def check_api(_: deployment_hooks.TimeLeft) -> None:
        settings, sub = load(Settings), f"_check-{event['DeploymentId']}"
        user = ProbeUser(client("lambda", read_timeout=15, attempts=2), settings.live, sub)
        try:
            user.ask("Mutation.createNotebook", input={"id": "check", "name": "Check"})
            note = {"id": "check", "notebookId": "check", "owner": sub, "title": "Check"}
            answer = post(settings.graphql_url, {"query": _MUTATION, "variables": {"input": note}})
            added = (answer.get("data") or {}).get("addSystemNote") or {}
            check(added.get("_version") == 1, f"the API answered with {json.dumps(answer)[:300]}")
            check(user.ask("Query.getNote", id="check")["title"] == "Check", "the note is not what was added")
        finally:
            remove_records(client("dynamodb"), settings.table, sub)

    return deployment_hooks.answer(event, context, check_api, logger)


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send a request to the API, signed with this function's role. Raises CheckFailed for an answer other than 200."""
    session = get_session()
    headers = {"content-type": "application/json"}
    request = AWSRequest("POST", url, data=json.dumps(body).encode(), headers=headers)
    SigV4Auth(session.get_credentials(), "appsync", session.get_config_variable("region")).add_auth(request)
    response = URLLib3Session(timeout=10).send(request.prepare())
    if response.status_code != 200:
        raise CheckFailed(f"the API answered {response.status_code}: {response.text[:300]}")
    return dict(json.loads(response.text))
