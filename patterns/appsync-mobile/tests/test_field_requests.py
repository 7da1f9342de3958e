"""The envelope around Powertools' resolver: errors of one item, of a batch, and of the function."""

import pytest


@pytest.fixture
def ann(as_user):
    user = as_user("ann", "family")
    for number in range(21):
        sent = {"id": f"b-{number}", "name": "Ours", "group": "family"}
        user.ask("Mutation.createNotebook", input=sent)
        sent = {"id": f"n-{number}", "notebookId": f"b-{number}", "title": f"In {number}"}
        user.ask("Mutation.createNote", input=sent)
    return user


def sources(user, field):
    return list(user.ask(field)["items"])


def batch(user, field, sources, arguments=None):
    events = [user.event(field, arguments, source) for source in sources]
    return user.module.handler(events, user.context)


def test_the_children_of_21_parents_are_resolved_by_one_invocation(ann):
    notebooks = sources(ann, "Query.listNotebooks")
    answers = batch(ann, "Notebook.notes", notebooks, {"limit": 10})
    assert [[note["notebookId"] for note in each["value"]["items"]] for each in answers] == [
        [notebook["id"]] for notebook in notebooks
    ]
    notes = sources(ann, "Query.syncNotes")
    answers = batch(ann, "Note.notebook", notes)
    assert [each["value"]["id"] for each in answers] == [note["notebookId"] for note in notes]


def test_an_item_that_is_refused_does_not_fail_its_siblings(ann):
    own, foreign = {"id": "b-1", "audience": "group:family"}, {"id": "b-1", "audience": "user:bob"}
    answers = batch(ann, "Notebook.notes", [own, foreign, own])
    assert ["value" in each for each in answers] == [True, False, True]
    assert answers[1]["error"]["type"] == "NotFound"
    note = {"notebookId": "b-1", "audience": "user:bob"}
    assert batch(ann, "Note.notebook", [note, {**own, "notebookId": "b-1"}])[0] == {"value": None}


def test_a_field_without_arguments_is_resolved(ann):
    assert "value" in ann.module.handler(ann.event("Query.listNotebooks", None), ann.context)


def test_a_field_that_nobody_resolves_is_an_error_of_the_function(ann):
    for event in (ann.event("Query.unknown"), [ann.event("Note.unknown", source={})]):
        with pytest.raises(Exception, match="No resolver found"):
            ann.module.handler(event, ann.context)


def test_a_batch_of_several_fields_is_an_error_of_the_function(ann):
    events = [ann.event("Notebook.notes", source={}), ann.event("Note.notebook", source={})]
    with pytest.raises(ValueError, match="events of 2 fields"):
        ann.module.handler(events, ann.context)


def test_a_batch_with_too_few_answers_is_an_error_of_the_function(ann, monkeypatch):
    monkeypatch.setattr(ann.module.notebooks, "notebooks_of", lambda _: [None])
    source = {"id": "n-1", "audience": "group:family", "notebookId": "b-1"}
    with pytest.raises(ValueError, match="1 answers were given to 2 events"):
        batch(ann, "Note.notebook", [source] * 2)


def test_an_error_leaves_nothing_for_the_next_request(ann, monkeypatch):
    app = ann.module.requests._app
    app.append_context(left="behind")
    ann.refused("Query.listNotes", notebookId="unknown")
    assert app.context == {}


def test_nothing_that_users_write_is_logged(ann, caplog):
    caplog.clear()
    sent = {"id": "secret-1", "notebookId": "b-1", "title": "TITLE", "body": "BODY"}
    ann.ask("Mutation.createNote", input=sent)
    ann.refused("Mutation.updateNote", input={"id": "secret-1", "title": "OTHER", "_version": 7})
    logged = " ".join(str(vars(record)) for record in caplog.records)
    assert "Mutation.updateNote" in logged
    assert "ConflictUnhandled" in logged
    for word in ("TITLE", "BODY", "OTHER"):
        assert word not in logged


def test_every_sample_is_handled(sample, load, context):
    module = load("ResolveFields")
    for name in ("create-notebook", "create-note", "sync-notes"):
        assert "value" in module.handler(sample(name), context), name
    first, second = module.handler(sample("notes-of-notebooks"), context)
    assert [each["title"] for each in first["value"]["items"]] == ["Milk"]
    assert second["value"]["items"] == []


def test_a_batch_of_large_pages_fits_into_one_answer(ann, monkeypatch):
    import notebooks

    monkeypatch.setattr(notebooks, "BATCH_BYTES", 500)
    parents = sources(ann, "Query.listNotebooks")
    pages = [each["value"] for each in batch(ann, "Notebook.notes", parents)]
    filled = [page["items"] != [] for page in pages]
    assert filled == [True] * sum(filled) + [False] * (21 - sum(filled))
    assert 0 < sum(filled) < 21
    for parent, page in zip(parents, pages, strict=True):
        arguments = {"nextToken": page["nextToken"]} if not page["items"] else {}
        (found,) = (each["value"] for each in batch(ann, "Notebook.notes", [parent], arguments))
        assert [note["notebookId"] for note in found["items"]] == [parent["id"]]
        assert found["nextToken"] is None


class Throttling:
    """Reads no record of the first requests."""

    def __init__(self, client, times):
        self._client, self.times = client, times

    def __getattr__(self, name):
        return getattr(self._client, name)

    def batch_get_item(self, *, RequestItems):
        if self.times:
            self.times -= 1
            return {"Responses": {}, "UnprocessedKeys": RequestItems}
        return self._client.batch_get_item(RequestItems=RequestItems)


def test_records_that_were_not_read_are_read_again_a_few_times(ann, monkeypatch, dynamodb):
    monkeypatch.setattr("record_table._PAUSES", (0.0,) * 4)
    table = ann.module.notebooks._table
    monkeypatch.setattr(table, "_dynamodb", Throttling(dynamodb, 4))
    assert ann.ask("Query.getNote", id="n-1")["title"] == "In 1"
    monkeypatch.setattr(table, "_dynamodb", Throttling(dynamodb, 100))
    with pytest.raises(TimeoutError, match="did not read 2 records in 5 attempts"):
        ann.ask("Query.getNote", id="n-1")
