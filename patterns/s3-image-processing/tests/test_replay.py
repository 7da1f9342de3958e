"""Replaying dead letters: what is settled leaves the queue, what fails stays."""

import io
import json

import pytest


class Queue:
    """A queue whose messages stay out of sight once received, as SQS's do for a while."""

    def __init__(self, *bodies):
        self.messages = {str(number): body for number, body in enumerate(bodies)}
        self.unseen = list(self.messages)

    def receive_message(self, *, QueueUrl, MaxNumberOfMessages, **_):
        seen, self.unseen = self.unseen[:MaxNumberOfMessages], self.unseen[MaxNumberOfMessages:]
        return {"Messages": [{"Body": self.messages[one], "ReceiptHandle": one} for one in seen]} if seen else {}

    def delete_message(self, *, QueueUrl, ReceiptHandle):
        del self.messages[ReceiptHandle]


class Functions:
    """A function that fails for the events it is told to."""

    def __init__(self, failing=()):
        self.failing, self.events = failing, []

    def invoke(self, *, FunctionName, Payload):
        event = json.loads(Payload)
        self.events.append(event)
        if event["id"] in self.failing:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "AccessDenied"}')}
        return {"Payload": io.BytesIO(b"{}")}


@pytest.mark.parametrize("count", [0, 1, 25])
def test_events_of_both_kinds_of_message_are_settled(replaying, count):
    bare = [json.dumps({"id": number}) for number in range(count)]
    wrapped = [json.dumps({"requestContext": {}, "requestPayload": {"id": 100 + number}}) for number in range(count)]
    queue, functions = Queue(*bare, *wrapped), Functions()
    assert replaying.replay(queue, functions, "url", "function") == (2 * count, [])
    assert [event["id"] for event in functions.events] == [*range(count), *range(100, 100 + count)]
    assert not queue.messages


def test_an_event_that_fails_again_stays(replaying):
    queue, functions = Queue('{"id": 1}', '{"id": 2}'), Functions(failing=[1])
    settled, failures = replaying.replay(queue, functions, "url", "function")
    assert (settled, failures) == (1, ['{"errorMessage": "AccessDenied"}'])
    assert list(queue.messages.values()) == ['{"id": 1}']
