"""Settling one batch: the steps that leave each record in the lake once, whatever fails in between.

Every attempt at a batch begins at the record where the checkpoint stands, but may end elsewhere (a bisected batch, a
partial response) and may see other records as poison (another version in a canary). So both keys are made of the
first record *received*, whatever becomes of it, and of its arrival, never of the clock; and every attempt settles both
keys: it writes what there is, and removes what an earlier attempt left where now there is nothing. Then what lies
there is always one attempt's whole result, and the next batch begins where that ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from batch_lines import BatchLines, Transform
from lake import BatchKeys, Lake, batch_keys
from record_checks import Check

from blueprints_shared.streams import Progress, handle_in_order, shard_id

__all__ = ["Settled", "Settler"]


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a batch: where it lies, copies of what lay there, what was in it, and how far it was handled."""

    keys: BatchKeys
    copies: list[str]
    lines: BatchLines
    progress: Progress


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles batches; `check` raises Poison for what cannot be stored, `transform` makes what is stored."""

    lake: Lake
    prefix: str
    check: Check
    transform: Transform

    def settle(self, records: Sequence[Mapping[str, Any]], context: Any, within: str = "") -> Settled:
        """Make the lake true for the records up to the first that fails; raises its error when that is the very first.

        Raised or reported, Lambda tries again from there; raised, it also halves the batch, and so finds the record.
        """
        keys = batch_keys(records[0], self.prefix, within)
        found = self.lake.look(keys)
        lines = BatchLines(shard_id(records[0]), self.check, self.transform)
        progress = handle_in_order(records, lines.add, context)
        if progress.error and not progress.handled:
            raise progress.error
        copies = self.lake.settle(keys, found, lines.data.finish(), lines.errors.finish())
        return Settled(keys, copies, lines, progress)
