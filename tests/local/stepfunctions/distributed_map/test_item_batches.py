"""Batches of items."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.stepfunctions.distributed_map.item_batches import (
    LARGEST_INPUT,
    ItemBatcher,
    single_items,
)
from blueprints.states_language.failures import DATA_LIMIT_EXCEEDED, StateFailed

JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    items=st.lists(JSON_VALUE, max_size=40),
    most_items=st.integers(0, 7),
    most_bytes=st.integers(0, 2000),
    batch_input=st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
def test_every_item_is_in_one_batch_in_order_and_within_the_limits(
    items: list[Any], most_items: int, most_bytes: int, batch_input: Any
):
    batcher = ItemBatcher(most_items, most_bytes, batch_input)
    limit = most_bytes or LARGEST_INPUT
    if any(_size(each, batch_input) > limit for each in items):
        with pytest.raises(StateFailed) as failed:
            list(batcher.batches(items))
        assert failed.value.error == DATA_LIMIT_EXCEEDED
        return
    batches = list(batcher.batches(items))
    assert [item for batch in batches for item in batch.input["Items"]] == items
    for batch in batches:
        assert json.loads(batch.text) == batch.input
        assert len(batch.text.encode()) <= limit
        assert batch.items == len(batch.input["Items"]) >= 1
        assert not most_items or batch.items <= most_items
        assert batch.input.get("BatchInput", None) == batch_input
        assert ("BatchInput" in batch.input) == (batch_input is not None)


def _size(item: Any, batch_input: Any) -> int:
    """The bytes of a batch with one item."""
    batch = {"Items": [item]} if batch_input is None else {"BatchInput": batch_input, "Items": [item]}
    return len(json.dumps(batch, ensure_ascii=False, separators=(",", ":")).encode())


@given(items=st.lists(st.text(max_size=20), min_size=1, max_size=30), most_bytes=st.integers(60, 300))
def test_a_batch_takes_as_many_items_as_fit(items: list[str], most_bytes: int):
    try:
        batches = list(ItemBatcher(0, most_bytes).batches(items))
    except StateFailed:
        return
    for batch, following in pairwise(batches):
        larger = {"Items": [*batch.input["Items"], following.input["Items"][0]]}
        assert len(json.dumps(larger, ensure_ascii=False, separators=(",", ":")).encode()) > most_bytes


def test_without_limits_a_batch_has_the_size_of_an_input():
    items = ["x" * 1000] * 600
    batches = list(ItemBatcher().batches(items))
    assert len(batches) == 3
    assert all(len(each.text) <= LARGEST_INPUT for each in batches)


def test_without_batches_each_item_is_an_input():
    assert [(each.input, each.text, each.items) for each in single_items([1, {"a": "é"}])] == [
        (1, "1", 1),
        ({"a": "é"}, '{"a":"é"}', 1),
    ]


@pytest.mark.parametrize("size", [LARGEST_INPUT - 2, LARGEST_INPUT - 1])
def test_an_item_that_is_no_input_is_refused(size: int):
    item = "x" * size
    if size + 2 <= LARGEST_INPUT:
        assert len(list(single_items([item]))) == 1
    else:
        with pytest.raises(StateFailed) as failed:
            list(single_items([item]))
        assert failed.value.error == DATA_LIMIT_EXCEEDED
