"""Simulates a stream: everything that Lambda, S3 and people may do between a record and the lake.

One `Life` is one random schedule, drawn from a seed, against the real code. Shards split, lanes (ParallelizationFactor)
interleave, and batches are cut and cut again, longer and shorter. Attempts are killed before, during and after each
request, run out of time, are refused, fail in `transform`, and run another version of it; responses get lost. Batches
are bisected, answered in part, given up, and replayed by a person who is interrupted too. Options of `Life` add more.

Every record has a number, so that the lake can be compared with what the last attempt at each batch should have left.
"""

import base64
import gzip
import io
import itertools
import json
import random
from collections import Counter, defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from types import SimpleNamespace
from unittest import mock

import commit_batch
from botocore.exceptions import ClientError
from in_memory_lake import Died, InMemoryLake, Overtaken
from kpl_records import aggregated
from lake import REPLACED, Lake, batch_keys
from replay import failed_batches
from resharded_stream import ReshardedStream
from stream_record import InvalidRecord

from blueprints_shared.json_objects import build_check
from blueprints_shared.replay import replay
from blueprints_shared.streams import checkpoint

ARRIVAL = 1_794_478_272.0
FAULTS = ("refuse", "lose", "die before", "die after")
KINDS = ("good", "good", "good", "good", "good", "poison", "left out", "differs", "fails")
FIXED = (1, 2)  # versions that can handle every record
CHECK = build_check()
EMPTY = gzip.compress(b"")


class Bug(Exception):
    """Raised by a version of `transform` that has a bug."""


@dataclass(frozen=True)
class Record:
    """One record of the stream: its number, the kinds of the user records in it, and the event that Lambda delivers.

    `ids` identify what producers handed to their library; a user record that is put again keeps its id.
    """

    number: int
    kinds: tuple
    event: dict
    ids: tuple = ()

    def lines(self, version):
        """Where each user record ends with that version of `transform`: (prefix, number, sub-number)."""
        for part, kind in enumerate(self.kinds):
            place = {"poison": "errors", "left out": None, "differs": (None, "data", None, "errors")[version]}.get(
                kind, "data"
            )
            if place:
                yield place, self.number, part


