"""The story of this pattern: put a photo into the source bucket, get its renditions from the other.

    python demo.py STACK_NAME [PHOTO]

plays it on the account your AWS credentials are for.
"""

import argparse
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

PHOTO = Path(__file__).parent / "photo.jpg"
PATIENCE = 90  # seconds, a cold start included


class EventSetAside(Exception):
    """An event came to the dead letters; the message says where to look."""


class ImageRejected(Exception):
    """The pattern rejected the image; the message has the reason, and `result` the demo's result."""

    def __init__(self, source: str, manifest: dict[str, Any]) -> None:
        code, reason = manifest["code"], manifest["reason"]
        super().__init__(f"{Path(source).name} was rejected ({code}): {reason}")
        self.result = {"source": source, "state": "rejected", "code": code, "reason": reason, "renditions": []}


def run(stack: Any) -> dict[str, Any]:
    """Put one photo, wait for its manifest, download what it names; raises when any of that did not happen."""
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
    """The queue of events that could not be handled, and how many waited there at the start."""

    def __init__(self, sqs: Any, outputs: dict[str, str]) -> None:
        self.sqs, self.outputs = sqs, outputs
        self.at_start = self.count()
        self.looked = time.monotonic()

    def count(self) -> int:
        """How many wait, those included that a reader holds at the moment."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self.outputs["DeadLettersUrl"], AttributeNames=names)
        return sum(int(number) for number in answer["Attributes"].values())

    def raise_when_grown(self) -> None:
        """Look about once a second; raises EventSetAside when there are more than at the start."""
        if time.monotonic() - self.looked < 1:
            return
        self.looked = time.monotonic()
        if self.count() > self.at_start:
            raise EventSetAside(
                f"an event came to the dead letters ({self.outputs['DeadLettersUrl']}). "
                f"Why stands in its attributes or in the function's log: {self.outputs['LogGroup']}"
            )


def wait_for_manifest(s3: Any, outputs: dict[str, str], key: str, dead_letters: DeadLetters) -> dict[str, Any]:
    """The manifest of `key` once it is there; raises ImageRejected with its reason, EventSetAside, or TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            answer = s3.get_object(Bucket=outputs["RenditionsBucket"], Key=f"{key}/manifest.json")
        except s3.exceptions.NoSuchKey:
            dead_letters.raise_when_grown()
            time.sleep(0.1)
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
    """Fetch one rendition into `folder`; its size has to be the one that the manifest gives."""
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


class Outputs(dict[str, str]):
    """A stack's outputs by name; one that it does not have ends the command."""

    def __missing__(self, name: str) -> NoReturn:
        sys.exit(f"demo.py: the stack has no output {name}; is it a stack of this template?")


@dataclass
class DeployedStack:
    """A stack on a real account, by its name."""

    name: str
    input: Path | None = None

    @cached_property
    def folder(self) -> Path:
        """Where downloads go; made when there is one."""
        return Path(tempfile.mkdtemp(prefix="renditions-"))

    def client(self, service: str) -> Any:
        """A boto3 client with the credentials of the environment."""
        import boto3

        return boto3.client(service)

    @property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name; ends the command when there is no such stack, or no way to it."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            stack = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"][0]
        except (BotoCoreError, ClientError) as error:
            sys.exit(f"demo.py: {self.name} cannot be looked up: {error}")
        return Outputs({output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())})

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Say what is being done, and how long it took."""
        print(title, end=" … ", flush=True)
        start = time.monotonic()
        try:
            yield
        finally:
            print(f"{time.monotonic() - start:.1f} s")


def main() -> None:
    """Play the story on the stack that the command line names; what hinders it is said in a line."""
    parser = argparse.ArgumentParser(description="Play the story on a stack of this template.")
    parser.add_argument("stack", metavar="STACK_NAME")
    parser.add_argument("input", metavar="PHOTO", nargs="?", type=Path, help="a photo of yours")
    given = parser.parse_args()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        result = run(DeployedStack(given.stack, given.input))
    except KeyboardInterrupt:
        sys.exit(130)
    except (EventSetAside, ImageRejected, RuntimeError, BotoCoreError, ClientError, OSError) as error:
        sys.exit(f"demo.py: {error}")
    print(f"{result['source']} became:")
    for rendition in result["renditions"]:
        print("  {name}: {width} x {height}, {bytes:,} bytes, {file}".format(**rendition))


if __name__ == "__main__":
    main()
