"""Execution of operations, with functions of the test as data sources."""

import json
import threading

import graphql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.appsync.execution import InvalidRequest, SubscriptionRefused, UnreadableDocument
from blueprints.local.services.appsync.http import encode
from blueprints.local.services.appsync.requests import GraphqlError
from blueprints.local.services.appsync.schemas import parse
from tests.local.appsync.apis_in_memory import api_of, executor_with, request_to

SCHEMA = """
type Query { note(id: ID): Note  notes: [Note]  strict: Strict!  node: Node }
type Mutation { put(id: ID, text: String): Note  putAll: [Note]  count: Int }
type Subscription {
  onPut(id: ID, text: String): Note @aws_subscribe(mutations: ["put"])
  onAll: [Note] @aws_subscribe(mutations: ["putAll"])
}
interface Node { id: ID }
type Note implements Node { id: ID  text: String  owner: Person  parts: [Part!]  next: Note }
type Part { number: Int! }
type Person { name: String  secret: String }
type Strict { value: String! }
"""
DIRECT = {"Query.note": {}, "Query.notes": {}, "Query.strict": {}, "Query.node": {}, "Mutation.put": {}}


def execute(query, answer, resolvers=DIRECT, may_access=lambda *_: True, record=None, **variables):
    executor, sources = executor_with(answer, may_access)
    try:
        response = executor.execute(request_to(api_of(SCHEMA, resolvers, **(record or {})), query, **variables))
    finally:
        executor.close()
    return response, sources


def test_fields_of_a_query_are_resolved_at_once():
    together = threading.Barrier(3)

    def answer(event):
        together.wait(timeout=10)
        return {"id": event["arguments"]["id"]}

    response, _ = execute("{ a: note(id: 1) { id } b: note(id: 2) { id } c: note(id: 3) { id } }", answer)
    assert response.data == {"a": {"id": "1"}, "b": {"id": "2"}, "c": {"id": "3"}}


def test_batches_reach_across_parents():
    resolvers = {**DIRECT, "Note.owner": {"maxBatchSize": 10}, "Note.next": {}}

    def answer(event):
        if isinstance(event, list):
            return [{"name": each["source"]["id"]} for each in event]
        field = event["info"]["fieldName"]
        return [{"id": "1"}, {"id": "2"}] if field == "notes" else {"id": event["source"]["id"] + "n"}

    response, sources = execute("{ notes { next { owner { name } } } }", answer, resolvers)
    assert [each["next"]["owner"]["name"] for each in response.data["notes"]] == ["1n", "2n"]
    assert sorted(sources.batches) == [1, 1, 1, 2]


def test_batch_items_have_their_own_errors():
    resolvers = {**DIRECT, "Note.owner": {"maxBatchSize": 10}}

    def answer(event):
        if isinstance(event, list):
            return [
                {"data": {"name": "Ada"}, "errorMessage": None, "errorType": None},
                {"data": {"name": "x", "secret": "y"}, "errorMessage": "not found", "errorType": "NotFound"},
                {"name": "as it is"},
            ]
        return [{"id": "1"}, {"id": "2"}, {"id": "3"}]

    response, _ = execute("{ notes { owner { name } } }", answer, resolvers)
    assert [each["owner"] for each in response.data["notes"]] == [{"name": "Ada"}, None, {"name": "as it is"}]
    (error,) = response.errors
    assert (error.message, error.error_type, error.path) == ("not found", "NotFound", ("notes", 1, "owner"))
    assert error.data == {"name": "x"}


def test_null_goes_up_to_the_next_field_that_may_be_null():
    response, _ = execute("{ note { id parts { number } } }", lambda _: {"id": "1", "parts": [{"number": 1}, {}]})
    assert response.data == {"note": {"id": "1", "parts": None}}
    (error,) = response.errors
    assert error.path == ("note", "parts", 1, "number")
    assert error.message.endswith("non-nullable type: 'Int' within parent 'Part' (/note/parts[1]/number)")


def test_null_at_the_top_makes_the_data_null():
    response, _ = execute("{ strict { value } note { id } }", lambda _: {})
    assert response.data is None


def test_error_of_a_non_null_field_is_reported_once():
    def answer(event):
        raise ValueError(event["info"]["fieldName"])

    response, _ = execute("{ strict { value } }", answer)
    assert response.data is None
    assert [each.message for each in response.errors] == ["strict"]


def test_selections_of_resolvers_follow_directives_fragments_and_aliases():
    seen = {}

    def answer(event):
        seen.update(event["info"])
        return {}

    execute(
        "query ($yes: Boolean!) { note { key: id owner { name secret @skip(if: $yes) } ...more text @include(if: $yes)"
        " ... on Note @skip(if: $yes) { next { id } } } } fragment more on Note { parts { n: number } }",
        answer,
        yes=True,
    )
    assert seen["selectionSetList"] == ["key", "owner", "owner/name", "parts", "parts/n", "text"]


