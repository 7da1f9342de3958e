"""The queries of the README and of querying.md, run on objects that the handler wrote."""

import re
from collections import Counter
from pathlib import Path

import pytest
from kpl_records import aggregated
from stream_simulation import Life
from test_store_batch import FIRST, batch, record

PATTERN = Path(__file__).parents[3] / "patterns" / "kinesis-s3-stream"
PAGES = "".join((PATTERN / name).read_text() for name in ("README.md", "querying.md"))


@pytest.fixture
def query(s3, tmp_path):
    """Return a function that runs the query with given words in it on the lake."""

    def run(words):
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="lake").get("Contents", ())]
        objects = {key: s3.get_object(Bucket="lake", Key=key)["Body"].read() for key in keys}
        return rows_of(words, objects, tmp_path)

    return run


def rows_of(words, objects, folder, *replacement):
    """Run the query with these words in it on objects, which are written into a folder; return its rows."""
    duckdb = pytest.importorskip("duckdb")
    for key, content in objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (found,) = [each for each in re.findall(r"```sql\n(.*?)```", PAGES, re.DOTALL) if words in each]
    found = found.replace("s3://LAKE_BUCKET", str(folder))
    result = duckdb.sql(found.replace(*replacement) if replacement else found)
    return [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]


def test_lines_are_partitioned_and_typed(query, store_batch, context):
    order = b'{"type": "order_placed", "total": 2.5}'
    store_batch.handler(batch(order, order, b'{"type": "page_viewed", "total": null}'), context)
    assert {tuple(row.values()) for row in query("GROUP BY")} == {("order_placed", 2, 5.0), ("page_viewed", 1, None)}


def test_duplicates_of_one_position_are_dropped(query, store_batch, context):
    event = batch(*(b'{"n": %d}' % number for number in range(4)))
    store_batch.handler(event, context)
    store_batch.handler({"Records": event["Records"][2:]}, context)
    rows = query("hive_partitioning = true)\nQUALIFY row_number() OVER (PARTITION BY shard_id")
    assert sorted(row["record"]["n"] for row in rows) == [0, 1, 2, 3]
    assert {row["sequence_number"] for row in rows} == {str(FIRST + number) for number in range(4)}


def test_records_that_are_only_in_a_copy_are_found(query, store_batch, context):
    event = batch(*(b'{"n": %d}' % number for number in range(6)))
    for count in (6, 4, 2):
        store_batch.handler({"Records": event["Records"][:count]}, context)
    store_batch.handler({"Records": event["Records"][2:3]}, context)
    assert sorted(row["record"]["n"] for row in query("replaced/data/")) == [3, 4, 5]


@pytest.fixture(scope="module")
def resharded(tmp_path_factory):
    """Lakes of re-sharded streams: how often each event was stored, and a function that queries the lake."""

    def lake(seed):
        life = Life(seed, resharded=True)
        life.trouble, life.versions = 0, (1,)
        life.play()
        stored = Counter(
            record.ids[part] for record in life.records for place, _, part in record.lines(1) if place == "data"
        )
        folder = tmp_path_factory.mktemp(f"lake-{seed}")
        return stored, lambda *words: rows_of(words[0], life.s3.keys("lake"), folder, *words[1:])

    lakes = [lake(seed) for seed in range(12)]
    assert sum(sum(stored.values()) > len(stored) for stored, _ in lakes) > 3
    return lakes


@pytest.mark.parametrize(
    "words", [("PARTITION BY record.event_id",), ("PARTITION BY partition_key, record", "<>", "=")]
)
def test_an_event_that_was_sent_twice_is_selected_once(resharded, words):
    """By its id, and by its content."""
    for stored, query in resharded:
        assert sorted(row["record"]["event_id"] for row in query(*words)) == sorted(stored)


def test_events_that_were_sent_twice_are_found_by_content(resharded):
    for stored, query in resharded:
        twice = Counter(row["record"]["event_id"] for row in query("PARTITION BY partition_key, record"))
        assert twice == stored - Counter(dict.fromkeys(stored, 1))


def test_equal_events_in_one_record_or_far_apart_are_no_duplicates(query, store_batch, context):
    alike = b'{"n": 1}'
    records = [record(0, aggregated([("a", alike), ("a", alike)])), record(3600, alike, "a"), record(3601, alike, "b")]
    store_batch.handler({"Records": [*records, record(3602, alike, "a")]}, context)

    (found,) = query("PARTITION BY partition_key, record")
    assert found["sequence_number"] == str(FIRST + 3602)
