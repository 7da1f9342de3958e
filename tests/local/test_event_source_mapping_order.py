"""No record is skipped, sent out of order within its lane, or lost: whatever fails, however often, at whatever time.

A model handler decides at random what each try comes to; the lanes are driven by a model clock, without an AWS.
"""

from dataclasses import dataclass, field
from random import Random

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from blueprints.local.base.stream_records import InvocationResult, Record
from blueprints.local.services.lambda_.event_source_mappings.answers import Failed, NotInvoked, Succeeded
from blueprints.local.services.lambda_.event_source_mappings.lane import EXHAUSTED, TOO_OLD, Send, Wait
from blueprints.local.services.lambda_.event_source_mappings.policy import Policy
from blueprints.local.services.lambda_.event_source_mappings.shard_progress import ShardProgress, lane_of

SEED = 20_261_123
ANSWER = InvocationResult("request", "1")

POLICIES = st.builds(
    Policy,
    batch_size=st.integers(1, 12),
    window=st.sampled_from([0.0, 0.0, 3.0]),
    lanes=st.integers(1, 4),
    max_retries=st.integers(0, 4),
    max_age=st.sampled_from([None, None, 5.0, 60.0]),
    bisect=st.booleans(),
    max_payload=st.sampled_from([400, 1_000_000]),
)
STREAMS = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(10, 300)), max_size=60)


@dataclass
class World:
    """A stream, the shard's progress, batches under way, and all that was observed."""

    policy: Policy
    chance: Random
    records: list[Record]
    progress: ShardProgress
    now: float = 0.0
    under_way: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    """Records in the order they ended, with how: `done`, or the condition of the on-failure record."""

    def run(self, resize=False):
        for _ in range(20_000):
            self.read()
            self.start()
            if self.under_way:
                self.finish(self.under_way.pop(self.chance.randrange(len(self.under_way))))
            elif self.progress.position == len(self.records) and self.progress.settled:
                return self
            else:
                self.now += 0.5
            if resize and self.chance.random() < 0.1:
                self.progress.spread_over(self.chance.randint(1, 4), self.now)
        raise AssertionError("the lanes never came to an end")

    def read(self):
        wanted = self.progress.wanted(self.policy)
        new = self.records[self.progress.position :][: self.chance.randint(0, wanted)]
        self.progress.take(new, new, self.now)

    def start(self):
        for lane in self.progress.lanes:
            step = lane.next(self.now, self.policy)
            if not isinstance(step, Wait):
                self.under_way.append((lane, step))
                self.sent.extend([step.batch] if isinstance(step, Send) else [])

    def finish(self, work):
        lane, step = work
        self.now += self.chance.choice([0.0, 0.1, 2.0])
        given_up, condition = step.batch, TOO_OLD
        if isinstance(step, Send):
            decision = lane.settle(step.batch, self.outcome(step.batch), ANSWER, self.now, self.policy)
            self.ended.extend((record, "done") for record in decision.done)
            given_up, condition = decision.given_up, EXHAUSTED
        if given_up:
            self.ended.extend((record, condition) for record in given_up.records)
            lane.discarded()

    def outcome(self, batch):
        fate = self.chance.random()
        if fate < 0.15:
            return NotInvoked()
        if fate < 0.35:
            return Failed()
        if fate < 0.6:
            return Failed(self.chance.randrange(len(batch.records)))
        return Succeeded()


def world(policy, stream, chance):
    records = [
        Record(number, str(number), key, arrived=number / 10, size=size, event={})
        for number, (key, size) in enumerate(stream, 1)
    ]
    return World(policy, chance, records, ShardProgress(0, policy.lanes))


@seed(SEED)
@settings(max_examples=400, deadline=None)
@given(POLICIES, STREAMS, st.randoms(use_true_random=False))
def test_every_record_ends_once_and_in_the_order_of_its_lane(policy, stream, chance):
    seen = world(policy, stream, chance).run()

    for lane in range(policy.lanes):
        came = [each for each in seen.records if lane_of(each.key, policy.lanes) == lane]
        assert [each for each, _ in seen.ended if lane_of(each.key, policy.lanes) == lane] == came


@seed(SEED)
@settings(max_examples=300, deadline=None)
@given(POLICIES, STREAMS, st.randoms(use_true_random=False))
def test_every_key_keeps_its_order_while_the_number_of_lanes_changes(policy, stream, chance):
    seen = world(policy, stream, chance).run(resize=True)

    assert sorted(each.position for each, _ in seen.ended) == [each.position for each in seen.records]
    for key in "abcdefgh":
        assert [each for each, _ in seen.ended if each.key == key] == [each for each in seen.records if each.key == key]


@seed(SEED)
@settings(max_examples=300, deadline=None)
@given(POLICIES, STREAMS, st.randoms(use_true_random=False))
def test_a_batch_is_a_run_of_its_lane_within_the_limits(policy, stream, chance):
    seen = world(policy, stream, chance).run()

    for batch in seen.sent:
        lane = lane_of(batch.records[0].key, policy.lanes)
        came = [each for each in seen.records if lane_of(each.key, policy.lanes) == lane]
        begin = came.index(batch.records[0])
        assert list(batch.records) == came[begin : begin + len(batch.records)]
        assert len(batch.records) <= policy.batch_size
        size = sum(each.size + 2 for each in batch.records) + 13
        assert len(batch.records) == 1 or size <= policy.max_payload
        assert batch.failures <= policy.max_retries


@seed(SEED)
@settings(max_examples=200, deadline=None)
@given(POLICIES, STREAMS, st.randoms(use_true_random=False))
def test_records_are_given_up_only_for_the_reason_that_is_stated(policy, stream, chance):
    seen = world(policy, stream, chance).run()

    conditions = {condition for _, condition in seen.ended} - {"done"}
    assert policy.max_age is not None or TOO_OLD not in conditions
    for record, condition in seen.ended:
        tries = sum(record in batch.records for batch in seen.sent)
        assert condition == TOO_OLD or tries >= (1 if condition == "done" else policy.max_retries + 1)


@seed(SEED)
@settings(max_examples=100, deadline=None)
@given(POLICIES, STREAMS, st.randoms(use_true_random=False))
def test_a_successful_delivery_is_sent_once(policy, stream, chance):
    model = world(policy, stream, chance)
    model.outcome = lambda batch: Succeeded()
    model.run()

    sent = [record for batch in model.sent for record in batch.records]
    done = [record for record, condition in model.ended if condition == "done"]
    assert sorted(each.position for each in sent) == sorted(each.position for each in done)


def test_a_poison_record_alone_is_given_up_when_batches_are_split():
    """Bisecting isolates one record that always raises among a thousand, in about log2 tries a level."""
    policy = Policy(batch_size=1000, max_retries=1, bisect=True)
    model = world(policy, [("a", 10)] * 1000, Random(SEED))
    model.outcome = lambda batch: Failed() if any(each.position == 700 for each in batch.records) else Succeeded()
    model.run()

    assert [(each.position, how) for each, how in model.ended if how != "done"] == [(700, EXHAUSTED)]
    assert len(model.sent) <= 2 * 10 + 3
