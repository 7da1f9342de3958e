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


def test_an_id_that_is_longer_than_a_key_is_of_no_record(ann, back_end, monkeypatch):
    note(ann)
    table, long = ann.module.notebooks._table, "a" * 2048
    monkeypatch.setattr(table, "read", lambda keys: pytest.fail("DynamoDB refuses it") if list(keys) else {})
    assert ann.ask("Query.getNote", id=long) is None
    assert ann.ask("Query.getNotebook", id="ä" * 600) is None
    assert ann.refused("Query.listNotes", notebookId=long)["type"] == "NotFound"
    assert ann.refused("Mutation.updateNote", input={"id": long, "title": "x", "_version": 1})["type"] == "NotFound"
    assert ann.refused("Subscription.onCreateNote", notebookId=long)["type"] == "NotFound"
    for audience in ({"owner": long}, {"group": long}):
        sent = {"id": "n", "notebookId": "own", "title": "x", **audience}
        assert back_end.refused("Mutation.addSystemNote", input=sent)["type"] == "NotFound"


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


def test_a_conflict_has_the_stored_note(ann, bob):
    note(ann)
    bob.ask("Mutation.updateNote", input={"id": "n-1", "title": "Oat milk", "_version": 1})
    late = {"id": "n-1", "_version": 1}
    error = ann.refused("Mutation.deleteNote", input=late)
    assert (error["type"], error["data"]["title"], error["data"]["_version"]) == ("ConflictUnhandled", "Oat milk", 2)
    assert not {"fieldVersions", "createdBy", "recentMutations"} & error["data"].keys()
    merged = ann.ask("Mutation.updateNote", input={**late, "title": "Soy milk", "body": "One litre"})
    assert (merged["title"], merged["body"], merged["_conflicts"]) == ("Oat milk", "One litre", ["title"])


def test_two_who_write_at_the_same_time_lose_nothing(ann, bob, monkeypatch):
    note(ann)
    table = ann.module.notebooks._table
    write, interrupted = table.write, []

    def write_after_bob(*arguments, **options):
        if not interrupted:
            interrupted.append(True)
            bob.ask("Mutation.updateNote", input={"id": "n-1", "body": "Three litres", "_version": 1})
        return write(*arguments, **options)

    monkeypatch.setattr(table, "write", write_after_bob)
    answer = ann.ask("Mutation.updateNote", input={"id": "n-1", "title": "Oat milk", "_version": 1})
    assert (answer["title"], answer["body"], answer["_version"]) == ("Oat milk", "Three litres", 3)


@pytest.mark.parametrize("operation", ["create", "update"])
def test_a_record_that_others_change_all_the_time_is_busy(operation, ann, monkeypatch):
    note(ann)
    monkeypatch.setattr(ann.module.notebooks._table, "write", lambda *_, **__: False)
    sent = {"create": {"id": "n-9", "notebookId": "shared", "title": "x"}, "update": {"id": "n-1", "title": "x"}}
    answer = ann.refused(f"Mutation.{operation}Note", input={**sent[operation], "_version": 1})
    assert answer["type"] == "Busy"


def test_a_condition_that_does_not_hold_changes_nothing(ann):
    note(ann)
    edit = {"id": "n-1", "title": "Oat milk", "_version": 1}
    error = ann.refused("Mutation.updateNote", input=edit, condition={"title": {"eq": "Bread"}})
    assert error["type"] == "ConditionalCheckFailedException"
    assert ann.ask("Query.getNote", id="n-1")["_version"] == 1
    assert ann.ask("Mutation.updateNote", input=edit, condition={"title": {"eq": "Milk"}})["_version"] == 2


def test_a_note_of_400_kb_is_refused_by_name(ann):
    sent = {"id": "n-1", "notebookId": "shared", "title": "Milk", "body": "ä" * 200_000}
    error = ann.refused("Mutation.createNote", input=sent)
    assert error["type"] == "TooLarge"
    assert "at most 390000" in error["message"]
    note(ann, body="ä" * 190_000)
    edit = {"id": "n-1", "body": "ä" * 200_000, "_version": 1}
    assert ann.refused("Mutation.updateNote", input=edit)["type"] == "TooLarge"


@pytest.mark.parametrize(
    ("field", "sent", "reason"),
    [
        ("createNote", {"id": "a#b", "notebookId": "shared", "title": "x"}, "An id has"),
        ("createNote", {"id": "x" * 101, "notebookId": "shared", "title": "x"}, "An id has"),
        ("createNotebook", {"id": "", "name": "x"}, "An id has"),
        ("updateNote", {"id": "n-1", "title": "x"}, "Send the _version"),
        ("deleteNote", {"id": "n-1", "_version": None}, "Send the _version"),
        ("updateNote", {"id": "n-1", "title": None, "_version": 1}, "title cannot be null"),
        ("updateNote", {"id": "n-1", "notebookId": None, "_version": 1}, "notebookId cannot be null"),
        ("updateNote", {"id": "n-1", "notebookId": "own", "_version": 1}, "same group or user"),
    ],
)
def test_an_invalid_mutation_says_what_is_wrong(field, sent, reason, ann):
    note(ann)
    error = ann.refused(f"Mutation.{field}", input=sent)
    assert error["type"] == "InvalidInput"
    assert reason in error["message"]
    assert ann.ask("Query.getNote", id="n-1")["_version"] == 1


def test_a_note_moves_to_another_notebook_of_the_group(ann, bob):
    note(ann)
    bob.ask("Mutation.createNotebook", input={"id": "other", "name": "Ours, too", "group": "family"})
    bob.ask("Mutation.updateNote", input={"id": "n-1", "notebookId": "other", "_version": 1})
    assert ann.ask("Query.listNotes", notebookId="shared")["items"] == []
    assert [each["id"] for each in ann.ask("Query.listNotes", notebookId="other")["items"]] == ["n-1"]


def test_an_id_is_made_if_none_is_sent(ann):
    first, second = (note(ann, id=None)["id"] for _ in range(2))
    assert first != second


@pytest.fixture
def back_end(as_user):
    user = as_user("unused")
    user.identity = {"sub": None, "groups": None, "userArn": "arn:aws:sts::123456789012:assumed-role/back-end/x"}
    return user


@pytest.mark.parametrize(("notebook", "of"), [("shared", {"group": "family"}), ("own", {"owner": "ann"})])
def test_a_back_end_adds_a_note_once(notebook, of, ann, back_end):
    sent = {"id": "n-9", "notebookId": notebook, "title": "Shops close at 8", **of}
    for _ in range(2):
        answer = back_end.ask("Mutation.addSystemNote", input=sent)
        assert (answer["owner"], answer["_version"]) == ("ann", 1)
    assert ann.ask("Query.getNote", id="n-9")["title"] == "Shops close at 8"


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ({}, "InvalidInput"),
        ({"owner": "ann", "group": "family"}, "InvalidInput"),
        ({"owner": "bob"}, "NotFound"),
        ({"group": "others"}, "NotFound"),
        ({"group": ""}, "NotFound"),
        ({"owner": ""}, "NotFound"),
    ],
)
def test_a_back_end_has_to_name_the_right_owner_or_group(of, expected, ann, back_end):
    sent = {"id": "n-9", "notebookId": "shared", "title": "x", **of}
    assert back_end.refused("Mutation.addSystemNote", input=sent)["type"] == expected


def test_a_back_end_reads_nothing(ann, back_end):
    note(ann)
    assert back_end.ask("Query.getNote", id="n-1") is None
