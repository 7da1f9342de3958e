"""What CodePipeline, CodeBuild and the build logs know of a run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

_FETCHED, _LINES = 100, 25
_OF_CODEBUILD = "[Container]"  # what a line begins with that is not the commands' own
_LONGEST = 400  # characters of a line: a message is read on a phone


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Looks at runs with the function's permissions; `client` has a service's client, made when it is asked for."""

    client: Callable[[str], Any]

    def actions(self, pipeline: str, execution: str) -> list[dict[str, Any]]:
        """A run's actions, each as it ran last; none where there never was such a run."""
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
        """The last lines that a build's commands printed; none where it ended before it had a log."""
        builds = self.client("codebuild").batch_get_builds(ids=[build])["builds"]
        where = builds[0].get("logs", {}) if builds else {}
        if not where.get("streamName"):
            return []
        try:
            events = self.client("logs").get_log_events(
                logGroupName=where["groupName"], logStreamName=where["streamName"], limit=_FETCHED, startFromHead=False
            )["events"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return []
            raise
        lines = [event["message"].rstrip() for event in events]
        printed = [line[:_LONGEST] for line in lines if line and not line.startswith(_OF_CODEBUILD)]
        return printed[-_LINES:]
