"""Tells IAM which resource a request is about, where the base emulator does not know and would ask for all of them.

Follows the AWS Service Authorization Reference: a build is its project's, a change set its stack's.
"""

import json
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal

RESOURCE = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)
PARAMETER = Internal("core.iam_actions", "_query_param", ("query_params", "key"))
CHANGE_SET = Internal("services.cloudformation.changesets", "_find_change_set", ("cs_name", "stack_name"))
INTERNALS = (RESOURCE, PARAMETER, CHANGE_SET)


def install() -> None:
    """Ask here first, then the base emulator."""
    original: Callable[..., str] = RESOURCE.current()

    def resource(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service == "cloudformation":
            found = _stack_of_change_set(query_params)
        else:
            name = _NAMED[service](_given(body)) if service in _NAMED else None
            found = f"arn:aws:{service}:{region}:{account_id}:{name}" if name else None
        return found or original(service, method, path, headers, body, query_params, region, account_id)

    RESOURCE.replace(resource)


def _stack_of_change_set(query_params: dict[str, Any]) -> str | None:
    name = PARAMETER.current()(query_params, "ChangeSetName")
    if not name or PARAMETER.current()(query_params, "StackName"):
        return None
    _, change_set = CHANGE_SET.current()(name)
    return str(change_set["StackId"]) if change_set else None


def _project(given: dict[str, Any]) -> str | None:
    builds = given.get("ids") or ([given["id"]] if "id" in given else [])
    return f"project/{str(builds[0]).rpartition(':')[0]}" if builds else None


def _pipeline(given: dict[str, Any]) -> str | None:
    """A pipeline; the action of it that an approval is for."""
    name = given.get("name") or given.get("pipelineName") or (given.get("pipeline") or {}).get("name")
    return f"{name}/{given.get('stageName')}/{given['actionName']}" if name and "actionName" in given else name


_NAMED: dict[str, Callable[[dict[str, Any]], str | None]] = {"codebuild": _project, "codepipeline": _pipeline}


def _given(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
