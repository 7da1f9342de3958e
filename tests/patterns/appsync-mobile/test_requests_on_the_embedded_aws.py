"""The deployed API: what one user cannot do to another, what is too large, what reaches the function and its log."""

import json
import time
from types import SimpleNamespace

import pytest
from demo import CREATE, CREATE_NOTEBOOK, NOTE, SYNC, Cast

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress

BOARDS = "query { listNotebooks(limit: 50) { items { id notes(limit: 5) { items { title notebook { id } } } } } }"
LIST = (
    "query($id: ID!, $token: String) { listNotes(notebookId: $id, limit: 1, nextToken: $token) "
    f"{{ items {{ {NOTE} }} nextToken }} }}"
)
GET = f"query($id: ID!) {{ getNote(id: $id) {{ {NOTE} }} }}"


@pytest.fixture(scope="module")
def stack():
    """The stack of the pattern on an embedded AWS, with its clients."""
    progress = Progress()
    with Cloud() as cloud:
        outputs = bring_up(cloud, prepare(find("appsync-mobile"), progress), progress).outputs
        yield SimpleNamespace(outputs=outputs, client=cloud.client)


@pytest.fixture(scope="module")
def cast(stack):
    return Cast(stack)


@pytest.fixture(scope="module")
def ann(cast):
    """A user in the group, with 21 notebooks of a note each."""
    user = cast.sign_in("Ann", shares=True)
    for number in range(21):
        notebook = {"id": f"b-{number}", "name": "Ours", "group": cast.group}
        user.ask(CREATE_NOTEBOOK, input=notebook)
        user.ask(CREATE, input={"id": f"n-{number}", "notebookId": f"b-{number}", "title": f"PRIVATE {number}"})
    user.ask(CREATE, input={"id": "n-0b", "notebookId": "b-0", "title": "PRIVATE"})
    return user


@pytest.fixture(scope="module")
def eve(cast):
    """A user in no group."""
    return cast.sign_in("Eve", shares=False)


def logged(stack, **fields):
    """What the function has logged with these fields."""
    logs, found, until = stack.client("logs"), [], time.monotonic() + 10
    while not found and time.monotonic() < until:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=stack.outputs["LogGroup"])
        lines = [event["message"] for page in pages for event in page["events"] if event["message"].startswith("{")]
        found = [line for line in map(json.loads, lines) if fields.items() <= line.items()]
    return found


def test_the_children_of_21_notebooks_are_one_invocation_a_level(ann, stack):
    boards = ann.ask(BOARDS)["listNotebooks"]["items"]
    assert len(boards) == 21
    assert all(note["notebook"]["id"] == board["id"] for board in boards for note in board["notes"]["items"])
    assert [each["items"] for each in logged(stack, field="Notebook.notes")] == [21]
    assert [each["items"] for each in logged(stack, field="Note.notebook")] == [22]


def test_another_users_records_and_tokens_are_of_no_use(ann, eve, cast):
    token = ann.ask(LIST, id="b-0")["listNotes"]["nextToken"]
    assert token
    assert eve.ask(GET, id="n-0") == {"getNote": None}
    assert [each["errorType"] for each in eve.errors(LIST, id="b-0", token=token)] == ["NotFound"]
    bob = cast.sign_in("Bob", shares=True)
    assert [each["errorType"] for each in bob.errors(LIST, id="b-0", token=token)] == ["InvalidToken"]
    forged = ("A" if token[0] != "A" else "B") + token[1:]
    assert [each["errorType"] for each in ann.errors(LIST, id="b-0", token=forged)] == ["InvalidToken"]
    assert ann.ask(LIST, id="b-0", token=token)["listNotes"]["items"][0]["id"] == "n-0b"


def test_a_note_of_400_kb_is_refused_by_name(ann):
    note = {"id": "large", "notebookId": "b-0", "title": "Large", "body": "x" * 400_000}
    (error,) = ann.errors(CREATE, input=note)
    assert error["errorType"] == "TooLarge"
    assert "at most 390000" in error["message"]
    note = ann.ask(CREATE, input={**note, "body": "x" * 380_000})["createNote"]
    assert len(ann.ask(GET, id="large")["getNote"]["body"]) == 380_000
    assert note["_version"] == 1


def test_a_change_among_10_000_notes_is_one_page(cast, stack):
    user = cast.sign_in("Ann", shares=False)
    user.ask(CREATE_NOTEBOOK, input={"id": "many", "name": "Many"})
    first = user.ask(CREATE, input={"id": "m", "notebookId": "many", "title": "First"})["createNote"]
    dynamodb, table = stack.client("dynamodb"), stack.outputs["TableName"]
    item = dynamodb.get_item(TableName=table, Key={"pk": {"S": first["audience"]}, "sk": {"S": "note#m"}})["Item"]
    before = first["_lastChangedAt"] - 3_600_000  # an hour before the test, so that only the change is new
    for start in range(0, 10_000, 25):
        puts = [{"PutRequest": {"Item": numbered(item, before, start + at)}} for at in range(25)]
        dynamodb.batch_write_item(RequestItems={table: puts})
    user.ask(SYNC)

    edit = "mutation($input: UpdateNoteInput!) { updateNote(input: $input) { id } }"
    user.ask(edit, input={"id": "m7777", "title": "Changed", "_version": 1})
    page = user.ask(SYNC, lastSync=first["_lastChangedAt"] + 1)["syncNotes"]
    assert [(each["id"], each["title"]) for each in page["items"]] == [("m7777", "Changed")]
    assert (page["nextToken"], page["full"]) == (None, False)


def numbered(item, before, number):
    note, stamp = f"m{number}", before + number
    keys = {"sk": f"note#{note}", "id": note, "changed": f"note#{stamp:016d}#{note}", "listed": f"note#many#{note}"}
    return {**item, **{name: {"S": value} for name, value in keys.items()}, "_lastChangedAt": {"N": str(stamp)}}


def test_a_function_that_is_throttled_tells_clients_nothing_of_it(ann, stack):
    functions, name = stack.client("lambda"), stack.outputs["Function"].rpartition(":")[0]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        (error,) = ann.errors(GET, id="n-0")
    finally:
        functions.delete_function_concurrency(FunctionName=name)
    assert error["message"] == "The request failed. Try again."
    assert error["errorType"].startswith("Lambda:")
    assert ann.ask(GET, id="n-0")["getNote"]["title"] == "PRIVATE 0"


def test_nothing_that_users_write_is_logged(ann, stack):
    ann.errors(CREATE, input={"id": "n-0", "notebookId": "b-0", "title": "PRIVATE TITLE"})
    assert logged(stack, field="Mutation.createNote", errors=["ConflictUnhandled"])
    logs = stack.client("logs")
    for group in ("LogGroup", "ApiLogGroup"):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=stack.outputs[group])
        lines = [event["message"] for page in pages for event in page["events"]]
        assert lines, group
        assert [line for line in lines if "PRIVATE" in line] == []
