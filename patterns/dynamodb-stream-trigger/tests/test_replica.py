"""The replica in a real PostgreSQL: what its rows contain after changes that come twice, late or cannot be stored."""

import random
import re
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from data_api_on_postgres import api_error
from replica import CHUNK_LIMIT, Replica, chunked, reduced
from replica_rows import shown, stored
from sql_database import Database, DatabaseRefused
from streamed import LATER_STREAM, StreamedTable


@pytest.fixture
def replica(data_api, schema):
    made = Replica(Database(data_api, "cluster", "secret", "replica"), schema)
    made.prepare(0)
    return made


@pytest.fixture
def written(replica, data_api, schema):
    """Write records as one batch, in chunks; return all rows."""

    def write(*records, limit=CHUNK_LIMIT, rejected=None):
        batch = reduced(records)
        rejections = rejected if rejected is not None else []
        rejections += [(record, rejection.code) for record, rejection in batch.rejected]
        for chunk in chunked(batch.entries, limit):
            replica.write(chunk.entries, lambda entry, rejection: rejections.append((entry.record, rejection.code)))
        return stored(data_api, schema)

    return write


def test_items_are_created_changed_and_deleted(written):
    table = StreamedTable()
    assert written(table.put("a", n={"N": "1"}), table.put("b", n={"N": "2"})) == {
        "a": shown("a", n=1),
        "b": shown("b", n=2),
    }
    assert written(table.put("a", n={"N": "3"}), table.delete("b")) == {"a": shown("a", n=3), "b": ("deleted", None)}
    assert written(table.expire("a"), table.put("b", n={"N": "4"})) == {"a": ("expired", None), "b": shown("b", n=4)}


def test_only_the_newest_change_of_a_key_in_a_batch_is_written(written, data_api):
    table = StreamedTable()
    records = [table.put("a", n={"N": str(number)}) for number in range(50)]
    before = len(data_api.statements)

    assert written(*records) == {"a": shown("a", n=49)}
    assert len(data_api.statements) - before == 2  # one write, and one query of this test


def test_an_earlier_change_does_not_overwrite_a_tombstone(written):
    table = StreamedTable()
    created, deleted = table.put("a"), table.delete("a")

    assert written(deleted) == {"a": ("deleted", None)}
    assert written(created) == {"a": ("deleted", None)}
    assert written(created, deleted) == {"a": ("deleted", None)}


def test_changes_of_a_newer_stream_win_whatever_their_numbers(written):
    old, new = StreamedTable(), StreamedTable(LATER_STREAM, start=1)
    late = old.put("a", n={"N": "1"})

    assert written(new.put("a", n={"N": "2"})) == {"a": shown("a", n=2)}
    assert written(late) == {"a": shown("a", n=2)}


@pytest.mark.parametrize(
    "number", ["0", "-1", "12345678901234567890123456789012345678", "9" * 38 + "E+87", "-1E-130", "1.5E-100", "100"]
)
def test_a_number_keeps_every_digit(written, number):
    ((_, item),) = written(StreamedTable().put("a", n={"N": number})).values()

    assert item["n"] == Decimal(number)


def test_every_type_is_stored_in_its_form(written):
    ((_, item),) = written(
        StreamedTable().put(
            "a",
            text={"S": 'día 😀 \\u0000 " \\ \n'},
            binary={"B": "AP8="},
            yes={"BOOL": True},
            nothing={"NULL": True},
            words={"SS": ["b", "a"]},
            numbers={"NS": ["10", "9"]},
            nested={"M": {"list": {"L": [{"N": "1.50"}, {"M": {}}, {"L": []}]}}},
            empty={"S": ""},
        )
    ).values()

    assert item == {
        "pk": "a",
        "sk": "order",
        "text": 'día 😀 \\u0000 " \\ \n',
        "binary": "AP8=",
        "yes": True,
        "nothing": None,
        "words": ["a", "b"],
        "numbers": [9, 10],
        "nested": {"list": [Decimal("1.50"), {}, []]},
        "empty": "",
    }


