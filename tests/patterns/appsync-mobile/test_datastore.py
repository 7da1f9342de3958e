"""Amplify's DataStore with the deployed API: its changes arrive, and what it drops after an error is lost."""

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from demo import CREATE_NOTEBOOK, SYNC, UPDATE, Cast

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.local.appsync.clients.node import NodeScript, packages

SCRIPT = Path(__file__).parent / "clients" / "datastore.mjs"
CREATE_NOTE = "mutation ($input: CreateNoteInput!) { createNote(input: $input) { id audience } }"


@pytest.fixture(scope="module")
def phone(tmp_path_factory):
    """A phone whose first sync has brought a note that another client made."""
    packages()  # skips before anything is deployed
    progress = Progress()
    with Cloud() as cloud:
        outputs = bring_up(cloud, prepare(find("appsync-mobile"), progress), progress).outputs
        cast = Cast(SimpleNamespace(outputs=outputs, client=cloud.client))
        ann = cast.sign_in("Ann", shares=True)
        ann.ask(CREATE_NOTEBOOK, input={"id": "b", "name": "Ours", "group": cast.group})
        ann.ask(CREATE_NOTE, input={"id": "there", "notebookId": "b", "title": "There"})
        trust = {"NODE_EXTRA_CA_CERTS": str(cloud.certificate_authority)}
        with NodeScript(SCRIPT, tmp_path_factory.mktemp("datastore"), trust) as node:
            node.call("start", url=f"{cloud.tls_endpoint}{urlsplit(cast.url).path}", token=ann._token)
            yield SimpleNamespace(node=node, ann=ann)


def stored(phone):
    """The titles that the API has."""
    return sorted(each["title"] for each in phone.ann.ask(SYNC)["syncNotes"]["items"] if not each["_deleted"])


def stored_note(phone, title):
    """The note with this title that the API has."""
    return next(each for each in phone.ann.ask(SYNC)["syncNotes"]["items"] if each["title"] == title)


def edit_elsewhere(phone, title, /, **changed):
    """Another client changes the note with this title."""
    note = stored_note(phone, title)
    phone.ann.ask(UPDATE, input={"id": note["id"], "_version": note["_version"], **changed})


def test_first_sync_and_changes_arrive(phone):
    assert phone.node.call("titles") == ["There"]

    phone.node.call("create", title="Bread", notebookId="b")
    assert stored(phone) == ["Bread", "There"]
    phone.node.call("edit", title="Bread", newTitle="Rye bread")
    assert stored(phone) == ["Rye bread", "There"]
    phone.node.call("remove", title="Rye bread")
    assert stored(phone) == ["There"]
    assert phone.node.call("errors") == []


def test_an_edit_made_offline_arrives_after_the_reconnection(phone):
    phone.node.call("create", title="Milk", notebookId="b")
    phone.node.call("disconnect")
    phone.node.call("editOffline", title="Milk", newTitle="Oat milk")
    assert "Milk" in stored(phone)

    phone.node.call("reconnect")
    assert "Oat milk" in stored(phone)
    assert phone.node.call("errors") == []


def test_an_offline_edit_of_a_field_that_was_changed_meanwhile_is_lost_without_an_error(phone):
    phone.node.call("create", title="Tea", notebookId="b")
    phone.node.call("disconnect")
    phone.node.call("editOffline", title="Tea", newTitle="Green tea")
    edit_elsewhere(phone, "Tea", title="Black tea")

    phone.node.call("reconnect")
    assert phone.node.call("refusals") == []
    assert phone.node.call("errors") == []
    assert "Black tea" in stored(phone)
    assert "Green tea" not in stored(phone)
    phone.node.call("arrived", title="Black tea")
    assert "Green tea" not in phone.node.call("titles")


def test_an_offline_deletion_that_conflicts_with_an_edit_is_given_up_without_an_error(phone):
    phone.node.call("create", title="Cups", notebookId="b")
    phone.node.call("disconnect")
    phone.node.call("removeOffline", title="Cups")
    edit_elsewhere(phone, "Cups", title="Six cups")

    phone.node.call("reconnect")
    refusals = phone.node.call("refusals")
    assert len(refusals) > 1  # DataStore sends the deletion several times
    assert {(each["errorType"], each["data"]["title"]) for each in refusals} == {("ConflictUnhandled", "Six cups")}
    assert phone.node.call("errors") == []
    assert "Six cups" in stored(phone)
    assert "Six cups" in phone.node.call("titles")


def test_a_change_of_another_client_arrives_live(phone):
    phone.node.call("create", title="Plants", notebookId="b")
    syncs = phone.node.call("syncs")

    edit_elsewhere(phone, "Plants", title="Water the plants")
    phone.node.call("arrived", title="Water the plants")
    assert phone.node.call("syncs") == syncs > 0


@pytest.mark.parametrize("status", [401, 500])
def test_an_edit_answered_with_an_error_is_lost(phone, status):
    phone.node.call("create", title=f"Old {status}", notebookId="b")
    phone.node.call("answer", status=status)
    phone.node.call("edit", title=f"Old {status}", newTitle=f"New {status}")
    phone.node.call("answer", status=None)

    phone.node.call("create", title=f"After the edit {status}", notebookId="b")
    assert f"After the edit {status}" in stored(phone)
    assert f"Old {status}" in stored(phone)
    assert f"New {status}" not in stored(phone)
    assert phone.node.call("errors")


@pytest.mark.parametrize("status", [401, 500])
def test_a_note_answered_with_an_error_is_lost(phone, status):
    phone.node.call("answer", status=status)
    phone.node.call("create", title=f"Lost {status}", notebookId="b")
    phone.node.call("answer", status=None)

    phone.node.call("create", title=f"After {status}", notebookId="b")
    assert f"After {status}" in stored(phone)
    assert f"Lost {status}" not in stored(phone)
    assert phone.node.call("errors")


def test_a_note_that_the_function_refuses_is_lost(phone):
    phone.node.call("create", title="Refused", notebookId="none")

    phone.node.call("create", title="After the refusal", notebookId="b")
    assert "After the refusal" in stored(phone)
    assert "Refused" not in stored(phone)
    assert phone.node.call("errors")
