"""Reads what CodePipeline, CodeBuild and CloudWatch Logs record of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

_FETCHED, _LINES = 100, 25
_PRINTED_BY_CODEBUILD = "[Container]"  # the prefix of lines that no command printed
_MAX_LENGTH = 400  # characters of a line: people read messages on phones


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Reads runs with the function's permissions; `client` returns the client of a service by name."""

    client: Callable[[str], Any]

    def actions(self, pipeline: str, execution: str) -> list[dict[str, Any]]:
        """The actions of a run, oldest first, each as it ended last; none if the run does not exist."""
        try:
            listed = self.client("codepipeline").list_action_executions(
                pipelineName=pipeline, filter={"pipelineExecutionId": execution}, maxResults=100
            )["actionExecutionDetails"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "PipelineExecutionNotFoundException":
                return []
            raise
        latest: dict[str, dict[str, Any]] = {}
        for each in listed:  # newest first
            latest.setdefault(each["actionName"], each)
        return list(reversed(latest.values()))

    def log_end(self, build: str) -> list[str]:
        """The last lines that the commands of a build printed; none if the build ended before it had a log."""
        builds = self.client("codebuild").batch_get_builds(ids=[build])["builds"]
        log = builds[0].get("logs", {}) if builds else {}
        if not log.get("streamName"):
            return []
        try:
            events = self.client("logs").get_log_events(
                logGroupName=log["groupName"], logStreamName=log["streamName"], limit=_FETCHED, startFromHead=False
            )["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        lines = [event["message"].rstrip() for event in events]
        printed = [line[:_MAX_LENGTH] for line in lines if line and not line.startswith(_PRINTED_BY_CODEBUILD)]
        return printed[-_LINES:]
