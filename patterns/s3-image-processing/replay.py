"""Hand in again the events that wait in the dead letters, once their cause is mended.

    python replay.py STACK_NAME

An event leaves the queue when the function has settled it; one that fails again stays, and the command ends with 1.
Replaying is safe at any time and in any order: an event that a later one has overtaken changes nothing.
"""

import argparse
import json
import sys
from typing import Any

OUTPUTS = ("DeadLettersUrl", "Function")


def replay(sqs: Any, functions: Any, queue_url: str, function: str) -> tuple[int, list[str]]:
    """Settle every message once; returns how many left the queue, and what went wrong with the others."""
    settled = 0
    failures: list[str] = []
    # What failed comes back where the others take long; once all of it has come since the last new one, none is left.
    seen: set[str] = set()
    since_new = 0
    while since_new <= len(seen):
        answer = sqs.receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=120, WaitTimeSeconds=1
        )
        messages = answer.get("Messages")
        if not messages:
            break
        for message in messages:
            if message["MessageId"] in seen:
                since_new += 1
                continue
            seen.add(message["MessageId"])
            since_new = 0
            answer = functions.invoke(FunctionName=function, Payload=json.dumps(event_of(message["Body"])).encode())
            if "FunctionError" in answer:
                failures.append(answer["Payload"].read().decode())
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            settled += 1
    return settled, failures


def event_of(body: str) -> Any:
    """The event in a message: EventBridge sends it bare, Lambda wraps it in a record of the failed invocation."""
    record = json.loads(body)
    return record.get("requestPayload", record)


def outputs_of(name: str) -> dict[str, str]:
    """The stack's outputs by name; ends the command when there is no such stack, or no way to it."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        stack = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"replay.py: {name} cannot be looked up: {error}")
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    missing = [each for each in OUTPUTS if each not in outputs]
    if missing:
        sys.exit(f"replay.py: {name} has no output {missing[0]}; is it a stack of this template?")
    return outputs


def main() -> None:
    """Replay the dead letters of the stack that the command line names."""
    parser = argparse.ArgumentParser(
        description="Hand in again the events that wait in the dead letters of a stack, once their cause is mended.",
        epilog="Safe at any time, and as often as you like. Ends with 1 when something is left.",
    )
    parser.add_argument("stack", metavar="STACK_NAME")
    name = parser.parse_args().stack
    import boto3

    outputs = outputs_of(name)
    settled, failures = replay(
        boto3.client("sqs"), boto3.client("lambda"), outputs["DeadLettersUrl"], outputs["Function"]
    )
    print(f"{settled} events settled, {len(failures)} failed again")
    for failure in failures:
        print(f"  {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
