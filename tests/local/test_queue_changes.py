"""Several threads that take messages from a queue at the same time disturb each other nowhere."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from ministack.services import sqs

from blueprints.local.services.sqs import QueueSource, exclusive_changes, receipts

MESSAGES = 300


@pytest.fixture
def queue(monkeypatch):
    """A queue in this process, with the extension installed."""
    for each in (exclusive_changes.LOCK, *exclusive_changes.CHANGES):
        monkeypatch.setattr(sqs, each.name, getattr(sqs, each.name))
    monkeypatch.setattr(sqs, "_HANDLERS", dict(sqs._HANDLERS))
    receipts.install()
    exclusive_changes.install()
    sqs.reset()
    url = sqs._act_create_queue({"QueueName": "q"}, "")["QueueUrl"]
    for number in range(MESSAGES):
        sqs._act_send_message({"MessageBody": str(number)}, url)
    yield sqs._queues[url]
    sqs.reset()


@pytest.fixture
def frequent_switches():
    """Let threads take turns often."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def received(source):
    while messages := source.receive(10):
        yield from messages


def at_the_same_time(*calls):
    """Run each function once in a thread of its own, all from the same moment on; returns their results."""
    barrier = threading.Barrier(len(calls))

    def run(call):
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [each.result() for each in [threads.submit(run, call) for call in calls]]


@pytest.mark.usefixtures("frequent_switches")
def test_a_deleted_message_does_not_come_back(queue):
    """A mapping deletes batches while the handler, through the API, deletes single messages."""
    source = QueueSource(queue["attributes"]["QueueArn"])
    handles = [each.receipt_handle for each in received(source)]
    of_mapping, of_handler = handles[::2], handles[1::2]

    def delete_by_mapping():
        for begin in range(0, len(of_mapping), 10):
            source.delete(set(of_mapping[begin : begin + 10]))

    def delete_by_handler():
        for handle in of_handler:
            sqs._HANDLERS["DeleteMessage"]({"ReceiptHandle": handle}, queue["url"])

    at_the_same_time(delete_by_mapping, delete_by_handler)

    assert queue["messages"] == []


@pytest.mark.usefixtures("frequent_switches")
def test_a_message_is_received_once(queue):
    source = QueueSource(queue["attributes"]["QueueArn"])

    first, second = at_the_same_time(lambda: list(received(source)), lambda: list(received(source)))

    assert sorted(int(each.event["body"]) for each in first + second) == list(range(MESSAGES))


@pytest.mark.usefixtures("frequent_switches")
def test_a_message_that_is_sent_meanwhile_is_kept(queue):
    source = QueueSource(queue["attributes"]["QueueArn"])
    handles = [each.receipt_handle for each in received(source)]

    def send():
        for number in range(MESSAGES):
            sqs._HANDLERS["SendMessage"]({"MessageBody": f"new {number}"}, queue["url"])

    at_the_same_time(lambda: [source.delete({each}) for each in handles], send)

    assert [each["body"] for each in queue["messages"]] == [f"new {number}" for number in range(MESSAGES)]


def test_messages_are_received_in_their_order_once_they_are_visible(queue):
    source = QueueSource(queue["attributes"]["QueueArn"])
    queue["messages"][1]["visible_at"] += 60.0  # delayed

    first, second = source.receive(3), source.receive(3)

    assert [each.event["body"] for each in first + second] == ["0", "2", "3", "4", "5", "6"]
    assert {each["receive_count"] for each in queue["messages"][2:7]} == {1}
    assert {each["receive_count"] for each in queue["messages"][7:]} == {0}
    assert len({each.receipt_handle for each in first + second}) == 6
    assert abs(first[0].visible_again - queue["messages"][0]["first_receive_at"] - 30.0) < 0.001
