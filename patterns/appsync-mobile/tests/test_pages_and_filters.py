"""Signed tokens, filters, and what a subscriber gets."""

import base64

import pytest
from filters import matches, subscription_groups
from page_tokens import PageTokens
from refusals import Refused


@pytest.fixture
def ann(as_user):
    user = as_user("ann", "family")
    for notebook in ("b-1", "b-2"):
        user.ask("Mutation.createNotebook", input={"id": notebook, "name": notebook, "group": "family"})
        for note in "xyz":
            sent = {"id": f"{notebook}-{note}", "notebookId": notebook, "title": note}
            user.ask("Mutation.createNote", input=sent)
    return user


def token_of(user, field="Query.listNotes", **arguments):
    token = user.ask(field, limit=1, **arguments)["nextToken"]
    assert token
    return token


def test_a_token_leads_through_all_pages(ann):
    found, token = [], None
    while True:
        page = ann.ask("Query.listNotes", notebookId="b-1", limit=2, nextToken=token)
        found += [each["id"] for each in page["items"]]
        if not (token := page["nextToken"]):
            break
    assert found == ["b-1-x", "b-1-y", "b-1-z"]


def test_a_token_of_another_query_user_or_argument_is_refused(ann, as_user):
    token = token_of(ann, notebookId="b-1")
    bob = as_user("bob", "family")
    for user, field, arguments in (
        (bob, "Query.listNotes", {"notebookId": "b-1"}),
        (ann, "Query.listNotes", {"notebookId": "b-2"}),
        (ann, "Query.listNotebooks", {}),
        (ann, "Query.syncNotes", {}),
    ):
        assert user.refused(field, nextToken=token, **arguments)["type"] == "InvalidToken"
    token = token_of(ann, "Query.syncNotes", lastSync=0, filter={"title": {"eq": "x"}})
    for arguments in ({"lastSync": 1, "filter": {"title": {"eq": "x"}}}, {"lastSync": 0}):
        assert ann.refused("Query.syncNotes", nextToken=token, **arguments)["type"] == "InvalidToken"


def test_a_forged_token_is_refused(ann):
    token = token_of(ann, notebookId="b-1")
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    changed = base64.urlsafe_b64encode(raw.replace(b"b-1", b"b-2")).decode().rstrip("=")
    unsigned = base64.urlsafe_b64encode(b"\0" * 18 + raw[18:]).decode().rstrip("=")
    for forged in (changed, unsigned, "x", "{}", "ä", token + "A", token[:-1], token + "=", "eyJhZnRlciI6MX0"):
        assert ann.refused("Query.listNotes", notebookId="b-1", nextToken=forged)["type"] == "InvalidToken", forged


def test_a_token_of_a_group_that_the_user_has_left_is_refused(ann):
    token = token_of(ann, "Query.listNotebooks")
    ann.identity["groups"] = None
    assert ann.refused("Query.listNotebooks", nextToken=token)["type"] == "InvalidToken"


def test_all_instances_of_the_function_share_one_key(dynamodb, load):
    table = load("ResolveFields").notebooks._table
    one, other = (PageTokens(lambda proposed: table.shared_value("key", proposed)) for _ in range(2))
    assert other.read(one.sign({"after": "x"}, "ann"), "ann") == {"after": "x"}
    stranger = PageTokens(lambda proposed: proposed)
    with pytest.raises(Refused):
        stranger.read(one.sign({"after": "x"}, "ann"), "ann")


@pytest.mark.parametrize(("limit", "reason"), [(0, "less than 1"), (-1, "less than 1")])
def test_a_limit_that_makes_no_sense_is_refused(limit, reason, ann):
    assert reason in ann.refused("Query.listNotes", notebookId="b-1", limit=limit)["message"]


def test_a_limit_that_is_too_large_is_the_largest(ann):
    assert len(ann.ask("Query.listNotes", notebookId="b-1", limit=10**9)["items"]) == 3


