"""An offline client that does what `offline-clients.md` of the pattern says, step by step and nothing else.

It does no input or output: `session` yields requests and is sent their answers, so that a simulation can lose, delay or
repeat each of them. `state` is what the client keeps in storage; all else is lost when the app is restarted.
"""

import copy
from collections.abc import Generator
from typing import Any

from refusals import Refused

Record = dict[str, Any]
Mutation = dict[str, Any]
Request = tuple[str, dict[str, Any]]
Session = Generator[Request, dict[str, Any], None]

FIELDS = ("notebookId", "title", "body")
FINAL = ("InvalidInput", "TooLarge", "NotAllowed", "ConditionalCheckFailedException")
"""Errors that the same mutation would get again."""

APPLIED, AGREED, CONFLICT, REJECTED, UNKNOWN = "applied", "agreed", "conflict", "rejected", "unknown"
"""What becomes of a sent field: the API has it; had it already; kept another value; refused it; nobody can tell."""


class OfflineClient:
    def __init__(self, state: dict[str, Any] | None = None) -> None:
        self.state = state or {"copies": {}, "queue": [], "lastSync": None, "log": []}
        self.held: list[Record] | None = None

    @property
    def copies(self) -> dict[str, Record]:
        return self._live()

    @property
    def queue(self) -> list[Mutation]:
        return list(self.state["queue"])

    # --- what the user does -------------------------------------------------------------------------------------------

    def view(self) -> dict[str, Record]:
        """The records as the user sees them: the copies, and the queue applied to them."""
        shown = copy.deepcopy(self._live())
        for each in self.state["queue"]:
            if each["operation"] == "delete":
                shown.pop(each["id"], None)
            elif each["operation"] == "create":
                shown[each["id"]] = {"id": each["id"], "_version": None, **each["fields"]}
            elif each["id"] in shown:
                shown[each["id"]].update(each["fields"])
        return shown

    def create(self, uid: str, record_id: str, fields: Record) -> None:
        self._enqueue(uid, "create", record_id, fields)

    def edit(self, uid: str, record_id: str, fields: Record) -> None:
        self._enqueue(uid, "update", record_id, fields)

    def delete(self, uid: str, record_id: str) -> None:
        self._enqueue(uid, "delete", record_id, {})

    def _enqueue(self, uid: str, operation: str, record_id: str, fields: Record) -> None:
        seen = self.view().get(record_id)
        mutation = {"uid": uid, "operation": operation, "id": record_id, "fields": fields, "seen": seen}
        version = seen["_version"] if seen else None
        self.state["queue"].append({**mutation, "_version": version, "isSent": False})

    # --- the connection -----------------------------------------------------------------------------------------------

    def session(self) -> Session:
        """Pull, then send the queue. Ends early at an error that is not the client's; begin another session then."""
        yield from self._pull()
        while self.state["queue"]:
            if not (yield from self._push()):
                return

    def receive(self, record: Record) -> None:
        """Take a record that a subscription delivers."""
        if self.held is not None:
            self.held.append(record)
        elif self.state["lastSync"] is not None and record["_lastChangedAt"] >= self.state["lastSync"]:
            self._take(record)

    def _pull(self) -> Session:
        self.held = []
        token, started, listed = None, None, set()
        while True:
            try:
                page = yield "syncNotes", {"lastSync": self.state["lastSync"], "nextToken": token}
            except Refused as refused:
                if refused.kind != "InvalidToken":
                    raise
                token, started, listed = None, None, set()
                continue
            started = page["startedAt"] if started is None else started
            for record in page["items"]:
                self._take(record)
                listed.add(record["id"])
            token = page["nextToken"]
            if not token:
                break
        if page["full"]:
            self._forget_all_but(listed)
        self.state["lastSync"] = started
        for record in list(self.state["copies"].values()):
            if record["_deleted"] and record["_lastChangedAt"] < started:
                del self.state["copies"][record["id"]]
        held, self.held = self.held, None
        for record in held or ():
            self.receive(record)

    def _forget_all_but(self, listed: set[str]) -> None:
        for record_id in set(self._live()) - listed:
            del self.state["copies"][record_id]
        for record_id in dict.fromkeys(each["id"] for each in self.state["queue"]):
            first = next(each for each in self.state["queue"] if each["id"] == record_id)
            if record_id not in self._live() and (first["operation"] != "create" or first["isSent"]):
                self._drop_all(record_id, UNKNOWN if first["operation"] == "create" else CONFLICT)

    def _push(self) -> Generator[Request, dict[str, Any], bool]:
        """Send the first mutation of the queue; False if it has to be sent again."""
        mutation = self.state["queue"][0]
        mutation["isSent"] = True
        sent = {"id": mutation["id"], **mutation["fields"]}
        if mutation["operation"] != "create":
            sent["_version"] = mutation["_version"]
        try:
            record = yield f"{mutation['operation']}Note", {"input": sent}
        except Refused as refused:
            return self._settle_refused(mutation, refused)
        self._settle(mutation, record)
        return True

    def _settle(self, mutation: Mutation, record: Record) -> None:
        conflicts = record.pop("_conflicts")
        self.state["queue"].remove(mutation)
        for name in mutation["fields"] or ("delete",):
            self._log(mutation, name, CONFLICT if name in conflicts else APPLIED)
        self._take(record)
        self._rebase(record)

    def _settle_refused(self, mutation: Mutation, refused: Refused) -> bool:
        record_id = mutation["id"]
        if refused.kind == "ConflictUnhandled":
            self._drop(mutation, CONFLICT)
            self._take(refused.data)
            self._rebase(refused.data)
        elif refused.kind == "NotFound":
            self.state["copies"].pop(record_id, None)
            self._drop_all(record_id, REJECTED if mutation["operation"] == "create" else CONFLICT)
        elif refused.kind in FINAL:
            self._drop(mutation, REJECTED)
            self._take_back(mutation)
            if record_id in self._live():
                self._rebase(self.state["copies"][record_id])
            else:
                self._drop_all(record_id, REJECTED)
        else:
            return False
        return True

    # --- the parts ----------------------------------------------------------------------------------------------------

    def _take(self, record: Record) -> None:
        """Replace the copy by a newer record of the API."""
        known = self.state["copies"].get(record["id"])
        if known and known["_lastChangedAt"] >= record["_lastChangedAt"]:
            return
        self.state["copies"][record["id"]] = record

    def _live(self) -> dict[str, Record]:
        """The copies of records that are not deleted."""
        return {name: record for name, record in self.state["copies"].items() if not record["_deleted"]}

    def _take_back(self, rejected: Mutation) -> None:
        """What the user saw of a rejected edit is not so: later mutations are based on what was there before."""
        fields = dict(rejected["fields"])
        for later in [each for each in self.state["queue"] if each["id"] == rejected["id"]]:
            before = rejected["seen"] or {}
            later["seen"] = {**later["seen"], **{name: before.get(name) for name in fields}}
            fields = {name: value for name, value in fields.items() if name not in later["fields"]}

    def _rebase(self, record: Record) -> None:
        """Base the next mutation of this record on what the API has, but for fields that the user has not seen so."""
        if record["_deleted"]:
            self._drop_all(record["id"], CONFLICT)
            return
        for mutation in [each for each in self.state["queue"] if each["id"] == record["id"]]:
            mutation["_version"] = record["_version"]
            unseen = {name for name in FIELDS if record.get(name) != (mutation["seen"] or {}).get(name)}
            if mutation["operation"] == "delete":
                if unseen:
                    self._drop(mutation, CONFLICT)
                    continue
                return
            for name, value in list(mutation["fields"].items()):
                if name in unseen:
                    self._log(mutation, name, AGREED if record.get(name) == value else CONFLICT)
                    del mutation["fields"][name]
            if mutation["fields"]:
                return
            self.state["queue"].remove(mutation)

    def _drop_all(self, record_id: str, outcome: str) -> None:
        """Give up what waits for a record that does not exist."""
        for mutation in [each for each in self.state["queue"] if each["id"] == record_id]:
            self._drop(mutation, AGREED if mutation["operation"] == "delete" else outcome)

    def _drop(self, mutation: Mutation, outcome: str) -> None:
        self.state["queue"].remove(mutation)
        for name in mutation["fields"] or ("delete",):
            self._log(mutation, name, outcome)

    def _log(self, mutation: Mutation, name: str, outcome: str) -> None:
        """Remember what became of a field; a conflict is what the app reports to its user."""
        self.state["log"].append([mutation["uid"], name, outcome])
