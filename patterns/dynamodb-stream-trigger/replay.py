"""Hand in again what waits in the failures bucket, once its cause is mended.

    python replay.py STACK_NAME [--rejected]

Without --rejected: batches that were given up. With it: changes that were at fault, after the function (or the
receiver) was taught to take them. What is settled leaves the bucket; what fails again stays, and the command ends with
1. Replaying is safe at any time and in any order: a row that a later change has moved on stays, and an announcement
comes under the id it had, by which receivers drop what they have seen.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

REJECTED = "rejected/"


class Replayed:
    """What came of a replay: objects settled, and what went wrong with the others."""

    def __init__(self) -> None:
        self.settled = 0
        self.failures: list[str] = []


def replay(s3: Any, functions: Any, outputs: dict[str, str], *, rejected: bool) -> Replayed:
    """Settle every object once, oldest first."""
    by_name = {
        arn.split(":")[6]: arn for name in ("ReplicateFunction", "AnnounceFunction") if (arn := outputs.get(name))
    }
    replayed = Replayed()
    for key in keys(s3, outputs["FailuresBucket"], rejected=rejected):
        found = s3.get_object(Bucket=outputs["FailuresBucket"], Key=key)
        content = json.loads(found["Body"].read())
        records = records_of(content)
        function = rejected_by(key, outputs) if rejected else by_name.get(function_name(content))
        if function is None:
            replayed.failures.append(f"{key}: no function of the stack handles it")
        elif failure := settle(functions, function, records):
            replayed.failures.append(f"{key}: {failure}")
        elif not remove(s3, outputs["FailuresBucket"], key, found["ETag"]):
            replayed.failures.append(f"{key}: it was set aside again")
        else:
            replayed.settled += 1
    return replayed


def keys(s3: Any, bucket: str, *, rejected: bool) -> Iterator[str]:
    """The keys of the objects to settle, in their order: names hold the time."""
    listed: list[str] = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=REJECTED if rejected else ""):
        listed += [item["Key"] for item in page.get("Contents", ())]
    return (
        key
        for key in sorted(listed, key=lambda key: key.split("/")[::-1] if rejected else key.split("/"))
        if key.startswith(REJECTED) == rejected
    )


def remove(s3: Any, bucket: str, key: str, etag: str) -> bool:
    """Remove an object if it is still the one that was read: a change at fault again was written anew meanwhile."""
    from botocore.exceptions import ClientError

    try:
        s3.delete_object(Bucket=bucket, Key=key, IfMatch=etag)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "412"):
            return False
        raise
    return True


def records_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The records of a batch that Lambda gave up (the event is text within its record), or of a rejection."""
    if "record" in content:
        return [content["record"]]
    payload = content["payload"]
    return list((json.loads(payload) if isinstance(payload, str) else payload)["Records"])


def function_name(content: dict[str, Any]) -> str:
    """The name of the function that a batch was for."""
    return str(content["requestContext"]["functionArn"]).split(":")[6]


def rejected_by(key: str, outputs: dict[str, str]) -> str | None:
    """The function that set a change aside, by the object's place."""
    return outputs.get({"replicate": "ReplicateFunction", "announce": "AnnounceFunction"}[key.split("/")[1]])


def settle(functions: Any, function: str, records: list[dict[str, Any]]) -> str | None:
    """Have a function handle records to the end; returns what went wrong, or None."""
    while records:
        answer = functions.invoke(FunctionName=function, Payload=json.dumps({"Records": records}).encode())
        said = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return f"{said.get('errorType')}: {said.get('errorMessage')}"
        if not said["batchItemFailures"]:
            return None
        # It stopped early, for want of time or at a failure: go on where it stopped, as long as it gets on.
        stopped_at = said["batchItemFailures"][0]["itemIdentifier"]
        rest = [number for number, record in enumerate(records) if record["dynamodb"]["SequenceNumber"] == stopped_at]
        if not rest or rest[0] == 0:
            return f"it stopped at {stopped_at}"
        records = records[rest[0] :]
    return None


def main() -> None:
    """Replay the failures of the stack that the command line names."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--rejected"]
    if len(arguments) != 1:
        sys.exit("usage: python replay.py STACK_NAME [--rejected]")
    import boto3
    from botocore.config import Config

    stack = boto3.client("cloudformation").describe_stacks(StackName=arguments[0])["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    functions = boto3.client("lambda", config=Config(read_timeout=200, retries={"total_max_attempts": 1}))
    replayed = replay(boto3.client("s3"), functions, outputs, rejected="--rejected" in sys.argv)
    print(f"{replayed.settled} settled, {len(replayed.failures)} failed again")
    for failure in replayed.failures:
        print(f"  {failure}", file=sys.stderr)
    sys.exit(1 if replayed.failures else 0)


if __name__ == "__main__":
    main()
