"""What waits in the dead letters is handed in again; what fails again stays."""

import json

from services_in_memory import Functions


class Queue:
    """A queue in memory, whose messages stay out of sight for a while once received, and come back before others."""

    def __init__(self, *bodies):
        self.waiting = {str(number): json.dumps(body) for number, body in enumerate(bodies)}
        self.hidden_until = dict.fromkeys(self.waiting, 0)
        self.seconds = 0

    def receive_message(self, *, QueueUrl, MaxNumberOfMessages, VisibilityTimeout, **_):
        visible = [one for one in self.waiting if self.hidden_until[one] <= self.seconds][:MaxNumberOfMessages]
        self.hidden_until |= dict.fromkeys(visible, self.seconds + VisibilityTimeout)
        return {"Messages": [{"MessageId": one, "ReceiptHandle": one, "Body": self.waiting[one]} for one in visible]}

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


def test_what_fails_slowly_comes_back_and_is_not_handled_again(replaying):
    queue, handled = Queue(*({"number": number} for number in range(25))), []

    def fail(event):
        queue.seconds += 50
        handled.append(event["number"])
        return "AccessDenied"

    settled, failures = replaying.replay(queue, "queue", fail)

    assert (settled, len(failures)) == (0, 25)
    assert handled == list(range(25))


def test_a_queue_that_hides_nothing_is_left_once_all_failed(replaying):
    queue, handled = Queue({"number": 1}, {"number": 2}), []
    queue.seconds = float("inf")

    assert replaying.replay(queue, "queue", lambda event: handled.append(event["number"]) or "AccessDenied")[0] == 0

    assert handled == [1, 2]
