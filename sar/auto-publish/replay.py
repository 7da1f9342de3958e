"""Hand in again the events that wait in the dead letters, once their cause is mended.

    python replay.py STACK_NAME

An event about a run is told again; one that should have started the pipeline starts it, once for however many there
are: a run takes what is there. An event leaves the queue when that is done; one that fails again stays, and the
command ends with 1.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

OUTPUTS = ("DeadLettersUrl", "Function", "Pipeline")

Handle = Callable[[dict[str, Any]], str | None]
"""Handles an event; returns what went wrong, or None."""


def replay(sqs: Any, queue_url: str, handle: Handle) -> tuple[int, list[str]]:
    """Handle every message once; returns how many left the queue, and what went wrong with the others."""
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
            failure = handle(event_of(message["Body"]))
            if failure is not None:
                failures.append(failure)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            settled += 1
    return settled, failures


def event_of(body: str) -> dict[str, Any]:
    """The event in a message: EventBridge sends it bare, Lambda wraps it in a record of the failed invocation."""
    record: dict[str, Any] = json.loads(body)
    event: dict[str, Any] = record.get("requestPayload", record)
    return event


def handling(functions: Any, codepipeline: Any, function: str, pipeline: str) -> Handle:
    """Tell the function of runs; start the pipeline for everything else, once."""
    started: list[str] = []

    def handle(event: dict[str, Any]) -> str | None:
        if event.get("source") == "aws.codepipeline":
            answer = functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
            return answer["Payload"].read().decode() if "FunctionError" in answer else None
        if not started:
            started.append(codepipeline.start_pipeline_execution(name=pipeline)["pipelineExecutionId"])
        return None

    return handle


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
    handle = handling(boto3.client("lambda"), boto3.client("codepipeline"), outputs["Function"], outputs["Pipeline"])
    settled, failures = replay(boto3.client("sqs"), outputs["DeadLettersUrl"], handle)
    print(f"{settled} event{'' if settled == 1 else 's'} settled, {len(failures)} failed again")
    for failure in failures:
        print(f"  {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
