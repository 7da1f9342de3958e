"""What becomes of a mutation, under each strategy."""

import pytest
from merge_notes import merge
from versions import (
    AUTOMERGE,
    CREATE,
    CUSTOM,
    DELETE,
    OPTIMISTIC,
    STRATEGIES,
    UPDATE,
    Conflict,
    Missing,
    Mutation,
    apply,
    fingerprint,
)


def mutate(stored, operation, version=None, strategy=AUTOMERGE, now=1000, **fields):
    sent = {**fields, "_version": version}
    mutation = Mutation(operation, fields, version, fingerprint(operation, "ann", sent))
    return apply(stored, mutation, strategy=strategy, now=now, merge=merge)


@pytest.fixture
def note():
    """A note of version 3: created, then its title changed, then its body."""
    record = mutate(None, CREATE, id="n", title="Milk", body="-").record
    record = mutate(record, UPDATE, 1, title="Oat milk").record
    return mutate(record, UPDATE, 2, body="Two litres").record


def test_a_change_raises_the_version_and_the_time(note):
    assert (note["title"], note["body"], note["_version"]) == ("Oat milk", "Two litres", 3)
    assert note["_lastChangedAt"] == 1002  # also if the clock stands still, or is behind
    assert mutate(note, UPDATE, 3, now=500, title="Soy milk").record["_lastChangedAt"] == 1003
    assert mutate(note, UPDATE, 3, now=5000, title="Soy milk").record["_lastChangedAt"] == 5000


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_repeated_mutation_changes_nothing(strategy, note):
    created = mutate(None, CREATE, strategy=strategy, id="n", title="Milk", body="-").record
    for stored in (created, note):
        again = mutate(stored, CREATE, strategy=strategy, id="n", title="Milk", body="-")
        assert (again.record, again.is_changed) == (stored, False)
    again = mutate(note, UPDATE, 2, strategy, body="Two litres")
    assert (again.record, again.is_changed) == (note, False)
    deleted = mutate(note, DELETE, 3, strategy).record
    assert mutate(deleted, DELETE, 3, strategy).is_changed is False


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_deleted_stays_deleted(strategy, note):
    deleted = mutate(note, DELETE, 3, strategy).record
    assert (deleted["_deleted"], deleted["_version"]) == (True, 4)
    for version in (3, 4):
        with pytest.raises(Conflict) as conflict:
            mutate(deleted, UPDATE, version, strategy, title="Late")
        assert conflict.value.stored == deleted
    assert mutate(deleted, DELETE, 1, strategy).is_changed is False
    with pytest.raises(Conflict):
        mutate(deleted, CREATE, strategy=strategy, id="n", title="Another", body="-")
    assert mutate(deleted, CREATE, strategy=strategy, id="n", title="Milk", body="-").record["_deleted"]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_deletion_does_not_remove_an_edit_that_its_sender_has_not_seen(strategy, note):
    with pytest.raises(Conflict):
        mutate(note, DELETE, 2, strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_version_that_does_not_exist_yet_is_a_conflict(strategy, note):
    with pytest.raises(Conflict):
        mutate(note, UPDATE, 4, strategy, title="Later")


@pytest.mark.parametrize("operation", [UPDATE, DELETE])
def test_a_record_that_does_not_exist_cannot_be_changed(operation):
    with pytest.raises(Missing):
        mutate(None, operation, 1)


def test_edits_of_different_fields_are_merged(note):
    outcome = mutate(note, UPDATE, 2, title="Soy milk")  # of before the body was changed
    assert (outcome.record["title"], outcome.record["body"]) == ("Soy milk", "Two litres")
    assert outcome.not_applied == ()


def test_an_edit_of_a_field_that_changed_meanwhile_is_not_applied_and_reported(note):
    outcome = mutate(note, UPDATE, 1, title="Soy milk", body="One litre")
    assert (outcome.record, outcome.is_changed, outcome.not_applied) == (note, False, ("body", "title"))
    outcome = mutate(note, UPDATE, 2, title="Soy milk", body="One litre")
    assert (outcome.record["title"], outcome.record["body"]) == ("Soy milk", "Two litres")
    assert (outcome.record["_version"], outcome.not_applied) == (4, ("body",))
    again = mutate(outcome.record, UPDATE, 2, title="Soy milk", body="One litre")
    assert (again.is_changed, again.not_applied) == (False, ("body",)), "a repetition reports the same conflict"


def test_an_edit_to_what_is_stored_is_no_conflict(note):
    outcome = mutate(note, UPDATE, 1, OPTIMISTIC, title="Oat milk")
    assert (outcome.record, outcome.is_changed, outcome.not_applied) == (note, False, ())


def test_the_optimistic_strategy_refuses_every_change_of_an_old_version(note):
    with pytest.raises(Conflict) as conflict:
        mutate(note, UPDATE, 2, OPTIMISTIC, title="Soy milk")
    assert conflict.value.stored == note


def test_the_custom_strategy_keeps_both_bodies_once(note):
    outcome = mutate(note, UPDATE, 1, CUSTOM, title="Soy milk", body="One litre")
    assert outcome.record["title"] == "Oat milk"
    assert outcome.record["body"].startswith("Two litres\n")
    assert outcome.record["body"].endswith("\nOne litre")
    assert outcome.not_applied == ("body", "title")
    later = mutate(outcome.record, UPDATE, 4, CUSTOM, title="Cow milk").record
    assert mutate(later, UPDATE, 1, CUSTOM, title="Soy milk", body="One litre").record == later


def test_the_custom_strategy_may_refuse(note):
    mutation = Mutation(UPDATE, {"title": "Soy milk"}, 1, "x")
    with pytest.raises(Conflict):
        apply(note, mutation, strategy=CUSTOM, now=0, merge=lambda *_: None)


def test_a_field_can_be_emptied(note):
    outcome = mutate(note, UPDATE, 3, body=None)
    assert outcome.record["body"] is None
    assert mutate(outcome.record, UPDATE, 3, body="Three litres").not_applied == ("body",)
