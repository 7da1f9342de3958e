"""What a client gets that syncs: each change, deletions too, in pages, and everything when it has to."""

import notebooks as module
import pytest

DAY = 86_400_000


class Clock:
    """The time of the function, in milliseconds since 1970."""

    def __init__(self):
        self.now = 1_764_340_000_000

    def __call__(self):
        self.now += 1
        return self.now


@pytest.fixture
def clock(as_user, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "_now", clock)
    return clock


@pytest.fixture
def ann(as_user, clock):
    user = as_user("ann", "family")
    user.ask("Mutation.createNotebook", input={"id": "own", "name": "Mine"})
    user.ask("Mutation.createNotebook", input={"id": "shared", "name": "Ours", "group": "family"})
    return user


def create(user, *ids, notebook="own"):
    for each in ids:
        user.ask("Mutation.createNote", input={"id": each, "notebookId": notebook, "title": each})


def sync(user, **arguments):
    """All pages: the ids of the records, and the last page."""
    page, ids = user.ask("Query.syncNotes", **arguments), []
    started = page["startedAt"]
    while True:
        ids += [each["id"] + ("-deleted" if each["_deleted"] else "") for each in page["items"]]
        assert page["startedAt"] == started
        if page["nextToken"] is None:
            return ids, page
        page = user.ask("Query.syncNotes", **{**arguments, "nextToken": page["nextToken"]})


def test_the_first_sync_has_everything_but_what_is_deleted(ann):
    create(ann, "a", "b", "c")
    create(ann, "d", notebook="shared")
    ann.ask("Mutation.deleteNote", input={"id": "b", "_version": 1})
    for first in (None, 0):  # Amplify's DataStore sends 0
        ids, page = sync(ann, lastSync=first)
        assert sorted(ids) == ["a", "c", "d"]
        assert page["full"] is True
    notebooks = ann.ask("Query.syncNotebooks")
    assert sorted(each["id"] for each in notebooks["items"]) == ["own", "shared"]


def test_a_sync_has_what_changed_since_and_what_was_deleted(ann, clock):
    create(ann, "a", "b", "c")
    _, page = sync(ann)
    clock.now += 120_000
    _, page = sync(ann, lastSync=page["startedAt"])
    ann.ask("Mutation.updateNote", input={"id": "a", "title": "A", "_version": 1})
    ann.ask("Mutation.deleteNote", input={"id": "b", "_version": 1})
    create(ann, "d", notebook="shared")
    ids, page = sync(ann, lastSync=page["startedAt"])
    assert ids == ["a", "b-deleted", "d"]  # the user's own first
    assert page["full"] is False


def test_a_change_that_was_being_written_during_a_sync_is_in_the_next_one(ann, clock, monkeypatch):
    create(ann, "a")
    clock.now += 60_000
    stamped = clock.now
    clock.now += 10_000  # the function may run ten seconds
    _, page = sync(ann)
    monkeypatch.setattr(module, "_now", lambda: stamped)
    ann.ask("Mutation.updateNote", input={"id": "a", "title": "A", "_version": 1})
    monkeypatch.setattr(module, "_now", clock)
    assert sync(ann, lastSync=page["startedAt"])[0] == ["a"]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_have_each_record_once(limit, ann):
    create(ann, *"abcde")
    create(ann, *"fgh", notebook="shared")
    assert sorted(sync(ann, limit=limit)[0]) == [*"abcdefgh"]


def test_a_record_that_changes_between_pages_is_not_missed(ann):
    create(ann, *"abcd")
    page = ann.ask("Query.syncNotes", limit=2)
    assert [each["id"] for each in page["items"]] == ["a", "b"]
    ann.ask("Mutation.updateNote", input={"id": "a", "title": "A", "_version": 1})
    ann.ask("Mutation.updateNote", input={"id": "c", "title": "C", "_version": 1})
    page = ann.ask("Query.syncNotes", limit=10, nextToken=page["nextToken"])
    assert [(each["id"], each["title"]) for each in page["items"]] == [("d", "d"), ("a", "A"), ("c", "C")]


