"""Replay the events in the dead-letter queue of a stack, once their cause is fixed.

An event leaves the queue when the function has handled it. Replaying is safe at any time and in any order: an event
that is older than what is there changes nothing.

Needs what tests/requirements.txt names.
"""

import argparse
import sys

from blueprints_shared.replay import DeadLetters, Stack, invoke, main


def dead_letters(stack: Stack, _: argparse.Namespace) -> DeadLetters:
    """The events that could not be handled; each goes to the function."""
    function, functions = stack.outputs["Function"], stack.client("lambda")
    return DeadLetters(
        stack.client("sqs"), stack.outputs["DeadLettersUrl"], lambda event: invoke(functions, function, event)
    )


if __name__ == "__main__":
    sys.exit(main(__doc__, dead_letters))
