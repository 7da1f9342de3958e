"""The README's queries, run on what the handler wrote."""

import re
from pathlib import Path

import pytest
from test_store_batch import FIRST, batch

README = Path(__file__).parent.parent / "README.md"


@pytest.fixture
def query(s3, tmp_path):
    """Run the README's query with these words in it, on the lake as it is."""
    duckdb = pytest.importorskip("duckdb")

    def run(words):
        for item in s3.list_objects_v2(Bucket="lake").get("Contents", ()):
            path = tmp_path / item["Key"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(s3.get_object(Bucket="lake", Key=item["Key"])["Body"].read())
        (found,) = [each for each in re.findall(r"```sql\n(.*?)```", README.read_text(), re.DOTALL) if words in each]
        result = duckdb.sql(found.replace("s3://LAKE_BUCKET", str(tmp_path)))
        return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]

    return run


def test_lines_are_partitioned_and_typed(query, store_batch, context):
    order = b'{"type": "order_placed", "total": 2.5}'
    store_batch.handler(batch(order, order, b'{"type": "page_viewed", "total": null}'), context)
    assert {tuple(row.values()) for row in query("GROUP BY")} == {("order_placed", 2, 5.0), ("page_viewed", 1, None)}


def test_repeats_are_dropped(query, store_batch, context):
    event = batch(*(b'{"n": %d}' % number for number in range(4)))
    store_batch.handler(event, context)
    store_batch.handler({"Records": event["Records"][2:]}, context)
    rows = query("SELECT *\nFROM read_json('s3://LAKE_BUCKET/data/")
    assert sorted(row["record"]["n"] for row in rows) == [0, 1, 2, 3]
    assert {row["sequence_number"] for row in rows} == {str(FIRST + number) for number in range(4)}


def test_records_that_are_only_in_a_copy_are_found(query, store_batch, context):
    event = batch(*(b'{"n": %d}' % number for number in range(6)))
    for count in (6, 4, 2):
        store_batch.handler({"Records": event["Records"][:count]}, context)
    store_batch.handler({"Records": event["Records"][2:3]}, context)
    assert sorted(row["record"]["n"] for row in query("replaced/data/")) == [3, 4, 5]
