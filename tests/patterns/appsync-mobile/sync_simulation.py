"""Phones that share notes, and the pattern's own code on a table in memory: everything that may happen between them.

One `Life` is one random schedule, drawn from a seed. Phones edit, go offline, restart, lose requests and answers, and
send again; a request that seemed lost may arrive later. The instances of the function have clocks that differ, are
killed before and after a write, and act while others are in the middle of a change. Pages are cut anywhere, and
subscriptions deliver late, twice or not at all. Days may pass, in which deletions are forgotten.

At the end everybody is online and nothing fails. Then all phones and the table are the same, and `Life` checks what
became of every edit.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

import notebooks
from callers import Caller
from in_memory_table import InMemoryTable
from merge_notes import merge
from notebooks import Notebooks, Rules, public
from offline_client import APPLIED, CONFLICT, FIELDS, REJECTED, UNKNOWN, OfflineClient
from page_tokens import PageTokens
from record_table import NOTE, RecordTable
from refusals import Refused
from versions import CUSTOM

SECOND, DAY = 1000, 86_400_000
START = 1_764_340_000_000
CLOCK_ERROR = 5 * SECOND
FUNCTION_TIMEOUT = 10 * SECOND
TOMBSTONE_DAYS = 1
STEPS = 110
BOOKS = ("group:family", "group:family", "group:work")
"""The audiences of the notebooks; a note can move between the first two."""
WORDS = ("red", "green", "blue", "")


class NoAnswer(Exception):
    """The request or its answer was lost, or the function failed."""


class Killed(BaseException):
    """An instance of the function was ended in the middle of a request."""


@dataclass
class Phone:
    """A client, whose it is, and the request that it waits for."""

    name: str
    caller: Caller
    client: OfflineClient
    is_online: bool = True
    session: Any = None
    request: tuple[str, dict[str, Any]] | None = None
    uid: str | None = None
    answer: Callable[[], Any] | None = None

    def restart(self) -> None:
        """All is lost but what is in storage."""
        self.client = OfflineClient(json.loads(json.dumps(self.client.state)))
        self.session = self.request = self.answer = None


@dataclass
class Sent:
    """A user's edit, and the effects that it had in the table."""

    phone: str
    record_id: str
    operation: str
    fields: dict[str, Any]
    seen: dict[str, Any]
    effects: list[dict[str, Any]] = field(default_factory=list)


