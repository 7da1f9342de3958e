"""Simulates Replicate: each row ends at the newest change of its key."""

import inspect
import json
from functools import cache

from change_simulation import Life
from handler_versions import seen_by
from model_database import SCHEMA, ModelDatabase
from rejected_records import RejectedRecords
from replica import Replica, chunked, row_id
from sql_database import Database
from streamed import key
from unreliable_services import DataApi, Died

from blueprints_shared.streams.dynamodb_rows import key_text

REFUSALS = ("ServiceUnavailableError", "DatabaseResumingException", "StatementTimeoutException", "ThrottlingException")


class Replicating(Life):
    """One schedule of Replicate. `database` runs the statements: the model, or the model beside PostgreSQL."""

    function = "replicate"

    def __init__(self, seed, *, database=ModelDatabase, **kind):
        super().__init__(seed, **kind)
        self.database = database(self._moved)
        self.client = DataApi(self.network, self.database, lambda: self.random.choice(REFUSALS))
        self.chunk_limit = self.random.choice((1, 700, 3_000_000))
        self._replica = None

    def _moved(self, before, after):
        if before and before.place > after.place:
            self.wrong.append(f"{after.key} went back from {before.place} to {after.place}")

    def invoke(self, event, context, version):
        """Invoke the handler once, in the existing or in a new execution environment."""
        if self._replica is None or self.random.random() < 0.2:
            self._replica = Replica(Database(self.client, "cluster", "secret", "replica"), SCHEMA)
        with seen_by("replicate", version) as module:
            module.replica = self._replica
            module.rejected_records = RejectedRecords(lambda: self.s3, "failures", "replicate")
            module.chunked = lambda entries: chunked(entries, self.chunk_limit)
            try:
                return inspect.unwrap(module.handler)(event, context)
            except Died:
                self._replica = None
                raise

    def arrived(self, change):
        """Whether the row has this change or a later one."""
        row = self.database.rows.get(row_of(change.name))
        return change.kind == "malformed" or (row is not None and row.place >= change.place)

    def is_safe(self, change, kept):
        """Whether this change, or a later one of its key, is in the failures bucket."""
        return any(each.id in kept for each in self.changes if each.name == change.name and each.place >= change.place)

    def check_that_nothing_is_lost(self):
        super().check_that_nothing_is_lost()
        kept, rejected = self.waiting(), self._rejected()
        for name, change in self._newest().items():
            row = self.database.rows.get(row_of(name))
            if change.id not in kept and row and row.state == "rejected":
                assert change.id in rejected, f"the row of {name} says rejected, but no object has the change"

    def check_what_is_there(self):
        """Check that each row has the newest change of its key."""
        newest = self._newest()
        assert len(self.database.rows) == len(newest)
        for name, change in newest.items():
            row = self.database.rows[row_of(name)]
            state = {"delete": "deleted", "expire": "expired"}.get(change.kind, "present")
            assert (row.place, row.state) == (change.place, state), f"{name}: {row} instead of {change}"
            n = change.record["dynamodb"].get("NewImage", {}).get("n")
            assert (json.loads(row.item)["n"] if row.item else None) == (n and n["N"]), f"{name}: {row}"

    def _newest(self):
        """The newest change of each key."""
        changes = [change for change in self.changes if change.kind != "malformed"]
        return {change.name: change for change in sorted(changes, key=lambda change: change.place)}

    def snapshot(self):
        return dict(self.database.rows)


@cache
def row_of(name):
    """The id of an item's row."""
    return row_id(key_text(key(name)))
