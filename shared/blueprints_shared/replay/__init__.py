"""Replays what the functions of a stack could not handle, once its cause is fixed.

A pattern's `replay.py` says where its failures lie and which function handles them. The rest is here: the flags, the
progress, the exit statuses, and what keeps failures safe when a function fails, a call is lost or a person interrupts.

command         the command line, the progress and the exit status
dead_letters    events in a dead-letter queue
stored_batches  batches of stream records in a bucket
invocation      one invocation of a function
"""

from blueprints_shared.replay.command import Failure, Failures, main, replay
from blueprints_shared.replay.dead_letters import DeadLetters
from blueprints_shared.replay.invocation import NotReplayed, function_name, invoke
from blueprints_shared.replay.stored_batches import StoredBatch, StoredBatches
from blueprints_shared.stack_command import Stack

__all__ = [
    "DeadLetters",
    "Failure",
    "Failures",
    "NotReplayed",
    "Stack",
    "StoredBatch",
    "StoredBatches",
    "function_name",
    "invoke",
    "main",
    "replay",
]
