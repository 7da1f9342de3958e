"""Replay the failed batches of a stack, once their cause is fixed.

Each batch goes to the function whole. The function writes the same keys as it would have then, so no record is stored
twice, however often this runs or wherever it is interrupted. Run one at a time.

Needs what tests/requirements.txt names.
"""

import argparse
import sys

from blueprints_shared.replay import Stack, StoredBatches, main


def failed_batches(stack: Stack, given: argparse.Namespace) -> StoredBatches:
    """The batches that Lambda gave up; all are for one function."""
    function, bucket = stack.outputs["Function"], stack.outputs["FailedBatchesBucket"]
    return StoredBatches(stack.client("s3"), stack.client("lambda"), bucket, function, given.prefix)


if __name__ == "__main__":
    sys.exit(main(__doc__, failed_batches, prefix="only keys that begin so: aws/lambda/UUID/SHARD/…"))
