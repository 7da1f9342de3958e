"""What became of a run through the pipeline, as somebody who was not watching wants to read it."""

from dataclasses import dataclass
from typing import Any, Protocol

PROBE = "auto-publish.probe"
"""The source of an event that a deployment hook sends: its message is written, and not sent."""

_SUBJECT = 99  # characters that a topic takes: fewer than 100, of ASCII alone


@dataclass(frozen=True, slots=True)
class Message:
    """A message to people."""

    subject: str
    body: str


class Look(Protocol):
    """Asks the services what an event does not say."""

    def actions(self, pipeline: str, execution: str) -> list[dict[str, Any]]:
        """The executions of a run's actions, the latest of each action alone."""

    def log_end(self, build: str) -> list[str]:
        """The last lines that a build's commands printed; none where it has no log."""


def message_of(event: dict[str, Any], look: Look) -> Message:
    """The message about an event: a run that succeeded or failed, or an approval that is waited for."""
    detail = event["detail"]
    pipeline, execution = detail["pipeline"], detail["execution-id"]
    actions = {each["actionName"]: each for each in look.actions(pipeline, execution)}
    if "action" in detail:
        title, lines = _waiting(detail, actions)
    elif detail["state"] == "SUCCEEDED":
        title, lines = _succeeded(actions)
    else:
        title, lines = _failed(actions, look)
    change = _change(actions)
    about = [f"Change: {change}"] if change else []
    link = _link(event["region"], pipeline, execution)
    body = "\n".join([*lines, "", *about, f"Run: {execution}", link])
    return Message(_short(f"{pipeline}: {title}"), body)


def _succeeded(actions: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    published = _variable(actions, "Publish", "PUBLISHED")
    if published in ("", "nothing new"):
        return "nothing new to publish", ["All is as it was published before."]
    return f"published {published}", [f"Published: {published}"]


def _waiting(detail: dict[str, Any], actions: dict[str, dict[str, Any]]) -> tuple[str, list[str]]:
    planned = _variable(actions, "Verify", "PLANNED")
    lines = [
        f"To be published: {planned or 'see the log of Verify'}",
        "Approve or reject it on the pipeline's page. Unanswered it ends, and nothing is published.",
    ]
    return f"{detail['action']} waits for you", lines


def _failed(actions: dict[str, dict[str, Any]], look: Look) -> tuple[str, list[str]]:
    failed = [each for each in actions.values() if each["status"] == "Failed"]
    if not failed:
        return "failed", ["The run failed; its page says in which stage."]
    names = " and ".join(each["actionName"] for each in failed)
    lines: list[str] = []
    for each in failed:
        result = each.get("output", {}).get("executionResult", {})
        error = result.get("errorDetails", {})
        lines.append(f"{each['actionName']} failed: {error.get('message') or error.get('code') or 'no reason given'}")
        build = result.get("externalExecutionId", "")
        if ":" in build:
            printed = look.log_end(build)
            lines += ["", *(f"    {line}" for line in printed), ""] if printed else []
    lines.append(_PUBLISHED_PART if any(each["actionName"] == "Publish" for each in failed) else _PUBLISHED_NOTHING)
    return f"{names} failed", lines


_PUBLISHED_NOTHING = (
    "Nothing was published. Push a change that mends it; where it was not the change's fault, release it again."
)
_PUBLISHED_PART = (
    "Each pattern was published whole or not at all. Release the change again once the cause is mended: "
    "what is published already is left alone."
)


def _change(actions: dict[str, dict[str, Any]]) -> str:
    """What the source action says it fetched, such as a commit's message."""
    for each in actions.values():
        if each["input"]["actionTypeId"]["category"] == "Source":
            return str(each.get("output", {}).get("executionResult", {}).get("externalExecutionSummary") or "")
    return ""


def _variable(actions: dict[str, dict[str, Any]], action: str, name: str) -> str:
    return str(actions.get(action, {}).get("output", {}).get("outputVariables", {}).get(name, ""))


def _link(region: str, pipeline: str, execution: str) -> str:
    console = f"https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines"
    return f"{console}/{pipeline}/executions/{execution}/timeline?region={region}"


def _short(subject: str) -> str:
    plain = " ".join(subject.encode("ascii", "replace").decode().split())
    return plain if len(plain) <= _SUBJECT else f"{plain[: _SUBJECT - 3]}..."
