"""Plays a stream's life against the real settling and replaying: what Lambda may do between a record and the lake.

One `Life` is one schedule, drawn from a seed. Shards split, lanes (ParallelizationFactor) interleave, batches are cut
and cut anew, longer and shorter; attempts are killed before, during and after each request, run out of time, are
refused, fail in `transform`, run another version of it; answers get lost; batches are bisected, answered in part, given
up, replayed by a person who is interrupted too. Asked for, requests of the dead land later, a batch is delivered twice
at once, and attempts run on beside those that follow them, request by request; batches come once more when they are
long done with, or were given up; the parallelization changes under way; the reading begins again further back; shards
split and merge amid aggregated records (resharded_stream).

Every record has a number, so that the lake can be compared with what each batch's last attempt should have left there.
"""

import base64
import gzip
import hashlib
import io
import itertools
import json
import random
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from unittest import mock

from botocore.exceptions import ClientError
from in_memory_lake import Died, InMemoryLake, Overtaken
from lake import REPLACED, Lake, batch_keys
from record_checks import Poison, build_check
from replay import failed_batches
from resharded_stream import ReshardedStream
from settle_batch import Settler

from blueprints_shared.replay import replay
from blueprints_shared.streams import checkpoint

ARRIVAL = 1_794_478_272.0
FAULTS = ("refuse", "lose", "die before", "die after")
KINDS = ("good", "good", "good", "good", "good", "poison", "left out", "differs", "fails")
MENDED = (1, 2)  # versions that can handle every record
CHECK = build_check()
EMPTY = gzip.compress(b"")


class Bug(Exception):
    """What a version of `transform` raises that cannot handle a record."""


@dataclass(frozen=True)
class Record:
    """One record of the stream: its number, the kinds of the user records in it, and how Lambda delivers it.

    `ids` are of what producers handed over, and the same in each record that they put it in.
    """

    number: int
    kinds: tuple
    event: dict
    ids: tuple = ()

    def lines(self, version):
        """Where each user record ends up, after that version of `transform`: (place, number, sub-number)."""
        for part, kind in enumerate(self.kinds):
            place = {"poison": "errors", "left out": None, "differs": (None, "data", None, "errors")[version]}.get(
                kind, "data"
            )
            if place:
                yield place, self.number, part


@dataclass
class Lane:
    """What one poller reads in order: a shard's records of some partition keys.

    `starts`: of the batches so far; `ends`: of those being bisected.
    """

    shard: int
    records: list
    at: int = 0
    starts: list = field(default_factory=list)
    ends: list = field(default_factory=list)
    retries: int = 0

    @property
    def done(self):
        return self.at >= len(self.records)


