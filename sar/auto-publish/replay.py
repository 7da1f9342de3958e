"""Replay the events in the dead-letter queue of a stack, once their cause is fixed.

The function reports each run again. Events that should have started the pipeline start it once, however many there are:
a run publishes everything that is there.

Needs what tests/requirements.txt names.
"""

import argparse
import sys
from typing import Any

from blueprints_shared.replay import DeadLetters, Stack, invoke, main


def dead_letters(stack: Stack, _: argparse.Namespace) -> DeadLetters:
    """The events that could not be handled."""
    function, functions = stack.outputs["Function"], stack.client("lambda")
    pipeline, codepipeline = stack.outputs["Pipeline"], stack.client("codepipeline")
    started: list[str] = []

    def handle(event: dict[str, Any]) -> None:
        if event.get("source") == "aws.codepipeline":
            invoke(functions, function, event)
        elif not started:
            started.append(codepipeline.start_pipeline_execution(name=pipeline)["pipelineExecutionId"])

    return DeadLetters(stack.client("sqs"), stack.outputs["DeadLettersUrl"], handle)


if __name__ == "__main__":
    sys.exit(main(__doc__, dead_letters))
