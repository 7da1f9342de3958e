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


class DemoFailed(Exception):
    """The pipeline did not do what it should; the message says what it did, and where to look."""


def run(stack: Any) -> dict[str, Any]:
    """Push a pattern and a broken one; raise DemoFailed if a result or a message is not as expected."""
    pipeline = Pipeline(stack)
    if application(stack) is not None:
        raise DemoFailed(f"The application {APPLICATION} exists already; delete it and run the demo again.")
    with subscription(stack) as messages:
        with stack.step("Push a pattern"):
            execution = pipeline.push(archive())
        try:
            published = _publish(stack, pipeline, messages, execution)
            failed = _publish_broken(stack, pipeline, messages)
            found = application(stack)
        finally:
            _delete_application(stack)
    files = [
        _write(stack.folder / name, message) for name, message in (("published.txt", published), ("failed.txt", failed))
    ]
    return {
        "application": found["ApplicationId"],
        "messages": [published["Subject"], failed["Subject"]],
        "files": files,
    }


def _publish(stack: Any, pipeline: "Pipeline", messages: "Messages", execution: str) -> dict[str, str]:
    for stage in pipeline.stages():
        with stack.step(f"Stage {stage}"):
            try:
                pipeline.pass_stage(execution, stage)
            except DemoFailed as error:
                raise DemoFailed(f"{error}\n{messages.about(execution, '')['Message']}") from error
    with stack.step("Look up the application"):
        made = application(stack)
        if made is None:
            raise DemoFailed(f"The run {execution} succeeded, but there is no application {APPLICATION}.")
        if application(stack, f"{APPLICATION}-twin") is not None:
            raise DemoFailed(f"{APPLICATION}-twin was left behind.")
    with stack.step("Read the message"):
        return messages.about(execution, "published auto-publish-example 0.1.0")


def _publish_broken(stack: Any, pipeline: "Pipeline", messages: "Messages") -> dict[str, str]:
    with stack.step("Push a broken pattern"):
        execution = pipeline.push(archive({"patterns/guest-book/tests/test_broken.py": BROKEN}))
    with stack.step("Wait for the failure"):
        try:
            pipeline.pass_stage(execution, "Verify")
        except DemoFailed:
            return messages.about(execution, "this pattern is broken on purpose")
        raise DemoFailed(f"The run {execution} continued with a pattern whose tests fail.")


def archive(more: dict[str, str] | None = None) -> bytes:
    """The example repository as a zip archive; `more` has further files by name."""
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
    """The stack's pipeline, and the bucket of its archives."""

    def __init__(self, stack: Any) -> None:
        self._name, self._url = stack.outputs["Pipeline"], stack.outputs["PipelineUrl"]
        if "SourceBucket" not in stack.outputs:
            raise DemoFailed("This stack reads patterns from a repository: push to that, and watch the pipeline.")
        self._bucket = stack.outputs["SourceBucket"]
        self._client = stack.client("codepipeline")
        self._s3 = stack.client("s3")

    def stages(self) -> list[str]:
        """The names of the stages after the source."""
        return [each["name"] for each in self._client.get_pipeline(name=self._name)["pipeline"]["stages"][1:]]

    def push(self, content: bytes) -> str:
        """Put an archive, wait for its run to begin, and return the run's id."""
        version = self._s3.put_object(Bucket=self._bucket, Key=ARCHIVE, Body=content)["VersionId"]

        def runs() -> list[str]:
            listed = self._client.list_pipeline_executions(pipelineName=self._name)["pipelineExecutionSummaries"]
            return [
                each["pipelineExecutionId"]
                for each in listed
                if version in [revision.get("revisionId") for revision in each.get("sourceRevisions", [])]
            ]

        return str(_wait(runs, f"no run has begun for the archive; see {self._url}")[0])

    def pass_stage(self, execution: str, stage: str) -> None:
        """Wait until a run has passed a stage; approve it if it waits for an approval."""

        def state() -> str | None:
            actions = [each for each in self._actions(execution) if each["stageName"] == stage]
            if not actions:
                self._still_running(execution)
                return None
            if actions[0]["status"] == "InProgress":
                self._approve(actions[0])
                return None
            return str(actions[0]["status"])

        status = _wait(state, f"the run {execution} has not ended the stage {stage}; see {self._url}")
        if status != "Succeeded":
            raise DemoFailed(f"Stage {stage} {status.lower()}: {self._why(execution, stage)}. See {self._url}")

    def _still_running(self, execution: str) -> None:
        given = {"pipelineName": self._name, "pipelineExecutionId": execution}
        status = self._client.get_pipeline_execution(**given)["pipelineExecution"]["status"]
        if status not in ("InProgress", "Succeeded"):
            raise DemoFailed(f"The run {execution} is {status}; see {self._url}")

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
    """The messages of the topic, received from a queue."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs, self._queue_url = sqs, queue_url
        self._read: list[dict[str, str]] = []

    def about(self, execution: str, words: str) -> dict[str, str]:
        """Return the message about a run; raise DemoFailed if it does not contain `words`."""

        def message() -> dict[str, str] | None:
            answer = self._sqs.receive_message(QueueUrl=self._queue_url, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for each in answer.get("Messages", []):
                self._read.append(json.loads(each["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=each["ReceiptHandle"])
            return next(
                (each for each in self._read if execution in each["Message"] and "waits" not in each["Subject"]), None
            )

        found: dict[str, str] = _wait(message, f"there is no message about the run {execution}", patience=180)
        if words not in found["Subject"] + found["Message"]:
            raise DemoFailed(f"The message about {execution} does not contain {words!r}:\n{found['Message']}")
        return found


@contextmanager
def subscription(stack: Any) -> Iterator[Messages]:
    """Subscribe a temporary queue to the topic."""
    sqs, sns, topic = stack.client("sqs"), stack.client("sns"), stack.outputs["NotificationTopicArn"]
    name = f"serverlessrepo-auto-publish-demo-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    subscribed = None
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
        subscribed = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        yield Messages(sqs, url)
    finally:
        if subscribed is not None:
            sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
        sqs.delete_queue(QueueUrl=url)


def application(stack: Any, name: str = APPLICATION) -> dict[str, Any] | None:
    """The account's application with this name, or None."""
    pages = stack.client("serverlessrepo").get_paginator("list_applications").paginate()
    return next((each for page in pages for each in page["Applications"] if each["Name"] == name), None)


def _delete_application(stack: Any) -> None:
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


def _write(file: Path, message: dict[str, str]) -> str:
    file.write_text(f"{message['Subject']}\n\n{message['Message']}\n")
    return str(file.resolve())
