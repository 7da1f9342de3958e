"""A stream whose shards split and merge while producers aggregate records.

It models the Kinesis Producer Library (KPL) 1.0 and aws-kinesis-agg 1.2:

KPL     aggregates records for one shard of the stream as it last saw it. If the aggregate lands on another shard, it
        puts each of its records again, unless it knows that shard's hash range and the record is within it.
others  aggregate records of any keys. All go to the shard of the first key, and the library does not check which.
"""

import hashlib
import itertools
from dataclasses import dataclass, field

HASH_KEYS = 2**128
KEYS = [f"customer-{number}" for number in range(40)]


@dataclass(frozen=True)
class Shard:
    """A shard: its range of hash keys, and its parents, which are read before it."""

    number: int
    first: int
    last: int
    parents: tuple = ()

    def holds(self, key):
        """Whether the shard has the hash key of a partition key."""
        return self.first <= hash_key(key) <= self.last


@dataclass(frozen=True)
class Put:
    """One record of the stream: its number, its shard, and the user records in it as (partition key, id) pairs."""

    number: int
    shard: Shard
    user_records: list


@dataclass
class ReshardedStream:
    """A random history of a stream: the records put, in order, and the `ids` of the user records."""

    random: object
    shards: list = field(
        default_factory=lambda: [Shard(0, 0, HASH_KEYS // 2 - 1), Shard(1, HASH_KEYS // 2, HASH_KEYS - 1)]
    )
    puts: list = field(default_factory=list)

    def __post_init__(self):
        self.open = list(self.shards)
        self._ids = itertools.count(1)
        self.library = ProducerLibrary(self)
        for _ in range(self.random.randint(4, 16)):
            self.random.choice((self._split, self._merge, self._put, self._put, self._put, self._aggregate))()
        while self.library.again:
            self.library.put([])
        self.ids = range(1, next(self._ids))

    def accept(self, key, user_records):
        """Put one record into the shard of its key, and return the shard."""
        (shard,) = [shard for shard in self.open if shard.holds(key)]
        self.puts.append(Put(len(self.puts) + 1, shard, user_records))
        return shard

    def _new_records(self):
        return [(self.random.choice(KEYS), next(self._ids)) for _ in range(self.random.randint(1, 8))]

    def _put(self):
        self.library.put(self._new_records())

    def _aggregate(self):
        records = self._new_records()
        self.accept(records[0][0], records)

    def _split(self):
        shard = self.random.choice(self.open)
        middle = self.random.randint(shard.first, shard.last - 1)
        self._replace([shard], [(shard.first, middle), (middle + 1, shard.last)])

    def _merge(self):
        if len(self.open) > 1:
            at = self.random.randrange(len(self.open) - 1)
            some = self.open[at : at + 2]
            self._replace(some, [(some[0].first, some[1].last)])

    def _replace(self, closed, ranges):
        parents = tuple(shard.number for shard in closed)
        made = [Shard(len(self.shards) + count, *each, parents) for count, each in enumerate(ranges)]
        self.shards += made
        self.open = sorted({*self.open, *made} - set(closed), key=lambda shard: shard.first)


class ProducerLibrary:
    """The KPL, which refreshes its list of shards now and then."""

    def __init__(self, stream):
        self.stream = stream
        self.seen, self.known = list(stream.open), set(stream.open)
        self.again = []

    def put(self, records):
        """Put records, with those to put again, in one aggregate per predicted shard."""
        records, self.again = self.again + records, []
        for predicted in self.seen:
            some = [each for each in records if predicted.holds(each[0])]
            if some:
                actual = self.stream.accept(some[0][0], some)
                self._check(some, predicted, actual)
        if self.again:
            self.seen = list(self.stream.open)
            self.known.update(self.seen)

    def _check(self, records, predicted, actual):
        if actual != predicted:
            self.again += [each for each in records if actual not in self.known or not actual.holds(each[0])]


def hash_key(key):
    """The hash key of a partition key."""
    return int(hashlib.md5(key.encode()).hexdigest(), 16)