def test_the_same_fragment_in_two_places_keeps_their_selections_apart():
    def answer(event):
        return {"id": "1", "text": "t", "owner": {"name": "n", "secret": "s"}}

    response, _ = execute(
        "{ a: note { ...f } b: note { ...f owner { secret } } } fragment f on Note { owner { name } }", answer
    )
    assert response.data == {"a": {"owner": {"name": "n"}}, "b": {"owner": {"name": "n", "secret": "s"}}}


def test_fields_that_the_caller_may_not_read():
    def answer(_):
        return {"id": "1", "owner": {"name": "Ada", "secret": "s"}}

    response, _ = execute(
        "{ note { id owner { name secret } } }", answer, may_access=lambda *field: field != ("Person", "secret")
    )
    assert response.data == {"note": {"id": "1", "owner": {"name": "Ada", "secret": None}}}
    (error,) = response.errors
    assert (error.message, error.error_type) == ("Not Authorized to access secret on type Person", "Unauthorized")
    assert error.path == ("note", "owner", "secret")


def test_resolver_of_a_field_that_the_caller_may_not_read_does_not_run():
    response, sources = execute("mutation { put { id } }", lambda _: {}, may_access=lambda *_: False)
    assert response.data == {"put": None}
    assert sources.batches == []


def test_depth_limit_is_an_error_of_the_field_below_it():
    response, _ = execute(
        "{ note { id next { id } } }", lambda _: {"id": 1, "next": {"id": 2}}, record={"queryDepthLimit": 2}
    )
    assert response.data == {"note": {"id": "1", "next": {"id": None}}}
    assert [(each.error_type, each.path) for each in response.errors] == [
        ("QueryDepthLimitReached", ("note", "next", "id"))
    ]


def test_resolver_count_limit_fails_further_fields():
    response, sources = execute(
        "{ a: note { id } b: note { id } c: note { id } }", lambda _: {"id": 1}, record={"resolverCountLimit": 2}
    )
    assert response.data == {"a": {"id": "1"}, "b": {"id": "1"}, "c": None}
    assert [each.error_type for each in response.errors] == ["ResolverExecutionLimitReached"]
    assert len(sources.batches) == 2


def test_disabled_introspection_hides_the_fields_of_its_types():
    query = "{ __schema { types { name } } note { __typename } }"
    response, _ = execute(query, lambda _: {}, record={"introspectionConfig": "DISABLED"})
    assert response.data is None
    assert response.errors[0].message == (
        "Validation error of type FieldUndefined: Field 'types' in type '__Schema' is undefined @ '__schema/types'"
    )
    allowed, _ = execute("{ note { __typename } }", lambda _: {}, record={"introspectionConfig": "DISABLED"})
    assert allowed.data == {"note": {"__typename": "Note"}}
    enabled, _ = execute(query, lambda _: {})
    assert any(each["name"] == "Person" for each in enabled.data["__schema"]["types"])


def test_request_ends_at_its_time_limit():
    released = threading.Event()
    executor, sources = executor_with(lambda _: released.wait(20), seconds=0.05)
    response = executor.execute(request_to(api_of(SCHEMA, DIRECT), "{ a: note { id } b: note { id } }"))
    released.set()
    executor.close()
    assert response.data == {"a": None, "b": None}
    assert {each.message for each in response.errors} == {"Execution timed out."}
    assert all(seconds <= 0.05 for seconds in sources.seconds)


@pytest.mark.parametrize(
    "query",
    [
        "{" + "note { id } " * 400 + "}",
        "{ note {" + " next {" * 400 + "id" + "}" * 402,
        "{ note {" + " next {" * 3000 + "id" + "}" * 3002,
        "{ ...f0 }"
        + "".join(f"fragment f{n} on Query {{ a: note {{ id }} ...f{n + 1} ...f{n + 1} }}" for n in range(40))
        + "fragment f40 on Query { note { id } }",
        "{ " + " ".join(f"...f{n}" for n in range(300)) + "}" + "fragment f0 on Query { note { id } }" * 300,
        "{ " + "note " * 20_000 + "}",
        "{ note { id } }" + " " * 300_000,
        "{" + " ".join(f"a{n}: note {{ id }}" for n in range(6000)) + "}",
    ],
    ids=["repeated", "deep", "very deep", "fragments", "many fragments", "tokens", "size", "aliases"],
)
def test_documents_that_take_too_long_are_refused(query):
    with pytest.raises(UnreadableDocument):
        execute(query, lambda _: {})


def test_many_aliases_are_accepted():
    response, _ = execute("{" + " ".join(f"a{n}: note {{ id }}" for n in range(300)) + "}", lambda _: {"id": 1})
    assert len(response.data) == 300


