"""The table of the simulation answers as DynamoDB's emulation in moto does."""

import random

import pytest
from in_memory_table import InMemoryTable
from record_table import NOTE, RecordTable

AUDIENCES = ("user:ann", "group:family")


def calls(seed):
    """Random calls, as functions of the table."""
    chance = random.Random(seed)
    for _ in range(40):
        record_id, audience = chance.choice("abc"), chance.choice(AUDIENCES)
        record = {
            "id": record_id,
            "audience": audience,
            "notebookId": chance.choice(("b-1", "b-2")),
            "title": "-",
            "_version": chance.randint(1, 3),
            "_lastChangedAt": chance.randint(1, 9),
            "_deleted": chance.random() < 0.3,
            "fieldVersions": {"title": 2},
        }
        before, since = chance.choice((None, 1, 2, 3)), chance.randint(1, 9)
        audiences = chance.choice((AUDIENCES, AUDIENCES[:1]))
        yield chance.choice(
            [
                lambda table, r=record, b=before: table.write(NOTE, r, b),
                lambda table, r=record_id: table.find(AUDIENCES, NOTE, r),
                lambda table, a=audience: every_page(table.notes, a, "b-1"),
                lambda table, a=audience, s=since: every_page(table.changes, a, NOTE, s),
                lambda table, a=audiences, s=since: table.groups_changed_at("ann", NOTE, a, s),
            ]
        )


def every_page(read, *query):
    records, after = [], None
    while True:
        page = read(*query, after, 2)
        assert len(page.records) <= 2
        records, after = records + page.records, page.last
        if after is None:
            return records


@pytest.mark.parametrize("seed", range(10))
def test_the_same_calls_give_the_same_answers_and_items(seed, dynamodb):
    chance = random.Random(seed)
    table = InMemoryTable(chance)

    for call in calls(seed):
        expected, given = (call(RecordTable(client, "records")) for client in (dynamodb, table))
        assert given == expected

    items = dynamodb.scan(TableName="records")["Items"]
    assert {(item["pk"]["S"], item["sk"]["S"]): item for item in items} == table.items


def test_items_expire():
    table = InMemoryTable()
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    table.put_item(TableName="records", Item={**key, "expiresAt": {"N": "10"}})
    table.expire(10)
    assert table.items
    table.expire(11)
    assert not table.items
