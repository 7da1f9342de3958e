"""Pushes a pattern, which is published, and a broken one, which is not; reads the messages about both.

The stack has to take its patterns as a zip archive. The pattern is example/patterns/guest-book. It is published
privately as `auto-publish-example`, and deleted at the end.

    blueprints play . --stack NAME
"""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parent / "example"
APPLICATION = "auto-publish-example"
PATIENCE = 3600  # seconds for a run through the pipeline; builds of several minutes each on AWS
ARCHIVE = "patterns.zip"

BROKEN = '''"""A test that fails."""

import unittest


class Broken(unittest.TestCase):
    """Fails on purpose."""

    def test_that_fails(self):
        """Says why."""
        self.fail("this pattern is broken on purpose")
'''


class NotAsItShouldBe(Exception):
    """The pipeline did something else; the message says what, and where to look."""


def run(stack: Any) -> dict[str, Any]:
    """Push a pattern and a broken one; raises when the first is not published, or the second is, or nobody hears."""
    pipeline = Pipeline(stack)
    if application(stack) is not None:
        raise NotAsItShouldBe(f"There is an application {APPLICATION} already; delete it, and play again.")
    with heard(stack) as messages:
        with stack.step("Push a pattern"):
            execution = pipeline.push(archive())
        try:
            told = _published(stack, pipeline, messages, execution)
            broken = _broken(stack, pipeline, messages)
            made = application(stack)
        finally:
            _remove(stack)
    files = [
        _written(stack.folder / name, message) for name, message in (("published.txt", told), ("failed.txt", broken))
    ]
    return {"application": made["ApplicationId"], "messages": [told["Subject"], broken["Subject"]], "files": files}


def _published(stack: Any, pipeline: "Pipeline", messages: "Messages", execution: str) -> dict[str, str]:
    for stage in pipeline.stages():
        with stack.step(f"Stage {stage}"):
            try:
                pipeline.pass_stage(execution, stage)
            except NotAsItShouldBe as error:
                raise NotAsItShouldBe(f"{error}\n{messages.about(execution, '')['Message']}") from error
    with stack.step("Look into the repository"):
        made = application(stack)
        if made is None:
            raise NotAsItShouldBe(f"The run {execution} succeeded, and no application {APPLICATION} is there.")
        if application(stack, f"{APPLICATION}-twin") is not None:
            raise NotAsItShouldBe(f"{APPLICATION}-twin was left behind.")
    with stack.step("Read the message"):
        return messages.about(execution, "published auto-publish-example 0.1.0")


def _broken(stack: Any, pipeline: "Pipeline", messages: "Messages") -> dict[str, str]:
    with stack.step("Push a broken one"):
        execution = pipeline.push(archive({"patterns/guest-book/tests/test_broken.py": BROKEN}))
    with stack.step("See it refused"):
        try:
            pipeline.pass_stage(execution, "Verify")
        except NotAsItShouldBe:
            return messages.about(execution, "this pattern is broken on purpose")
        raise NotAsItShouldBe(f"The run {execution} went on with a pattern whose tests fail.")


