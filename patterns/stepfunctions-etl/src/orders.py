"""The file to change in a copy: which columns a row has, what makes it invalid, and how rows are summed up."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SCHEMA = pa.schema(
    [
        pa.field("order_id", pa.int64(), nullable=False),
        pa.field("ordered_at", pa.timestamp("s", "UTC"), nullable=False),
        pa.field("country", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("quantity", pa.int32(), nullable=False),
        pa.field("unit_price", pa.decimal128(9, 2), nullable=False),
        pa.field("weight_kg", pa.float64(), nullable=False),
        pa.field("delivery_days", pa.float64(), nullable=False),
        pa.field("note", pa.string()),
    ]
)
"""Columns that every object has, found by their names. An empty cell is null where the column is nullable."""

CHECKS: dict[str, Callable[[pa.Table], pa.ChunkedArray]] = {
    "country is not two capital letters": lambda rows: pc.match_substring_regex(rows["country"], "^[A-Z]{2}$"),
    "category is empty": lambda rows: pc.greater(pc.binary_length(rows["category"]), 0),
    "quantity is not 1 to 1000": lambda rows: pc.and_(
        pc.greater_equal(rows["quantity"], 1), pc.less_equal(rows["quantity"], 1000)
    ),
    "unit_price is negative": lambda rows: pc.greater_equal(rows["unit_price"], pa.scalar(0, pa.decimal128(9, 2))),
    "weight_kg is not 0 to 1000": lambda rows: _between(rows["weight_kg"], 0, 1000),
    "delivery_days is not 0 to 365": lambda rows: _between(rows["delivery_days"], 0, 365),
}
"""Why a row is invalid, and where rows are valid in this respect."""

_HELD_OUT_SHARE = 0.2


def derive(rows: pa.Table) -> pa.Table:
    """Add the columns that follow from others: the revenue, and whether the row tests models instead of training them.

    Which rows are held out depends on their ids alone, so they are the same in every run.
    """
    quantity = pc.cast(rows["quantity"], pa.decimal128(10, 0))
    revenue = pc.cast(pc.multiply(rows["unit_price"], quantity), pa.decimal128(14, 2))
    mixed = rows["order_id"].to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    held_out = (mixed >> np.uint64(32)) < int(_HELD_OUT_SHARE * 2**32)
    return rows.append_column("revenue", revenue).append_column("held_out", pa.array(held_out))


def summarize(rows: pa.Table) -> pa.Table:
    """Orders and revenue by day, country and category."""
    days = rows.select(["country", "category", "revenue"]).append_column(
        "day", pc.cast(rows["ordered_at"], pa.date32())
    )
    keys = ["day", "country", "category"]
    return (
        days.group_by(keys)
        .aggregate([("revenue", "count"), ("revenue", "sum")])
        .rename_columns([*keys, "orders", "revenue"])
    )


def merge(summaries: pa.Table) -> pa.Table:
    """Sum up the summaries of several objects, in the order of their keys."""
    keys = ["day", "country", "category"]
    sums = summaries.group_by(keys).aggregate([("orders", "sum"), ("revenue", "sum")])
    return sums.rename_columns([*keys, "orders", "revenue"]).sort_by([(key, "ascending") for key in keys])


def _between(column: pa.ChunkedArray, least: float, most: float) -> pa.ChunkedArray:
    return pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most))  # false for nan
