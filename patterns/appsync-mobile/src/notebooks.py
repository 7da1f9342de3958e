"""Notebooks and notes: reading them, changing them by versions, and what changed since a client's last visit."""

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import versions
from callers import Caller, own, shared
from filters import Filter, check, matches
from page_tokens import PageTokens
from record_table import NOTE, NOTEBOOK, Page, RecordTable, size_of
from refusals import Refused
from versions import CREATE, DELETE, UPDATE, Conflict, Missing, Mutation, Outcome, Record, fingerprint

SYNC_MARGIN = 30_000
"""Milliseconds that `startedAt` is earlier than now.

A change is stamped before it is written, by the clock of its machine. The margin is more than the function may run and
clocks may differ, so a change is never stamped earlier than the `startedAt` of a client that could not see it.
"""
PAGE, LARGEST_PAGE = 100, 1000
PAGE_BYTES, BATCH_BYTES = 1_000_000, 3_000_000
"""After as many bytes a page ends, and a batch of pages; Lambda answers with 6 MB at most."""

_DAY = 86_400_000
_ATTEMPTS = 5  # to write a record that others change at the same time
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Rules:
    """How this stack resolves conflicts, and how long it remembers what was deleted."""

    strategy: str
    tombstone_days: int
    merge: versions.Merge | None = None


