"""Plays a table's life against the real handlers and the real replay: what Lambda may do between a change and its end.

One `Life` is one schedule, drawn from a seed. The stream's shards split, and the stream may be made anew; lanes
(ParallelizationFactor) interleave; batches are cut and cut anew, longer and shorter; attempts are killed before, during
and after each call, run out of time, are refused, run another version of the function; answers get lost; batches are
bisected, answered in part, given up, replayed by a person who is interrupted too, while the stream is read or after it.

Every change has a number, so that what came of them can be compared with what was to come.
"""

import importlib
import inspect
import itertools
import json
import os
import random
import sys
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from unittest import mock

import event_bus
import replay
import sql_database
import webhook
from bounded_http import Answer, NoAnswer
from model_database import SCHEMA, ModelDatabase
from replica import Replica, row_id
from set_aside import Rejection, SetAside
from streamed import LATER_STREAM, STREAM, StreamedTable, key
from unreliable_services import S3, DataApi, Died, Events, Network, Receiver

from blueprints_shared.streams import checkpoint
from blueprints_shared.streams.dynamodb_rows import key_text

KEY = b"k" * 32
FAULTS = ("refuse", "lose", "die before", "die after")
# What is done to an item. "odd": PostgreSQL can't hold it; "huge": it refuses it; "unwelcome": the receiver refuses it;
# "differs": one version of the functions can't take it; "fails": one fails at it; "malformed": the record is none.
KINDS = ("put",) * 8 + ("delete",) * 3 + ("expire", "odd", "huge", "unwelcome", "differs", "fails", "malformed")
PLAIN, STRICT, BROKEN, MENDED = "plain", "strict", "broken", "mended"
REFUSALS = ("ServiceUnavailableError", "DatabaseResumingException", "StatementTimeoutException", "ThrottlingException")
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "POWERTOOLS_SERVICE_NAME": "simulated",
    "POWERTOOLS_METRICS_NAMESPACE": "simulated",
    "FAILURES_BUCKET": "failures",
    "DATABASE_CLUSTER_ARN": "cluster",
    "SECRET_ARN": "secret",
    "DATABASE_NAME": "replica",
    "DATABASE_SCHEMA": SCHEMA,
    "WEBHOOK_URL": "",
    "WEBHOOK_SECRET_ARN": "",
    "ALLOW_PRIVATE_ADDRESSES": "false",
}


class Bug(Exception):
    """What a version of a function raises that can't handle a change."""


@dataclass(frozen=True)
class Change:
    """One change of one item; `place`, the stream's label and the number, orders those of a key."""

    name: str
    kind: str
    record: dict
    id: str
    number: str
    place: tuple

    @classmethod
    def of(cls, name, kind, record):
        number = record["dynamodb"]["SequenceNumber"]
        label = record["eventSourceARN"].partition("/stream/")[2]
        return cls(name, kind, record, record["eventID"], number, (label, int(number)))


@dataclass
class Lane:
    """What one poller reads in order: a shard's changes of some keys. `ends`: of batches being bisected."""

    stream: str
    generation: int
    changes: list = field(default_factory=list)
    at: int = 0
    ends: list = field(default_factory=list)
    retries: int = 0

    @property
    def done(self):
        return self.at >= len(self.changes)


