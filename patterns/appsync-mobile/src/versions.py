"""What becomes of a mutation: it is applied, merged, recognised as a repeat, or refused as a conflict. No AWS in here.

A client that was offline sends the fields that it changed and the version that it knew. The stored record remembers for
each field the version that last changed it, so two edits conflict only if they changed the same field:

    stored    title of version 3, body of version 7, _version 7
    mutation  title changed, _version 5      nobody else changed the title since version 5: no conflict
    mutation  body changed, _version 5       somebody else changed the body in version 7: a conflict
"""

import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
"""A stored record: its fields, `_version`, `_lastChangedAt`, `_deleted` and the attributes below."""

FIELD_VERSIONS = "fieldVersions"
"""Attribute of a record: for each field, the version that last changed it; 1 for a field that is not listed."""
CREATED_BY = "createdBy"
RECENT_MUTATIONS = "recentMutations"
"""Attributes of a record: the fingerprints of the mutation that created it, and of the last ones, in one text."""
BOOKKEEPING = (FIELD_VERSIONS, CREATED_BY, RECENT_MUTATIONS)

_REMEMBERED = 8
"""Mutations after which a repetition is still recognised. One alone would let a client that sends its edit again, after
somebody else has edited the merged text, have it merged a second time.
"""

CREATE, UPDATE, DELETE = "create", "update", "delete"
AUTOMERGE, OPTIMISTIC, CUSTOM = "automerge", "optimistic", "custom"
STRATEGIES = (AUTOMERGE, OPTIMISTIC, CUSTOM)

Merge = Callable[[Mapping[str, Any], Mapping[str, Any], frozenset[str]], Mapping[str, Any] | None]
"""Merges an edit into the stored record: called with the record, the edited fields, and those of them that conflict.

Returns the fields to write, or None to refuse the mutation. It must depend on nothing else.
"""


class Conflict(Exception):
    """The mutation is refused because of a change that its sender did not know; `stored` is the record."""

    def __init__(self, stored: Record) -> None:
        super().__init__("the record was changed since the version that the mutation is based on")
        self.stored = stored


class Missing(Exception):
    """There is no such record."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """A change that a client asks for."""

    operation: str
    """`create`, `update` or `delete`."""
    fields: Mapping[str, Any]
    """The fields that it sets; empty for a delete."""
    version: int | None
    """The version that the client knew; None for a create."""
    fingerprint: str
    """Equal for a mutation and its repetition; see `fingerprint`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the mutation leads to."""

    record: Record
    """The record as it is afterwards."""
    is_changed: bool
    """Whether the record has to be written: False for a repetition, and for an edit that changes nothing."""
    not_applied: tuple[str, ...] = ()
    """Fields that were sent and not applied, or not as they were sent, because they conflict."""


def fingerprint(operation: str, caller: str, sent: Mapping[str, Any]) -> str:
    """Identifies a mutation by its operation, caller and input, so that a repetition is recognised."""
    text = json.dumps([operation, caller, sent], sort_keys=True, separators=(",", ":"), default=str)
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:15]).decode()


def apply(stored: Record | None, mutation: Mutation, *, strategy: str, now: int, merge: Merge | None = None) -> Outcome:
    """Decide about a mutation of the record `stored` (None if there is none); `now` is in milliseconds since 1970.

    Raises Conflict, or Missing for an update or delete of a record that does not exist.
    """
    if stored is None:
        if mutation.operation != CREATE:
            raise Missing
        return _created(mutation, now)
    if mutation.operation == CREATE:
        if mutation.fingerprint == stored[CREATED_BY]:
            return Outcome(stored, is_changed=False)
        raise Conflict(stored)
    if mutation.fingerprint in stored[RECENT_MUTATIONS].split():
        return Outcome(stored, is_changed=False, not_applied=_differing(stored, mutation.fields))
    if stored["_deleted"]:  # what is deleted stays deleted
        if mutation.operation == DELETE:
            return Outcome(stored, is_changed=False)
        raise Conflict(stored)
    if mutation.operation == DELETE:
        if mutation.version != stored["_version"]:  # it would delete an edit that its sender has not seen
            raise Conflict(stored)
        return Outcome(_changed(stored, {}, mutation, now) | {"_deleted": True}, is_changed=True)
    return _updated(stored, mutation, strategy, now, merge)


def _updated(stored: Record, mutation: Mutation, strategy: str, now: int, merge: Merge | None) -> Outcome:
    edits = {name: mutation.fields[name] for name in _differing(stored, mutation.fields)}
    known = mutation.version or 0
    if not edits:
        return Outcome(stored, is_changed=False)
    if known == stored["_version"]:
        return Outcome(_changed(stored, edits, mutation, now), is_changed=True)
    if known > stored["_version"] or strategy == OPTIMISTIC:
        raise Conflict(stored)
    conflicting = frozenset(name for name in edits if stored[FIELD_VERSIONS].get(name, 1) > known)
    if strategy == CUSTOM and merge is not None:
        merged = merge(stored, edits, conflicting)
        if merged is None:
            raise Conflict(stored)
    else:
        merged = {name: value for name, value in edits.items() if name not in conflicting}
    fields = {name: merged[name] for name in _differing(stored, merged)}
    record = _changed(stored, fields, mutation, now) if fields else stored
    return Outcome(record, is_changed=bool(fields), not_applied=_differing(record, edits))


def _differing(stored: Record, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the fields whose values the record does not have."""
    return tuple(sorted(name for name, value in fields.items() if stored.get(name) != value))


def _created(mutation: Mutation, now: int) -> Outcome:
    bookkeeping = {FIELD_VERSIONS: {}, CREATED_BY: mutation.fingerprint, RECENT_MUTATIONS: mutation.fingerprint}
    record = {**mutation.fields, "_version": 1, "_lastChangedAt": now, "_deleted": False, **bookkeeping}
    return Outcome(record, is_changed=True)


def _changed(stored: Record, fields: Mapping[str, Any], mutation: Mutation, now: int) -> Record:
    version = stored["_version"] + 1
    return {
        **stored,
        **fields,
        "_version": version,
        # It grows with every version, also if the clock of this machine is behind.
        "_lastChangedAt": max(now, stored["_lastChangedAt"] + 1),
        FIELD_VERSIONS: {**stored[FIELD_VERSIONS], **dict.fromkeys(fields, version)},
        RECENT_MUTATIONS: " ".join([mutation.fingerprint, *stored[RECENT_MUTATIONS].split()][:_REMEMBERED]),
    }