def test_a_client_that_was_away_for_longer_than_deletions_are_remembered_gets_everything(ann, clock):
    create(ann, "a", "b")
    _, page = sync(ann)
    clock.now += 29 * DAY
    assert sync(ann, lastSync=page["startedAt"])[1]["full"] is False
    clock.now += 1 * DAY
    ids, page = sync(ann, lastSync=page["startedAt"])
    assert (ids, page["full"]) == (["a", "b"], True)


def test_a_tombstone_expires_when_deletions_are_forgotten(ann, clock, dynamodb):
    create(ann, "a")
    ann.ask("Mutation.deleteNote", input={"id": "a", "_version": 1})
    key = {"pk": {"S": "user:ann"}, "sk": {"S": "note#a"}}
    item = dynamodb.get_item(TableName="records", Key=key)["Item"]
    assert int(item["expiresAt"]["N"]) == pytest.approx(clock.now // 1000 + 30 * 86_400, abs=2)
    assert "listed" not in item
    assert ann.ask("Query.getNote", id="a") is None
    assert ann.ask("Query.listNotes", notebookId="own")["items"] == []


def test_one_who_joins_or_leaves_a_group_gets_everything_once(ann, as_user, clock):
    create(ann, "old", notebook="shared")
    bob = as_user("bob")
    _, page = sync(bob)
    clock.now += DAY
    _, page = sync(bob, lastSync=page["startedAt"])
    assert page["full"] is False

    bob.identity["groups"] = ["family"]
    ids, page = sync(bob, lastSync=page["startedAt"])
    assert (ids, page["full"]) == (["old"], True)
    clock.now += DAY
    ids, page = sync(bob, lastSync=page["startedAt"])
    assert (ids, page["full"]) == ([], False)

    bob.identity["groups"] = None
    ids, page = sync(bob, lastSync=page["startedAt"])
    assert (ids, page["full"]) == ([], True)


def test_a_filter_narrows_a_sync(ann):
    create(ann, "a", "b", "c")
    assert sync(ann, limit=1, filter={"or": [{"title": {"eq": "a"}}, {"id": {"beginsWith": "c"}}]})[0] == ["a", "c"]


class Counted:
    """The table's client, which counts queries and the records that they read."""

    def __init__(self, client):
        self._client, self.queries, self.records = client, 0, 0

    def __getattr__(self, name):
        return getattr(self._client, name)

    def scan(self, **_):
        raise AssertionError("a scan")

    def query(self, **call):
        assert call["ConsistentRead"] is True
        answer = self._client.query(**call)
        self.queries += 1
        self.records += answer["ScannedCount"]
        return answer


def test_a_change_among_many_notes_is_read_alone(ann, clock, dynamodb, monkeypatch):
    create(ann, "template")
    key = {"pk": {"S": "user:ann"}, "sk": {"S": "note#template"}}
    item = dynamodb.get_item(TableName="records", Key=key)["Item"]
    for start in range(0, 200, 25):
        puts = [{"PutRequest": {"Item": _numbered(item, start + at)}} for at in range(25)]
        dynamodb.batch_write_item(RequestItems={"records": puts})
    _, page = sync(ann, limit=300)
    clock.now += 60_000
    _, page = sync(ann, lastSync=page["startedAt"])
    ann.ask("Mutation.updateNote", input={"id": "n77", "title": "Changed", "_version": 1})

    counted = Counted(dynamodb)
    monkeypatch.setattr(ann.module.notebooks._table, "_dynamodb", counted)
    page = ann.ask("Query.syncNotes", lastSync=page["startedAt"])
    assert [each["title"] for each in page["items"]] == ["Changed"]
    assert page["nextToken"] is None
    assert (counted.queries, counted.records) == (2, 1)  # a query for the user, and one for its group


def _numbered(item, number):
    note, stamp = f"n{number}", 1_764_000_000_000 + number
    keys = {"sk": f"note#{note}", "id": note, "changed": f"note#{stamp:016d}#{note}", "listed": f"note#own#{note}"}
    return {**item, **{name: {"S": value} for name, value in keys.items()}, "_lastChangedAt": {"N": str(stamp)}}
