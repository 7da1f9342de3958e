"""The command for the person on call: which events it replays, and with which function."""

import io
import json
from types import SimpleNamespace

from blueprints_shared.replay import replay


class Queue:
    """Messages by their ids."""

    def __init__(self, *bodies):
        self.messages = {str(number): body for number, body in enumerate(bodies)}
        self.received = False

    def receive_message(self, *, QueueUrl, **_):
        assert QueueUrl == "https://queue"
        given = [] if self.received else self.messages
        self.received = True
        return {"Messages": [{"MessageId": one, "Body": self.messages[one], "ReceiptHandle": one} for one in given]}

    def delete_message(self, *, QueueUrl, ReceiptHandle):
        del self.messages[ReceiptHandle]

    def change_message_visibility_batch(self, *, QueueUrl, Entries):
        """Nothing is hidden here."""


class Function:
    """Handles events, except those whose id is `failing`."""

    def __init__(self, failing=None):
        self.failing, self.events = failing, []

    def invoke(self, *, FunctionName, Payload):
        event = json.loads(Payload)
        self.events.append((FunctionName, event["id"]))
        if event["id"] == self.failing:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "AccessDenied"}')}
        return {"Payload": io.BytesIO(b"{}")}


def replayed(replaying, queue, function):
    outputs = {"Function": "render:live", "DeadLettersUrl": "https://queue"}
    stack = SimpleNamespace(outputs=outputs, client={"sqs": queue, "lambda": function}.__getitem__)
    return replay(replaying.dead_letters(stack, SimpleNamespace()), print)


def test_events_of_both_kinds_of_message_go_to_the_function_and_leave_the_queue(replaying):
    queue, function = Queue('{"id": 1}', '{"requestContext": {}, "requestPayload": {"id": 2}}'), Function()
    outcome = replayed(replaying, queue, function)
    assert (outcome.replayed, outcome.left) == (2, 0)
    assert function.events == [("render:live", 1), ("render:live", 2)]
    assert not queue.messages


def test_an_event_that_fails_again_stays(replaying):
    queue = Queue('{"id": 1}', '{"id": 2}')
    outcome = replayed(replaying, queue, Function(failing=1))
    assert (outcome.replayed, outcome.left) == (1, 1)
    assert list(queue.messages.values()) == ['{"id": 1}']