HOSTILE = [
    "'); DROP TABLE items; --",
    '"; DROP SCHEMA public CASCADE; --',
    "$$ || pg_sleep(10) || $$",
    ":rows",
    "%s %(rows)s {schema} {0}",
    "\\'; DELETE FROM items; --",
    '{"id":"x","state":"deleted"}',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_sql_in_names_and_values_is_data(written, text):
    table = StreamedTable()
    assert written(table.put(text, **{text: {"S": text}})) == {text: shown(text, **{text: text})}
    assert written(table.delete(text)) == {text: ("deleted", None)}


@pytest.mark.parametrize("hostile", ["items; DROP TABLE x", "A", "", "a-b", "1a", "a" * 64, "ä"])
def test_a_schema_that_is_not_an_identifier_is_refused_at_start(load, data_api, hostile):
    with pytest.raises(Exception, match="DATABASE_SCHEMA"):
        load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=hostile)


def test_keys_longer_than_an_index_entry_are_distinguished(written):
    table, incompressible = StreamedTable(), random.Random(1).randbytes(1500).hex()
    assert written(table.put(incompressible + "1"), table.put(incompressible + "2")).keys() == {
        incompressible + "1",
        incompressible + "2",
    }


def test_an_item_that_jsonb_cannot_hold_is_rejected_and_marked(written):
    table, rejected = StreamedTable(), []
    odd = table.put("a", note={"S": "before\0after"})

    assert written(odd, table.put("b"), rejected=rejected) == {"a": ("rejected", None), "b": shown("b")}
    assert rejected == [(odd, "unrepresentable-item")]
    assert written(table.put("a", note={"S": "fixed"}))["a"] == shown("a", note="fixed")


@pytest.mark.parametrize(
    "change",
    [
        {"eventName": "GUESS"},
        {"eventSourceARN": None},
        {"dynamodb": None},
        {"dynamodb": {"SequenceNumber": "1"}},
        {"dynamodb": {"Keys": {"pk": {"BOOL": True}}, "SequenceNumber": "1", "ApproximateCreationDateTime": 1}},
        {"eventName": "REMOVE"},
    ],
)
def test_a_malformed_record_is_rejected_and_blocks_nothing(written, change):
    table, rejected = StreamedTable(), []
    poison = {**table.put("a"), **change}

    assert written(poison, table.put("b"), rejected=rejected) == {"b": shown("b")}
    assert rejected == [(poison, "malformed-record")]


def test_a_key_that_jsonb_cannot_hold_is_rejected(written):
    table, rejected = StreamedTable(), []
    assert written(table.put("a\0"), table.put("b"), rejected=rejected) == {"b": shown("b")}
    assert [code for _, code in rejected] == ["unrepresentable-key"]


@pytest.fixture
def picky(data_api, schema, replica):
    """A trigger that refuses items whose n is 13; the fixture is a function that removes it."""
    for sql in (
        (
            "CREATE FUNCTION {}.picky() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF new.item->>'n' = '13' THEN RAISE EXCEPTION 'thirteen'; END IF; RETURN new; END $$"
        ),
        "CREATE TRIGGER picky BEFORE INSERT OR UPDATE ON {}.items FOR EACH ROW EXECUTE FUNCTION {}.picky()",
    ):
        data_api.execute_statement(sql.replace("{}", schema), [])
    return lambda: data_api.execute_statement(f"DROP TRIGGER picky ON {schema}.items", [])


def test_a_refused_item_is_found_by_halving_and_the_others_are_written(written, picky):
    table, rejected = StreamedTable(), []

    found = written(*[table.put(str(number), n={"N": str(number)}) for number in range(20)], rejected=rejected)

    assert found["13"] == ("rejected", None)
    assert {name for name, (state, _) in found.items() if state == "present"} == {str(n) for n in range(20)} - {"13"}
    assert [code for _, code in rejected] == ["refused-by-postgresql"]


def test_the_same_change_overwrites_a_rejected_row_once_it_can_be_written_and_not_back(written, picky):
    refused = StreamedTable().put("a", n={"N": "13"})
    assert written(refused) == {"a": ("rejected", None)}

    picky()

    assert written(refused) == {"a": shown("a", n=13)}
    # An older version of the function, which cannot write it, comes late.
    unwritable = {**refused, "dynamodb": {**refused["dynamodb"], "NewImage": {"n": {"S": "\0"}}}}
    assert written(unwritable) == {"a": shown("a", n=13)}


