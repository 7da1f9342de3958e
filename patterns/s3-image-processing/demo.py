"""Puts a photo into the source bucket, and downloads its renditions from the other.

blueprints play . --stack NAME [--input PHOTO]
"""

import json
import time
import uuid
from pathlib import Path
from typing import Any

PHOTO = Path(__file__).parent / "photo.jpg"
PATIENCE = 90  # seconds, a cold start included


class EventFailed(Exception):
    """An event arrived in the dead letters; the message says where to look."""


class ImageRejected(Exception):
    """The pattern rejected the image. The message has the reason; `result` is what the demo returns."""

    def __init__(self, source: str, manifest: dict[str, Any]) -> None:
        code, reason = manifest["code"], manifest["reason"]
        super().__init__(f"{Path(source).name} was rejected ({code}): {reason}")
        self.result = {"source": source, "state": "rejected", "code": code, "reason": reason, "renditions": []}


def run(stack: Any) -> dict[str, Any]:
    """Put a photo, wait for its manifest, and download the renditions that it names.

    Raises ImageRejected, EventFailed, TimeoutError, or RuntimeError if a rendition differs from its manifest.
    """
    photo = stack.input or PHOTO
    outputs = stack.outputs
    s3 = stack.client("s3")
    dead_letters = DeadLetters(stack.client("sqs"), outputs)
    key = f"demo/{uuid.uuid4().hex[:8]}/{photo.name}"
    with stack.step(f"Put {photo.name} into {outputs['SourceBucket']}"):
        s3.put_object(Bucket=outputs["SourceBucket"], Key=key, Body=photo.read_bytes())
    with stack.step("Wait for its manifest"):
        manifest = wait_for_manifest(s3, outputs, key, dead_letters)
    with stack.step(f"Download {len(manifest['renditions'])} renditions from {outputs['RenditionsBucket']}"):
        renditions = [download(s3, outputs, entry, stack.folder) for entry in manifest["renditions"]]
    return {"source": f"s3://{outputs['SourceBucket']}/{key}", "state": "ready", "renditions": renditions}


class DeadLetters:
    """The queue of events that could not be handled, with their number at the start."""

    def __init__(self, sqs: Any, outputs: dict[str, str]) -> None:
        self.sqs, self.outputs = sqs, outputs
        self.at_start = self.count()
        self.looked = time.monotonic()

    def count(self) -> int:
        """The number of messages, including those that a reader has received and not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.outputs["DeadLettersUrl"], AttributeNames=names)
        return sum(int(number) for number in answer["Attributes"].values())

    def raise_when_grown(self) -> None:
        """Raise EventFailed if there are more messages than at the start. Looks at most once a second."""
        if time.monotonic() - self.looked < 1:
            return
        self.looked = time.monotonic()
        if self.count() > self.at_start:
            raise EventFailed(
                f"an event arrived in the dead letters ({self.outputs['DeadLettersUrl']}). "
                f"Its attributes or the function's log ({self.outputs['LogGroup']}) say why."
            )


def wait_for_manifest(s3: Any, outputs: dict[str, str], key: str, dead_letters: DeadLetters) -> dict[str, Any]:
    """The manifest of `key`, once it exists. Raises ImageRejected, EventFailed or TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = s3.get_object(Bucket=outputs["RenditionsBucket"], Key=f"{key}/manifest.json")
        except s3.exceptions.NoSuchKey:
            dead_letters.raise_when_grown()
            time.sleep(0.05)
            continue
        manifest: dict[str, Any] = json.loads(answer["Body"].read())
        if manifest["state"] == "rejected":
            raise ImageRejected(f"s3://{outputs['SourceBucket']}/{key}", manifest)
        return manifest
    raise TimeoutError(
        f"nothing at s3://{outputs['RenditionsBucket']}/{key}/manifest.json after {PATIENCE} s. "
        f"Look into the logs ({outputs['LogGroup']}) and the dead letters ({outputs['DeadLettersUrl']})."
    )


def download(s3: Any, outputs: dict[str, str], entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Download one rendition into `folder`. Raises RuntimeError if its size is not that of the manifest."""
    data = s3.get_object(Bucket=outputs["RenditionsBucket"], Key=entry["key"])["Body"].read()
    if len(data) != entry["bytes"]:
        raise RuntimeError(f"{entry['key']} has {len(data)} bytes, its manifest says {entry['bytes']}")
    file = folder / Path(entry["key"]).name
    file.write_bytes(data)
    return {
        "name": entry["name"],
        "width": entry["width"],
        "height": entry["height"],
        "bytes": entry["bytes"],
        "file": str(file.resolve()),
    }
