"""Queries and mutations of a deployed API over HTTP, with direct Lambda resolvers."""

import http.client
import json
import ssl
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.local.appsync.graphql_apis import Api, deploy_api, resolver

SCHEMA = """
type Query {
  echo(text: String, day: AWSDate, json: AWSJSON): Event
  numbers: [Int!]
  word: String
  note(id: ID!): Note
  notes(count: Int!): [Note!]!
  wrong(kind: String!): Note
  typed(value: AWSJSON!): Typed
  list(value: AWSJSON!): [Note]
  found: [Found]
  unresolved: String
  failing(message: String!): Note
  forbidden: String
}
type Mutation { add(id: ID!): Note  addAgain(id: ID!): Note }
type Event { event: AWSJSON }
type Note { id: ID!  title: String  owner: Owner  needed: String! }
type Owner { name: String  email: AWSEmail }
type Typed { int: Int float: Float boolean: Boolean text: String date: AWSDateTime stamp: AWSTimestamp color: Color
  needed: Int! }
enum Color { RED GREEN }
union Found = Note | Owner
type Subscription { added(id: ID): Note @aws_subscribe(mutations: ["add"]) }
"""
SOURCE = """
import json

CALLS = []


def handler(event, context):
    if isinstance(event, list):
        return [{"name": f"owner of {one['source']['id']} of {len(event)}", "email": "a@example.com"} for one in event]
    field, arguments = event["info"]["fieldName"], event["arguments"]
    CALLS.append(field)
    if field == "echo":
        return {"event": event}
    if field == "numbers":
        return [1, 2, 3]
    if field == "word":
        return "spoken"
    if field == "note":
        return {"id": arguments["id"], "title": "a note", "needed": "yes"}
    if field == "notes":
        return [{"id": str(index), "needed": "yes"} for index in range(arguments["count"])]
    if field == "wrong":
        kinds = {"list": [1], "text": "text", "incomplete": {"id": "1"}, "number": 5}
        return kinds[arguments["kind"]]
    if field in ("typed", "list"):
        return arguments["value"]
    if field == "found":
        return [{"__typename": "Owner", "name": "Ada"}, {"__typename": "Note", "id": "7"}, {"id": "8"}]
    if field == "failing":
        raise ValueError(arguments["message"])
    return {"id": arguments["id"], "title": ", ".join(CALLS), "needed": "yes"}
"""
DIRECT = ("echo", "numbers", "word", "note", "notes", "wrong", "typed", "list", "found", "failing")


@pytest.fixture(scope="module")
def api(cloud) -> Api:
    return deploy_api(
        cloud,
        SCHEMA,
        SOURCE,
        **{f"Query{field}": resolver("Query", field) for field in DIRECT},
        MutationAdd=resolver("Mutation", "add"),
        MutationAddAgain=resolver("Mutation", "addAgain"),
        Owner=resolver("Note", "owner", MaxBatchSize=30),
    )


def test_function_returns_an_object(api):
    assert api.ask('{ note(id: "7") { id title } }').data == {"note": {"id": "7", "title": "a note"}}


def test_function_returns_lists_and_scalars(api):
    assert api.ask("{ numbers word }").data == {"numbers": [1, 2, 3], "word": "spoken"}


def test_field_without_resolver_is_null(api):
    assert api.ask("{ unresolved }").data == {"unresolved": None}


def test_variables_aliases_and_fragments(api):
    answer = api.ask(
        "query Get($id: ID!) { first: note(id: $id) { ...parts } second: note(id: 5) { __typename key: id } }"
        " fragment parts on Note { id title }",
        id="7",
    )
    assert answer.data == {
        "first": {"id": "7", "title": "a note"},
        "second": {"__typename": "Note", "key": "5"},
    }


def test_event_of_a_direct_resolver(api):
    answer = api.ask(
        'query Ask($t: String) { asked: echo(text: $t, json: "[1]") { ...on Event { again: event } } }',
        {"X-Custom": "yes", "Cookie": "a=b"},
        t="hello",
    )
    event = json.loads(answer.data["asked"]["again"])
    assert event["arguments"] == {"text": "hello", "json": [1]}
    assert event["identity"] is None
    assert event["source"] is None
    assert event["prev"] is None
    assert event["stash"] == {}
    assert event["request"]["headers"]["x-custom"] == "yes"
    assert event["request"]["headers"]["x-api-key"] == api.key
    assert "cookie" not in event["request"]["headers"]
    assert event["info"]["selectionSetList"] == ["again"]
    assert event["info"]["selectionSetGraphQL"] == "{\n  ... on Event {\n    again: event\n  }\n}"
    assert event["info"]["parentTypeName"] == "Query"
    assert event["info"]["fieldName"] == "echo"
    assert event["info"]["variables"] == {"t": "hello"}


