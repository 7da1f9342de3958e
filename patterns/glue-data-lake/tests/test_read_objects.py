"""From the bytes of an object to rows: columns by name, and what is broken is named."""

import gzip

import pytest
from order_rows import COLUMNS, as_csv, order, read
from order_rules import RAW_SCHEMA, columns
from raw_objects import TooLarge, rows_of


def cells(content, name="a.csv"):
    """The rows of an object by column."""
    return [dict(zip(columns(RAW_SCHEMA), row, strict=True)) for row in read({name: content})]


@pytest.mark.parametrize(
    "columns",
    [COLUMNS, COLUMNS[::-1], [*COLUMNS[4:], *COLUMNS[:4]], ["channel", *COLUMNS], COLUMNS[:-1]],
    ids=["as defined", "reversed", "rotated", "with one more", "without an optional one"],
)
def test_the_order_of_columns_never_swaps_values(columns):
    given = order(1, note="Größe 東京" if "note" in columns else None)
    (row,) = cells(as_csv([given], columns))
    assert {name: row[name] for name in COLUMNS} == given
    assert (row["line"], row["error"]) == (2, None)


@pytest.mark.parametrize("note", ['a "gift", please', "two\nlines", "two\r\nlines", " 東京 ", "a,b"])
def test_a_quoted_cell_keeps_its_text(note):
    first, second = cells(as_csv([order(1, note=note), order(2)]))
    assert (first["note"], first["line"]) == (note, 2)
    assert second["line"] == (4 if "\n" in note else 3)


def test_names_with_spaces_and_japanese_and_gzip_are_read():
    (row,) = cells(gzip.compress(as_csv([order(7)])), "orders 注文 7.csv.gz")
    assert (row["source_key"], row["order_id"]) == ("raw/2026-11-27/orders 注文 7.csv.gz", "order 7")


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (gzip.compress(as_csv([order(n) for n in range(50)]))[:-20], "a.csv.gz", "the object is no complete gzip file"),
        (as_csv([order(1)]), "a.csv.gz", "the object is no complete gzip file"),
        (b"", "a.csv", "the header has no column order_id"),
        (as_csv([order(1)], COLUMNS[1:]), "a.csv", "the header has no column order_id"),
        (as_csv([order(1)], [*COLUMNS, "amount"]), "a.csv", "the header names a column twice"),
        (as_csv([order(1, note="ä")]).decode().encode("latin-1"), "a.csv", "the object is not UTF-8"),
        (as_csv([order(1)]) + b'2,"open,2\n3,3\n', "a.csv", "a quote in line 3 is not closed"),
    ],
    ids=["truncated gzip", "no gzip", "empty", "column missing", "column twice", "latin-1", "open quote"],
)
def test_an_unreadable_object_is_one_row_with_the_reason(content, name, reason):
    """None of its rows are taken, so that nothing partial is merged."""
    (row,) = cells(content, name)
    assert row["line"] == 0
    assert row["error"].startswith(reason)


def test_an_object_that_unpacks_to_more_than_the_limit_is_not_read():
    content, source = gzip.compress(as_csv([order(n) for n in range(50)])), {"key": "a.csv.gz", "etag": ""}
    assert len(content) < 1000
    with pytest.raises(TooLarge, match="larger than 1000 bytes"):
        next(rows_of(source, content, max_bytes=1000))


def test_a_row_with_too_few_cells_is_broken_alone():
    lines = as_csv([order(1)]) + b"1,2\r\n\r\n" + as_csv([order(2)]).partition(b"\n")[2]
    rows = cells(lines)
    assert [(row["line"], row["error"]) for row in rows] == [
        (2, None),
        (3, "the row has 2 cells instead of 8"),
        (5, None),
    ]
    assert rows[1]["raw"] == "1,2"


def test_a_byte_order_mark_is_no_part_of_the_first_name():
    (row,) = cells(b"\xef\xbb\xbf" + as_csv([order(1)]))
    assert row["order_id"] == "order 1"