def archive(more: dict[str, str] | None = None) -> bytes:
    """The example repository as a zip archive, with other files added."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(EXAMPLE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                item = zipfile.ZipInfo(path.relative_to(EXAMPLE).as_posix())
                executable = path.parent.name == "scripts"
                item.external_attr = (0o100755 if executable else 0o100644) << 16
                zipped.writestr(item, path.read_bytes())
        for name, text in (more or {}).items():
            zipped.writestr(name, text)
    return content.getvalue()


class Pipeline:
    """The stack's pipeline, and the bucket it takes patterns from."""

    def __init__(self, stack: Any) -> None:
        self._name, self._url = stack.outputs["Pipeline"], stack.outputs["PipelineUrl"]
        if "SourceBucket" not in stack.outputs:
            raise NotAsItShouldBe(
                "This stack takes its patterns from a repository: push to that, and watch the pipeline."
            )
        self._bucket = stack.outputs["SourceBucket"]
        self._client = stack.client("codepipeline")
        self._s3 = stack.client("s3")

    def stages(self) -> list[str]:
        """The stages' names, but for the source's."""
        return [each["name"] for each in self._client.get_pipeline(name=self._name)["pipeline"]["stages"][1:]]

    def push(self, content: bytes) -> str:
        """Put an archive, and wait for the run that takes it; returns the run's id."""
        version = self._s3.put_object(Bucket=self._bucket, Key=ARCHIVE, Body=content)["VersionId"]

        def runs() -> list[str]:
            listed = self._client.list_pipeline_executions(pipelineName=self._name)["pipelineExecutionSummaries"]
            return [
                each["pipelineExecutionId"]
                for each in listed
                if version in [revision.get("revisionId") for revision in each.get("sourceRevisions", [])]
            ]

        return str(_wait(runs, f"no run took the archive; see {self._url}")[0])

    def pass_stage(self, execution: str, stage: str) -> None:
        """Wait until a run has passed a stage, approving it where it waits for somebody."""

        def state() -> str | None:
            actions = [each for each in self._actions(execution) if each["stageName"] == stage]
            if not actions:
                self._still_running(execution)
                return None
            if actions[0]["status"] == "InProgress":
                self._approve(actions[0])
                return None
            return str(actions[0]["status"])

        status = _wait(state, f"the run {execution} did not end the stage {stage}; see {self._url}")
        if status != "Succeeded":
            raise NotAsItShouldBe(f"Stage {stage} {status.lower()}: {self._why(execution, stage)}. See {self._url}")

    def _still_running(self, execution: str) -> None:
        given = {"pipelineName": self._name, "pipelineExecutionId": execution}
        status = self._client.get_pipeline_execution(**given)["pipelineExecution"]["status"]
        if status not in ("InProgress", "Succeeded"):
            raise NotAsItShouldBe(f"The run {execution} is {status}; see {self._url}")

    def _approve(self, action: dict[str, Any]) -> None:
        if action["input"]["actionTypeId"]["category"] != "Approval":
            return
        for stage in self._client.get_pipeline_state(name=self._name)["stageStates"]:
            for each in stage["actionStates"]:
                token = each.get("latestExecution", {}).get("token")
                if stage["stageName"] == action["stageName"] and token:
                    self._client.put_approval_result(
                        pipelineName=self._name,
                        stageName=stage["stageName"],
                        actionName=each["actionName"],
                        result={"summary": "approved by the demo", "status": "Approved"},
                        token=token,
                    )

    def _why(self, execution: str, stage: str) -> str:
        for each in self._actions(execution):
            if each["stageName"] == stage:
                return str(each["output"]["executionResult"].get("errorDetails", {}).get("message", "no reason given"))
        return "no reason given"

    def _actions(self, execution: str) -> list[dict[str, Any]]:
        listed = self._client.list_action_executions(pipelineName=self._name, filter={"pipelineExecutionId": execution})
        actions: list[dict[str, Any]] = listed["actionExecutionDetails"]
        return actions


class Messages:
    """What the topic says, as it arrives in a queue."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url
        self._read: list[dict[str, str]] = []

    def about(self, execution: str, words: str) -> dict[str, str]:
        """The message about a run, which has to hold these words."""

        def message() -> dict[str, str] | None:
            answer = self._sqs.receive_message(QueueUrl=self._queue_url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for each in answer.get("Messages", []):
                self._read.append(json.loads(each["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=each["ReceiptHandle"])
            return next(
                (each for each in self._read if execution in each["Message"] and "waits" not in each["Subject"]), None
            )

        found: dict[str, str] = _wait(message, f"nobody was told of the run {execution}", patience=180)
        if words not in found["Subject"] + found["Message"]:
            raise NotAsItShouldBe(f"The message about {execution} does not say {words!r}:\n{found['Message']}")
        return found


@contextmanager
def heard(stack: Any) -> Iterator[Messages]:
    """Listen to the topic with a queue that is there meanwhile."""
    sqs, sns, topic = stack.client("sqs"), stack.client("sns"), stack.outputs["NotificationTopicArn"]
    name = f"serverlessrepo-auto-publish-demo-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    subscription = None
    try:
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        yield Messages(sqs, url)
    finally:
        if subscription is not None:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)


def application(stack: Any, name: str = APPLICATION) -> dict[str, Any] | None:
    """An application of the account's own, by its name."""
    pages = stack.client("serverlessrepo").get_paginator("list_applications").paginate()
    return next((each for page in pages for each in page["Applications"] if each["Name"] == name), None)


def _remove(stack: Any) -> None:
    made = application(stack)
    if made is not None:
        stack.client("serverlessrepo").delete_application(ApplicationId=made["ApplicationId"])


def _wait(look: Any, otherwise: str, patience: float = PATIENCE) -> Any:
    begun = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - begun
        if waited > patience:
            raise TimeoutError(f"After {patience:.0f} s {otherwise}")
        time.sleep(0.1 if waited < 60 else 5)
    return found


def _written(file: Path, message: dict[str, str]) -> str:
    file.write_text(f"{message['Subject']}\n\n{message['Message']}\n")
    return str(file.resolve())
