"""Hand in again what waits in the failures bucket, once its cause is mended.

    python replay.py STACK_NAME [--rejected] [--dry-run] [--prefix PREFIX]

Without --rejected: batches that were given up. With it: changes that were at fault, after the function (or the
receiver) was taught to take them. What is settled leaves the bucket; what fails again stays, and the reason is said.
Replaying is safe at any time and in any order, by several people at once, and when it is interrupted: a row that a
later change has moved on stays, and an announcement has the id it had, by which receivers drop what they have seen.

Ends with 0 when nothing is left of what was asked for, 1 when something is, 130 when it was interrupted.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

REJECTED = "rejected/"
FUNCTIONS = {"replicate": "ReplicateFunction", "announce": "AnnounceFunction"}  # outputs of the stack
PAYLOAD_LIMIT = 6_000_000  # bytes; Lambda takes 6 MB, and an event may be longer here than as Lambda had written it
_SECOND = len("2026-11-12T00.38.06")


class NotSettled(Exception):
    """An object stays where it is; the message says why."""


@dataclass(frozen=True)
class Failure:
    """One object of the bucket: a batch that Lambda gave up, or a change that a function set aside."""

    key: str
    etag: str
    content: dict[str, Any]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The records as the function is to get them. Lambda keeps its event as text. Raises NotSettled."""
        if self.key.startswith(REJECTED) and "record" in self.content:
            return [self.content["record"]]
        try:
            records = list(json.loads(self.content["payload"])["Records"])
        except (KeyError, TypeError, ValueError, RecursionError):
            records = []
        if not records:
            raise NotSettled("neither Lambda nor a function of the stack wrote it; look at it yourself")
        return records

    @property
    def start(self) -> int:
        """The first sequence number of a batch, 0 where it does not say."""
        try:
            return int(self.content["DDBStreamBatchInfo"]["startSequenceNumber"])
        except (KeyError, TypeError, ValueError):
            return 0

    @property
    def reason(self) -> str:
        """Why it is here."""
        request = self.content.get("requestContext")
        condition = request.get("condition") if isinstance(request, dict) else None
        return str(self.content.get("reason") or condition or "no reason said")

    def function(self, outputs: dict[str, str]) -> str:
        """The ARN of the function of the stack that it is for. Raises NotSettled."""
        arns = {name: outputs[output] for name, output in FUNCTIONS.items() if output in outputs}
        if self.key.startswith(REJECTED):
            arn = arns.get(self.key.split("/")[1])
        else:
            by_name = {_function_name(arn): arn for arn in arns.values()}
            request = self.content.get("requestContext")
            arn = by_name.get(_function_name(str(request.get("functionArn")) if isinstance(request, dict) else ""))
        if arn is None:
            raise NotSettled("no function of the stack handles it")
        return arn