def test_siblings_share_one_invocation(api):
    owners = [each["owner"]["name"] for each in api.ask("{ notes(count: 21) { id owner { name } } }").data["notes"]]
    assert owners == [f"owner of {index} of 21" for index in range(21)]


def test_batches_are_at_most_as_large_as_configured(api):
    owners = [each["owner"]["name"] for each in api.ask("{ notes(count: 35) { owner { name } } }").data["notes"]]
    assert [name.rsplit(" ", 1)[1] for name in owners] == ["30"] * 30 + ["5"] * 5


def test_mutations_run_one_after_the_other(api):
    answer = api.ask("mutation { a: add(id: 1) { title } b: addAgain(id: 2) { title } c: add(id: 3) { title } }")
    titles = [each["title"] for each in answer.data.values()]
    assert titles[2].endswith("add, addAgain, add")


def test_error_of_the_function(api):
    answer = api.ask('{ failing(message: "no such thing") { id } word }')
    assert answer.body["data"] == {"failing": None, "word": "spoken"}
    assert answer.error == {
        "path": ["failing"],
        "data": None,
        "errorType": "Lambda:Unhandled",
        "errorInfo": None,
        "locations": [{"line": 1, "column": 3, "sourceName": None}],
        "message": "no such thing",
    }


def test_null_in_a_non_null_field_makes_the_parent_null(api):
    answer = api.ask('{ wrong(kind: "incomplete") { id needed } word }')
    assert answer.body["data"] == {"wrong": None, "word": "spoken"}
    assert answer.error == {
        "path": ["wrong", "needed"],
        "locations": None,
        "message": "Cannot return null for non-nullable type: 'String' within parent 'Note' (/wrong/needed)",
    }


@pytest.mark.parametrize("kind", ["list", "text", "number"])
def test_value_that_is_no_object(api, kind):
    answer = api.ask("query ($kind: String!) { wrong(kind: $kind) { id } }", kind=kind)
    assert answer.body["data"] == {"wrong": None}
    assert answer.error["message"] == "Can't resolve value (/wrong) : type mismatch error, expected type OBJECT"


def test_value_that_is_no_list(api):
    answer = api.ask('{ list(value: "{}") { id } }')
    assert answer.error["message"] == "Can't resolve value (/list) : type mismatch error, expected type LIST"


def test_scalars_of_responses(api):
    value = (
        '{"int": "5", "float": 1, "boolean": "true", "text": {"a": [1, null]}, "date": "2026-01-02T03:04:05.678Z",'
        ' "stamp": 1700000000000, "color": "RED"}'
    )
    answer = api.ask("query ($v: AWSJSON!) { typed(value: $v) { int float boolean text date stamp color } }", v=value)
    assert answer.data["typed"] == {
        "int": 5,
        "float": 1,
        "boolean": True,
        "text": "{a=[1, null]}",
        "date": "2026-01-02T03:04:05.678Z",
        "stamp": 1700000000000,
        "color": "RED",
    }


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("int", '"five"', "Expected type 'Int' but was 'String'."),
        ("int", "1.5", "Expected type 'Int' but was 'Double'."),
        ("int", "3000000000", "Expected type 'Int' but was 'Long'."),
        ("boolean", "{}", "Expected type 'Boolean' but was 'LinkedHashMap'."),
        ("date", '"2026-01-02"', "Unable to serialize `2026-01-02` as a valid DateTime Object."),
        ("stamp", '"now"', "Unable to serialize `now` as a valid timestamp."),
        ("color", '"BLUE"', "Invalid input for Enum 'Color'. No value found for name 'BLUE'"),
    ],
)
def test_value_that_does_not_fit_its_scalar(api, field, value, reason):
    answer = api.ask(f"query ($v: AWSJSON!) {{ typed(value: $v) {{ {field} }} }}", v=f'{{"{field}": {value}}}')
    assert answer.body["data"] == {"typed": {field: None}}
    assert answer.error["message"] == f"Can't serialize value (/typed/{field}) : {reason}"
    assert answer.error["path"] == ["typed", field]


