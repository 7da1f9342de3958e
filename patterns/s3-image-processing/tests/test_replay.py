"""Replaying dead letters: what is settled leaves the queue, what fails stays."""

import io
import json

import pytest


class Queue:
    """A queue whose messages stay out of sight for a while once received, and come back before others."""

    def __init__(self, *bodies):
        self.messages = {str(number): body for number, body in enumerate(bodies)}
        self.hidden_until = dict.fromkeys(self.messages, 0)
        self.seconds = 0

    def receive_message(self, *, QueueUrl, MaxNumberOfMessages, VisibilityTimeout, **_):
        visible = [one for one in self.messages if self.hidden_until[one] <= self.seconds][:MaxNumberOfMessages]
        self.hidden_until |= dict.fromkeys(visible, self.seconds + VisibilityTimeout)
        given = [{"MessageId": one, "Body": self.messages[one], "ReceiptHandle": one} for one in visible]
        return {"Messages": given} if given else {}

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


@pytest.mark.parametrize("seconds", [0, 50, 130])
def test_what_fails_slowly_comes_back_and_is_not_handled_again(replaying, seconds):
    queue, functions = Queue(*(json.dumps({"id": number}) for number in range(25))), Functions(failing=range(25))
    invoke = functions.invoke

    def slow(**request):
        queue.seconds += seconds
        return invoke(**request)

    functions.invoke = slow
    settled, failures = replaying.replay(queue, functions, "url", "function")

    assert (settled, len(failures)) == (0, 25)
    assert [event["id"] for event in functions.events] == list(range(25))


def test_a_queue_that_hides_nothing_is_left_once_all_failed(replaying):
    queue, functions = Queue('{"id": 1}', '{"id": 2}'), Functions(failing=[1, 2])
    queue.seconds = float("inf")
    assert replaying.replay(queue, functions, "url", "function")[0] == 0
    assert [event["id"] for event in functions.events] == [1, 2]
