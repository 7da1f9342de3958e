"""The command for the person on call: runs are reported again, and the pipeline is started once."""

import json
from types import SimpleNamespace

from services_in_memory import Functions

from blueprints_shared.replay import replay


class Queue:
    """Messages by their ids."""

    def __init__(self, *bodies):
        self.waiting = {str(number): json.dumps(body) for number, body in enumerate(bodies)}
        self.received = False

    def receive_message(self, *, QueueUrl, **_):
        assert QueueUrl == "https://queue"
        given = [] if self.received else self.waiting
        self.received = True
        return {"Messages": [{"MessageId": one, "ReceiptHandle": one, "Body": self.waiting[one]} for one in given]}

    def delete_message(self, *, QueueUrl, ReceiptHandle):
        del self.waiting[ReceiptHandle]

    def change_message_visibility_batch(self, *, QueueUrl, Entries):
        """Nothing is hidden here."""


class CodePipeline:
    """Counts what was started."""

    def __init__(self):
        self.started = []

    def start_pipeline_execution(self, *, name):
        self.started.append(name)
        return {"pipelineExecutionId": f"e-{len(self.started)}"}


PUSH = {"source": "aws.s3", "detail-type": "Object Created"}


def replayed(replaying, queue, functions, codepipeline):
    outputs = {"Function": "report-run:live", "Pipeline": "publishing", "DeadLettersUrl": "https://queue"}
    clients = {"sqs": queue, "lambda": functions, "codepipeline": codepipeline}
    said = []
    stack = SimpleNamespace(outputs=outputs, client=clients.__getitem__)
    return replay(replaying.dead_letters(stack, SimpleNamespace()), said.append), said


def test_runs_are_reported_and_the_pipeline_is_started_once(replaying, sample):
    """The events are bare, as EventBridge sends them, and wrapped, as Lambda does."""
    failed = sample("run-failed")
    queue = Queue(failed, {"requestPayload": failed, "responsePayload": {}}, PUSH, PUSH)
    functions, codepipeline = Functions({"sent": True}), CodePipeline()

    outcome, _ = replayed(replaying, queue, functions, codepipeline)

    assert (outcome.replayed, outcome.left) == (4, 0)
    assert functions.invoked == [failed, failed]
    assert codepipeline.started == ["publishing"]
    assert not queue.waiting


def test_an_event_that_fails_again_stays(replaying, sample):
    queue = Queue(sample("run-failed"))

    failing = Functions({"errorType": "AccessDenied"}, error="Unhandled")
    outcome, said = replayed(replaying, queue, failing, CodePipeline())

    assert (outcome.replayed, outcome.left) == (0, 1)
    assert "AccessDenied" in said[1]
    assert queue.waiting
