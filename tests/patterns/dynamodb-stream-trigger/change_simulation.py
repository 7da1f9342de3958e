"""Simulates a table, its stream and Lambda around the real handlers and the real replay.

One `Life` is one schedule, drawn from a seed. Shards split, and the stream may be replaced; lanes
(ParallelizationFactor) interleave; batches have varying sizes; attempts are killed before, during and after each call,
run out of time, are refused, or run another version of the function; responses get lost; batches are bisected, handled
in part, given up, and replayed, while the stream is read or afterwards, by a person who may be interrupted too.

Every change has a number, so that the results can be compared with the changes.
"""

import itertools
import json
import random
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

import event_bus
import sql_database
import webhook
from botocore.exceptions import ClientError
from change_history import KINDS, made
from handler_versions import BROKEN, FIXED, PLAIN, STRICT, handlers
from replay import failures
from streamed import LATER_STREAM, STREAM, StreamedTable
from unreliable_services import S3, Died, Network

from blueprints_shared.replay import replay
from blueprints_shared.streams import checkpoint

FAULTS = ("refuse", "lose", "die before", "die after")
ARNS = {name: f"arn:aws:lambda:eu-west-1:123456789012:function:{name}:live" for name in ("replicate", "announce")}
OUTPUTS = {
    "FailuresBucket": "failures",
    "ReplicateFunction": ARNS["replicate"],
    "AnnounceFunction": ARNS["announce"],
}


@dataclass
class Lane:
    """What one poller reads in order: changes of some keys of a shard. `ends` are the ends of bisected batches."""

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
    """One schedule of one function.

    `late`: calls of killed attempts may arrive later; `rewound`: the stream is read again.
    """

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
        self.taught = False  # whether receivers accept what they refused before
        self.excused = set()  # ids of the changes that were given up or rejected: they may come late
        self.wrong = []
        self.happened = Counter()
        self._names = itertools.count()
        self.changes = []
        self.lanes = list(self._lanes())
        self.by_number = {change.number: change for change in self.changes}

    def play(self):
        """Read everything, replay what was given up, and check the results."""
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
            assert self.snapshot() == before, "repeated changes had an effect"
            assert not self.wrong, self.wrong[0]

    # --- the stream --------------------------------------------------------------------------------------------------

    def _lanes(self):
        """Shards, each read by 1 to 10 lanes; a generation of shards is read after the one before it."""
        names, items = "abcdef"[: self.random.randint(1, 6)], {}
        for stream in (STREAM, LATER_STREAM)[: self.random.choice((1, 1, 2))]:
            # A new stream starts a new series of numbers.
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
        """The lanes that can be read: a child shard after its parents, both streams at the same time."""
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
        seen = handled and self.random.random() >= self.trouble / 2  # else the response is lost
        if seen:
            lane.at, lane.retries = lane.at + handled, 0
            self.happened["answered in part"] += handled < len(batch)
            if handled == len(batch):
                lane.ends.pop()
        else:
            self._fail(lane, batch)

    def _attempt(self, batch, version):
        """The number of changes that the function reports as handled; 0 if it failed or died."""
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
        if self.random.random() < 0.15:  # another poller takes over from the checkpoint, with other batches
            lane.ends, lane.retries = [], 0
            self.happened["cut anew"] += 1
        elif lane.retries > self.retry_limit:
            self._give_up(batch)
            lane.at, lane.retries = lane.ends.pop(), 0
        elif len(batch) > 1 and self.random.random() < 0.7:
            lane.ends.append(lane.at + len(batch) // 2)
            self.happened["bisected"] += 1

    def _give_up(self, batch):
        """Write the batch to the bucket, as Lambda does before it moves the checkpoint."""
        self.happened["given up"] += 1
        self.excused |= {change.id for change in batch}
        second = next(self._names) // 3  # several in one second, so that names do not show their order
        name = f"2026-11-12T00.{second // 60:02}.{second % 60:02}-{self.random.getrandbits(64):016x}"
        content = {
            "requestContext": {"functionArn": ARNS[self.function], "condition": "RetryAttemptsExhausted"},
            "DDBStreamBatchInfo": {"startSequenceNumber": batch[0].number},
            "payload": json.dumps({"Records": [change.record for change in batch]}),
        }
        self.s3.objects[f"aws/lambda/mapping/shard/2026/11/12/{name}"] = json.dumps(content).encode()

    # --- what a person does ------------------------------------------------------------------------------------------

    def _drain(self):
        """Everything is fixed; replay until only malformed records are left."""
        self.taught = True
        for _ in range(300):
            if not self._batches_left() and self._rejected() <= self._malformed():
                return
            for rejected in (False, True):
                self._replay(rejected, FIXED)
        raise AssertionError("replaying does not end")

    def _replay(self, rejected, version=None):
        self.happened["replayed meanwhile"] += not self.taught
        self.excused |= self._rejected()
        self._replayed_with = version
        clients = {"s3": self.s3, "lambda": SimpleNamespace(invoke=self._invoke)}
        stack = SimpleNamespace(outputs=OUTPUTS, client=clients.__getitem__)
        try:
            replay(failures(stack, SimpleNamespace(rejected=rejected, prefix="")), lambda _: None)
        except (Died, ClientError):
            self.network.dead = False  # the person starts replay again, or not

    def _invoke(self, FunctionName, Payload):
        """Lambda's response to an invocation by replay."""
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

    # --- what is checked ---------------------------------------------------------------------------------------------

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
        """The ids of the changes that were rejected."""
        return {
            name.rpartition("-")[2].removesuffix(".json") for name in self.s3.objects if name.startswith("rejected/")
        }

    def _malformed(self):
        return {change.id for change in self.changes if change.kind == "malformed"}

    def check_that_nothing_is_lost(self):
        """Check that each change had its effect, or is in the failures bucket."""
        kept = self.waiting() | self._rejected()
        lost = [change for change in self.changes if not self.arrived(change) and not self.is_safe(change, kept)]
        assert not lost, f"lost: {lost[0].id} {lost[0].kind}"
        self.happened["rejected"] += len(self._rejected())

    def is_safe(self, change, kept):
        """Whether the change is in the failures bucket; `kept` has the ids there."""
        return change.id in kept

    def check_the_end(self, *, drained=True):
        """Check that the result equals that of a schedule without faults."""
        for change in self.changes:
            if change.kind == "malformed":
                assert change.id in self._rejected() | self.waiting(), f"lost: {change.id}, a malformed record"
            else:
                assert self.arrived(change), f"lost: {change.id} {change.kind}"
        if drained:
            assert not self._batches_left()
        self.check_what_is_there()


@contextmanager
def simulated():
    """Replace the clock: each reading takes a second, and sleeping takes no real time."""
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
