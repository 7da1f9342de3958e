"""One CSV object: what becomes of its rows, in whatever shape they come."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import csv_rows
import pyarrow.parquet as pq
import pytest
from csv_rows import Unreadable, row_blocks
from curate_object import curate
from hypothesis import given, settings
from hypothesis import strategies as st
from order_rows import ORDER, as_csv, orders
from orders import SCHEMA


@pytest.fixture(autouse=True)
def _limit_of_lambda():
    """Python's own limit of a field, which other tests of this process may have raised."""
    before = csv.field_size_limit(128 * 1024)
    yield
    csv.field_size_limit(before)


@pytest.fixture
def curated(tmp_path):
    """Return a function that curates bytes and returns the valid rows and the rejected ones."""

    def done(content):
        collected = []
        paths = tmp_path / "rows.parquet", tmp_path / "rejected.ndjson"
        counts = curate(io.BytesIO(content).read, *paths, collected.append)
        rows = pq.read_table(paths[0]).to_pylist() if paths[0].exists() else []
        rejected = [json.loads(line) for line in paths[1].read_text().splitlines()]
        assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (
            len(rows) + len(rejected),
            len(rows),
            len(rejected),
        )
        assert sum(table.num_rows for table in collected) == len(rows)
        return rows, rejected

    return done


def test_a_row_has_the_types_of_the_schema_and_what_is_derived(curated):
    (row,), rejected = curated(as_csv([ORDER]))
    assert rejected == []
    assert isinstance(row.pop("held_out"), bool)
    assert row == {
        "order_id": 1,
        "ordered_at": datetime(2026, 11, 28, 10, tzinfo=UTC),
        "country": "AT",
        "category": "toys",
        "quantity": 2,
        "unit_price": Decimal("9.99"),
        "weight_kg": 1.5,
        "delivery_days": 3.25,
        "note": None,
        "revenue": Decimal("19.98"),
    }


@pytest.mark.parametrize(
    "content",
    [
        as_csv(orders(3), encoding="utf-8-sig"),
        as_csv(orders(3), encoding="utf-16"),
        b"\xfe\xff" + as_csv(orders(3), encoding="utf-16-be"),
        as_csv(orders(3), line_end="\r\n"),
        as_csv(orders(3), columns=SCHEMA.names[::-1]),
        as_csv(orders(3, more="x"), columns=["more", *SCHEMA.names]),
        as_csv(orders(3)).rstrip(b"\n"),
        as_csv(orders(3)).replace(b"\n", b"\n\n\r\n"),
    ],
    ids=["BOM", "UTF-16", "UTF-16 BE", "CRLF", "other order", "one more column", "no line end", "blank lines"],
)
def test_unusual_objects_are_read(curated, content):
    rows, rejected = curated(content)
    assert ([row["order_id"] for row in rows], rejected) == ([1, 2, 3], [])


