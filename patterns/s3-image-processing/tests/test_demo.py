"""The demo ends with files, or with an exception that says what happened."""

import contextlib
import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

OUTPUTS = {"SourceBucket": "originals", "RenditionsBucket": "renditions", "LogGroup": "logs", "DeadLettersUrl": "queue"}


class Queue:
    """A queue with these numbers of messages, one after the other."""

    def __init__(self, *counts):
        self.counts = list(counts)

    def get_queue_attributes(self, *, QueueUrl, AttributeNames):
        count = self.counts.pop(0) if len(self.counts) > 1 else self.counts[0]
        return {"Attributes": dict.fromkeys(AttributeNames, "0") | {AttributeNames[-1]: str(count)}}


class Stack:
    """A stack whose function is `react`, which runs as soon as an image is put."""

    def __init__(self, s3, folder, react, dead_letters=(3,)):
        self.queue = Queue(*dead_letters)
        self.outputs, self.folder, self.input, self.s3 = OUTPUTS, folder, None, s3
        put = s3.put_object
        self.wrapped = SimpleNamespace(
            get_object=s3.get_object,
            exceptions=s3.exceptions,
            put_object=lambda **call: (put(**call), react(s3, call["Key"])),
        )

    def client(self, service):
        return {"s3": self.wrapped, "sqs": self.queue}[service]

    def step(self, title):
        return contextlib.nullcontext()


def commit(manifest):
    def react(s3, key):
        s3.put_object(Bucket="renditions", Key=f"{key}/large.webp", Body=b"pixels")
        made = json.loads(json.dumps(manifest).replace("KEY", key))
        s3.put_object(Bucket="renditions", Key=f"{key}/manifest.json", Body=json.dumps(made).encode())

    return react


ENTRY = {"name": "large", "key": "KEY/large.webp", "width": 160, "height": 120, "bytes": 6}


def test_renditions_are_downloaded(demo, s3, tmp_path):
    result = demo.run(Stack(s3, tmp_path, commit({"state": "ready", "renditions": [ENTRY]})))
    assert result["source"].startswith("s3://originals/demo/")
    assert result["state"] == "ready"
    (rendition,) = result["renditions"]
    assert Path(rendition["file"]).read_bytes() == b"pixels"
    assert (rendition["name"], rendition["width"], rendition["height"], rendition["bytes"]) == ("large", 160, 120, 6)


def test_a_rejection_raises_its_reason(demo, s3, tmp_path):
    stack = Stack(s3, tmp_path, commit({"state": "rejected", "code": "empty", "reason": "the object is empty"}))
    with pytest.raises(demo.ImageRejected, match=r"photo\.jpg was rejected \(empty\): the object is empty") as raised:
        demo.run(stack)
    result = raised.value.result
    assert (result["state"], result["code"], result["reason"]) == ("rejected", "empty", "the object is empty")
    assert result["source"].startswith("s3://originals/demo/")


def test_a_file_of_another_size_is_an_error(demo, s3, tmp_path):
    stack = Stack(s3, tmp_path, commit({"state": "ready", "renditions": [{**ENTRY, "bytes": 7}]}))
    with pytest.raises(RuntimeError, match="its manifest says 7"):
        demo.run(stack)


def test_a_missing_manifest_is_an_error_that_says_where_to_look(demo, s3, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "PATIENCE", 0.3)
    with pytest.raises(TimeoutError, match=r"logs.*queue"):
        demo.run(Stack(s3, tmp_path, lambda s3, key: None))


def test_an_event_in_the_dead_letters_ends_the_wait(demo, s3, tmp_path):
    start = time.monotonic()
    with pytest.raises(demo.EventFailed, match=r"queue.*log.*logs"):
        demo.run(Stack(s3, tmp_path, lambda s3, key: None, dead_letters=[3, 4]))
    assert time.monotonic() - start < 5


def test_older_dead_letters_are_ignored(demo, s3, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "PATIENCE", 1.5)
    with pytest.raises(TimeoutError):
        demo.run(Stack(s3, tmp_path, lambda s3, key: None, dead_letters=[3]))
