"""Every failure of one state, at its first or second attempt, once or lasting: the order is done as a whole or not."""

import itertools

import pytest
from order_system import LIMIT
from schedules import STATES, Schedule, Trouble

STORIES = {
    "shipped": {},
    "approved": {"amount": LIMIT + 1},
    "rejected": {"amount": LIMIT + 1, "decision": "reject"},
    "payment declined": {"payment-provider": "refuses"},
    "carrier refuses": {"carrier": "refuses"},
}
KINDS = tuple(Schedule(0, troubles=0)._faults())


class OneFailure(Schedule):
    """One order, whose end the story says, and one failure."""

    def __init__(self, story, state, first, count, kind, seed):
        super().__init__(seed, troubles=0, calm=True)
        (order,) = self.orders
        order["amount"] = story.get("amount", LIMIT)
        order_id = order["order_id"]
        self.decisions = {order_id: [(3600, story.get("decision", "approve"))]}
        self.behaviour |= {
            (order_id, party): text for party, text in story.items() if (order_id, party) in self.behaviour
        }
        self.start_faults = []
        self.troubles = [Trouble(state, order_id, first, count, kind, self._faults()[kind])]
        self.troubles_at_first = list(self.troubles)


@pytest.mark.parametrize("name", STORIES)
def test_any_single_failure_leaves_the_order_whole(name):
    visited = set()
    for seed, (state, first, count, kind) in enumerate(itertools.product(STATES, (0, 1), (1, 10**6), KINDS)):
        played = OneFailure(STORIES[name], state, first, count, kind, seed)
        try:
            played.play()
        except AssertionError as error:
            pytest.fail(f"{state}, from attempt {first}, {count} times, {kind}: {error}")
        visited |= {state for _, state in played.attempts}
    assert visited >= {"ReserveStock", "TakePayment", "RefundPayment", "ReleaseStock"}
