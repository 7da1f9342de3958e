"""Replay what waits in the failures bucket of a stack, once its cause is fixed.

Without --rejected, these are batches that were given up. With it, they are changes that were rejected: replay them
after the function, or the receiver, was changed to accept them.

Replaying is safe at any time, in any order and by several people at once: a row that a later change has updated stays
as it is, and an announcement keeps its id, by which receivers ignore what they have.

Needs what tests/requirements.txt names.
"""

import argparse
import sys

from blueprints_shared.replay import NotReplayed, Stack, StoredBatch, StoredBatches, function_name, main

REJECTED = "rejected/"  # then the function, the day, and a name that begins with the sequence number
FUNCTIONS = {"replicate": "ReplicateFunction", "announce": "AnnounceFunction"}  # outputs of the stack


def failures(stack: Stack, given: argparse.Namespace) -> StoredBatches:
    """The batches that were given up, or the changes that were rejected."""
    arns = {name: stack.outputs[output] for name, output in FUNCTIONS.items() if output in stack.outputs}

    def function(batch: StoredBatch) -> str:
        if given.rejected:
            arn = arns.get(batch.name.split("/")[1])
        else:
            arn = next((arn for arn in arns.values() if function_name(arn) == function_name(batch.invoked)), None)
        if arn is None:
            raise NotReplayed("no function of the stack handles it")
        return arn

    found = StoredBatches(stack.client("s3"), stack.client("lambda"), stack.outputs["FailuresBucket"], function)
    found.prefix = given.prefix
    found.wanted = lambda key: key.startswith(REJECTED) == given.rejected
    if given.rejected:
        found.prefix = given.prefix if given.prefix.startswith(REJECTED) else REJECTED + given.prefix
        found.age = lambda key: tuple(key.split("/")[2:])
    return found


if __name__ == "__main__":
    sys.exit(
        main(
            __doc__,
            failures,
            prefix="only keys that begin so: aws/lambda/UUID/SHARD/…, rejected/announce/dt=…",
            switches={"rejected": "replay the changes that were rejected, instead of batches that were given up"},
        )
    )