def test_subscription_over_http_is_refused():
    with pytest.raises(InvalidRequest):
        execute("subscription { onAll { id } }", lambda _: {})


def test_listeners_get_what_a_mutation_selected():
    heard = []
    executor, _ = executor_with(
        lambda _: {"id": "1", "text": "t", "owner": {"name": "Ada"}, "parts": [{"number": 1}], "secret": "x"}
    )
    executor.on_mutation(heard.append)
    api = api_of(SCHEMA, {"Mutation.put": {}})
    executor.execute(request_to(api, "mutation { a: put { key: id owner { n: name } parts { number } } put { text } }"))
    assert [each.field_name for each in heard] == ["put", "put"]
    assert heard[0].value == {
        "__typename": "Note",
        "id": "1",
        "owner": {"__typename": "Person", "name": "Ada"},
        "parts": [{"__typename": "Part", "number": 1}],
    }
    assert heard[1].value == {"__typename": "Note", "text": "t"}
    assert heard[0].request.api is api


@pytest.mark.parametrize("outcome", [None, ValueError("no")])
def test_listeners_do_not_get_failed_mutations(outcome):
    def answer(_):
        if outcome:
            raise outcome

    heard = []
    executor, _ = executor_with(answer)
    executor.on_mutation(heard.append)
    executor.execute(request_to(api_of(SCHEMA, {"Mutation.put": {}}), "mutation { put { id } }"))
    assert heard == []


def test_listeners_get_lists():
    heard = []
    executor, _ = executor_with(lambda _: [{"id": "1"}, None])
    executor.on_mutation(heard.append)
    executor.execute(request_to(api_of(SCHEMA, {"Mutation.putAll": {}}), "mutation { putAll { id } }"))
    assert [each.value for each in heard] == [[{"__typename": "Note", "id": "1"}, None]]


def test_failing_listener_does_not_fail_the_mutation():
    executor, _ = executor_with(lambda _: {"id": "1"})
    executor.on_mutation(lambda _: 1 / 0)
    response = executor.execute(request_to(api_of(SCHEMA, {"Mutation.put": {}}), "mutation { put { id } }"))
    assert response.data == {"put": {"id": "1"}}


def test_subscription_selects_from_what_the_mutation_selected():
    executor, _ = executor_with(lambda _: {})
    query = "subscription S($id: ID) { got: onPut(id: $id) { key: id owner { name } text } }"
    subscription = executor.prepare_subscription(request_to(api_of(SCHEMA, {"Note.owner": {}}), query, id="1"))
    assert (subscription.field_name, subscription.arguments, subscription.mutations) == ("onPut", {"id": "1"}, ("put",))
    response = executor.select(subscription, {"__typename": "Note", "id": "1", "owner": {"name": "Ada"}})
    assert response.data == {"got": {"key": "1", "owner": {"name": "Ada"}, "text": None}}
    assert response.errors == ()


def test_subscriptions_of_the_same_document_share_their_answers():
    executor, _ = executor_with(lambda _: {})
    api = api_of(SCHEMA, {})

    def key(query, **variables):
        return executor.prepare_subscription(request_to(api, query, **variables)).selection_key

    query = "subscription S($id: ID) { onPut(id: $id) { id } }"
    assert key(query, id="1") == key(query, id="1")
    assert key(query, id="1") != key(query, id="2")
    assert key(query, id="1") != key("subscription { onPut(id: 1) { id } }")


def test_resolver_of_a_subscription_runs_at_its_start():
    code = """
    import { extensions, util } from '@aws-appsync/utils';
    export function request(ctx) {
      if (ctx.args.id === 'no') util.unauthorized();
      const filters = [{ fieldName: 'id', operator: 'eq', value: '1' }];
      extensions.setSubscriptionFilter({ filterGroup: [{ filters }] });
      return { operation: 'Invoke', payload: null };
    }
    export function response(ctx) { return null; }
    """
    executor, _ = executor_with(lambda _: None)
    api = api_of(SCHEMA, {"Subscription.onPut": {"code": code}})
    query = "subscription S($id: ID) { onPut(id: $id) { id } }"
    assert executor.prepare_subscription(request_to(api, query, id="1")).filter == {
        "filterGroup": [{"filters": [{"fieldName": "id", "operator": "eq", "value": "1"}]}]
    }
    with pytest.raises(SubscriptionRefused) as refused:
        executor.prepare_subscription(request_to(api, query, id="no"))
    assert [each.error_type for each in refused.value.errors] == ["Unauthorized"]


def test_subscription_to_a_field_that_the_caller_may_not_read_is_refused():
    executor, _ = executor_with(lambda _: {}, lambda *field: field != ("Subscription", "onPut"))
    with pytest.raises(SubscriptionRefused) as refused:
        executor.prepare_subscription(request_to(api_of(SCHEMA, {}), "subscription { onPut { id } }"))
    assert str(refused.value) == "Not Authorized to access onPut on type Subscription"


