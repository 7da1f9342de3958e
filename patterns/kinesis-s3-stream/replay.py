"""Settle the failed batches: hand each to the function again, whole, once what made it fail is mended.

    python replay.py STACK_NAME [--dry-run] [--prefix PREFIX]

The function settles the same keys as it would have then, so nothing comes twice, however often this is run or wherever
it is interrupted; a second run finds nothing to do. One batch that cannot be settled stops no other. Run one at a time.

Ends with 0 when nothing is left, 1 when a batch is, 2 when there was no looking at all, 130 when interrupted.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

Say = Callable[[str], None]
OUTPUTS = ("Function", "FailedBatchesBucket")


class NotSettled(Exception):
    """A batch stays where it is; the message says why."""


class NothingToLookAt(Exception):
    """The stack's failed batches cannot be found; the message says why."""


@dataclass(frozen=True)
class FailedBatch:
    """One object of the failed batches: what Lambda wrote when it gave a batch up."""

    key: str
    content: dict[str, Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records as the function is to get them. Raises NotSettled."""
        try:
            records = json.loads(self.content["payload"])["Records"]
            numbers = [record["kinesis"]["sequenceNumber"] for record in records]
        except (KeyError, TypeError, ValueError, RecursionError):
            numbers = []
        if not numbers:
            raise NotSettled("it holds no payload, so Lambda did not write it; look at it yourself")
        return list(records)

    def _member(self, name: str) -> dict[str, Any]:
        """An object within the content; empty where something else, or nothing, stands in its place."""
        member = self.content.get(name)
        return member if isinstance(member, dict) else {}

    def __str__(self) -> str:
        about = self._member("KinesisBatchInfo")
        why = self._member("requestContext").get("condition", "unknown")
        start, arrived = about.get("startSequenceNumber", "?"), about.get("approximateArrivalOfFirstRecord", "?")
        return f"{about.get('shardId', '?')} from {start}: {about.get('batchSize', '?')} records of {arrived} ({why})"


@dataclass(frozen=True)
class Replay:
    """Hands failed batches to the function; `invoke` sends it an event and returns its answer, or raises NotSettled."""

    s3: Any
    bucket: str
    invoke: Callable[[dict[str, Any]], dict[str, Any]]
    say: Say

    def run(self, prefix: str = "", *, dry_run: bool = False) -> int:
        """Settle every batch below the prefix; returns how many are left."""
        outcomes: Counter[str] = Counter()
        keys = list(self.keys(prefix))
        try:
            for number, key in enumerate(keys, 1):
                self.one(key, f"{number} of {len(keys)}", outcomes, dry_run=dry_run)
        finally:
            done = "would be settled" if dry_run else "settled"
            untouched = len(keys) - outcomes["settled"] - outcomes["left"]
            summary = f"{outcomes['settled']} batches ({outcomes['records']} records) {done}, {outcomes['left']} left"
            self.say(summary + (f", {untouched} not looked at" if untouched else ""))
        return outcomes["left"]

    def one(self, key: str, place: str, outcomes: Counter[str], *, dry_run: bool) -> None:
        """Settle one batch, or say why it is left."""
        began = time.monotonic()
        try:
            batch = self.read(key)
            self.say(f"{place}: {batch}")
            count = len(batch.records)
            if not dry_run:
                self.settle(batch)
        except (NotSettled, ClientError, BotoCoreError) as reason:
            outcomes["left"] += 1
            self.say(f"  left {key}: {reason}")
        else:
            outcomes["settled"] += 1
            outcomes["records"] += count
            self.say("  would be settled" if dry_run else f"  settled in {time.monotonic() - began:.1f} s")

    def keys(self, prefix: str) -> Iterator[str]:
        """The key of every failed batch: those of a shard in the order in which they failed."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                yield item["Key"]

    def read(self, key: str) -> FailedBatch:
        """A failed batch, or what else lies at that key."""
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = {}
        return FailedBatch(key, content if isinstance(content, dict) else {})

    def settle(self, batch: FailedBatch) -> None:
        """Settle one batch and remove it; raises NotSettled.

        The function may stop before the end. Then the rest takes the batch's place, in one write, before it is tried:
        whatever happens in between, what is settled and what is left never overlap.
        """
        records = batch.records
        while records:
            answer = self.invoke({"Records": records})
            handled = handled_by(answer, records)
            if handled == 0:
                raise NotSettled("the function makes no progress with it")
            records = records[handled:]
            if records:
                self.put(batch, records)
        self.s3.delete_object(Bucket=self.bucket, Key=batch.key)

    def put(self, batch: FailedBatch, records: list[dict[str, Any]]) -> None:
        """Store what is left of a batch in its place."""
        first = {"startSequenceNumber": records[0]["kinesis"]["sequenceNumber"], "batchSize": len(records)}
        about = {**batch.content.get("KinesisBatchInfo", {}), **first}
        content = {**batch.content, "KinesisBatchInfo": about, "payload": json.dumps({"Records": records})}
        self.s3.put_object(Bucket=self.bucket, Key=batch.key, Body=json.dumps(content).encode())


def handled_by(answer: Any, records: list[dict[str, Any]]) -> int:
    """How many of the records an answer says were handled. Raises NotSettled."""
    try:
        stopped_at = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    except (KeyError, TypeError):
        raise NotSettled(f"the function answered {json.dumps(answer)[:200]}") from None
    if not stopped_at:
        return len(records)
    numbers = [record["kinesis"]["sequenceNumber"] for record in records]
    if stopped_at[0] not in numbers:
        raise NotSettled(f"the function stopped at {stopped_at[0]}, which is no record of the batch")
    return numbers.index(stopped_at[0])


def invoker(lambda_client: Any, function: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Invokes the function and reads its answer; what it raised becomes NotSettled."""

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        # As short as it can be: Lambda's limit is the length it came with. Halves of surrogates stay escapes.
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
        answer = lambda_client.invoke(FunctionName=function, Payload=payload)
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise NotSettled(f"the function failed with {said.get('errorType')}: {said.get('errorMessage')}")
        return said

    return invoke


def outputs_of(cloudformation: Any, stack: str) -> dict[str, str]:
    """The stack's outputs by name. Raises NothingToLookAt."""
    try:
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except (ClientError, BotoCoreError) as error:
        raise NothingToLookAt(f"{stack} cannot be looked up: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    missing = [name for name in OUTPUTS if name not in outputs]
    if missing:
        raise NothingToLookAt(f"{stack} has no output {missing[0]}; is it a stack of this template?")
    return outputs


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description="Settle the failed batches of a stack. Mend what made them fail first.",
        epilog="Ends with 0 when nothing is left, 1 when a batch is, 2 when the stack cannot be looked at, 130 when "
        "interrupted. Wherever it is interrupted, run it again.",
    )
    parser.add_argument("stack", metavar="STACK_NAME")
    parser.add_argument("--dry-run", action="store_true", help="list what would be settled, and change nothing")
    parser.add_argument("--prefix", default="", help="only keys that begin so: aws/lambda/UUID/SHARD/…")
    return parser.parse_args()


def main() -> int:
    """The command."""
    import boto3
    from botocore.config import Config

    given = arguments()
    patient = Config(connect_timeout=5, read_timeout=90, retries={"total_max_attempts": 3})
    try:
        outputs = outputs_of(boto3.client("cloudformation"), given.stack)
        invoke = invoker(boto3.client("lambda", config=patient), outputs["Function"])
        replay = Replay(boto3.client("s3", config=patient), outputs["FailedBatchesBucket"], invoke, say)
        left = replay.run(given.prefix, dry_run=given.dry_run)
    except KeyboardInterrupt:
        print("interrupted; run it again", file=sys.stderr)
        return 130
    except (NothingToLookAt, ClientError, BotoCoreError) as error:
        print(f"replay.py: {error}", file=sys.stderr)
        return 2
    return 1 if left else 0


def say(line: str) -> None:
    """Tell whoever looks at it now, also through a pipe."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