@dataclass
class Lane:
    """The records of some partition keys of a shard, which one poller reads in order.

    `starts` of the batches so far, and `ends` of the batches that are being bisected.
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
    """One schedule, to which options add:

    late            requests of killed attempts that arrive later
    overtaken       attempts that run on beside their successors, and batches delivered twice at the same time
    redelivered     batches delivered again, long after they were done or given up
    reparallelized  another parallelization while records are under way and failed batches wait
    rewound         reading that begins again at an earlier record
    resharded       shards that split and merge while producers aggregate, and put again what reached the wrong shard
    """

    def __init__(
        self,
        seed,
        *,
        late=False,
        overtaken=False,
        redelivered=False,
        reparallelized=False,
        rewound=False,
        resharded=False,
    ):
        self.random = random.Random(seed)
        self.late, self.overtaken, self.rewound = late, overtaken, rewound
        self.redelivered, self.reparallelized = redelivered, reparallelized
        self.stream = ReshardedStream(self.random) if resharded else None
        self.s3 = InMemoryLake(self._fate)
        self.trouble = self.random.choice((0.0, 0.05, 0.25))
        self.versions = self.random.choice(((1,), (1, 2), (1, 3), (2, 3)))
        self.retry_limit = self.random.choice((0, 1, 4))
        self.window = self.random.choice((2, 5, 15))
        self.parents = {}  # number of a shard -> the numbers of the shards that are read before it
        self.lanes = list(self._resharded_lanes() if resharded else self._lanes())
        self.records = [record for lane in self.lanes for record in lane.records]
        self.expected = {}  # number of a batch's first record -> the batch, and the version that its last attempt ran
        self.given_up = itertools.count()
        self.running_on = []
        self._stepping = False

    def play(self):
        """Read everything, replay what was given up, and check the lake."""
        with ticking_clock():
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
            if not (self.redelivered or self.reparallelized or self.rewound):
                self.check_that_each_object_is_one_result()
            if not (self.late or self.overtaken or self.redelivered or self.reparallelized or self.rewound):
                self.check_that_each_is_there_once()

    # --- the stream --------------------------------------------------------------------------------------------------

    def _lanes(self):
        """Shards, each read by 1 to 10 lanes; each shard is the child of the one before it."""
        numbers = itertools.count(1)
        for shard in range(self.random.choice((1, 1, 2, 3))):
            self.parents[shard] = range(shard)
            lanes = [Lane(shard, []) for _ in range(self.random.choice((1, 1, 2, 5, 10)))]
            for number in itertools.islice(numbers, self.random.randint(1, 25)):
                kinds = tuple(self.random.choice(KINDS) for _ in range(self.random.choice((1, 1, 1, 3))))
                self.random.choice(lanes).records.append(Record(number, kinds, event(shard, number, kinds)))
            yield from lanes

    def _resharded_lanes(self):
        """The shards of a re-sharded stream, each read by 1 to 3 lanes."""
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
        """The lanes that can be read: a shard is read after its parents."""
        waiting = [lane for lane in self.lanes if not lane.done]
        unread = {lane.shard for lane in waiting}
        return [lane for lane in waiting if unread.isdisjoint(self.parents[lane.shard])]

    # --- Lambda --------------------------------------------------------------------------------------------------

    def _read(self):
        while readable := self._readable():
            self._poll(self.random.choice(readable))
            if self.random.random() < 0.3:
                self.s3.land()
            if self.redelivered and self.random.random() < 0.2:
                self._deliver_again(self.random.choice(self.lanes))
            if self.reparallelized and self.random.random() < 0.1:
                self._reparallelize(self.random.choice(self.lanes).shard)

    def _reparallelize(self, shard):
        """Distribute the rest of a shard over new lanes; sometimes, records that were done come again."""
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
        """Deliver one batch or a few from an earlier checkpoint, cut differently, by an outdated poller."""
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
        """Deliver the lane's next batch, cut differently, to an attempt that nobody waits for.

        It reads the ETags before others do; with `redelivered`, it may begin when they end, or after that.
        """
        batch = lane.records[lane.at : lane.at + self.random.randint(1, self.window)]
        version = self.random.choice(self.versions)
        one = Overtaken(self.s3, lambda s3: self._attempt(batch, version, s3, seconds=1000))
        self.running_on.append(one)
        for _ in range(self.random.choice((0, 1, 2)) if self.redelivered else 2):
            self._step(one)

    def _step(self, one=None):
        """Run one request of an attempt that runs on."""
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
        """Return how many records the function reports as handled; 0 if it failed or died."""
        with_reserve = 5 + (seconds or self.random.choice((1000, 1000, 1000, self.random.randint(0, 8))))
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: with_reserve * 1000)
        events = [record.event for record in batch]
        try:
            lake = Lake(s3 or self.s3, "lake")
            return commit_batch.commit_batch(lake, CHECK, transform(version), events, context).progress.handled
        except (Died, ClientError, Bug):
            return 0

    def _fail(self, lane, batch):
        lane.retries += 1
        if self.random.random() < 0.15:  # another poller takes over, from the checkpoint, and cuts as it likes
            lane.ends, lane.retries = [], 0
        elif lane.retries > self.retry_limit:
            self._give_up(batch)
            end, lane.retries = lane.ends.pop(), 0
            if not (self.redelivered and self.random.random() < 0.3):  # else the poller dies before it has noted that
                lane.at = end
        elif len(batch) > 1 and self.random.random() < 0.7:
            lane.ends.append(lane.at + len(batch) // 2)

    def _give_up(self, batch):
        payload = json.dumps({"Records": [record.event for record in batch]})
        self.s3.keys("failed")[f"{next(self.given_up):04}"] = json.dumps({"payload": payload}).encode()

    def _expect(self, batch, version):
        """Expect the result of this attempt, whose response Lambda or the replay has received."""
        self.expected[batch[0].number] = (batch, version)

    # --- a person --------------------------------------------------------------------------------------------------

    def _replay(self):
        """Replay with a fixed version until nothing is left."""
        version = self.random.choice(FIXED)
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
                continue  # the person runs it again

    # --- the result ------------------------------------------------------------------------------------------------

    def _fate(self, _):
        while self.running_on and not self._stepping and self.random.random() < 0.4:
            self._step()
        if self.random.random() >= self.trouble:
            return "go"
        return self.random.choice((*FAULTS, "late") if self.late else FAULTS)

    def lines(self, *, replaced=False):
        """Every line in the lake, or in the copies of replaced objects: (prefix, number, sub-number)."""
        for key, content in self.s3.keys("lake").items():
            if (key.split("/")[0] == REPLACED) == replaced:
                yield from lines_of(key.removeprefix(f"{REPLACED}/"), content)

    def check_that_each_is_there_once(self):
        """Exactly once, where the last attempt at the batch put it."""
        due = Counter(
            line for batch, version in self.expected.values() for record in batch for line in record.lines(version)
        )
        found = Counter(self.lines())
        assert found == due, f"missing: {due - found}, too many: {found - due}"

    def check_that_each_object_is_one_result(self):
        """Where the last attempt at a batch had lines, the object has these lines and no others."""
        for batch, version in self.expected.values():
            keys = batch_keys(batch[0].event)
            for prefix, key in (("data", keys.data), ("errors", keys.errors)):
                due = [line for record in batch for line in record.lines(version) if line[0] == prefix]
                if due:
                    found = list(lines_of(key, self.s3.keys("lake").get(key, EMPTY)))
                    assert found == due, f"{key} has {found} instead of {due}"

    def check_that_nothing_is_lost(self):
        """At least once, in the lake or in the failed batches, and each line is one that some version makes.

        Records that were redelivered, or read by other lanes, may be only in the copies of replaced objects.
        """
        waiting = {
            int(each["kinesis"]["sequenceNumber"]) - 10**30
            for content in self.s3.keys("failed").values()
            for each in json.loads(json.loads(content)["payload"])["Records"]
        }
        found = {*self.lines(), *(self.lines(replaced=True) if self.redelivered or self.reparallelized else ())}
        found_of = defaultdict(set)
        for line in found:
            found_of[line[1]].add(line)
        for record in self.records:
            possible = [set(record.lines(version)) for version in (1, 2, 3)]
            lost = set.intersection(*possible) - found_of[record.number]
            assert not lost or record.number in waiting, f"missing: {lost}"
            strange = found_of[record.number] - set.union(*possible)
            assert not strange, f"never made: {strange}"


def record_of(put, kinds):
    """A record of a re-sharded stream; `kinds` has the kinds of user records by id."""
    inside = [(key, content(kinds[each], event_id=each)) for key, each in put.user_records]
    made = delivered(put.shard.number, put.number, inside, ARRIVAL + put.number / 10)
    return Record(put.number, tuple(kinds[each] for _, each in put.user_records), made, ids_of(put))


def ids_of(put):
    """The ids of the user records in a record."""
    return tuple(each for _, each in put.user_records)


@lru_cache(1000)  # an object is looked at by several checks
def lines_of(key, content):
    """The lines of an object: (prefix, number, sub-number)."""
    found = []
    for line in gzip.decompress(content).splitlines():
        said = json.loads(line)
        assert f"{said['shard_id']}-" in key
        found.append((key.split("/")[0], int(said["sequence_number"]) - 10**30, said["sub_sequence_number"]))
    return tuple(found)


@cache
def transform(version):
    """A version of `transform`: 2 leaves out what 1 stores, 3 has a bug and finds other records invalid."""

    def transformed(record):
        kind = json.loads(record.data)["kind"]
        if kind == "fails" and version == 3:
            raise Bug
        if kind == "differs" and version == 3:
            raise InvalidRecord("odd", "this version finds it invalid")
        return None if kind == "left out" or (kind == "differs" and version == 2) else record

    return transformed


def event(shard, number, kinds):
    """A record with user records of these kinds, as Lambda delivers it."""
    return delivered(shard, number, [("key", content(kind)) for kind in kinds], ARRIVAL + number * 600)


def content(kind, **more):
    """The bytes of a user record; an invalid one is truncated."""
    data = json.dumps({**more, "kind": kind}).encode()
    return data[:-1] if kind == "poison" else data


def delivered(shard, number, records, arrived_at):
    """A record with user records, (partition key, data) pairs, as Lambda delivers it; several are aggregated."""
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


@contextmanager
def ticking_clock():
    """A clock that advances with each reading, so that an attempt can run out of time at any record."""
    now = [1_000_000]

    def look():
        now[0] += 1
        return now[0]

    with mock.patch.object(checkpoint, "time", SimpleNamespace(monotonic=look)):
        yield
