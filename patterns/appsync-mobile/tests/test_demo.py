"""The phones of the demo, with the real function behind the API: under each strategy they end with the same notes."""

import re
from contextlib import nullcontext
from types import SimpleNamespace

import pytest


class Through:
    """A user of the demo whose operations the function resolves at once."""

    def __init__(self, user, name):
        self._user, self.name = user, name

    def ask(self, document, **variables):
        answer = self.send(document, variables)
        assert "errors" not in answer, answer
        return answer["data"]

    def send(self, document, variables):
        kind, field = re.match(r"(query|mutation).*?{ (\w+)\(", document).groups()
        answer = self._user.try_to(f"{kind.title()}.{field}", **variables)
        if error := answer.get("error"):
            return {"data": {field: None}, "errors": [{"errorType": error["type"], "data": error["data"]}]}
        return {"data": {field: answer["value"]}}


@pytest.fixture
def story(demo, tmp_path):
    stack = SimpleNamespace(folder=tmp_path, step=lambda _: nullcontext())
    return demo.Story(stack, SimpleNamespace(group="family"))


@pytest.fixture
def phones(story, monkeypatch, load, context, request):
    from conftest import User

    monkeypatch.setenv("CONFLICT_STRATEGY", request.param)
    module = load("ResolveFields")
    people = [Through(User(module, context, {"sub": name, "groups": ["family"]}), name) for name in ("Ann", "Bob")]
    notebook = {"id": story._book, "name": "Shopping", "group": "family"}
    people[0]._user.ask("Mutation.createNotebook", input=notebook)
    return story._go_offline(*people)


OUTCOMES = {
    "automerge": {("Bob", "Plants"): "the API kept 'Water the plants'", ("Bob", "Old"): "the note stays deleted"},
    "custom": {("Bob", "Plants"): "the API kept 'Water the plants'", ("Bob", "Old"): "the note stays deleted"},
    "optimistic": {
        ("Bob", "Bread"): "sent again over '-'",
        ("Bob", "Plants"): "sent again over 'Water the plants'",
        ("Bob", "Old"): "the note stays deleted",
    },
}


@pytest.mark.parametrize("phones", OUTCOMES, indirect=True)
def test_two_phones_end_with_the_same_notes_under_each_strategy(phones, story, request, tmp_path):
    conflicts = story._reconnect(*phones)
    assert story._compare(*phones) is True
    expected = OUTCOMES[request.node.callspec.params["phones"]]
    assert {(each["phone"], each["note"]): each["outcome"] for each in conflicts} == expected
    assert (tmp_path / "notes.json").is_file()


@pytest.mark.parametrize("phones", ["automerge"], indirect=True)
def test_phones_that_differ_are_a_wrong_result(phones, story, demo):
    story._reconnect(*phones)
    phones[0].notes.popitem()
    with pytest.raises(demo.WrongResult, match="the phones differ"):
        story._compare(*phones)


@pytest.mark.parametrize("phones", ["automerge"], indirect=True)
def test_a_note_that_comes_back_is_a_wrong_result(phones, story, demo):
    story._reconnect(*phones)
    for phone in phones:
        phone.notes[f"{story._book}-Old"] = {}
    with pytest.raises(demo.WrongResult, match="the deleted note is back"):
        story._compare(*phones)


def test_an_answer_that_was_not_expected_is_a_wrong_result(story, demo):
    with pytest.raises(demo.WrongResult, match="not NotFound"):
        story._expect("Eve edits", "NotFound", [])
