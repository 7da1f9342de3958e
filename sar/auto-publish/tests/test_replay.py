"""What waits in the dead letters is handed in again; what fails again stays."""

import json

from services_in_memory import Functions


class Queue:
    """A queue in memory, whose messages are seen by nobody else for a while: forever, or no time at all."""

    def __init__(self, *bodies, forever=True):
        self.waiting = {str(number): json.dumps(body) for number, body in enumerate(bodies)}
        self.forever = forever
        self.given = set()

    def receive_message(self, **_):
        new = [number for number in self.waiting if number not in self.given]
        self.given |= set(new) if self.forever else set()
        return {
            "Messages": [{"MessageId": number, "ReceiptHandle": number, "Body": self.waiting[number]} for number in new]
        }

    def delete_message(self, *, QueueUrl, ReceiptHandle):
        del self.waiting[ReceiptHandle]


class CodePipeline:
    """Counts what was started."""

    def __init__(self):
        self.started = []

    def start_pipeline_execution(self, *, name):
        self.started.append(name)
        return {"pipelineExecutionId": f"e-{len(self.started)}"}


PUSH = {"source": "aws.s3", "detail-type": "Object Created"}


def replayed(replaying, queue, functions, codepipeline):
    return replaying.replay(
        queue, "queue", replaying.handling(functions, codepipeline, "report-run:live", "publishing")
    )


def test_runs_are_told_and_the_pipeline_is_started_once(replaying, sample):
    """Bare as EventBridge sends them, and wrapped as Lambda does."""
    failed = sample("run-failed")
    queue = Queue(failed, {"requestPayload": failed, "responsePayload": {}}, PUSH, PUSH)
    functions, codepipeline = Functions({"sent": True}), CodePipeline()

    settled, failures = replayed(replaying, queue, functions, codepipeline)

    assert (settled, failures) == (4, [])
    assert functions.invoked == [failed, failed]
    assert codepipeline.started == ["publishing"]
    assert not queue.waiting


def test_what_fails_again_stays(replaying, sample):
    queue = Queue(sample("run-failed"))

    settled, failures = replayed(
        replaying, queue, Functions({"errorType": "AccessDenied"}, error="Unhandled"), CodePipeline()
    )

    assert settled == 0
    assert "AccessDenied" in failures[0]
    assert queue.waiting


def test_what_comes_back_while_others_are_handled_is_not_handled_again(replaying, sample):
    queue = Queue(sample("run-failed"), PUSH, forever=False)
    functions = Functions({"errorType": "AccessDenied"}, error="Unhandled")

    settled, failures = replayed(replaying, queue, functions, CodePipeline())

    assert (settled, len(failures), len(functions.invoked)) == (1, 1, 1)
