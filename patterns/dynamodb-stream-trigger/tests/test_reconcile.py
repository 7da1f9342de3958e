"""reconcile.py compares the table with its replica, item by item, and repairs rows without overwriting a change."""

import pytest
from reconcile import Reconciler, reconcile
from replica import Replica, chunked, reduced
from sql_database import Database
from streamed import StreamedTable, key


class DynamoDb:
    """The table of a StreamedTable, as the low-level client reads it."""

    def __init__(self, table):
        self.table, self.meanwhile = table, []

    def describe_table(self, TableName):
        return {
            "Table": {
                "KeySchema": [{"AttributeName": "pk"}, {"AttributeName": "sk"}],
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            }
        }

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        items = list(self.table.items.values())
        return [{"Items": items[at : at + 3]} for at in range(0, len(items), 3)] or [{"Items": []}]

    def get_item(self, Key, **_):
        item = self.table.items.get(Key["pk"]["S"])
        if self.meanwhile:
            self.meanwhile.pop(0)()
        return {"Item": item} if item else {}


@pytest.fixture
def table():
    return StreamedTable()


@pytest.fixture
def replica(data_api, schema):
    made = Replica(Database(data_api, "cluster", "secret", "replica"), schema)
    made.prepare(0)
    return made


@pytest.fixture
def write(replica):
    def written(*records):
        for chunk in chunked(reduced(records).entries):
            replica.write(chunk.entries, pytest.fail)

    return written


@pytest.fixture
def reconciler(data_api, schema, table):
    return Reconciler(DynamoDb(table), "shop", Database(data_api, "cluster", "secret", "replica"), schema)


def found(reconciler):
    return {(each.key["pk"]["S"], each.difference) for each in reconciler.differences()}


def test_a_correct_replica_is_reported_as_such(reconciler, table, write, capsys):
    write(*[table.put(str(number), n={"N": f"{number}.50"}, tags={"SS": ["b", "a"]}) for number in range(7)])
    write(table.delete("3"), table.put("odd", note={"S": "\0"}))

    assert reconcile(reconciler, repair=False, grace=0) == 0
    assert "equals the table" in capsys.readouterr().out


@pytest.fixture
def amiss(table, write):
    """A replica that lost a creation, a change, a deletion, and an item that it cannot store."""
    write(table.put("stays"), table.put("changed", n={"N": "1"}), table.put("gone"), table.put("odd", note={"S": "x"}))
    table.put("missing", n={"N": "1E+2"})
    table.put("changed", n={"N": "2"})
    table.put("odd", note={"S": "\0"})
    table.delete("gone")


def test_every_difference_is_found(reconciler, amiss):
    assert found(reconciler) == {
        ("missing", "missing"),
        ("changed", "different"),
        ("odd", "different"),
        ("gone", "not in the table"),
    }


def test_differences_are_only_reported_without_repair(reconciler, amiss, capsys):
    assert reconcile(reconciler, repair=False, grace=0) == 1
    assert "4 differ. --repair corrects them." in capsys.readouterr().out
    assert len(found(reconciler)) == 4


def test_repair_corrects_them(reconciler, amiss, capsys):
    assert reconcile(reconciler, repair=True, grace=0) == 0
    assert "4 corrected, 0 still differ." in capsys.readouterr().out
    assert found(reconciler) == set()


def test_a_change_after_a_repair_overwrites_it(reconciler, table, amiss, write):
    reconcile(reconciler, repair=True, grace=0)
    write(table.put("missing", n={"N": "3"}), table.put("gone", n={"N": "4"}))

    assert found(reconciler) == set()


def test_a_change_that_arrives_during_a_repair_is_not_overwritten(reconciler, table, write, data_api, schema):
    write(table.put("a", n={"N": "1"}))
    table.put("a", n={"N": "2"})  # its record is lost
    differing = reconciler.differences()
    # A later change arrives between reading the item and writing the row.
    reconciler.dynamodb.meanwhile = [lambda: write(table.put("a", n={"N": "3"}))]

    assert reconciler.repair(differing) == 0
    assert found(reconciler) == set()


def test_a_missing_row_that_arrives_during_a_repair_is_not_overwritten(reconciler, table, write):
    table.put("a", n={"N": "1"})
    differing = reconciler.differences()
    reconciler.dynamodb.meanwhile = [lambda: write(table.put("a", n={"N": "2"}))]

    assert reconciler.repair(differing) == 0
    assert found(reconciler) == set()


def test_changes_under_way_are_not_reported(reconciler, table, write, capsys):
    record = table.put("a")
    differing = reconciler.differences()
    write(record)

    assert len(differing) == 1
    assert reconciler.still(differing) == []


def test_the_largest_item_is_compared_too(reconciler, table, write):
    write(*[table.put(str(number), text={"S": "é" * 190_000}) for number in range(6)])

    assert found(reconciler) == set()
    assert key("0")


def test_help_explains_the_command(monkeypatch, capsys):
    import reconcile as command

    for arguments, status in ((["--help"], 0), ([], 2), (["a", "b"], 2)):
        monkeypatch.setattr("sys.argv", ["reconcile.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            command.main()
        assert ended.value.code == status
    assert "--repair" in capsys.readouterr().out
