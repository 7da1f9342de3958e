"""Replay the events that could not start a run, once their cause is fixed.

An event leaves the queue when its execution has started. Replaying is safe at any time: a run that has ended changes
nothing when it is started again.

Needs what tests/requirements.txt names.
"""

import argparse
import json
import sys

from botocore.exceptions import ClientError

from blueprints_shared.replay import DeadLetters, NotReplayed, Stack, main


def dead_letters(stack: Stack, _: argparse.Namespace) -> DeadLetters:
    """The events that EventBridge could not deliver; each starts an execution."""
    states, machine = stack.client("stepfunctions"), stack.outputs["StateMachine"]

    def start(event: dict[str, object]) -> None:
        try:
            states.start_execution(stateMachineArn=machine, input=json.dumps(event))
        except ClientError as error:
            raise NotReplayed(str(error)) from error

    return DeadLetters(stack.client("sqs"), stack.outputs["DeadLettersUrl"], start)


if __name__ == "__main__":
    sys.exit(main(__doc__, dead_letters))
