"""What users read and change, on the real expressions of the table."""

import pytest


@pytest.fixture
def ann(as_user):
    """A user in the group `family`, who has a notebook of her own and one of the group."""
    user = as_user("ann", "family")
    user.ask("Mutation.createNotebook", input={"id": "own", "name": "Mine"})
    user.ask("Mutation.createNotebook", input={"id": "shared", "name": "Ours", "group": "family"})
    return user


@pytest.fixture
def bob(as_user):
    """Another user of the group."""
    return as_user("bob", "family")


@pytest.fixture
def stranger(as_user):
    """A user in no group that anybody here is in."""
    return as_user("eve", "others")


def note(user, notebook="shared", **fields):
    sent = {"id": "n-1", "notebookId": notebook, "title": "Milk", "body": "Two litres", **fields}
    return user.ask("Mutation.createNote", input=sent)


def test_a_note_is_created_and_read_by_the_group(ann, bob):
    created = note(ann)
    assert created == {
        "id": "n-1",
        "notebookId": "shared",
        "title": "Milk",
        "body": "Two litres",
        "owner": "ann",
        "audience": "group:family",
        "_version": 1,
        "_lastChangedAt": created["_lastChangedAt"],
        "_deleted": False,
        "_conflicts": [],
    }
    found = bob.ask("Query.getNote", id="n-1")
    assert found == {name: value for name, value in created.items() if name != "_conflicts"}
    assert [each["id"] for each in bob.ask("Query.listNotebooks")["items"]] == ["shared"]
    assert [each["id"] for each in ann.ask("Query.listNotebooks")["items"]] == ["own", "shared"]
    assert [each["id"] for each in bob.ask("Query.listNotes", notebookId="shared")["items"]] == ["n-1"]


def test_another_owners_records_do_not_exist_for_a_stranger(ann, stranger):
    note(ann)
    note(ann, "own", id="n-2")
    for record_id in ("n-1", "n-2"):
        assert stranger.ask("Query.getNote", id=record_id) is None
        edit = {"id": record_id, "title": "Mine", "_version": 1}
        assert stranger.refused("Mutation.updateNote", input=edit)["type"] == "NotFound"
        assert stranger.refused("Mutation.deleteNote", input={"id": record_id, "_version": 1})["type"] == "NotFound"
    for notebook in ("own", "shared"):
        assert stranger.ask("Query.getNotebook", id=notebook) is None
        assert stranger.refused("Query.listNotes", notebookId=notebook)["type"] == "NotFound"
        sent = {"id": "n-3", "notebookId": notebook, "title": "Here"}
        assert stranger.refused("Mutation.createNote", input=sent)["type"] == "NotFound"
        assert stranger.refused("Subscription.onCreateNote", notebookId=notebook)["type"] == "NotFound"
    assert stranger.ask("Query.syncNotes")["items"] == []


def test_the_group_of_a_notebook_comes_from_the_token(stranger):
    sent = {"id": "b", "name": "Ours", "group": "family"}
    assert stranger.refused("Mutation.createNotebook", input=sent)["type"] == "NotAllowed"


def test_nobody_without_identity_gets_in(as_user):
    user = as_user("ann")
    user.identity = None
    assert user.refused("Query.getNote", id="n-1")["type"] == "NotAllowed"


def test_an_id_that_a_stranger_uses_too_is_another_record(ann, stranger):
    note(ann)
    stranger.ask("Mutation.createNotebook", input={"id": "shared", "name": "Not yours"})
    note(stranger, title="Mine")
    assert ann.ask("Query.getNote", id="n-1")["title"] == "Milk"
    assert stranger.ask("Query.getNote", id="n-1")["title"] == "Mine"
