"""Settle the failed batches: hand each to the function again, whole, once what made it fail is mended.

    python replay.py STACK_NAME [--dry-run] [--prefix PREFIX]

The function settles the same keys as it would have then, so nothing comes twice, however often this is run or wherever
it is interrupted; a second run finds nothing to do. Run one at a time. Ends with 1 when a batch is left.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Say = Callable[[str], None]


class NotSettled(Exception):
    """A batch stays where it is; the message says why."""


@dataclass(frozen=True)
class FailedBatch:
    """One object of the failed batches: what Lambda wrote when it gave a batch up."""

    key: str
    content: dict[str, Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records as the function is to get them."""
        try:
            records = json.loads(self.content["payload"])["Records"]
        except (KeyError, TypeError, ValueError):
            raise NotSettled("it holds no payload, so Lambda did not write it; look at it yourself") from None
        return list(records)

    def __str__(self) -> str:
        about = self.content.get("KinesisBatchInfo", {})
        why = self.content.get("requestContext", {}).get("condition", "unknown")
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
        for batch in self.batches(prefix):
            self.say(str(batch))
            try:
                count = len(batch.records)
                if not dry_run:
                    self.settle(batch)
            except NotSettled as reason:
                outcomes["left"] += 1
                self.say(f"  left: {reason}")
            else:
                outcomes["settled"] += 1
                outcomes["records"] += count
                self.say("  would be settled" if dry_run else "  settled")
        done = "would be settled" if dry_run else "settled"
        self.say(f"{outcomes['settled']} batches ({outcomes['records']} records) {done}, {outcomes['left']} left")
        return outcomes["left"]

    def batches(self, prefix: str) -> Iterator[FailedBatch]:
        """Every failed batch, in the order of their keys."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                body = self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()
                try:
                    content = json.loads(body)
                except ValueError:
                    content = {}
                yield FailedBatch(item["Key"], content if isinstance(content, dict) else {})

    def settle(self, batch: FailedBatch) -> None:
        """Settle one batch and remove it; raises NotSettled.

        The function may stop before the end. Then the rest takes the batch's place, in one write, before it is tried:
        whatever happens in between, what is settled and what is left never overlap.
        """
        records = batch.records
        while records:
            stopped_at = [each["itemIdentifier"] for each in self.invoke({"Records": records})["batchItemFailures"]]
            if not stopped_at:
                break
            at = next(n for n, record in enumerate(records) if record["kinesis"]["sequenceNumber"] == stopped_at[0])
            if at == 0:
                raise NotSettled("the function makes no progress with it")
            records = records[at:]
            self.put(batch, records)
        self.s3.delete_object(Bucket=self.bucket, Key=batch.key)

    def put(self, batch: FailedBatch, records: list[dict[str, Any]]) -> None:
        """Store what is left of a batch in its place."""
        first = {"startSequenceNumber": records[0]["kinesis"]["sequenceNumber"], "batchSize": len(records)}
        about = {**batch.content.get("KinesisBatchInfo", {}), **first}
        content = {**batch.content, "KinesisBatchInfo": about, "payload": json.dumps({"Records": records})}
        self.s3.put_object(Bucket=self.bucket, Key=batch.key, Body=json.dumps(content).encode())


def invoker(lambda_client: Any, function: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Invokes the function and reads its answer; what it raised becomes NotSettled."""

    def invoke(event: dict[str, Any]) -> dict[str, Any]:
        answer = lambda_client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise NotSettled(f"the function failed with {said.get('errorType')}: {said.get('errorMessage')}")
        return said

    return invoke


def main() -> int:
    """The command."""
    import boto3
    from botocore.config import Config

    parser = argparse.ArgumentParser(description="Settle the failed batches of a stack.")
    parser.add_argument("stack", metavar="STACK_NAME")
    parser.add_argument("--dry-run", action="store_true", help="list what would be settled, and change nothing")
    parser.add_argument("--prefix", default="", help="only keys that begin so: aws/lambda/UUID/SHARD/…")
    given = parser.parse_args()
    described = boto3.client("cloudformation").describe_stacks(StackName=given.stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    patient = boto3.client("lambda", config=Config(read_timeout=90, retries={"total_max_attempts": 3}))
    invoke = invoker(patient, outputs["Function"])
    replay = Replay(boto3.client("s3"), outputs["FailedBatchesBucket"], invoke, print)
    return 1 if replay.run(given.prefix, dry_run=given.dry_run) else 0


if __name__ == "__main__":
    sys.exit(main())
