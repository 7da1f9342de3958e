"""In-memory versions of the services that the functions call."""

import io
import json
from typing import Any

from botocore.exceptions import ClientError

TOPIC = "arn:aws:sns:eu-west-1:123456789012:told"


def refusal(code: str) -> ClientError:
    """An error of a service."""
    return ClientError({"Error": {"Code": code, "Message": f"{code} was injected"}}, "Operation")


def action(
    name: str, status: str = "Succeeded", *, category: str = "Test", build: str = "", **result: Any
) -> dict[str, Any]:
    """The execution of an action, as CodePipeline lists it."""
    return {
        "stageName": name,
        "actionName": name,
        "status": status,
        "input": {"actionTypeId": {"category": category, "owner": "AWS", "provider": "CodeBuild", "version": "1"}},
        "output": {
            "executionResult": {"externalExecutionId": build, **result},
            "outputVariables": {},
        },
    }


class Services:
    """CodePipeline, CodeBuild, CloudWatch Logs and SNS, as far as the function calls them."""

    def __init__(self) -> None:
        self.actions: list[dict[str, Any]] = []
        self.lines: list[str] | None = []
        self.sent: list[dict[str, str]] = []
        self.denied: set[str] = set()

    def list_action_executions(self, **given: Any) -> dict[str, Any]:
        """All actions, newest first."""
        if "list_action_executions" in self.denied:
            raise refusal("AccessDeniedException")
        if not self.actions:
            raise refusal("PipelineExecutionNotFoundException")
        return {"actionExecutionDetails": list(reversed(self.actions))}

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        """One build, with a log."""
        return {"builds": [{"id": ids[0], "logs": {"groupName": "builds", "streamName": "verify/1"}}]}

    def get_log_events(self, **given: Any) -> dict[str, Any]:
        """The last lines."""
        if self.lines is None:
            raise refusal("ResourceNotFoundException")
        return {"events": [{"message": line} for line in self.lines[-given["limit"] :]]}

    def publish(self, **given: str) -> None:
        """Append the message to `sent`."""
        if "publish" in self.denied:
            raise refusal("AuthorizationError")
        self.sent.append(given)


class Functions:
    """Lambda, which responds with `answer`, or with what `answer` returns for the event."""

    def __init__(self, answer: Any, *, error: str | None = None) -> None:
        self.answer, self.error, self.invoked = answer, error, []

    def invoke(self, **given: Any) -> dict[str, Any]:
        """Record the event, and respond."""
        self.invoked.append(json.loads(given["Payload"]))
        answer = self.answer(self.invoked[-1]) if callable(self.answer) else self.answer
        failed = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(answer).encode()), **failed}
