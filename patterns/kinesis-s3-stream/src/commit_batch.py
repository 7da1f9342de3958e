"""Commits one batch, so that each record is in the lake exactly once, whatever fails in between.

Every attempt at a batch begins at the checkpoint's record, but may end elsewhere (a bisected batch, a partial response)
and may find other records invalid (another version in a canary deployment). So both keys derive from the first record
*received* and its arrival time, and every attempt commits both: it writes an object if it has lines for it, and deletes
the one that an earlier attempt left if it has none. The objects then hold exactly one attempt's result, and the next
batch begins where that result ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_lines import BatchLines, Transform
from lake import BatchKeys, Lake, batch_keys

from blueprints_shared.json_objects import Check
from blueprints_shared.streams import Progress, handle_in_order, shard_id


@dataclass(frozen=True, slots=True)
class CommittedBatch:
    """The keys of a batch's objects, the keys of copies of replaced objects, its lines, and how far it was handled."""

    keys: BatchKeys
    copies: list[str]
    lines: BatchLines
    progress: Progress


def commit_batch(
    lake: Lake,
    check: Check,
    transform: Transform,
    records: Sequence[Mapping[str, Any]],
    context: Any,
    within: str = "",
) -> CommittedBatch:
    """Commit the records up to the first that fails; raise its exception if that is the very first.

    Lambda retries from there in both cases; if this raises, it also halves the batch, and so isolates the record.
    """
    keys = batch_keys(records[0], within)
    etags = lake.etags(keys)
    lines = BatchLines(shard_id(records[0]), check, transform)
    progress = handle_in_order(records, lines.add, context)
    if progress.error and not progress.handled:
        raise progress.error
    copies = lake.commit(keys, etags, lines.data.finish(), lines.errors.finish())
    return CommittedBatch(keys, copies, lines, progress)