@dataclass(frozen=True)
class Replay:
    """Settles what waits in a stack's failures bucket; `say` hears of every object, and what came of it."""

    s3: Any
    functions: Any
    outputs: dict[str, str]
    say: Callable[[str], None]
    outcomes: Counter[str] = field(default_factory=Counter)

    def run(self, *, rejected: bool = False, prefix: str = "", dry_run: bool = False) -> int:
        """Settle every object once, oldest first; returns how many are left."""
        for failure in self.waiting(rejected=rejected, prefix=prefix):
            try:
                records, function = failure.records, failure.function(self.outputs)
                self.say(f"{failure.key}: {_changes(len(records))} for {_function_name(function)} ({failure.reason})")
                if not dry_run:
                    self.settle(function, records)
                    self.remove(failure)
            except NotSettled as reason:
                self.outcomes["left"] += 1
                self.say(f"  left: {failure.key}: {reason}")
            else:
                self.outcomes["settled"] += 1
                self.outcomes["changes"] += len(records)
                self.say("  would be handed in" if dry_run else "  settled")
        return self.outcomes["left"]

    def summary(self, *, dry_run: bool = False) -> str:
        """What came of it, in a line."""
        done = "would be handed in" if dry_run else "settled"
        return f"{self.outcomes['settled']} ({_changes(self.outcomes['changes'])}) {done}, {self.outcomes['left']} left"

    def waiting(self, *, rejected: bool, prefix: str) -> Iterator[Failure]:
        """The objects, in the order of what is in them. Names hold the time; those of one second are looked into."""
        place = REJECTED if rejected else ""
        prefix = prefix if prefix.startswith(place) else place + prefix
        listed: list[str] = []
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            listed += [item["Key"] for item in page.get("Contents", ())]
        keys = sorted((key for key in listed if key.startswith(REJECTED) == rejected), key=_age)
        for _, some in groupby(keys, key=_age):
            found = [failure for key in some if (failure := self.read(key))]
            yield from sorted(found, key=lambda failure: failure.start)

    def read(self, key: str) -> Failure | None:
        """An object; None when another replay settled it meanwhile."""
        try:
            found = self.s3.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        try:
            content = json.loads(found["Body"].read())
        except (ValueError, RecursionError):
            content = {}
        return Failure(key, found["ETag"], content if isinstance(content, dict) else {})

    def settle(self, function: str, records: list[dict[str, Any]]) -> None:
        """Have a function handle records to the end. Raises NotSettled."""
        for some in _portions(records):
            left = some
            while left:
                # It may stop early, for want of time or at a failure: go on where it stopped, as long as it gets on.
                stopped_at = self.invoke(function, left)
                if stopped_at is None:
                    break
                places = [number for number, record in enumerate(left) if _sequence_number(record) == stopped_at]
                if not places or places[0] == 0:
                    raise NotSettled(f"it stopped at the change {stopped_at}; its log says why")
                left = left[places[0] :]

    def invoke(self, function: str, records: list[dict[str, Any]]) -> str | None:
        """Invoke the function once; returns the sequence number where it stopped. Raises NotSettled."""
        try:
            answer = self.functions.invoke(FunctionName=function, Payload=_event(records))
            said = json.loads(answer["Payload"].read())
        except (BotoCoreError, ClientError, ValueError) as error:
            raise NotSettled(f"{type(error).__name__}: {error}") from error
        if "FunctionError" in answer:
            raise NotSettled(f"{said.get('errorType')}: {said.get('errorMessage')}")
        if not isinstance(said, dict) or not isinstance(said.get("batchItemFailures"), list):
            raise NotSettled(f"it answered {json.dumps(said)[:200]}")
        return said["batchItemFailures"][0]["itemIdentifier"] if said["batchItemFailures"] else None

    def remove(self, failure: Failure) -> None:
        """Remove an object if it is what was read: what is at fault again was written anew. Raises NotSettled."""
        try:
            self.s3.delete_object(Bucket=self._bucket, Key=failure.key, IfMatch=failure.etag)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in ("PreconditionFailed", "412"):
                raise NotSettled("it was set aside again; the object says why") from error
            if code not in ("NoSuchKey", "404"):  # another replay has removed it
                raise NotSettled(f"settled, and not removed: {error}") from error

    @property
    def _bucket(self) -> str:
        return self.outputs["FailuresBucket"]


def _age(key: str) -> tuple[str, ...]:
    """By what keys are sorted: a batch by its second, a rejected change by its day and number."""
    parts = key.split("/")
    return tuple(parts[2:]) if key.startswith(REJECTED) else (parts[-1][:_SECOND],)


def _portions(records: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The records, in as few portions as Lambda's limit allows."""
    some: list[dict[str, Any]] = []
    total = 0
    for record in records:
        size = len(json.dumps(record)) + 2
        if some and total + size > PAYLOAD_LIMIT:
            yield some
            some, total = [], 0
        some.append(record)
        total += size
    if some:
        yield some


def _event(records: list[dict[str, Any]]) -> bytes:
    return json.dumps({"Records": records}).encode()


def _sequence_number(record: Any) -> str | None:
    try:
        return str(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):
        return None


def _function_name(arn: str) -> str:
    return (arn.split(":") + [""] * 7)[6]


def _changes(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"


def outputs_of(cloudformation: Any, stack: str) -> dict[str, str]:
    """The outputs of a stack of this pattern."""
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    if "FailuresBucket" not in outputs:
        sys.exit(f"{stack} has no output FailuresBucket, so it is no stack of this pattern.")
    return outputs


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description="Hand in again what waits in the failures bucket of a stack, once its cause is mended.",
        epilog="Safe at any time, and as often as you like. Ends with 1 when something is left.",
    )
    parser.add_argument("stack", metavar="STACK_NAME")
    parser.add_argument("--rejected", action="store_true", help="changes that were at fault, not batches given up")
    parser.add_argument("--dry-run", action="store_true", help="list what would be handed in, and change nothing")
    parser.add_argument(
        "--prefix", default="", help="only keys that begin so: aws/lambda/UUID/SHARD/…, rejected/announce/dt=…"
    )
    given = parser.parse_args()

    import boto3
    from botocore.config import Config

    try:
        outputs = outputs_of(boto3.client("cloudformation"), given.stack)
        # As long as the slower of the functions may take, and sent once: a second would run beside the first.
        patient = boto3.client("lambda", config=Config(read_timeout=200, retries={"total_max_attempts": 1}))
        replay = Replay(boto3.client("s3"), patient, outputs, lambda text: print(text, flush=True))
        try:
            left = replay.run(rejected=given.rejected, prefix=given.prefix, dry_run=given.dry_run)
        finally:
            print(replay.summary(dry_run=given.dry_run))
    except KeyboardInterrupt:
        print("Interrupted. What is not said to be settled is where it was; start again to go on.", file=sys.stderr)
        return 130
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
