"""The handler Replicate: it waits for a paused database, stops at failures, and creates its schema."""

import json
import time
from types import SimpleNamespace

import pytest
from data_api_on_postgres import api_error
from streamed import StreamedTable
from template_facts import code_folder

RESUMING = api_error("DatabaseResumingException", "resuming")


@pytest.fixture
def handle(load, data_api, schema, context):
    """Invoke the handler, imported once as in one execution environment."""
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    return lambda *records, **more: module.handler({"Records": list(records), **more}, context)


@pytest.fixture
def rows(data_api, schema):
    def read(query="SELECT key->>'pk', state FROM {}.items"):
        answer = data_api.execute_statement(query.format(schema), [])
        return [tuple(next(iter(field.values())) for field in record) for record in answer["records"]]

    return read


def migrations():
    """The versions of all migration files, including those that a copy adds."""
    return [(int(path.name[:4]),) for path in sorted((code_folder() / "migrations").glob("*.sql"))]


def test_the_schema_is_created_on_first_use_and_not_checked_again(handle, rows, data_api):
    table = StreamedTable()
    handle(table.put("a"))
    assert rows("SELECT version FROM {}.migrations ORDER BY version") == migrations()

    before = len(data_api.statements)
    handle(table.put("b"))

    assert len(data_api.statements) - before == 1
    assert set(rows()) == {("a", "present"), ("b", "present")}
    assert rows("SELECT count(*) FROM {}.current_items") == [(2,)]


def test_the_sample_events_are_handled(handle, rows, sample):
    for name in ("insert", "modify", "remove", "remove-by-time-to-live"):
        assert handle(*sample(name)["Records"]) == {"batchItemFailures": []}

    assert sorted(rows()) == [("customer-17", "deleted"), ("customer-18", "expired")]


def test_two_environments_that_start_at_once_create_one_schema(data_api, schema, rows, monkeypatch):
    from migrations import migrate
    from sql_database import Database

    database = Database(data_api, "cluster", "secret", "replica")

    assert [migrate(database, schema), migrate(database, schema)] == [len(migrations()), 0]
    # The second one checked before the first had finished, and got the lock after it.
    monkeypatch.setattr("migrations._applied", lambda *_: set())
    assert migrate(database, schema) == 0
    assert rows("SELECT version FROM {}.migrations ORDER BY version") == migrations()


def test_a_replaced_database_gets_its_schema(handle, rows, data_api, schema):
    handle(StreamedTable().put("a"))
    data_api.execute_statement(f"DROP SCHEMA {schema} CASCADE", [])

    handle(StreamedTable().put("b"))

    assert rows() == [("b", "present")]


def test_it_waits_for_a_cluster_that_resumes(handle, rows, data_api, monkeypatch):
    pauses = []
    monkeypatch.setattr("sql_database.time", SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append))
    handle(StreamedTable().put("a"))
    data_api.faults = [RESUMING, RESUMING, RESUMING]

    assert handle(StreamedTable().put("b")) == {"batchItemFailures": []}
    assert pauses == [1.0] * 3
    assert len(rows()) == 2


def test_it_does_not_wait_beyond_its_deadline(handle, data_api, context):
    handle(StreamedTable().put("a"))
    data_api.faults = [RESUMING] * 100
    context.left = 6.5
    begun = time.monotonic()

    with pytest.raises(Exception, match="DatabaseResuming"):
        handle(StreamedTable().put("b"))

    assert time.monotonic() - begun < 3
    data_api.faults = []


def test_a_failing_statement_ends_the_batch(load, data_api, schema, context, rows, monkeypatch):
    module = load("Replicate", given={"rds-data": data_api}, DATABASE_SCHEMA=schema)
    chunked = module.chunked
    monkeypatch.setattr(module, "chunked", lambda entries: chunked(entries, 600))
    module.handler({"Records": [StreamedTable().put("z")]}, context)
    table = StreamedTable()
    records = [table.put(str(number)) for number in range(6)]
    data_api.faults = [None, api_error("ServiceUnavailableError")]

    answer = module.handler({"Records": records}, context)

    written = {name for name, _ in rows()} - {"z"}
    stopped_at = answer["batchItemFailures"][0]["itemIdentifier"]
    left = [record for record in records if int(record["dynamodb"]["SequenceNumber"]) >= int(stopped_at)]
    assert written == {record["dynamodb"]["Keys"]["pk"]["S"] for record in records} - {
        record["dynamodb"]["Keys"]["pk"]["S"] for record in left
    }
    assert 0 < len(written) < 6


def test_the_invocation_fails_if_nothing_was_written(handle, data_api):
    handle(StreamedTable().put("a"))
    data_api.faults = [api_error("ServiceUnavailableError")]

    with pytest.raises(Exception, match="ServiceUnavailable"):
        handle(StreamedTable().put("b"))


def test_a_change_that_cannot_be_replicated_is_stored_once_with_its_reason(handle, s3, rows, capsys):
    table = StreamedTable()
    odd = table.put("a", note={"S": "\0"})
    for _ in range(2):
        assert handle(odd, table.put("b")) == {"batchItemFailures": []}

    (kept,) = s3.contents()
    assert (kept["code"], kept["record"]) == ("unrepresentable-item", odd)
    assert next(iter(s3.objects)).startswith("rejected/replicate/dt=2026-09-")
    assert ("a", "rejected") in rows()
    assert '"ChangesRejected":[1.0]' in capsys.readouterr().out


def test_a_change_that_cannot_be_stored_is_not_skipped(handle, s3):
    s3.broken = True
    with pytest.raises(Exception, match="SlowDown"):
        handle(StreamedTable().put("a", note={"S": "\0"}))


def test_a_probe_reads_its_row_back_and_leaves_none(handle, rows):
    said = handle(StreamedTable().put("_probe"), probe="before-1")

    assert [state for _, state in said["rehearsed"]] == ["present"]
    assert said["rejected"] == 0
    assert rows() == []


def test_the_largest_batch_takes_two_statements(handle, data_api):
    table = StreamedTable()
    records = [table.put(f"customer-{number}", text={"S": "x" * 400}) for number in range(5500)]
    assert len(json.dumps(records)) > 5_000_000
    handle(StreamedTable().put("first"))
    before = len(data_api.statements)

    assert handle(*records) == {"batchItemFailures": []}

    assert len(data_api.statements) - before == 2
    assert data_api.largest < 3_000_000