class Notebooks:
    """Answers fields with plain records. Raises Refused."""

    def __init__(self, table: RecordTable, tokens: PageTokens, rules: Rules) -> None:
        self._table, self._tokens, self._rules = table, tokens, rules

    # --- reading ------------------------------------------------------------------------------------------------------

    def get(self, caller: Caller, kind: str, record_id: str) -> Record | None:
        """A record that the caller may read, or None; others' records and deleted ones do not exist for it."""
        record = self._table.find(caller.audiences, kind, record_id)
        return None if record is None or record["_deleted"] else public(record)

    def list_notebooks(self, caller: Caller, limit: int | None, token: str | None) -> dict[str, Any]:
        """A page of the caller's notebooks."""
        position = self._tokens.read(token, caller.id, "listNotebooks")
        records, position = self._pages(caller, position, limit, self._table.notebooks)
        return self._connection(records, position, caller.id, "listNotebooks")

    def list_notes(self, caller: Caller, notebook: Mapping[str, Any], limit: int | None, token: str | None) -> Any:
        """A page of the notes of a notebook, given by `audience` and `id`."""
        return self._list_notes(caller, notebook, {"limit": limit, "nextToken": token}, is_full=False)[0]

    def lists_of_notes(self, parents: Iterable[tuple[Mapping[str, Any], Caller, Mapping[str, Any]]]) -> list[Any]:
        """A page for each notebook, with its caller and arguments, or Refused in its place.

        Once the pages have BATCH_BYTES, the others are empty, and their `nextToken` leads to their notes.
        """
        pages: list[Any] = []
        taken = 0
        for notebook, caller, given in parents:
            try:
                page, records = self._list_notes(caller, notebook, given, is_full=taken > BATCH_BYTES)
            except Refused as refused:
                pages.append(refused)
            else:
                pages.append(page)
                taken += sum(map(size_of, records))
        return pages

    def _list_notes(
        self, caller: Caller, notebook: Mapping[str, Any], given: Mapping[str, Any], *, is_full: bool
    ) -> tuple[dict[str, Any], list[Record]]:
        audience, notebook_id = notebook["audience"], notebook["id"]
        if audience not in caller.audiences:
            raise Refused("NotFound", "There is no such notebook.")
        scope = (caller.id, "listNotes", audience, notebook_id)
        after = self._tokens.read(given.get("nextToken"), *scope).get("after")
        if is_full:
            return self._connection([], {"after": after}, *scope), []
        page = self._table.notes(audience, notebook_id, after, _page_size(given.get("limit")))
        return self._connection(page.records, {"after": page.last} if page.last else None, *scope), page.records

    def notebook(self, caller: Caller, notebook_id: str) -> Record:
        """A notebook that the caller may use. Raises Refused if there is none."""
        found = self._table.find(caller.audiences, NOTEBOOK, notebook_id)
        if found is None:
            raise Refused("NotFound", "There is no such notebook.")
        return found

    def notebooks_of(self, notes: Iterable[tuple[Mapping[str, Any], Caller]]) -> list[Record | None]:
        """The notebook of each note, read at once; None if the note's caller may not read it."""
        keys = [
            (note["audience"], NOTEBOOK, note["notebookId"]) if note["audience"] in caller.audiences else None
            for note, caller in notes
        ]
        found = self._table.read(key for key in keys if key)
        return [public(found[key]) if key in found else None for key in keys]

    def sync(
        self,
        caller: Caller,
        kind: str,
        *,
        wanted: Filter | None,
        limit: int | None,
        token: str | None,
        last_sync: int | None,
    ) -> dict[str, Any]:
        """A page of what changed since `last_sync`, the `startedAt` of the client's last visit.

        Without it, or if deletions since then may be forgotten, or if the caller's groups have changed since, it is
        everything, and `full` is true: the client has to remove what it has and is not on these pages.
        """
        check(wanted)
        scope = (caller.id, "sync", kind, wanted, last_sync)
        position = self._tokens.read(token, *scope)
        if not position:
            started = _now() - SYNC_MARGIN
            position = {"startedAt": started, "since": self._since(caller, kind, last_sync or 0, started)}
        elif 0 < position["since"] < self._remembered():
            raise Refused("InvalidToken", "Deletions are forgotten by now. Begin again without nextToken.")
        started, since = position["startedAt"], position["since"]

        def changes(audience: str, after: str | None, size: int) -> Page:
            return self._table.changes(audience, kind, since, after, size)

        records, further = self._pages(caller, position, limit, changes)
        kept = [each for each in records if matches(each, wanted) and (last_sync or not each["_deleted"])]
        further = further and {**further, "startedAt": started, "since": since}
        return {**self._connection(kept, further, *scope), "startedAt": started, "full": not since}

    def _since(self, caller: Caller, kind: str, last_sync: int, started: int) -> int:
        """`last_sync`, or 0 if what changed since then does not tell a client all that it has to know."""
        regrouped = self._table.groups_changed_at(caller.id, kind, caller.audiences, started)
        # Within the margin, another phone of the caller may have synced with the old groups, by a clock that is ahead.
        has_synced_since = last_sync == regrouped or last_sync >= regrouped + SYNC_MARGIN
        return last_sync if has_synced_since and last_sync >= self._remembered() else 0

    def _remembered(self) -> int:
        """The time since which no deletion is forgotten."""
        return _now() + SYNC_MARGIN - self._rules.tombstone_days * _DAY

    def _pages(self, caller: Caller, position: dict[str, Any], limit: int | None, read: Any) -> Any:
        """Records of all audiences of the caller, one after the other, from a position; and the next position."""
        at, after = position.get("audience"), position.get("after")
        audiences = caller.audiences[caller.audiences.index(at) :] if at in caller.audiences else caller.audiences
        if at is not None and at not in caller.audiences:
            raise Refused("InvalidToken", "The user has left a group. Begin again without nextToken.")
        size, records = _page_size(limit), []
        for audience in audiences:
            if len(records) >= size or sum(map(size_of, records)) > PAGE_BYTES:
                return records, {"audience": audience, "after": None}
            page = read(audience, after, size - len(records))
            records += page.records
            if page.last:
                return records, {"audience": audience, "after": page.last}
            after = None
        return records, None

    def _connection(self, records: list[Record], position: dict[str, Any] | None, *scope: Any) -> dict[str, Any]:
        token = self._tokens.sign(position, *scope) if position else None
        return {"items": [public(each) for each in records], "nextToken": token}

    # --- changing -----------------------------------------------------------------------------------------------------

    def create_notebook(self, caller: Caller, sent: Mapping[str, Any]) -> Outcome:
        """Create a notebook for the caller alone, or for one of its groups."""
        group = sent.get("group")
        audience = shared(group) if group else own(caller.id)
        if audience not in caller.audiences:
            raise Refused("NotAllowed", f"You are not in the group {group}.")
        fields = {"audience": audience, "owner": caller.id, "group": group, "name": sent["name"], "createdAt": _now()}
        return self._create(caller, NOTEBOOK, sent, fields)

    def create_note(self, caller: Caller, sent: Mapping[str, Any]) -> Outcome:
        """Create a note in a notebook that the caller may use."""
        notebook = self.notebook(caller, sent["notebookId"])
        return self._create(caller, NOTE, sent, _note_fields(sent, notebook, caller.id))

    def add_system_note(self, caller: Caller, sent: Mapping[str, Any]) -> Outcome:
        """Create a note for a back end, which names the owner or the group of the notebook."""
        if (sent.get("owner") is None) == (sent.get("group") is None):
            raise Refused("InvalidInput", "Give either the owner or the group of the notebook.")
        audience = own(sent["owner"]) if sent.get("owner") is not None else shared(sent["group"])
        notebook = self.notebook(Caller(caller.id, (audience,)), sent["notebookId"])
        return self._create(caller, NOTE, sent, _note_fields(sent, notebook, notebook["owner"]))

    def update_note(self, caller: Caller, sent: Mapping[str, Any], condition: Filter | None) -> Outcome:
        """Change fields of a note, as the conflict strategy says if it was changed meanwhile."""
        fields = {name: sent[name] for name in ("notebookId", "title", "body") if name in sent}
        for name in ("notebookId", "title"):
            if name in fields and fields[name] is None:
                raise Refused("InvalidInput", f"{name} cannot be null.")
        return self._change(caller, UPDATE, sent, fields, condition)

    def delete_note(self, caller: Caller, sent: Mapping[str, Any], condition: Filter | None) -> Outcome:
        """Delete a note; a tombstone stays until all clients had time to notice."""
        return self._change(caller, DELETE, sent, {}, condition)

    def _create(self, caller: Caller, kind: str, sent: Mapping[str, Any], fields: Record) -> Outcome:
        record_id = str(uuid.uuid4()) if sent.get("id") is None else sent["id"]
        if not _ID.fullmatch(record_id):
            raise Refused("InvalidInput", "An id has 1 to 100 letters, digits, - and _.")
        mutation = Mutation(CREATE, {"id": record_id, **fields}, None, fingerprint(CREATE, caller.id, sent))
        for _ in range(_ATTEMPTS):
            audiences = dict.fromkeys((fields["audience"], *caller.audiences))
            stored = self._table.find(audiences, kind, record_id)
            outcome = self._apply(stored, mutation)
            if not outcome.is_changed or self._table.write(kind, outcome.record, before=None):
                return outcome
        raise _busy()

    def _change(
        self, caller: Caller, operation: str, sent: Mapping[str, Any], fields: Record, condition: Filter | None
    ) -> Outcome:
        if sent.get("_version") is None:
            raise Refused("InvalidInput", "Send the _version that the change is based on.")
        check(condition)
        mutation = Mutation(operation, fields, sent["_version"], fingerprint(operation, caller.id, sent))
        for _ in range(_ATTEMPTS):
            stored = self._table.find(caller.audiences, NOTE, sent["id"])
            outcome = self._apply(stored, mutation)
            if not outcome.is_changed or stored is None:
                return outcome
            if not matches(stored, condition):
                raise Refused("ConditionalCheckFailedException", "The condition does not hold.", public(stored))
            self._check_move(caller, stored, outcome.record)
            if self._table.write(NOTE, outcome.record, stored["_version"], self._expiry(outcome.record)):
                return outcome
        raise _busy()

    def _apply(self, stored: Record | None, mutation: Mutation) -> Outcome:
        rules = self._rules
        try:
            return versions.apply(stored, mutation, strategy=rules.strategy, now=_now(), merge=rules.merge)
        except Missing:
            raise Refused("NotFound", "There is no such note.") from None
        except Conflict as conflict:
            raise Refused(
                "ConflictUnhandled", "The note was changed meanwhile; data has it.", public(conflict.stored)
            ) from None

    def _check_move(self, caller: Caller, stored: Record, changed: Record) -> None:
        if changed["notebookId"] != stored["notebookId"]:
            notebook = self._table.find(caller.audiences, NOTEBOOK, changed["notebookId"])
            if notebook is None or notebook["audience"] != stored["audience"]:
                raise Refused("InvalidInput", "A note can move only between notebooks of the same group or user.")

    def _expiry(self, record: Record) -> int | None:
        return (_now() + self._rules.tombstone_days * _DAY) // 1000 if record["_deleted"] else None


def public(record: Record) -> Record:
    """A record without its bookkeeping."""
    return {name: value for name, value in record.items() if name not in versions.BOOKKEEPING}


def _note_fields(sent: Mapping[str, Any], notebook: Record, owner: str) -> Record:
    return {
        "audience": notebook["audience"],
        "notebookId": notebook["id"],
        "title": sent["title"],
        "body": sent.get("body"),
        "owner": owner,
    }


def _page_size(limit: int | None) -> int:
    if limit is not None and limit < 1:
        raise Refused("InvalidInput", "limit is less than 1.")
    return min(limit or PAGE, LARGEST_PAGE)


def _busy() -> Refused:
    return Refused("Busy", "Others change this record at this moment. Send the mutation again.")


def _now() -> int:
    return time.time_ns() // 1_000_000
