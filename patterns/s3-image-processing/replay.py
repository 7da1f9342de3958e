"""Hand in again the events that wait in the dead letters, once their cause is mended.

    python replay.py STACK_NAME

An event leaves the queue when the function has settled it; one that fails again stays, and the command ends with 1.
Replaying is safe at any time and in any order: an event that a later one has overtaken changes nothing.
"""

import json
import sys
from typing import Any


def replay(sqs: Any, functions: Any, queue_url: str, function: str) -> tuple[int, list[str]]:
    """Settle every message once; returns how many left the queue, and what went wrong with the others."""
    settled = 0
    failures: list[str] = []
    while True:
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=120, WaitTimeSeconds=1
        )
        messages = answer.get("Messages", [])
        if not messages:
            return settled, failures
        for message in messages:
            answer = functions.invoke(FunctionName=function, Payload=json.dumps(event_of(message["Body"])).encode())
            if "FunctionError" in answer:
                failures.append(answer["Payload"].read().decode())
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            settled += 1


def event_of(body: str) -> Any:
    """The event in a message: EventBridge sends it bare, Lambda wraps it in a record of the failed invocation."""
    record = json.loads(body)
    return record.get("requestPayload", record)


def main() -> None:
    """Replay the dead letters of the stack that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python replay.py STACK_NAME")
    import boto3

    stack = boto3.client("cloudformation").describe_stacks(StackName=sys.argv[1])["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    settled, failures = replay(
        boto3.client("sqs"), boto3.client("lambda"), outputs["DeadLettersUrl"], outputs["Function"]
    )
    print(f"{settled} events settled, {len(failures)} failed again")
    for failure in failures:
        print(f"  {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
