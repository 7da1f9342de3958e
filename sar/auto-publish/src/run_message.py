"""Composes the message about a pipeline run, for people who did not watch it."""

from dataclasses import dataclass
from typing import Any

from run_history import RunHistory

PROBE = "auto-publish.probe"
"""The source of a deployment hook's event, whose message is composed and not sent."""

_MAX_SUBJECT = 99  # characters: SNS accepts fewer than 100, of ASCII only


@dataclass(frozen=True, slots=True)
class Message:
    """A message to people."""

    subject: str
    body: str


def compose_message(event: dict[str, Any], history: RunHistory) -> Message:
    """Return the message about a run that succeeded or failed, or about an approval that a run waits for."""
    detail = event["detail"]
    pipeline, execution = detail["pipeline"], detail["execution-id"]
    actions = {each["actionName"]: each for each in history.actions(pipeline, execution)}
    if "action" in detail:
        title, lines = _waiting(detail, actions)
    elif detail["state"] == "SUCCEEDED":
        title, lines = _succeeded(actions)
    else:
        title, lines = _failed(actions, history)
    change = _change(actions)
    about = [f"Change: {change}"] if change else []
    link = _link(event["region"], pipeline, execution)
    body = "\n".join([*lines, "", *about, f"Run: {execution}", link])
    return Message(_subject(f"{pipeline}: {title}"), body)


def _succeeded(actions: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    published = _variable(actions, "Publish", "PUBLISHED")
    if published in ("", "nothing new"):
        return "nothing new to publish", ["Everything is published already."]
    return f"published {published}", [f"Published: {published}"]


def _waiting(detail: dict[str, Any], actions: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    planned = _variable(actions, "Verify", "PLANNED")
    lines = [
        f"To be published: {planned or 'see the log of Verify'}",
        "Approve or reject it on the pipeline's page. Without an answer the run ends, and nothing is published.",
    ]
    return f"{detail['action']} waits for you", lines


def _failed(actions: dict[str, dict[str, Any]], history: RunHistory) -> tuple[str, list[str]]:
    failed = [each for each in actions.values() if each["status"] == "Failed"]
    if not failed:
        return "failed", ["The run failed; the pipeline's page shows in which stage."]
    names = " and ".join(each["actionName"] for each in failed)
    lines: list[str] = []
    for each in failed:
        result = each.get("output", {}).get("executionResult", {})
        error = result.get("errorDetails", {})
        lines.append(f"{each['actionName']} failed: {error.get('message') or error.get('code') or 'no reason given'}")
        build = result.get("externalExecutionId", "")
        if ":" in build:
            printed = history.log_end(build)
            lines += ["", *(f"    {line}" for line in printed), ""] if printed else []
    lines.append(_SOME_PUBLISHED if any(each["actionName"] == "Publish" for each in failed) else _NOTHING_PUBLISHED)
    return f"{names} failed", lines


_NOTHING_PUBLISHED = (
    "Nothing was published. Push a change that fixes it; if the change is not the cause, release it again."
)
_SOME_PUBLISHED = (
    "Each pattern was published completely or not at all. Fix the cause and release the change again; "
    "that leaves alone what is published already."
)


def _change(actions: dict[str, dict[str, Any]]) -> str:
    """The source action's summary of what it fetched, such as a commit message."""
    for each in actions.values():
        if each["input"]["actionTypeId"]["category"] == "Source":
            return str(each.get("output", {}).get("executionResult", {}).get("externalExecutionSummary") or "")
    return ""


def _variable(actions: dict[str, dict[str, Any]], action: str, name: str) -> str:
    return str(actions.get(action, {}).get("output", {}).get("outputVariables", {}).get(name, ""))


def _link(region: str, pipeline: str, execution: str) -> str:
    console = f"https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines"
    return f"{console}/{pipeline}/executions/{execution}/timeline?region={region}"


def _subject(text: str) -> str:
    plain = " ".join(text.encode("ascii", "replace").decode().split())
    return plain if len(plain) <= _MAX_SUBJECT else f"{plain[: _MAX_SUBJECT - 3]}..."
