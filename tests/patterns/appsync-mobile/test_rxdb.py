"""RxDB, a client that others have written, converges with the deployed API after both phones were offline."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from demo import CREATE_NOTEBOOK, SYNC, Cast

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.local.appsync.clients.node import NodeScript, packages

SCRIPT = Path(__file__).parent / "clients" / "rxdb.mjs"
PHONES = ("ann", "bob")


@pytest.fixture(scope="module")
def cast():
    packages()  # skips before anything is deployed
    progress = Progress()
    with Cloud() as cloud:
        outputs = bring_up(cloud, prepare(find("appsync-mobile"), progress), progress).outputs
        yield Cast(SimpleNamespace(outputs=outputs, client=cloud.client))


@pytest.fixture(scope="module")
def phones(cast, tmp_path_factory):
    """Two phones of different users in the group, with four notes."""
    with NodeScript(SCRIPT, tmp_path_factory.mktemp("rxdb")) as node:
        users = [cast.sign_in(name.title(), shares=True) for name in PHONES]
        users[0].ask(CREATE_NOTEBOOK, input={"id": "b", "name": "Ours", "group": cast.group})
        for name, user in zip(PHONES, users, strict=True):
            node.call("open", name=name, url=cast.url, token=user._token)
        for record_id in ("bread", "old", "plants", "rolls"):
            node.call("create", name="ann", id=record_id, notebookId="b", title=record_id)
        sync(node)
        yield SimpleNamespace(node=node, ann=users[0])


def sync(node):
    """Both phones get all that the other one has sent."""
    for _ in range(3):
        for name in PHONES:
            node.call("sync", name=name)


def test_an_edit_of_what_was_just_sent_is_no_conflict(phones):
    for title in ("Rye rolls", "White rolls", "Rolls"):
        phones.node.call("edit", name="ann", id="rolls", title=title)
        sync(phones.node)

    for name in PHONES:
        (rolls,) = (each for each in phones.node.call("notes", name=name) if each["id"] == "rolls")
        assert (rolls["title"], rolls["version"]) == ("Rolls", 4)
        assert phones.node.call("conflicts", name=name) == []


def test_both_phones_converge(phones):
    node = phones.node
    titles = {each["id"]: each["title"] for each in node.call("notes", name="ann")}
    for name in PHONES:
        node.call("switch", name=name, isOnline=False)
    node.call("edit", name="ann", id="bread", title="Rye bread")
    node.call("edit", name="bob", id="bread", body="From the market")
    node.call("edit", name="ann", id="plants", title="Water the plants")
    node.call("edit", name="bob", id="plants", title="Sell the plants")
    node.call("remove", name="ann", id="old")
    node.call("edit", name="bob", id="old", title="Not so old")
    node.call("create", name="bob", id="new", notebookId="b", title="New")
    node.call("switch", name="ann", isOnline=True, answersToLose=2)
    node.call("sync", name="ann")
    node.call("switch", name="bob", isOnline=True, answersToLose=1)
    sync(node)

    until = time.monotonic() + 10
    while (ann := node.call("notes", name="ann")) != node.call("notes", name="bob") and time.monotonic() < until:
        sync(node)
    bob = node.call("notes", name="bob")
    stored = [each for each in phones.ann.ask(SYNC)["syncNotes"]["items"] if not each["_deleted"]]
    api = {each["id"]: (each["title"], each["body"] or "", each["_version"]) for each in stored}
    assert {each["id"]: (each["title"], each["body"], each["version"]) for each in ann} == api
    assert ann == bob
    assert {name: title for name, (title, _, _) in api.items()} == {
        "bread": "Rye bread",
        "new": "New",
        "plants": "Water the plants",
        "rolls": titles["rolls"],
    }
    assert api["bread"][1] == "From the market"
    assert {"id": "plants", "field": "title"} in node.call("conflicts", name="bob")
    assert [node.call("answersToLose", name=name) for name in PHONES] == [0, 0]