class Life:
    """One schedule. `strategy` is the stack's.

    `away`: days may pass. `hasty`: requests often meet. `regrouped`: users join and leave a group; their phones notice
    with their next token.
    """

    def __init__(
        self, seed: int, *, strategy: str, away: bool = False, hasty: bool = False, regrouped: bool = False
    ) -> None:
        self.chance = random.Random(seed)
        self.strategy, self.away, self.hasty, self.regrouped = strategy, away, hasty, regrouped
        self.now, self.skew = START, 0
        self.table = InMemoryTable(self.chance)
        self.table.written = self._written
        table = RecordTable(self.table, "records", pause=lambda _: None)
        rules = Rules(strategy, TOMBSTONE_DAYS, merge)
        self.instances = [
            (self.chance.randint(-CLOCK_ERROR, CLOCK_ERROR), Notebooks(table, PageTokens(lambda _: "key"), rules))
            for _ in range(3)
        ]
        audiences = tuple(dict.fromkeys(BOOKS))
        users = ("ann", "ann", "bob", "cem")  # Ann has two phones
        self.callers = {user: Caller(user, (f"user:{user}", *audiences)) for user in users}
        self.phones = [
            Phone(f"{user}'s {number}", self.callers[user], OfflineClient())
            for number, user in enumerate(users[: self.chance.choice((2, 3, 4))])
        ]
        self.sent: dict[str, Sent] = {}
        self.deleted: set[str] = set()
        self.replaced: list[tuple[str, str, Any]] = []
        self.merged_late: set[str] = set()
        self.late: list[Callable[[], Any]] = []
        self.events: list[dict[str, Any]] = []
        self.depth, self.is_calm = 0, True
        self.working: list[tuple[str, int]] = []
        self.uids: list[str | None] = []

    def play(self) -> None:
        """Let it happen, then bring all phones online, and check."""
        time = SimpleNamespace(time_ns=lambda: (self.now + self.skew) * 1_000_000)
        with mock.patch.object(notebooks, "time", time):
            _, first = self.instances[0]
            for number, audience in enumerate(BOOKS):
                group = audience.removeprefix("group:")
                first.create_notebook(self.phones[0].caller, {"id": f"b-{number}", "name": "-", "group": group})
            self.is_calm = False
            self.table.turn = self._turn
            for _ in range(STEPS):
                self.chance.choices(*zip(*self._actions(), strict=True))[0]()
            self._calm_down()
            self._check()

    def _actions(self) -> list[tuple[Callable[[], None], int]]:
        actions: list[tuple[Callable[[], None], int]] = [
            (self._edit, 14),
            (self._step, 60),
            (self._go_offline_or_online, 4),
            (self._restart, 2),
            (self._deliver_event, 8),
            (self._arrive_late, 4),
            (self._pass_seconds, 6),
        ]
        if self.away:
            actions.append((self._pass_days, 3))
        if self.regrouped:
            actions += [(self._regroup, 2), (self._get_new_token, 4)]
        return actions

    # --- users and time -----------------------------------------------------------------------------------------------

    def _edit(self) -> None:
        phone = self.chance.choice(self.phones)
        view, uid = phone.client.view(), f"m-{len(self.sent)}"
        kind = self.chance.random()
        if not view or kind < 0.15:
            record_id = f"n-{uid}"
            fields = {"notebookId": f"b-{self.chance.randrange(len(BOOKS))}", "title": self._word()}
            self.sent[uid] = Sent(phone.name, record_id, "create", fields, {})
            phone.client.create(uid, record_id, dict(fields))
            return
        record_id = self.chance.choice(sorted(view))
        if kind < 0.25:
            self.sent[uid] = Sent(phone.name, record_id, "delete", {}, view[record_id])
            phone.client.delete(uid, record_id)
            return
        given = {"title": self._word(), "body": self.chance.choice((self._word(), None))}
        names = self.chance.choice((("title",), ("body",), ("title", "body")))
        fields = {name: given[name] for name in names}
        if self.chance.random() < 0.1:
            fields["notebookId"] = f"b-{self.chance.randrange(len(BOOKS))}"
        self.sent[uid] = Sent(phone.name, record_id, "update", fields, view[record_id])
        phone.client.edit(uid, record_id, dict(fields))

    def _word(self) -> str:
        """A short word, so that different edits may be equal, or a unique one."""
        return self.chance.choice((*WORDS, f"word {len(self.sent)}", f"word {len(self.sent)}"))

    def _go_offline_or_online(self) -> None:
        phone = self.chance.choice(self.phones)
        phone.is_online = not phone.is_online
        phone.session = phone.request = phone.answer = None

    def _restart(self) -> None:
        self.chance.choice(self.phones).restart()

    def _pass_seconds(self) -> None:
        self.now += self.chance.choice((1, 50, 3 * SECOND, 20 * SECOND, 100 * SECOND))

    def _pass_days(self) -> None:
        """Phones are suspended meanwhile; one that was receiving pages may go on with them afterwards."""
        self.late.clear()
        self.events.clear()
        for phone in self.phones:
            if phone.client.held is None or self.chance.random() < 0.5:
                phone.session = phone.request = phone.answer = None
        self.now += round(DAY * self.chance.choice((0.2, 0.5, 0.9, 1.2, 3)))
        self.table.expire(self.now / 1000, lambda: self.chance.random() < 0.7)

    def _regroup(self) -> None:
        """A user joins the group `work`, or leaves it."""
        user = self.chance.choice(sorted(self.callers))
        own, family, *others = self.callers[user].audiences
        self.callers[user] = Caller(user, (own, family) if others else (own, family, "group:work"))

    def _get_new_token(self) -> None:
        phone = self.chance.choice(self.phones)
        if phone.caller != self.callers[phone.caller.id]:
            phone.caller = self.callers[phone.caller.id]
            phone.client.held = phone.client.held and []  # it subscribes anew

    # --- the network --------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Let a phone take the next step of its connection."""
        phones = [each for each in self.phones if each.is_online and not self._is_working(each)]
        if phones:
            self._advance(self.chance.choice(phones))

    def _is_working(self, phone: Phone) -> bool:
        return any(name == phone.name for name, _ in self.working)

    def _advance(self, phone: Phone) -> None:
        if phone.session is None:
            phone.session = phone.client.session()
            self._resume(phone, lambda: None)
        elif phone.answer is None:
            self._send(phone)
        else:
            answer, phone.answer = phone.answer, None
            self._resume(phone, answer)

    def _resume(self, phone: Phone, answer: Callable[[], Any]) -> None:
        """Give the client an answer, or raise its error there; it goes on to its next request."""
        try:
            try:
                given = answer()
            except (Refused, NoAnswer) as error:
                phone.request = phone.session.throw(error)
            else:
                self._check_answer(phone, given)
                phone.request = phone.session.send(given)
            queue = phone.client.queue
            phone.uid = queue[0]["uid"] if phone.request[0] != "syncNotes" else None
        except (StopIteration, NoAnswer):
            phone.session = phone.request = None

    def _send(self, phone: Phone) -> None:
        fate = "well" if self.is_calm else self.chance.choices(("well", "lost", "late", "unanswered"), (80, 6, 6, 8))[0]
        assert phone.request
        request, uid, caller, name = phone.request, phone.uid, phone.caller, phone.name
        if fate == "late":  # the phone gives up, and the request arrives afterwards
            self.late.append(lambda: self._process("", caller, request, uid))
        answer = self._process(name, caller, request, uid) if fate in ("well", "unanswered") else _no_answer
        if phone.request is request:  # the app was not restarted meanwhile
            phone.answer = answer if fate == "well" else _no_answer

    def _arrive_late(self) -> None:
        if self.late:
            self.late.pop(self.chance.randrange(len(self.late)))()

    def _deliver_event(self) -> None:
        if self.events:
            event = self.chance.choice(self.events)
            phone = self.chance.choice(self.phones)
            if phone.is_online and event["audience"] in phone.caller.audiences:
                phone.client.receive(json.loads(json.dumps(event)))

    # --- the function -------------------------------------------------------------------------------------------------

    def _process(
        self, phone: str, caller: Caller, request: tuple[str, dict[str, Any]], uid: str | None
    ) -> Callable[[], Any]:
        """Let an instance of the function process a request; returns its answer as a function that may raise."""
        self.now += 1
        skew, instance = self.chance.choice(self.instances)
        before, self.skew = self.skew, skew
        self.working.append((phone, self.now))
        self.uids.append(uid)
        try:
            answer = json.loads(json.dumps(self._resolve(instance, caller, *request)))
        except Refused as refused:
            error = Refused(refused.kind, str(refused), json.loads(json.dumps(refused.data)))
            return lambda: _raise(error)
        except Killed:
            return _no_answer
        finally:
            self.uids.pop()
            self.working.pop()
            self.skew = before
        if uid is not None:
            event = {name: value for name, value in answer.items() if name != "_conflicts"}
            self.events = [*self.events[-5:], event]
        return lambda: json.loads(json.dumps(answer))

    def _resolve(self, instance: Notebooks, caller: Caller, name: str, given: dict[str, Any]) -> Any:
        if name == "syncNotes":
            limit = self.chance.choice((1, 2, 3, 100))
            position = {"token": given["nextToken"], "last_sync": given["lastSync"]}
            return instance.sync(caller, NOTE, wanted=None, limit=limit, **position)
        if name == "createNote":
            outcome = instance.create_note(caller, given["input"])
        else:
            change = instance.update_note if name == "updateNote" else instance.delete_note
            outcome = change(caller, given["input"], None)
        return {**public(outcome.record), "_conflicts": list(outcome.not_applied)}

    def _turn(self, effect: Callable[[], Any]) -> Any:
        """Before a call to the table, others may act; the instance may be killed before or after the call."""
        if self.is_calm:
            return effect()
        if self.depth < 2 and self.chance.random() < (0.5 if self.hasty else 0.15):
            self._meanwhile()
        _, began = self.working[-1]
        fate = self.chance.choices(("well", "killed", "killed after", "repeated"), (94, 2, 2, 2))[0]
        if fate == "killed" or self.now - began > FUNCTION_TIMEOUT:
            raise Killed
        result = effect()
        if fate == "killed after":
            raise Killed
        return effect() if fate == "repeated" else result  # the AWS client sends a call again whose answer was lost

    def _meanwhile(self) -> None:
        before, self.skew = self.skew, 0
        self.depth += 1
        try:
            for _ in range(self.chance.randint(1, 4)):
                self.chance.choice((self._step, self._step, self._edit, self._arrive_late))()
                self.now += self.chance.choice((0, 1, 100, 2 * SECOND))
        finally:
            self.depth -= 1
            self.skew = before

    # --- what has to hold ---------------------------------------------------------------------------------------------

    def _written(self, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Check a write of the table."""
        if after.get("kind") != {"S": NOTE}:
            return
        old, new = (_plain(before) if before else None), _plain(after)
        uid = self.uids[-1]
        assert uid is not None
        sent = self.sent[uid]
        assert not sent.effects, f"{uid} takes effect twice: {sent}, now {new}"
        assert new["id"] not in self.deleted, f"{new['id']} was deleted, and {uid} writes it again"
        changed = {name: new.get(name) for name in FIELDS if old and old.get(name) != new.get(name)}
        sent.effects.append(changed if old else new)
        if self.strategy == CUSTOM and self.working[-1][0] == "":
            self.merged_late.add(new["id"])
        if old is None:
            return
        assert new["_version"] == old["_version"] + 1
        assert new["_lastChangedAt"] > old["_lastChangedAt"]
        if new["_deleted"]:
            self.deleted.add(new["id"])
        for name in FIELDS if new["_deleted"] else changed:
            is_kept = self.strategy == CUSTOM and name == "body" and (old.get(name) or "") in (new.get(name) or "")
            if new["_deleted"] or not is_kept:
                self.replaced.append((uid, name, old.get(name)))

    def _check_answer(self, phone: Phone, answer: dict[str, Any] | None) -> None:
        """A mutation that is answered with success is applied, but for the fields that are named."""
        if phone.uid is None or answer is None:
            return
        sent = self.sent[phone.uid]
        for name, value in phone.client.queue[0]["fields"].items():
            applied = any(each.get(name) == value for each in sent.effects)
            is_told = name in answer["_conflicts"]
            assert applied or is_told or answer.get(name) == value, f"{phone.uid} {sent} is answered with {answer}"

    def _calm_down(self) -> None:
        """Nothing fails any more; all phones come online, until nothing is left to send or to receive."""
        self.is_calm = True
        while self.late:
            self._arrive_late()
        for phone in self.phones:
            phone.restart()
            phone.is_online = True
            phone.caller = self.callers[phone.caller.id]
        for _ in range(3):
            self.now += 100 * SECOND
            for phone in self.phones:
                self._connect(phone)
        for phone in self.phones:
            assert not phone.client.queue, f"{phone.name} still has {phone.client.queue}"

    def _connect(self, phone: Phone) -> None:
        for _ in range(2000):
            self._advance(phone)
            if phone.session is None:
                return
        raise AssertionError(f"the session of {phone.name} does not end")

    def _check(self) -> None:
        self._check_convergence()
        log = {(uid, name): outcome for phone in self.phones for uid, name, outcome in phone.client.state["log"]}
        assert len(log) == sum(len(phone.client.state["log"]) for phone in self.phones), "an edit has two outcomes"
        for uid, sent in self.sent.items():
            for name in sent.fields or ("delete",):
                self._check_edit(uid, name, sent, log.get((uid, name)))
        for uid, name, value in self.replaced:
            if value not in self._seen(uid, name, log):
                is_told = log.get((uid, name)) == CONFLICT
                assert is_told, f"{uid} overwrites the unseen {name} {value!r}, and nobody is told: {self.sent[uid]}"
        self._check_that_conflicts_are_real(log)

    def _check_convergence(self) -> None:
        stored = {each["id"]: each for each in map(_plain, self.table.items.values()) if each.get("kind") == NOTE}
        for phone in self.phones:
            copies, audiences = phone.client.copies, phone.caller.audiences
            live = {name for name, each in stored.items() if not each["_deleted"] and each["audience"] in audiences}
            assert set(copies) == live, f"{phone.name} has {sorted(copies)}, the table has {sorted(live)}"
            for record_id, record in copies.items():
                for name in (*FIELDS, "_version", "_lastChangedAt", "owner", "audience"):
                    theirs = stored[record_id].get(name)
                    assert record.get(name) == theirs, f"{phone.name}: {record_id} {name} {record.get(name)}, {theirs}"

    def _check_edit(self, uid: str, name: str, sent: Sent, outcome: str | None) -> None:
        """No edit disappears without a word."""
        assert outcome, f"nobody knows what became of {name} of {uid}: {sent}"
        if outcome == APPLIED and name == "delete":
            assert sent.record_id in self.deleted, f"{uid} deletes {sent.record_id}, which is still there"

    def _seen(self, uid: str, name: str, log: dict[tuple[str, str], str]) -> Iterator[Any]:
        """The values of a field that its user had seen: the last one, and what was there before a rejected edit."""
        sent = self.sent[uid]
        yield sent.seen.get(name)
        for other, each in self.sent.items():
            is_earlier = each.phone == sent.phone and each.record_id == sent.record_id and int(other[2:]) < int(uid[2:])
            if is_earlier and log.get((other, name)) == REJECTED and each.fields.get(name) == sent.seen.get(name):
                yield from self._seen(other, name, log)

    def _check_that_conflicts_are_real(self, log: dict[tuple[str, str], str]) -> None:
        """A phone that alone edits a record gets no conflict.

        An exception is an edit that changed nothing and arrives again late: `custom` merges it like an edit of somebody
        else.
        """
        writers: dict[str, set[str]] = {}
        for sent in self.sent.values():
            if sent.effects:
                writers.setdefault(sent.record_id, set()).add(sent.phone)
        for (uid, name), outcome in log.items():
            sent = self.sent[uid]
            if outcome == CONFLICT and not self.regrouped and sent.record_id not in self.merged_late:
                others = writers.get(sent.record_id, set()) - {sent.phone}
                assert others, f"{uid} gets a conflict about {name}, but nobody else changed {sent.record_id}: {sent}"
            assert outcome != UNKNOWN or self.away or self.regrouped, f"{uid} is given up without a long absence"


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """The plain values of an item, without the bookkeeping."""
    plain: dict[str, Any] = {}
    for name, typed in item.items():
        ((kind, value),) = typed.items()
        plain[name] = int(value) if kind == "N" else value
    return plain


def _raise(error: Exception) -> Any:
    raise error


def _no_answer() -> Any:
    raise NoAnswer