def test_types_of_a_union(api):
    answer = api.ask("{ found { __typename ... on Owner { name } ... on Note { id } } }")
    assert answer.body["data"]["found"] == [
        {"__typename": "Owner", "name": "Ada"},
        {"__typename": "Note", "id": "7"},
        None,
    ]
    assert answer.error["path"] == ["found", 2]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ x }", "FieldUndefined: Field 'x' in type 'Query' is undefined @ 'x'"),
        (
            "{ note(id: 1) { owner { age } } }",
            "FieldUndefined: Field 'age' in type 'Owner' is undefined @ 'note/owner/age'",
        ),
        ("{ note { id } }", "MissingFieldArgument: Missing field argument id @ 'note'"),
        (
            "{ note(id: 1, x: 2) { id } }",
            "UnknownArgument: Unknown field argument x @ 'note'",
        ),
        (
            "{ note(id: 1) }",
            ("SubSelectionRequired: Sub selection required for type Note of field note @ 'note'"),
        ),
        (
            "{ word { x } }",
            ("SubSelectionNotAllowed: Sub selection not allowed on leaf type String of field word @ 'word'"),
        ),
        (
            "{ notes(count: {a: 1}) { id } }",
            (
                "WrongType: argument 'count' with value 'ObjectValue{objectFields=[ObjectField{"
                "name='a', value=IntValue{value=1}}]}' is not a valid 'Int' @ 'notes'"
            ),
        ),
        ("{ note(id: $id) { id } }", "UndefinedVariable: Undefined variable id @ 'note'"),
        ("query ($id: ID) { word }", "UnusedVariable: Unused variable id"),
    ],
)
def test_invalid_documents(api, query, message):
    answer = api.ask(query)
    assert answer.status == 200
    assert answer.body["data"] is None
    assert answer.error["message"] == f"Validation error of type {message}"
    assert answer.error["path"] is None
    assert answer.error["locations"][0]["sourceName"] is None


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ("ID!", None, "Variable 'v' has coerced Null value for NonNull type 'ID!'"),
        ("Int!", "many", "Variable 'v' has an invalid value. Expected type 'Int' but was 'String'."),
        ("AWSDate", "yesterday", "Variable 'v' has an invalid value. Unable to parse `yesterday` as a valid date."),
        ("AWSJSON", "{", "Variable 'v' has an invalid value. Unable to parse `{` as a valid JSON."),
    ],
)
def test_invalid_variables(api, declared, value, message):
    uses = {
        "ID!": "note(id: $v) { id }",
        "Int!": "notes(count: $v) { id }",
        "AWSDate": "echo(day: $v) { event }",
        "AWSJSON": "echo(json: $v) { event }",
    }
    answer = api.ask(f"query ($v: {declared}) {{ {uses[declared]} }}", v=value)
    assert answer.body["data"] is None
    assert answer.error["message"] == message
    assert answer.error["locations"] == [{"line": 1, "column": 8, "sourceName": None}]


def test_variables_are_coerced_as_graphql_java_does(api):
    query = "query ($count: Int!, $text: String) { notes(count: $count) { id } echo(text: $text) { event } }"
    answer = api.ask(query, count="2", text=5)
    assert len(answer.data["notes"]) == 2
    assert json.loads(answer.data["echo"]["event"])["arguments"]["text"] == "5"


