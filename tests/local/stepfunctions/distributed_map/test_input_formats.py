"""Items in the bytes of an object."""

import csv
import gzip
import io
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.stepfunctions.distributed_map.input_formats import DELIMITERS, Format, items_in
from blueprints.states_language.failures import StateFailed


def read(body: bytes | str, form: Format, key: str = "items") -> list[Any]:
    return list(items_in(body.encode() if isinstance(body, str) else body, key, form))


CSV = Format("CSV")


def test_the_first_row_names_the_columns():
    assert read("id,name\n1,ann\n2,bob\n", CSV) == [{"id": "1", "name": "ann"}, {"id": "2", "name": "bob"}]


def test_given_headers_leave_the_first_row_among_the_items():
    assert read("1,ann\n2,bob", Format("CSV", ("id", "name"))) == [
        {"id": "1", "name": "ann"},
        {"id": "2", "name": "bob"},
    ]


def test_short_rows_are_filled_and_long_rows_are_cut():
    assert read("a,b\n1\n1,2,3\n,\n", CSV) == [{"a": "1", "b": ""}, {"a": "1", "b": "2"}, {"a": "", "b": ""}]


def test_a_header_may_be_empty():
    assert read("H1,\nValue4,Value5,Value6\n", CSV) == [{"H1": "Value4", "": "Value5"}]


def test_quoted_cells_keep_delimiters_newlines_and_quotes():
    text = 'id,text\r\n1,"a, ""b""\nc"\r\n'
    assert read(text, CSV) == [{"id": "1", "text": 'a, "b"\nc'}]


def test_a_backslash_escapes_and_goes_away():
    assert read("path,size\nC:\\\\Program Files\\\\App\\x\\,y,65\n", CSV) == [
        {"path": "C:\\Program Files\\Appx,y", "size": "65"}
    ]


def test_empty_lines_are_no_items():
    assert read("a\n\n1\n\n", CSV) == [{"a": "1"}]
    assert read("", CSV) == []


def test_a_byte_order_mark_is_no_part_of_the_first_header():
    assert read(b"\xef\xbb\xbfid\n1\n", CSV) == [{"id": "1"}]


def test_other_encodings_lose_characters_but_no_rows():
    assert read("name\nJosé\nann\n".encode("latin-1"), CSV) == [{"name": "Jos�"}, {"name": "ann"}]


@pytest.mark.parametrize("headers", [None, ("a", "a")])
def test_duplicate_headers_are_refused(headers: tuple[str, ...] | None):
    with pytest.raises(StateFailed, match=r"CSV headers cannot contain duplicates\.") as failed:
        read("a,a\n1,2", Format("CSV", headers))
    assert failed.value.error == "States.ItemReaderFailed"


def test_headers_of_more_than_10_kib_are_refused():
    with pytest.raises(StateFailed, match="10 KiB"):
        read("h" * 10_241 + "\n1", CSV)


CELL = st.text(st.characters(exclude_characters="\\", exclude_categories=["Cs"]), max_size=12)


@given(
    rows=st.lists(st.lists(CELL, min_size=3, max_size=3), max_size=6),
    delimiter=st.sampled_from(sorted(DELIMITERS)),
)
def test_every_cell_of_a_written_file_is_read_back(rows: list[list[str]], delimiter: str):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=DELIMITERS[delimiter], quoting=csv.QUOTE_ALL).writerows([["a", "b", "c"], *rows])
    items = read(text.getvalue(), Format("CSV", csv_delimiter=delimiter))
    assert [list(each.values()) for each in items] == rows


def test_json_arrays_give_their_elements():
    assert read('[1, {"a": null}, "x"]', Format("JSON")) == [1, {"a": None}, "x"]


def test_entries_of_a_json_object_are_items():
    assert read('{"a": 1, "b": [2]}', Format("JSON")) == [{"Key": "a", "Value": 1}, {"Key": "b", "Value": [2]}]


@pytest.mark.parametrize("text", ["5", '"text"', "null", "true"])
def test_json_without_elements_is_refused(text: str):
    with pytest.raises(StateFailed, match=r"Attempting to map over non-iterable node\."):
        read(text, Format("JSON"))


@pytest.mark.parametrize("text", ["[1,", "[NaN]", "", "[" * 100_000])
def test_what_is_not_json_is_refused(text: str):
    for kind in ("JSON", "JSONL"):
        if text or kind == "JSON":
            with pytest.raises(StateFailed) as failed:
                read(text, Format(kind))
            assert failed.value.error == "States.ItemReaderFailed"


def test_a_pointer_selects_a_node():
    document = json.dumps({"a/b": {"~": [[1, 2], [3]]}})
    assert read(document, Format("JSON", items_pointer="/a~1b/~0/0")) == [1, 2]


@pytest.mark.parametrize("pointer", ["/missing", "/a/2", "/a/x", "/a/0/b"])
def test_a_pointer_that_leads_nowhere_is_refused(pointer: str):
    with pytest.raises(StateFailed, match="ItemsPointer does not match"):
        read('{"a": [1, 2]}', Format("JSON", items_pointer=pointer))


def test_json_lines_give_one_item_each():
    # U+2028 ends a line for str.splitlines, but not in JSON Lines.
    assert read('{"a": 1}\r\n\n[2]\n"x\u2028y"', Format("JSONL")) == [{"a": 1}, [2], "x\u2028y"]


def test_a_broken_json_line_is_named():
    with pytest.raises(StateFailed, match="Line 2"):
        read('{"a": 1}\n{"a": ', Format("JSONL"))


@pytest.mark.parametrize(("kind", "text"), [("CSV", "a\n1\n"), ("JSON", '[{"a": "1"}]'), ("JSONL", '{"a": "1"}')])
def test_gzip_is_known_by_the_key(kind: str, text: str):
    assert read(gzip.compress(text.encode()), Format(kind), "items.gz") == [{"a": "1"}]
    for broken in (text.encode(), gzip.compress(text.encode())[:-9]):
        with pytest.raises(StateFailed, match="not a valid gzip file"):
            read(broken, Format(kind), "items.gz")


def test_parquet_gives_its_rows_as_json():
    pa = pytest.importorskip("pyarrow", reason="pyarrow is missing; scripts/setup installs it")
    import datetime as dt
    from decimal import Decimal

    import pyarrow.parquet as parquet

    table = pa.table(
        {
            "id": [1, 2],
            "price": [Decimal("1.50"), None],
            "day": [dt.date(2026, 1, 2), None],
            "at": [dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), None],
            "raw": [b"\x00\x01", None],
            "ratio": [float("nan"), 0.5],
            "tags": [["a", "b"], []],
            "nested": [{"n": Decimal(3)}, None],
        }
    )
    body = io.BytesIO()
    parquet.write_table(table, body)
    items = read(body.getvalue(), Format("PARQUET"))
    assert items == [
        {
            "id": 1,
            "price": 1.5,
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05+00:00",
            "raw": "AAE=",
            "ratio": None,
            "tags": ["a", "b"],
            "nested": {"n": 3},
        },
        {"id": 2, "price": None, "day": None, "at": None, "raw": None, "ratio": 0.5, "tags": [], "nested": None},
    ]
    json.dumps(items, allow_nan=False)
    with pytest.raises(StateFailed, match="The Parquet file could not be read"):
        read(b"no parquet", Format("PARQUET"))


def test_without_pyarrow_parquet_is_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(StateFailed, match=r"pip install 'serverless-blueprints\[parquet\]'"):
        read(b"", Format("PARQUET"))
