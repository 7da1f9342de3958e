"""Hand in again the events that wait in the dead letters, once their cause is mended.

    python replay.py STACK_NAME

An event about a run is told again; one that should have started the pipeline starts it, once for however many there
are: a run takes what is there. An event leaves the queue when that is done; one that fails again stays, and the
command ends with 1.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

Handle = Callable[[dict[str, Any]], str | None]
"""Handles an event; returns what went wrong, or None."""


def replay(sqs: Any, queue_url: str, handle: Handle) -> tuple[int, list[str]]:
    """Handle every message once; returns how many left the queue, and what went wrong with the others."""
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
            failure = handle(event_of(message["Body"]))
            if failure is not None:
                failures.append(failure)
                continue
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            settled += 1


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


def main() -> None:
    """Replay the dead letters of the stack that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python replay.py STACK_NAME")
    import boto3

    stack = boto3.client("cloudformation").describe_stacks(StackName=sys.argv[1])["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    handle = handling(boto3.client("lambda"), boto3.client("codepipeline"), outputs["Function"], outputs["Pipeline"])
    settled, failures = replay(boto3.client("sqs"), outputs["DeadLettersUrl"], handle)
    print(f"{settled} events settled, {len(failures)} failed again")
    for failure in failures:
        print(f"  {failure}", file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