class Life:
    """One schedule of one function. `late`: calls of the dead may land later; `rewound`: the reading begins again."""

    function: str

    def __init__(self, seed, *, late=False, rewound=False):
        self.random = random.Random(seed)
        self.late, self.rewound = late, rewound
        self.network = Network(self._fate)
        self.s3 = S3(self.network)
        self.trouble = self.random.choice((0.0, 0.03, 0.15))
        self.versions = self.random.choice(((PLAIN,), (PLAIN, STRICT), (PLAIN, BROKEN), (STRICT, BROKEN)))
        self.retry_limit = self.random.choice((0, 1, 4))
        self.window = self.random.choice((2, 5, 15))
        self.chunk_limit = self.random.choice((1, 700, 3_000_000))
        self.taught = False  # whether receivers take what they refused
        self.excused = set()  # ids of the changes that were given up or set aside: they may come late
        self.wrong = []
        self.happened = Counter()
        self._names = itertools.count()
        self.changes = []
        self.lanes = list(self._lanes())
        self.by_number = {change.number: change for change in self.changes}

    def play(self):
        """Read everything, replay what was given up, and look at what came of it."""
        with simulated():
            self._read()
            self.check_that_nothing_is_lost()
            self._drain()
            self.check_the_end()
            before = self.snapshot()
            if self.rewound:
                for lane in self.lanes:
                    lane.at = self.random.randint(0, len(lane.changes))
                self._read()
                self.check_the_end(drained=False)
            self.network.land()
            self._drain()
            self.check_the_end()
            assert self.snapshot() == before, "what came twice changed something"
            assert not self.wrong, self.wrong[0]

    # --- the stream --------------------------------------------------------------------------------------------------

    def _lanes(self):
        """Shards, each read by 1 to 10 lanes; a generation of shards is read when the one before it is."""
        names, items = "abcdef"[: self.random.randint(1, 6)], {}
        for stream in (STREAM, LATER_STREAM)[: self.random.choice((1, 1, 2))]:
            # A stream made anew numbers its changes anew.
            table = StreamedTable(stream, start=10**22 + 1000 if stream == STREAM else 10**21)
            table.items = items
            for generation in range(self.random.choice((1, 1, 2, 3))):
                lanes = [Lane(stream, generation) for _ in range(self.random.choice((1, 1, 2, 10)))]
                of_key = {name: self.random.choice(lanes) for name in names}
                for _ in range(self.random.randint(1, 20)):
                    name = self.random.choice(names)
                    change = made(table, name, self.random.choice(KINDS), next(self._names))
                    self.changes.append(change)
                    of_key[name].changes.append(change)
                yield from lanes

    def _readable(self):
        """A child is read when its parents are read to the end; the streams, beside each other."""
        waiting = [lane for lane in self.lanes if not lane.done]
        return [
            lane
            for lane in waiting
            if lane.generation == min(each.generation for each in waiting if each.stream == lane.stream)
        ]

    # --- what Lambda does --------------------------------------------------------------------------------------------

    def _read(self):
        while readable := self._readable():
            self._poll(self.random.choice(readable))
            if self.random.random() < 0.3:
                self.network.land()
            if self.trouble and self.random.random() < 0.1:
                self._replay(self.random.random() < 0.5)

    def _poll(self, lane):
        if not lane.ends:
            lane.ends = [min(lane.at + self.random.randint(1, self.window), len(lane.changes))]
        batch = lane.changes[lane.at : lane.ends[-1]]
        handled = self._attempt(batch, self.random.choice(self.versions))
        seen = handled and self.random.random() >= self.trouble / 2  # else the answer is lost
        if seen:
            lane.at, lane.retries = lane.at + handled, 0
            self.happened["answered in part"] += handled < len(batch)
            if handled == len(batch):
                lane.ends.pop()
        else:
            self._fail(lane, batch)

    def _attempt(self, batch, version):
        """How many changes the function says it has handled; 0 when it failed or died."""
        seconds = 5 + self.random.choice((1000, 1000, 1000, self.random.randint(0, 12)))
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)
        event = {"Records": [change.record for change in batch]}
        try:
            answer = self.invoke(event, context, version)
        except (Died, Exception):  # noqa: BLE001 - whatever a function raises, Lambda sees that it failed
            return 0
        finally:
            self.network.dead = False
        stopped_at = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        return [change.number for change in batch].index(stopped_at[0]) if stopped_at else len(batch)

    def _fail(self, lane, batch):
        lane.retries += 1
        if self.random.random() < 0.15:  # another poller takes over, from the checkpoint, and cuts as it likes
            lane.ends, lane.retries = [], 0
            self.happened["cut anew"] += 1
        elif lane.retries > self.retry_limit:
            self._give_up(batch)
            lane.at, lane.retries = lane.ends.pop(), 0
        elif len(batch) > 1 and self.random.random() < 0.7:
            lane.ends.append(lane.at + len(batch) // 2)
            self.happened["bisected"] += 1

    def _give_up(self, batch):
        """Lambda's own call; it lets go of nothing before this went well."""
        self.happened["given up"] += 1
        self.excused |= {change.id for change in batch}
        second = next(self._names) // 3  # several in one, with names that say nothing of their order
        name = f"2026-11-12T00.{second // 60:02}.{second % 60:02}-{self.random.getrandbits(64):016x}"
        content = {
            "requestContext": {"functionArn": ARNS[self.function], "condition": "RetryAttemptsExhausted"},
            "DDBStreamBatchInfo": {"startSequenceNumber": batch[0].number},
            "payload": json.dumps({"Records": [change.record for change in batch]}),
        }
        self.s3.objects[f"aws/lambda/mapping/shard/2026/11/12/{name}"] = json.dumps(content).encode()

    # --- what a person does ------------------------------------------------------------------------------------------

    def _drain(self):
        """Everything is mended; replay again and again until nothing is left but what never was a change."""
        self.taught = True
        for _ in range(300):
            if not self._batches_left() and self._rejected() <= self._malformed():
                return
            for rejected in (False, True):
                self._replay(rejected, MENDED)
        raise AssertionError("replaying does not come to an end")

    def _replay(self, rejected, version=None):
        self.happened["replayed meanwhile"] += not self.taught
        self.excused |= self._rejected()
        self._replayed_with = version
        functions = SimpleNamespace(invoke=self._invoke)
        try:
            replay.Replay(self.s3, functions, OUTPUTS, lambda _: None).run(rejected=rejected)
        except (Died, replay.ClientError):
            self.network.dead = False  # the person starts it again, or not

    def _invoke(self, FunctionName, Payload):
        """What Lambda answers to the person's invocation."""
        assert FunctionName == ARNS[self.function]
        by_number, event = self.by_number, json.loads(Payload)
        batch = [by_number[each["dynamodb"]["SequenceNumber"]] for each in event["Records"]]
        handled = self._attempt(batch, self._replayed_with or self.random.choice(self.versions))
        if not handled:
            said, more = {"errorType": "Failed", "errorMessage": "it failed"}, {"FunctionError": "Unhandled"}
        else:
            left = batch[handled : handled + 1]
            said, more = {"batchItemFailures": [{"itemIdentifier": change.number} for change in left]}, {}
        return {"Payload": SimpleNamespace(read=lambda: json.dumps(said)), **more}

    # --- what is to come of it ---------------------------------------------------------------------------------------

    def _fate(self, _):
        if self.random.random() >= self.trouble:
            return "go"
        fate = self.random.choice((*FAULTS, "late") if self.late else FAULTS)
        self.happened[fate] += 1
        return fate

    def _batches_left(self):
        return [key for key in self.s3.objects if not key.startswith("rejected/")]

    def waiting(self):
        """The ids of the changes in the batches that were given up."""
        return {
            record["eventID"]
            for each in self._batches_left()
            for record in json.loads(json.loads(self.s3.objects[each])["payload"])["Records"]
        }

    def _rejected(self):
        """The ids of the changes that were set aside."""
        return {
            name.rpartition("-")[2].removesuffix(".json") for name in self.s3.objects if name.startswith("rejected/")
        }

    def _malformed(self):
        return {change.id for change in self.changes if change.kind == "malformed"}

    def check_that_nothing_is_lost(self):
        """What came of each change stands, or it is among the failures."""
        kept = self.waiting() | self._rejected()
        lost = [change for change in self.changes if not self.arrived(change) and not self.is_safe(change, kept)]
        assert not lost, f"lost: {lost[0].id} {lost[0].kind}"
        self.happened["set aside"] += len(self._rejected())

    def is_safe(self, change, kept):
        """Whether it is among the failures, whose ids are `kept`."""
        return change.id in kept

    def check_the_end(self, *, drained=True):
        """The end is that of a life without faults."""
        for change in self.changes:
            if change.kind == "malformed":
                assert change.id in self._rejected() | self.waiting(), f"lost: {change.id}, which is no change"
            else:
                assert self.arrived(change), f"lost: {change.id} {change.kind}"
        if drained:
            assert not self._batches_left()
        self.check_what_is_there()


class Replicating(Life):
    """The life of a replica. `database` runs the statements: the model, or one beside it."""

    function = "replicate"

    def __init__(self, seed, *, database=ModelDatabase, **kind):
        super().__init__(seed, **kind)
        self.database = database(self._moved)
        self.client = DataApi(self.network, self.database, lambda: self.random.choice(REFUSALS))
        self._replica = None

    def _moved(self, before, after):
        if before and before.place > after.place:
            self.wrong.append(f"{after.key} went back from {before.place} to {after.place}")

    def invoke(self, event, context, version):
        """One invocation, in an environment that was there or a new one."""
        module = handlers()["replicate"]
        if self._replica is None or self.random.random() < 0.2:
            self._replica = Replica(sql_database.Database(self.client, "cluster", "secret", "replica"), SCHEMA)
        module.replica = self._replica
        module.aside = SetAside(lambda: self.s3, "failures", "replicate")
        cut = module.chunked
        with seen_by(module, version), mock.patch.object(module, "chunked", lambda rows: cut(rows, self.chunk_limit)):
            try:
                return inspect.unwrap(module.handler)(event, context)
            except Died:
                self._replica = None
                raise

    def arrived(self, change):
        """Whether the row of its item stands at this change or a later one."""
        row = self.database.rows.get(row_of(change.name))
        return change.kind == "malformed" or (row is not None and row.place >= change.place)

    def is_safe(self, change, kept):
        """A change that a later one replaced in its batch is as safe as that one: the row is to show the newest."""
        return any(each.id in kept for each in self.changes if each.name == change.name and each.place >= change.place)

    def check_that_nothing_is_lost(self):
        super().check_that_nothing_is_lost()
        kept, rejected = self.waiting(), self._rejected()
        for name, change in self._newest().items():
            row = self.database.rows.get(row_of(name))
            if change.id not in kept and row and row.state == "rejected":
                assert change.id in rejected, f"the row of {name} says rejected, and no object holds the change"

    def check_what_is_there(self):
        """Each row shows its key's newest change."""
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


class Announcing(Life):
    """The life of announcements. `bus`: on the event bus, instead of a webhook."""

    function = "announce"

    def __init__(self, seed, *, bus=False, **kind):
        super().__init__(seed, **kind)
        self.bus = bus
        self.receiver = (
            Events(self.network, self._refuses, lambda: self.random.random() < self.trouble)
            if bus
            else Receiver(self.network, KEY, self._refuses, self._busy)
        )
        self.webhook = None if bus else webhook.Webhook(lambda *given: self.receiver.post(*given), lambda: [KEY])

    def _refuses(self, message):
        return not self.taught and '"unwelcome"' in json.dumps(message["data"]["new"])

    def _busy(self):
        kind = self.random.choice(("unreachable", 429, 503))
        if kind == "unreachable":
            raise NoAnswer("nobody there")
        return Answer(kind, {"retry-after": self.random.choice(("1", "3600"))}, b"")

    def invoke(self, event, context, version):
        """One invocation."""
        module = handlers()["announce"]
        module.webhook, module.bus = self.webhook, event_bus.EventBus(self.receiver) if self.bus else None
        module.aside = SetAside(lambda: self.s3, "failures", "announce")
        with seen_by(module, version):
            return inspect.unwrap(module.handler)(event, context)

    def arrived(self, change):
        return change.id in self.receiver.ids

    def check_that_nothing_is_lost(self):
        super().check_that_nothing_is_lost()
        self.check_what_is_there()

    def check_what_is_there(self):
        """Under its own id and always the same; those of a key in order, but for what was given up or set aside."""
        self.excused |= self._rejected()
        by_id, first, last = {change.id: change for change in self.changes}, {}, {}
        for each, body in self.receiver.taken:
            assert each in by_id, f"no change has the id {each}"
            assert first.setdefault(each, body) == body, f"{each} came with another content"
        for each, body in first.items():
            data, change = json.loads(body)["data"], by_id[each]
            assert (data["sequence_number"], data["keys"]["pk"]) == (change.number, change.name)
            if not self.bus and each not in self.excused:
                stream, number = change.place
                assert last.get((stream, change.name), 0) < number, f"{each} came after {last}"
                last[stream, change.name] = number

    def snapshot(self):
        return dict(self.receiver.taken)


ARNS = {name: f"arn:aws:lambda:eu-west-1:123456789012:function:{name}:live" for name in ("replicate", "announce")}
OUTPUTS = {
    "FailuresBucket": "failures",
    "ReplicateFunction": ARNS["replicate"],
    "AnnounceFunction": ARNS["announce"],
}


def made(table, name, kind, number):
    """Make a change of a kind in the table."""
    if kind in ("delete", "expire") and name in table.items:
        return Change.of(name, kind, getattr(table, kind)(name))
    attributes = {
        "odd": {"note": {"S": "before\0after"}},
        "huge": {"size": {"N": "1E+200000"}},
    }.get(kind, {"note": {"S": kind}})
    record = table.put(name, n={"N": str(number)}, **attributes)
    if kind == "malformed":
        return Change.of(name, kind, {**record, "eventName": "GUESS"})
    return Change.of(name, "put" if kind in ("delete", "expire") else kind, record)


@cache
def row_of(name):
    """The id of an item's row."""
    return row_id(key_text(key(name)))


@cache
def handlers():
    """The modules of the handlers, by function; their clients are put in place for each invocation."""
    modules = {}
    with (
        mock.patch.dict(os.environ, ENVIRONMENT),
        mock.patch("blueprints_shared.clients.client", return_value=None),
    ):
        for function in ("replicate", "announce"):
            sys.modules.pop(f"{function}_changes", None)
            module = modules[function] = importlib.import_module(f"{function}_changes")
            del sys.modules[f"{function}_changes"]  # others import it with clients and settings of their own
            nothing = lambda *_, **__: None  # noqa: E731
            module.logger = SimpleNamespace(info=nothing, warning=nothing, error=nothing)
            module.metrics = SimpleNamespace(add_metric=nothing)
    return modules


@contextmanager
def seen_by(module, version):
    """Have a version of a function handle changes."""
    with ExitStack() as stack:
        if module is handlers()["replicate"]:
            reduce, chunk = module.reduced, module.chunked
            stack.enter_context(
                mock.patch.object(module, "reduced", lambda records: _reduced(reduce, records, version))
            )
            if version == STRICT:
                stack.enter_context(mock.patch.object(module, "chunked", lambda entries: chunk(entries, 1)))
        else:
            announce = module.announcement_of
            stack.enter_context(
                mock.patch.object(module, "announcement_of", lambda record: _announced(announce, record, version))
            )
        yield


def _kind(record):
    return record["dynamodb"].get("NewImage", {}).get("note", {}).get("S")


def _reduced(reduce, records, version):
    if version == BROKEN and any(_kind(record) == "fails" for record in records):
        raise Bug
    originals = {record["eventID"]: record for record in records}
    batch = reduce([_as_seen(record, version) for record in records])
    batch.entries = [replace(entry, record=originals[entry.change.event_id]) for entry in batch.entries]
    batch.rejected = [(originals[record["eventID"]], rejection) for record, rejection in batch.rejected]
    return batch


def _as_seen(record, version):
    """The mended version writes what PostgreSQL can hold; the strict one takes for poison what the others do not."""
    image = record["dynamodb"].get("NewImage", {})
    if version == MENDED and ("size" in image or _kind(record) == "before\0after"):
        image = {**image, "note": {"S": "mended"}, "size": {"N": "0"}}
    elif version == STRICT and _kind(record) == "differs":
        image = {**image, "note": {"S": "\0"}}
    else:
        return record
    return {**record, "dynamodb": {**record["dynamodb"], "NewImage": image}}


def _announced(announce, record, version):
    if version == BROKEN and _kind(record) == "fails":
        raise Bug
    if version == STRICT and _kind(record) == "differs":
        raise Rejection("odd", "this version calls it poison")
    return announce(record)


@contextmanager
def simulated():
    """Time that passes by being looked at and slept through."""
    now = [1_790_000_000.0]

    def look():
        now[0] += 1
        return now[0]

    def sleep(seconds):
        now[0] += seconds

    clock = SimpleNamespace(monotonic=look, time=look, sleep=sleep)
    modules = (checkpoint, sql_database, webhook, event_bus, *handlers().values())
    with ExitStack() as stack:
        for module in modules:
            stack.enter_context(mock.patch.object(module, "time", clock))
        yield