def test_cells_with_quotes_commas_line_breaks_and_any_script_are_kept(curated):
    note = 'a "gift", please\nring twice\r\n– ギフト'
    rows, rejected = curated(as_csv(orders(2, note=note)))
    assert ([row["note"] for row in rows], rejected) == ([note, note], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the object has no header"),
        (b"\xef\xbb\xbf\n", "the object has no header"),
        (as_csv(orders(1)).replace(b"country", b"land"), "the header has no column country; it is order_id, .*land"),
        (as_csv(orders(1)).replace(b"note", b"country"), "the header has no column note"),
        (as_csv(orders(1), [*SCHEMA.names, "note"]), "the header names a column twice"),
        (as_csv(orders(1)).replace(b",", b";"), "the header has no column"),
        (as_csv(orders(3, note="Grüße"), encoding="latin-1"), r"line 2 is not UTF-8 \(byte 0xfc\); save .* as UTF-8"),
        (as_csv(orders(1)).replace(b"\n", b"\r"), "line 1 is no header: b'order_id,.*; end lines with a line feed"),
        (as_csv(orders(1), [*SCHEMA.names, "x" * 2**18]), "line 1 is no header"),
        (as_csv(orders(1, note="Gr\xfc\xdfe,,,"), encoding="latin-1").replace(b'"', b""), "line 2 is not UTF-8"),
        (
            as_csv(orders(3), encoding="utf-16")[:-1],
            r"the object is not UTF-16-LE \(truncated data\); save it as UTF-8",
        ),
        (as_csv(orders(3), encoding="utf-16") + b"\x00\xdc", r"the object is not UTF-16-LE \(illegal encoding\)"),
        (as_csv(orders(1), encoding="utf-16-le"), "the header has no column"),
        (b"x" * 2**21, "line 1 is longer than 1048576 bytes"),
        (as_csv([]) + b"1" * 2**21, "a quote is not closed, or the row is longer|line 2 is longer"),
        (b"\x89PNG\r\n\x1a\n", "line 1 is not UTF-8"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_an_object_that_cannot_be_read_is_rejected_with_the_reason(curated, content, reason):
    with pytest.raises(Unreadable, match=reason):
        curated(content)


def test_a_header_alone_has_no_rows(curated):
    assert curated(as_csv([])) == ([], [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": "two"}, "quantity is not int32: 'two'"),
        ({"quantity": ""}, "quantity is not int32: ''"),
        ({"quantity": "99999999999"}, "quantity is not int32: '99999999999'"),
        ({"quantity": "0"}, "quantity is not 1 to 1000"),
        ({"unit_price": "-0.01"}, "unit_price is negative"),
        ({"unit_price": "1.999"}, "unit_price is not decimal128(9, 2): '1.999'"),
        ({"ordered_at": "2026-02-30T00:00:00Z"}, "ordered_at is not timestamp[s, tz=UTC]: '2026-02-30T00:00:00Z'"),
        ({"country": "Japan"}, "country is not two capital letters"),
        ({"weight_kg": "nan"}, "weight_kg is not 0 to 1000"),
        ({"delivery_days": "inf"}, "delivery_days is not 0 to 365"),
        ({"category": ""}, "category is empty"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_invalid_row_is_set_aside_with_line_reason_and_text(curated, change, reason):
    bad = {**ORDER, "order_id": "7", "note": "x\ny", **change}
    good = orders(2, note="one\ntwo")
    rows, rejected = curated(as_csv([*good, bad, *orders(1)]))
    assert [row["order_id"] for row in rows] == [1, 2, 1]
    assert rejected == [{"line": 6, "reason": reason, "raw": as_csv([bad]).decode().partition("\n")[2].rstrip("\n")}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2", f"the row has 2 cells instead of {len(ORDER)}"),
        ("1," * len(ORDER) + "1", f"the row has {len(ORDER) + 1} cells instead of {len(ORDER)}"),
        ('9,2026-11-28T10:00:00Z,AT,5" disk,1,1,1,1,', "a quote is not at the edge of a cell"),
        ('9,2026-11-28T10:00:00Z,AT,"disk,1,1,1,1,', "a quote is not"),
        ('9,2026-11-28T10:00:00Z,AT,"a" b,1,1,1,1,', "a quote is not at the edge of a cell"),
        ("9,2026-11-28T10:00:00Z,AT,a\rb,1,1,1,1,", "a carriage return has no line feed"),
    ],
)
@pytest.mark.parametrize("note", ["", 'quoted "and"\nbroken'], ids=["plain", "quoted"])
def test_a_broken_line_is_set_aside_alone(curated, line, reason, note):
    lines = as_csv(orders(2, note=note)) + line.encode() + b"\n" + as_csv(orders(2, note=note)).partition(b"\n")[2]
    rows, rejected = curated(lines)
    assert [row["order_id"] for row in rows] == [1, 2, 1, 2]
    assert [(each["line"], each["raw"]) for each in rejected] == [(6 if note else 4, line)]
    assert rejected[0]["reason"].startswith(reason)


def test_an_object_full_of_broken_quotes_is_rejected(curated):
    with pytest.raises(Unreadable, match="more than 100 lines have quotes that do not match"):
        curated(as_csv([]) + b'a"b\n' * 200)


def test_many_different_bad_cells_are_all_found(curated):
    content = as_csv(orders(500, quantity=lambda number: f"x{number}" if number % 3 == 0 else "1"))
    rows, rejected = curated(content)
    assert [each["line"] for each in rejected] == [number + 1 for number in range(3, 501, 3)]
    assert len(rows) == 500 - len(rejected)


CELLS = st.text(st.sampled_from(['"', ",", "\n", "\r", "a", "é", " "]), max_size=6)


@settings(deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=12), st.integers(1, 40), st.sampled_from(["\n", "\r\n"])
)
def test_rows_are_cut_where_the_csv_module_ends_them(rows, block_bytes, line_end):
    """Whatever the size of a block, and whatever the cells hold, no row is split, lost or set aside."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator=line_end).writerows(rows)
    found = [block.raw(row) for block in cut(text.getvalue().encode(), block_bytes) for row in range(len(block.starts))]
    read = [next(csv.reader(io.StringIO(raw.decode(), newline=""))) for raw in found]
    assert read == rows


@settings(deadline=None)
@given(st.text(st.sampled_from(['"', ",", "\n", "\r", "a"]), max_size=60), st.integers(1, 20), st.integers(1, 60))
def test_no_line_is_lost_whatever_the_bytes(text, block_bytes, other):
    """Each line with content is in a row or set aside, and the size of a block makes no difference."""
    first, second = lines_of(text.encode(), block_bytes), lines_of(text.encode(), other)
    assert first == second
    assert "".join(first).replace("\r", "").replace("\n", "") == text.replace("\r", "").replace("\n", "")


def lines_of(content, block_bytes):
    aside = []
    blocks = list(cut(content, block_bytes, lambda line, _, raw: aside.append((line, raw.decode()))))
    rows = [
        (line, block.raw(row).decode())
        for block in blocks
        for row, line in enumerate(block.lines(list(range(len(block.starts)))))
    ]
    return [raw for _, raw in sorted([*aside, *rows])]


def cut(content, block_bytes, reject=lambda *_: pytest.fail("a line was set aside")):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_rows, "BLOCK_BYTES", block_bytes)
        yield from row_blocks(io.BytesIO(content).read, 1, reject)