@pytest.mark.parametrize(
    "constraint",
    [
        "CREATE UNIQUE INDEX ON {}.items ((item->>'email'))",
        "ALTER TABLE {}.items ADD CONSTRAINT short CHECK (length(item->>'email') < 3 OR key->>'pk' = 'a')",
        (
            "ALTER TABLE {}.items ADD COLUMN other text NOT NULL GENERATED ALWAYS AS "
            "(CASE WHEN key->>'pk' = 'a' OR state <> 'present' THEN '' END) STORED"
        ),
    ],
    ids=["unique", "check", "not null"],
)
def test_an_item_that_a_constraint_of_the_user_refuses_is_rejected(written, replica, data_api, schema, constraint):
    data_api.execute_statement(constraint.format(schema), [])
    table, rejected = StreamedTable(), []
    records = [table.put(name, email={"S": "same"}) for name in ("a", "b")]

    assert written(*records, rejected=rejected) == {"a": shown("a", email="same"), "b": ("rejected", None)}
    assert rejected == [(records[1], "refused-by-postgresql")]


def test_a_failure_of_the_database_rejects_nothing(replica, data_api):
    batch = reduced([StreamedTable().put("a")])
    data_api.faults = [api_error("DatabaseErrorException", "ERROR: out of disk; SQLState: 53100")]

    with pytest.raises(DatabaseRefused, match="53100"):
        replica.write(batch.entries, pytest.fail)


def test_the_largest_item_fits_in_a_request_in_any_encoding():
    # 400 KB of control characters: each becomes six bytes in JSON, and seven in the JSON of the request.
    entry = reduced([StreamedTable().put("a", text={"S": "\x01" * 400_000})]).entries[0]

    assert entry.size < 4 * 1024 * 1024 - 10_000


@pytest.fixture
def documented():
    """Finds SQL in replica.md: from the given words to the end of the statement."""
    words = (Path(__file__).parent.parent / "replica.md").read_text()
    return lambda start: re.search(rf"{start}[^`;]+", words)[0]


@pytest.fixture
def migration_files(tmp_path, monkeypatch):
    """A folder with the first migration only, whatever a copy adds. Request it before `replica`, which migrates."""
    import migrations

    shutil.copy(migrations._FILES / "0001_items.sql", tmp_path)
    monkeypatch.setattr(migrations, "_FILES", tmp_path)
    return tmp_path


def test_a_migration_can_add_a_view(migration_files, documented, written, data_api, schema):
    from migrations import migrate

    table = StreamedTable()
    written(table.put("a", status={"S": "paid"}, total={"N": "1.50"}), table.put("b"), table.delete("b"))
    view, index = documented("CREATE VIEW orders"), documented("CREATE INDEX items_status")
    (migration_files / "0002_orders.sql").write_text(f"{view};\n{index};\n")

    assert migrate(Database(data_api, "cluster", "secret", "replica"), schema) == 1
    found = data_api.execute_statement(f"SELECT customer, status, total::text FROM {schema}.orders", [])["records"]
    assert [[field["stringValue"] for field in row] for row in found] == [["a", "paid", "1.50"]]


def test_old_tombstones_can_be_deleted(documented, written, data_api, schema):
    table = StreamedTable()
    written(table.put("a"), table.put("b"), table.delete("b"), table.expire("a"), table.put("c"))
    sweep = documented("DELETE FROM items WHERE").replace("FROM items", f"FROM {schema}.items")

    assert data_api.execute_statement(sweep, [])["numberOfRecordsUpdated"] == 0
    data_api.execute_statement(f"UPDATE {schema}.items SET changed_at = changed_at - interval '92 days'", [])
    data_api.execute_statement(f"UPDATE {schema}.items SET changed_at = now() WHERE key->>'pk' = 'a'", [])

    assert data_api.execute_statement(sweep, [])["numberOfRecordsUpdated"] == 1
    assert set(stored(data_api, schema)) == {"a", "c"}