class Life:
    """One schedule, in which beside everything that is usual there may be:

    late       requests of the dead that land later
    overtaken  attempts that run on beside those that follow, and batches delivered twice at once
    again      batches delivered once more: long after they were done with, or though they were given up
    relaned    another parallelization while records are under way and failed batches wait
    rewound    the reading begins again further back
    resharded  shards that split and merge while producers aggregate, and put again what went astray
    """

    def __init__(
        self, seed, *, late=False, overtaken=False, again=False, relaned=False, rewound=False, resharded=False
    ):
        self.random = random.Random(seed)
        self.late, self.overtaken, self.again, self.relaned, self.rewound = late, overtaken, again, relaned, rewound
        self.stream = ReshardedStream(self.random) if resharded else None
        self.s3 = InMemoryLake(self._fate)
        self.trouble = self.random.choice((0.0, 0.05, 0.25))
        self.versions = self.random.choice(((1,), (1, 2), (1, 3), (2, 3)))
        self.retry_limit = self.random.choice((0, 1, 4))
        self.window = self.random.choice((2, 5, 15))
        self.parents = {}  # number of a shard -> those of the shards that are read before it
        self.lanes = list(self._resharded_lanes() if resharded else self._lanes())
        self.records = [record for lane in self.lanes for record in lane.records]
        self.expected = {}  # number of a batch's first record -> the batch, and the version its last attempt ran
        self.given_up = itertools.count()
        self.running_on = []
        self._stepping = False

    def play(self):
        """Read everything, replay what was given up, and look at the lake."""
        with a_clock():
            self._read()
            self.check_that_nothing_is_lost()
            self._replay()
            if self.rewound:
                self.check_that_each_is_there_once()
                for lane in self.lanes:
                    lane.at = self.random.randint(0, len(lane.records))
                self._read()
                self._replay()
            self._let_all_end()
            self.check_that_nothing_is_lost()
            if not (self.again or self.relaned or self.rewound):
                self.check_that_each_object_is_what_counts()
            if not (self.late or self.overtaken or self.again or self.relaned or self.rewound):
                self.check_that_each_is_there_once()

    # --- the stream --------------------------------------------------------------------------------------------------

    def _lanes(self):
        """Shards, each read by 1 to 10 lanes; a later shard is the child of the one before it."""
        numbers = itertools.count(1)
        for shard in range(self.random.choice((1, 1, 2, 3))):
            self.parents[shard] = range(shard)
            lanes = [Lane(shard, []) for _ in range(self.random.choice((1, 1, 2, 5, 10)))]
            for number in itertools.islice(numbers, self.random.randint(1, 25)):
                kinds = tuple(self.random.choice(KINDS) for _ in range(self.random.choice((1, 1, 1, 3))))
                self.random.choice(lanes).records.append(Record(number, kinds, event(shard, number, kinds)))
            yield from lanes

    def _resharded_lanes(self):
        """The shards of a stream that is re-sharded, each read by 1 to 3 lanes."""
        kinds = {each: self.random.choice(KINDS) for each in self.stream.ids}
        for shard in self.stream.shards:
            older = {parent: {parent, *self.parents[parent]} for parent in shard.parents}
            self.parents[shard.number] = set().union(*older.values())
            lanes = [Lane(shard.number, []) for _ in range(self.random.choice((1, 1, 2, 3)))]
            for put in self.stream.puts:
                if put.shard == shard:
                    self.random.choice(lanes).records.append(record_of(put, kinds))
            yield from lanes

    def _readable(self):
        """A child is read when its parents are read to the end."""
        waiting = [lane for lane in self.lanes if not lane.done]
        unread = {lane.shard for lane in waiting}
        return [lane for lane in waiting if unread.isdisjoint(self.parents[lane.shard])]

    # --- what Lambda does --------------------------------------------------------------------------------------------

    def _read(self):
        while readable := self._readable():
            self._poll(self.random.choice(readable))
            if self.random.random() < 0.3:
                self.s3.land()
            if self.again and self.random.random() < 0.2:
                self._deliver_again(self.random.choice(self.lanes))
            if self.relaned and self.random.random() < 0.1:
                self._relane(self.random.choice(self.lanes).shard)

    def _relane(self, shard):
        """Spread what is left of a shard over lanes anew; of some, what was done with comes again."""
        old = [lane for lane in self.lanes if lane.shard == shard]
        again = self.random.random() < 0.3
        left = [
            record for lane in old for record in lane.records[self.random.randint(0, lane.at) if again else lane.at :]
        ]
        new = [Lane(shard, []) for _ in range(self.random.randint(1, 10))]
        for record in sorted(left, key=lambda record: record.number):
            self.random.choice(new).records.append(record)
        self.lanes = [lane for lane in self.lanes if lane.shard != shard] + new

    def _deliver_again(self, lane):
        """From a checkpoint of before, cut anew, for a batch or a few; then that poller learns that it is none more."""
        if not lane.starts:
            return
        at = self.random.choice(lane.starts)
        for _ in range(self.random.choice((1, 1, 2, 4))):
            batch = lane.records[at : at + self.random.randint(1, self.window)]
            if batch:
                at += self._attempt(batch, self.random.choice(self.versions))

    def _poll(self, lane):
        if not lane.ends:
            lane.ends = [min(lane.at + self.random.randint(1, self.window), len(lane.records))]
        batch = lane.records[lane.at : lane.ends[-1]]
        version = self.random.choice(self.versions)
        lane.starts.append(lane.at)
        if self.overtaken and self.random.random() < 0.25:
            self._run_on(lane)
        handled = self._attempt(batch, version)
        seen = handled and self.random.random() > self.trouble / 2  # else the answer is lost
        if seen:
            self._expect(batch[:handled], version)
            lane.at, lane.retries = lane.at + handled, 0
            if handled == len(batch):
                lane.ends.pop()
        else:
            self._fail(lane, batch)

    def _run_on(self, lane):
        """Deliver the lane's next batch, cut anew, to an attempt that nobody waits for.

        It looks before others do; with `again`, it may begin when they are about to end, or have.
        """
        batch = lane.records[lane.at : lane.at + self.random.randint(1, self.window)]
        version = self.random.choice(self.versions)
        one = Overtaken(self.s3, lambda s3: self._attempt(batch, version, s3, seconds=1000))
        self.running_on.append(one)
        for _ in range(self.random.choice((0, 1, 2)) if self.again else 2):
            self._step(one)

    def _step(self, one=None):
        """One request of one attempt that runs on."""
        self._stepping = True
        one = one or self.random.choice(self.running_on)
        one.step()
        self._stepping = False
        if one.done and one in self.running_on:
            self.running_on.remove(one)

    def _let_all_end(self):
        while self.running_on:
            self._step()
        self.s3.land()

    def _attempt(self, batch, version, s3=None, seconds=None):
        """How many records the function says it has handled; 0 when it failed or died."""
        with_reserve = 5 + (seconds or self.random.choice((1000, 1000, 1000, self.random.randint(0, 8))))
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: with_reserve * 1000)
        settler = Settler(Lake(s3 or self.s3, "lake"), "data", CHECK, transform(version))
        try:
            return settler.settle([record.event for record in batch], context).progress.handled
        except (Died, ClientError, Bug):
            return 0

    def _fail(self, lane, batch):
        lane.retries += 1
        if self.random.random() < 0.15:  # another poller takes over, from the checkpoint, and cuts as it likes
            lane.ends, lane.retries = [], 0
        elif lane.retries > self.retry_limit:
            self._give_up(batch)
            end, lane.retries = lane.ends.pop(), 0
            if not (self.again and self.random.random() < 0.3):  # else the poller dies before it has noted that
                lane.at = end
        elif len(batch) > 1 and self.random.random() < 0.7:
            lane.ends.append(lane.at + len(batch) // 2)

    def _give_up(self, batch):
        payload = json.dumps({"Records": [record.event for record in batch]})
        self.s3.keys("failed")[f"{next(self.given_up):04}"] = json.dumps({"payload": payload}).encode()

    def _expect(self, batch, version):
        """What is to lie there for the batch: what its attempt made that Lambda, or the replay, has heard of."""
        self.expected[batch[0].number] = (batch, version)

    # --- what a person does ------------------------------------------------------------------------------------------

    def _replay(self):
        """With a mended version, again and again until nothing is left; then once more, which changes nothing."""
        version = self.random.choice(MENDED)
        numbers = {record.event["kinesis"]["sequenceNumber"]: record for record in self.records}

        def invoke(*, FunctionName, Payload):
            handed = json.loads(Payload)
            batch = [numbers[each["kinesis"]["sequenceNumber"]] for each in handed["Records"]]
            handled = self._attempt(batch, version)
            if not handled:
                failure = {"errorType": "Failed", "errorMessage": "it failed"}
                return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
            self._expect(batch[:handled], version)
            left = handed["Records"][handled : handled + 1]
            answer = {"batchItemFailures": [{"itemIdentifier": each["kinesis"]["sequenceNumber"]} for each in left]}
            return {"Payload": io.BytesIO(json.dumps(answer).encode())}

        clients = {"s3": self.s3, "lambda": SimpleNamespace(invoke=invoke)}
        outputs = {"Function": "store:live", "FailedBatchesBucket": "failed"}
        stack = SimpleNamespace(outputs=outputs, client=clients.__getitem__)
        while self.s3.keys("failed"):
            try:
                replay(failed_batches(stack, SimpleNamespace(prefix="")), lambda _: None)
            except (Died, ClientError):
                continue  # the person starts it again

    # --- what is to come of it ---------------------------------------------------------------------------------------

    def _fate(self, _):
        while self.running_on and not self._stepping and self.random.random() < 0.4:
            self._step()
        if self.random.random() >= self.trouble:
            return "go"
        return self.random.choice((*FAULTS, "late") if self.late else FAULTS)

    def lines(self, *, replaced=False):
        """Every line in the lake, or of the copies that were kept of it: (place, number, sub-number)."""
        for key, content in self.s3.keys("lake").items():
            if (key.split("/")[0] == REPLACED) == replaced:
                yield from lines_of(key.removeprefix(f"{REPLACED}/"), content)

    def check_that_each_is_there_once(self):
        """Exactly once, in the place that the batch's last attempt saw for it."""
        due = Counter(
            line for batch, version in self.expected.values() for record in batch for line in record.lines(version)
        )
        found = Counter(self.lines())
        assert found == due, f"missing: {due - found}, too many: {found - due}"

    def check_that_each_object_is_what_counts(self):
        """Where the attempt that counts had something to write, that lies there, whole and alone."""
        for batch, version in self.expected.values():
            keys = batch_keys(batch[0].event, "data")
            for place, key in (("data", keys.data), ("errors", keys.errors)):
                due = [line for record in batch for line in record.lines(version) if line[0] == place]
                if due:
                    found = list(lines_of(key, self.s3.keys("lake").get(key, EMPTY)))
                    assert found == due, f"{key} has {found} instead of {due}"

    def check_that_nothing_is_lost(self):
        """At least once, in the lake or among the failed batches, and the same after repeats are dropped by number.

        Of what is delivered once more, or by other lanes, some may be among what was kept of replaced objects.
        """
        waiting = {
            int(each["kinesis"]["sequenceNumber"]) - 10**30
            for content in self.s3.keys("failed").values()
            for each in json.loads(json.loads(content)["payload"])["Records"]
        }
        found = {*self.lines(), *(self.lines(replaced=True) if self.again or self.relaned else ())}
        for record in self.records:
            possible = [set(record.lines(version)) for version in (1, 2, 3)]
            lost = set.intersection(*possible) - found
            assert not lost or record.number in waiting, f"missing: {lost}"
            strange = {line for line in found if line[1] == record.number} - set.union(*possible)
            assert not strange, f"never made: {strange}"


def record_of(put, kinds):
    """A record of a re-sharded stream, with the kinds of its user records by their ids."""
    inside = [(key, content(kinds[each], event_id=each)) for key, each in put.user_records]
    made = delivered(put.shard.number, put.number, inside, ARRIVAL + put.number / 10)
    return Record(put.number, tuple(kinds[each] for _, each in put.user_records), made, ids_of(put))


def ids_of(put):
    """The ids of the user records in a record."""
    return tuple(each for _, each in put.user_records)


def lines_of(key, content):
    """The lines of an object: (place, number, sub-number)."""
    for line in gzip.decompress(content).splitlines():
        said = json.loads(line)
        assert f"{said['shard_id']}-" in key
        yield key.split("/")[0], int(said["sequence_number"]) - 10**30, said["sub_sequence_number"]


@cache
def transform(version):
    """A version of the function to change: 2 stores more than 1, 3 has a bug."""

    def transformed(record):
        kind = json.loads(record.data)["kind"]
        if kind == "fails" and version == 3:
            raise Bug
        if kind == "differs" and version == 3:
            raise Poison("odd", "this version calls it poison")
        return None if kind == "left out" or (kind == "differs" and version == 2) else record

    return transformed


def event(shard, number, kinds):
    """A record of some kinds as Lambda delivers it."""
    return delivered(shard, number, [("key", content(kind)) for kind in kinds], ARRIVAL + number * 600)


def content(kind, **more):
    """The bytes of a user record; poison is cut short."""
    data = json.dumps({**more, "kind": kind}).encode()
    return data[:-1] if kind == "poison" else data


def delivered(shard, number, records, arrived_at):
    """A record as Lambda delivers it, of (partition key, data) pairs; several are aggregated."""
    return {
        "kinesis": {
            "partitionKey": records[0][0],
            "sequenceNumber": str(10**30 + number),
            "data": base64.b64encode(records[0][1] if len(records) == 1 else aggregated(records)).decode(),
            "approximateArrivalTimestamp": arrived_at,
        },
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-{shard:012}:{10**30 + number}",
    }


def aggregated(records):
    """The KPL's format of (partition key, data) pairs."""
    keys = list(dict.fromkeys(key for key, _ in records))
    message = b"".join(_field(1, key.encode()) for key in keys)
    for key, data in records:
        message += _field(3, b"\x08" + _varint(keys.index(key)) + _field(3, data))
    return b"\xf3\x89\x9a\xc2" + message + hashlib.md5(message).digest()


def _field(number, content):
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number):
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80]) + _varint(number >> 7)


@contextmanager
def a_clock():
    """Time that passes by being looked at: an attempt runs out of it at any record."""
    now = [1_000_000]

    def look():
        now[0] += 1
        return now[0]

    with mock.patch.object(checkpoint, "time", SimpleNamespace(monotonic=look)):
        yield