@pytest.mark.parametrize(
    ("body", "error_type", "message"),
    [
        (b"{", "MalformedHttpRequestException", "Invalid JSON payload in GraphQLAuth POST request."),
        (b"[]", "MalformedHttpRequestException", "Invalid JSON payload in GraphQLAuth POST request."),
        (
            b'{"query": "{ __typename }", "variables": {"number": NaN}}',
            "MalformedHttpRequestException",
            "Invalid JSON payload in GraphQLAuth POST request.",
        ),
        (
            b'{"query": "{ __typename }", "variables": {"number": -Infinity}}',
            "MalformedHttpRequestException",
            "Invalid JSON payload in GraphQLAuth POST request.",
        ),
        (
            b'{"query": "{ __typename }", "variables": {"number": 1e400}}',
            "MalformedHttpRequestException",
            "Invalid JSON payload in GraphQLAuth POST request.",
        ),
        ({}, "MalformedHttpRequestException", "Invalid request, `query` can't be null."),
        ({"query": " "}, "MalformedHttpRequestException", "Invalid request, `query` can't be empty."),
        ({"query": "{ word"}, "MalformedHttpRequestException", "Unable to parse GraphQL query."),
        ({"query": "{ word }", "operationName": "X"}, "BadRequestException", "Unknown operation named 'X'."),
    ],
)
def test_malformed_requests(api, body, error_type, message):
    answer = api.send(body)
    assert answer.status == 400
    assert answer.error == {"errorType": error_type, "message": message}
    assert answer.headers["x-amzn-errortype"] == error_type


def test_operation_is_chosen_by_its_name(api):
    query = "query A { word } query B { numbers }"
    assert api.send({"query": query, "operationName": "B"}).data == {"numbers": [1, 2, 3]}
    assert api.send({"query": query}).status == 400


def test_wrong_key_is_refused(api):
    answer = api.ask("{ word }", {"x-api-key": "da2-wrong"})
    assert answer.status == 401
    assert answer.error["errorType"] == "UnauthorizedException"


def test_unknown_api(api):
    assert Api(api.cloud, "nosuchapi", api.key).ask("{ word }").status == 404


def test_browsers_may_call_from_any_page(api):
    preflight = api.send(b"", {"Origin": "http://localhost"}, "OPTIONS")
    assert preflight.status == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert api.ask("{ word }").headers["access-control-allow-origin"] == "*"


def test_introspection(api):
    answer = api.ask('{ __schema { queryType { name } } __type(name: "Color") { kind enumValues { name } } }')
    assert answer.data == {
        "__schema": {"queryType": {"name": "Query"}},
        "__type": {"kind": "ENUM", "enumValues": [{"name": "RED"}, {"name": "GREEN"}]},
    }


def test_repeated_headers_are_lists(api):
    connection = http.client.HTTPConnection(urlsplit(api.cloud.endpoint).netloc)
    connection.putrequest("POST", f"/v1/apis/{api.api_id}/graphql")
    body = json.dumps({"query": "{ echo { event } }"}).encode()
    for name, value in (("x-api-key", api.key), ("custom", "a"), ("custom", "b"), ("Content-Length", len(body))):
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = json.load(connection.getresponse())
    connection.close()
    assert json.loads(answer["data"]["echo"]["event"])["request"]["headers"]["custom"] == ["a", "b"]


def test_endpoint_by_its_host_name(api):
    query = json.dumps({"query": "{ word }"}).encode()
    for host in (f"{api.api_id}.appsync-api.us-east-1.amazonaws.com", f"{api.api_id}.appsync-api.localhost:1234"):
        request = urllib.request.Request(
            f"{api.cloud.endpoint}/graphql", query, {"x-api-key": api.key, "Host": host, "Content-Type": "text/plain"}
        )
        with urllib.request.urlopen(request) as response:
            assert json.load(response) == {"data": {"word": "spoken"}}


def test_endpoint_over_tls(api):
    trusted = ssl.create_default_context(cafile=str(api.cloud.certificate_authority))
    request = urllib.request.Request(
        f"{api.cloud.tls_endpoint}/v1/apis/{api.api_id}/graphql",
        json.dumps({"query": "{ word }"}).encode(),
        {"x-api-key": api.key},
    )
    with urllib.request.urlopen(request, context=trusted) as response:
        assert json.load(response) == {"data": {"word": "spoken"}}


def test_half_of_a_surrogate_pair_becomes_a_question_mark(api):
    answer = api.send(b'{"query": "query ($i: ID!) { note(id: $i) { id } }", "variables": {"i": "a\\ud800b"}}')
    assert answer.data == {"note": {"id": "a?b"}}
    assert api.send(b'{"query": "{ word \\ud800 }"}').status == 400


def test_other_methods_are_refused(api):
    answer = api.send(b"", method="PUT")
    assert (answer.status, answer.error["errorType"]) == (405, "MethodNotAllowedException")


def test_large_requests_are_refused(api):
    assert api.ask("{ word }", text="x" * 1_000_000).status == 413