MILK = {"title": "Milk", "body": None, "number": 7}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, True),
        ({}, True),
        ({"title": {"eq": "Milk"}}, True),
        ({"title": {"eq": "Milk"}, "number": {"gt": 7}}, False),
        ({"title": {"ne": "Milk"}}, False),
        ({"number": {"between": [7, 8]}}, True),
        ({"number": {"lt": 8, "ge": 7}}, True),
        ({"number": {"le": 6}}, False),
        ({"title": {"contains": "il"}}, True),
        ({"title": {"notContains": "il"}}, False),
        ({"title": {"beginsWith": "Mi"}}, True),
        ({"body": {"beginsWith": "x"}}, False),
        ({"body": {"lt": "x"}}, False),
        ({"body": {"attributeExists": False}}, True),
        ({"and": [{"title": {"eq": "Milk"}}, {"number": {"eq": 8}}]}, False),
        ({"or": [{"title": {"eq": "Milk"}}, {"number": {"eq": 8}}]}, True),
        ({"or": [], "title": None}, False),
        ({"not": {"title": {"eq": "Milk"}}}, False),
    ],
)
def test_a_filter_matches(wanted, expected):
    assert matches(MILK, wanted) is expected


def conditions(groups):
    return [[(one["fieldName"], one["operator"], one["value"]) for one in group["filters"]] for group in groups]


def test_a_subscriber_gets_the_notes_of_its_own_audiences_alone(ann, as_user):
    filters = as_user("eve", "b", "a").ask("Subscription.onCreateNote")
    assert conditions(filters["filterGroup"]) == [[("audience", "in", ["user:eve", "group:a", "group:b"])]]
    narrowed = ann.ask("Subscription.onUpdateNote", notebookId="b-1", owner="bob", filter={"title": {"eq": "x"}})
    assert conditions(narrowed["filterGroup"]) == [
        [
            ("audience", "in", ["group:family"]),
            ("title", "eq", "x"),
            ("notebookId", "eq", "b-1"),
            ("owner", "eq", "bob"),
        ]
    ]


def test_alternatives_become_groups_of_a_subscription():
    wanted = {"or": [{"title": {"eq": "a"}}, {"title": {"eq": "b"}}], "and": [{"body": {"ne": "c"}}]}
    assert conditions(subscription_groups(["user:ann"], wanted)) == [
        [("audience", "in", ["user:ann"]), ("title", "eq", title), ("body", "ne", "c")] for title in ("a", "b")
    ]


def test_more_audiences_than_an_operator_takes_are_split():
    audiences = [f"group:{number}" for number in range(12)]
    groups = conditions(subscription_groups(audiences, None))
    assert [len(value) for [(_, _, value)] in groups] == [5, 5, 2]


@pytest.mark.parametrize("wanted", [{"not": {"title": {"eq": "a"}}}, {"or": [{"title": {"eq": "a"}}] * 11}])
def test_a_filter_that_a_subscription_cannot_have_is_refused(wanted, as_user):
    assert as_user("ann").refused("Subscription.onCreateNote", filter=wanted)["type"] == "InvalidInput"


UNFIT = [
    {"title": {"contains": None}},
    {"title": {"notContains": None}},
    {"title": {"beginsWith": None}},
    {"title": {"lt": None}},
    {"title": {"attributeExists": None}},
    {"title": {"between": None}},
    {"title": {"between": ["a", None]}},
    {"title": {"between": ["a"]}},
    {"and": [None, {"or": [{"title": {"ge": None}}]}]},
]


@pytest.mark.parametrize("wanted", UNFIT)
def test_a_filter_with_a_value_that_cannot_be_compared_is_refused(wanted, ann):
    ann.ask("Mutation.createNote", input={"id": "n", "notebookId": "b-1", "title": "Milk"})
    change = {"id": "n", "title": "Bread", "_version": 1}
    assert ann.refused("Query.syncNotes", filter=wanted)["type"] == "InvalidInput"
    assert ann.refused("Subscription.onCreateNote", filter=wanted)["type"] == "InvalidInput"
    assert ann.refused("Mutation.updateNote", input=change, condition=wanted)["type"] == "InvalidInput"
    assert (
        ann.refused("Mutation.deleteNote", input={"id": "n", "_version": 1}, condition=wanted)["type"] == "InvalidInput"
    )
    assert ann.ask("Query.getNote", id="n")["title"] == "Milk"


@pytest.mark.parametrize("wanted", [{"and": [None]}, {"or": [None]}, {"not": None}, {"title": {"ne": None}}])
def test_a_null_that_has_a_meaning_is_taken(wanted, ann):
    assert len(ann.ask("Query.syncNotes", filter=wanted)["items"]) == 6
    assert ann.ask("Subscription.onCreateNote", filter=wanted)["filterGroup"]


def test_a_filter_with_very_many_alternatives_is_refused_at_once(ann):
    wanted = {"and": [{"or": [{"title": {"eq": "a"}}, {"title": {"eq": "b"}}]}] * 200}
    assert "alternatives" in ann.refused("Subscription.onCreateNote", filter=wanted)["message"]
