"""Phones converge, no accepted edit is lost without a reported conflict, and what is deleted stays deleted."""

from unittest import mock

import in_memory_table
import notebooks
import pytest
import versions
from notebooks import Notebooks
from offline_client import OfflineClient
from record_table import Page, RecordTable
from schedules import SIMULATIONS
from sync_simulation import CLOCK_ERROR, FUNCTION_TIMEOUT, Life

COUNT = 504
ENOUGH = 400  # schedules of one kind in which a mistake has to show


@pytest.mark.parametrize("part", range(4))
def test_phones_converge_and_lose_no_edit(part):
    for seed in range(part, COUNT, 4):
        simulation, options = SIMULATIONS[seed // 4 % len(SIMULATIONS)]
        try:
            simulation(seed, **options).play()
        except AssertionError as error:
            pytest.fail(f"{simulation.__name__}({seed}, **{options}).play(): {error}")


def shows(mistake, strategy, **kind):
    """Whether some schedule of a kind finds a mistake."""
    with mistake:
        for seed in range(ENOUGH):
            try:
                Life(seed, strategy=strategy, **kind).play()
            except AssertionError:
                return True
    return False


def without_tombstone(table, kind, record, before, expires_at=None):
    written = WRITE(table, kind, record, before, expires_at)
    if record["_deleted"]:
        table._dynamodb.items.pop((record["audience"], f"{kind}#{record['id']}"), None)
    return written


def by_time_alone(table, *query):
    page = PAGE(table, *query)
    return Page(page.records, page.last and page.last.rpartition("#")[0] + "#\U0010fffe")


def with_the_clock_alone(stored, fields, mutation, now):
    return {**CHANGED(stored, fields, mutation, now), "_lastChangedAt": now}


def with_one_remembered(stored, fields, mutation, now):
    return {**CHANGED(stored, fields, mutation, now), versions.RECENT_MUTATIONS: mutation.fingerprint}


def without_field_versions(stored, fields, mutation, now):
    return {**CHANGED(stored, fields, mutation, now), versions.FIELD_VERSIONS: {}}


def deleting_whatever_there_is(stored, mutation, **rules):
    if mutation.operation == versions.DELETE and stored is not None:
        mutation = versions.Mutation(versions.DELETE, {}, stored["_version"], mutation.fingerprint)
    return APPLY(stored, mutation, **rules)


def reviving(stored, mutation, **rules):
    if mutation.operation == versions.UPDATE and stored and stored["_deleted"]:
        stored = {**stored, "_deleted": False}
    return APPLY(stored, mutation, **rules)


WRITE, PAGE, APPLY, CHANGED = RecordTable.write, RecordTable._page, versions.apply, versions._changed
UNRECOGNIZABLE = mock.Mock(side_effect=(str(number) for number in range(10**9)))

IN_THE_API = {
    "no margin": ("automerge", {"hasty": True}, mock.patch.object(notebooks, "SYNC_MARGIN", 0)),
    "writes without a condition": (
        "automerge",
        {"hasty": True},
        mock.patch.object(in_memory_table, "_holds", return_value=True),
    ),
    "deletions that leave no tombstone": ("automerge", {}, mock.patch.object(RecordTable, "write", without_tombstone)),
    "deltas after tombstones are forgotten": (
        "automerge",
        {"away": True},
        mock.patch.object(Notebooks, "_remembered", return_value=1),
    ),
    "groups that change unnoticed": (
        "automerge",
        {"regrouped": True},
        mock.patch.object(RecordTable, "groups_changed_at", return_value=0),
    ),
    "pages that go on by time alone": ("automerge", {}, mock.patch.object(RecordTable, "_page", by_time_alone)),
    "a change time that can go back": ("automerge", {}, mock.patch.object(versions, "_changed", with_the_clock_alone)),
    "no version of each field": ("automerge", {}, mock.patch.object(versions, "_changed", without_field_versions)),
    "only the last mutation is recognised": (
        "custom",
        {"hasty": True},
        mock.patch.object(versions, "_changed", with_one_remembered),
    ),
    "no repetition is recognised": ("optimistic", {}, mock.patch.object(notebooks, "fingerprint", UNRECOGNIZABLE)),
    "a deletion wins over edits": ("automerge", {}, mock.patch.object(versions, "apply", deleting_whatever_there_is)),
    "an edit revives": ("automerge", {}, mock.patch.object(versions, "apply", reviving)),
}


@pytest.mark.parametrize("mistake", IN_THE_API)
def test_a_mistake_in_the_api_shows(mistake):
    strategy, kind, change = IN_THE_API[mistake]
    assert shows(change, strategy, **kind)


def pulling_after_pushing(client):
    while client.queue:
        if not (yield from client._push()):
            return
    yield from client._pull()


def taking_all_events(client, record):
    client._take(record)


def rebasing_blindly(client, record):
    for mutation in client.queue:
        if mutation["id"] == record["id"]:
            mutation["_version"] = record["_version"]


def taking_any_record(client, record):
    client.state["copies"][record["id"]] = record


def keeping_the_queue(client, listed):
    for record_id in set(client.copies) - listed:
        del client.state["copies"][record_id]


def restarting_the_clock(client):
    """A pull that takes `startedAt` of the moment when its last page came."""
    yield from PULL(client)
    client.state["lastSync"] += 60_000


PULL = OfflineClient._pull
IN_THE_CLIENT = {
    "sending before pulling": ({"away": True}, "session", pulling_after_pushing),
    "events that are older than the last pull": ({"hasty": True}, "receive", taking_all_events),
    "later edits based on what their user has not seen": ({}, "_rebase", rebasing_blindly),
    "an older record replaces a newer one": ({"hasty": True}, "_take", taking_any_record),
    "creating again after a long absence": ({"away": True}, "_forget_all_but", keeping_the_queue),
    "syncing from the end of the last pull": ({"hasty": True}, "_pull", restarting_the_clock),
}


@pytest.mark.parametrize("mistake", IN_THE_CLIENT)
def test_a_mistake_in_the_client_shows(mistake):
    kind, name, wrong = IN_THE_CLIENT[mistake]
    assert shows(mock.patch.object(OfflineClient, name, wrong), "automerge", **kind)


def test_the_margin_covers_a_slow_function_and_clocks_that_differ():
    assert notebooks.SYNC_MARGIN >= FUNCTION_TIMEOUT + 2 * CLOCK_ERROR