def test_fields_that_a_subscriber_may_not_read_are_null():
    executor, _ = executor_with(lambda _: {}, lambda *field: field != ("Person", "secret"))
    query = "subscription { onPut { id owner { secret } } }"
    subscription = executor.prepare_subscription(request_to(api_of(SCHEMA, {}), query))
    response = executor.select(subscription, {"id": "1", "owner": {"secret": "s"}})
    assert response.data == {"onPut": {"id": "1", "owner": {"secret": None}}}
    assert [each.error_type for each in response.errors] == ["Unauthorized"]


def test_invalid_subscription_is_refused():
    executor, _ = executor_with(lambda _: {})
    with pytest.raises(SubscriptionRefused) as refused:
        executor.prepare_subscription(request_to(api_of(SCHEMA, {}), "subscription { onPut { unknown } }"))
    assert isinstance(refused.value.errors[0], GraphqlError)


def test_subscription_whose_field_is_skipped_is_refused():
    executor, _ = executor_with(lambda _: {})
    with pytest.raises(InvalidRequest):
        executor.prepare_subscription(request_to(api_of(SCHEMA, {}), "subscription { onPut @skip(if: true) { id } }"))


def test_resolved_fields_are_reported():
    response, _ = execute(
        "{ note { id } notes { id } }", lambda event: {} if event["info"]["fieldName"] == "note" else 1 / 0
    )
    by_name = {each.field_name: each for each in response.fields}
    assert (by_name["note"].error, by_name["note"].return_type, by_name["note"].path) == (None, "Note", ("note",))
    assert by_name["notes"].error == "division by zero"


def test_clients_read_the_whole_schema():
    response, _ = execute(graphql.get_introspection_query(descriptions=True), lambda _: {})
    assert response.errors == ()
    schema = graphql.build_client_schema(response.data)
    assert str(schema.type_map["Note"].fields["parts"].type) == "[Part!]"
    assert {each.name for each in schema.directives} >= {"aws_subscribe", "aws_iam"}


def test_deep_queries_are_executed():
    depth = 150
    value = {"id": "1"}
    for _ in range(depth):
        value = {"next": value}
    response, _ = execute("{ note {" + "next {" * depth + "id" + "}" * depth + "}}", lambda _: value)
    found = response.data["note"]
    for _ in range(depth):
        found = found["next"]
    assert found == {"id": "1"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "text", "owner", "parts", "number", "next", "name", "value", "__typename"]), each
        )
    ),
    max_leaves=12,
)


def conforms(value, type_):
    """Whether a value of a response has the type of its field; selections have every field of the types below."""
    if isinstance(type_, graphql.GraphQLNonNull):
        return value is not None and conforms(value, type_.of_type)
    if value is None:
        return True
    if isinstance(type_, graphql.GraphQLList):
        return isinstance(value, list) and all(conforms(each, type_.of_type) for each in value)
    if isinstance(type_, graphql.GraphQLObjectType):
        return isinstance(value, dict) and all(conforms(each, type_.fields[name].type) for name, each in value.items())
    return isinstance(value, int if type_.name == "Int" else str) and not isinstance(value, bool)


@given(VALUES)
def test_responses_have_the_types_of_the_schema_whatever_resolvers_return(value):
    query = "{ note { id text owner { name } parts { number } next { id parts { number } } } notes { id } }"
    response, _ = execute(query, lambda _: value)
    fields = parse(SCHEMA).graphql.query_type.fields
    assert all(conforms(each, fields[name].type) for name, each in response.data.items())
    assert json.loads(encode(response))["data"] == response.data
    paths = [each.path for each in response.errors]
    assert len(paths) == len(set(paths))
    for path in paths:
        assert at(response.data, path) is None


def at(data, path):
    """The value at the path of an error; None if a parent is null."""
    for part in path:
        if data is None:
            return None
        data = data[part]
    return data


TOKENS = [
    "{",
    "}",
    "(",
    ")",
    ":",
    "$v",
    "!",
    "note",
    "id",
    "a:",
    "...",
    "f",
    "fragment",
    "query",
    "mutation",
    "1",
    "[",
    "]",
    "=",
    "__schema",
    "types",
    "__typename",
    "ID",
    "next",
    "on Note",
    "fragment f on Query",
    "@skip(if: true)",
    '"x"',
]


@given(st.lists(st.sampled_from(TOKENS), max_size=25))
def test_any_text_is_answered_or_refused(parts):
    try:
        response, _ = execute(" ".join(parts), lambda _: {"id": "1"})
    except (UnreadableDocument, InvalidRequest):
        return
    assert response.data is not None or response.errors
    encode(response)
