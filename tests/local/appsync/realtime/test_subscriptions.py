"""Subscriptions of a deployed API: mutations over HTTP, events over WebSockets."""

from contextlib import ExitStack

import pytest

from tests.local.appsync.graphql_apis import Api, deploy_api, resolver
from tests.local.appsync.realtime.web_socket import web_socket

SCHEMA = """
type Query { ready: Boolean }
type Mutation {
  createNote(id: ID!, owner: String!, size: Int): Note
  announce(text: String!): String
  fail: Note
  endSubscriptions(team: String!): Boolean
}
type Subscription {
  onCreateNote(owner: String): Note @aws_subscribe(mutations: ["createNote"])
  onLargeNote(size: Int!): Note @aws_subscribe(mutations: ["createNote", "fail"])
  onAnnounce: String @aws_subscribe(mutations: ["announce"])
  onTeamNote(team: String!): Note @aws_subscribe(mutations: ["createNote"])
  onSecretNote: Note @aws_subscribe(mutations: ["createNote"])
}
type Note { id: ID! owner: String size: Int needed: String! }
"""
SOURCE = """
def handler(event, context):
    field, arguments = event["info"]["fieldName"], event["arguments"]
    if field == "fail":
        raise ValueError("no note")
    return arguments["text"] if field == "announce" else {**arguments, "needed": "yes"}
"""
CODE = """
import {{ util, extensions }} from '@aws-appsync/utils';
export function request(ctx) {{ return {{ payload: null }}; }}
export function response(ctx) {{ {body} return null; }}
"""
LARGE = "extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ size: { ge: ctx.args.size } }));"
TEAM = (
    "extensions.setSubscriptionInvalidationFilter("
    "util.transform.toSubscriptionFilter({ team: { eq: ctx.args.team } }));"
    "extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter({ size: { ge: 0 } }));"
)
END = (
    "extensions.invalidateSubscriptions({ subscriptionField: 'onTeamNote', payload: { team: ctx.args.team } });"
    "return true;"
)
SECRET = "util.error('You may not read secret notes.', 'Forbidden');"
CREATE = "mutation ($id: ID!, $owner: String!, $size: Int) { createNote(id: $id, owner: $owner, size: $size) "


@pytest.fixture(scope="module")
def api(cloud):
    def computed(type_name, field, body):
        return {
            **resolver(type_name, field, "Nothing", Code=CODE.format(body=body)),
            "DependsOn": ["Schema", "Nothing"],
        }

    nothing = {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}, "Name": "Nothing", "Type": "NONE"}
    return deploy_api(
        cloud,
        SCHEMA,
        SOURCE,
        Nothing={"Type": "AWS::AppSync::DataSource", "Properties": nothing},
        Create=resolver("Mutation", "createNote"),
        Announce=resolver("Mutation", "announce"),
        Fail=resolver("Mutation", "fail"),
        End=computed("Mutation", "endSubscriptions", END),
        Large=computed("Subscription", "onLargeNote", LARGE),
        Team=computed("Subscription", "onTeamNote", TEAM),
        Secret=computed("Subscription", "onSecretNote", SECRET),
    )


@pytest.fixture
def socket(api: Api):
    with web_socket(api.cloud, api.api_id, {"host": "localhost", "x-api-key": api.key}) as opened:
        assert opened.hear()["type"] == "connection_ack"
        yield opened


def create(api, selection="{ id owner size needed }", **note):
    assert "errors" not in api.ask(CREATE + selection + " }", **note).body


def subscribe(socket, number, query, **variables):
    socket.start(number, query, **variables)
    assert socket.hear() == {"type": "start_ack", "id": number}


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("path", ["", "/realtime"])
def test_both_ports_and_paths_deliver(api, encrypted, path):
    headers = {"host": "localhost", "x-api-key": api.key}
    with web_socket(api.cloud, api.api_id, headers, encrypted=encrypted, path=path) as socket:
        assert socket.hear()["type"] == "connection_ack"
        subscribe(socket, "1", "subscription { onCreateNote { id } }")
        create(api, id="a", owner="ana")

        assert socket.hear() == {"id": "1", "type": "data", "payload": {"data": {"onCreateNote": {"id": "a"}}}}


def test_events_hold_only_what_the_mutation_selected(api, socket):
    subscribe(socket, "1", "subscription { onCreateNote { id owner size } }")
    subscribe(socket, "2", "subscription { created: onCreateNote { id needed } }")
    create(api, "{ id size }", id="a", owner="ana", size=1)

    assert socket.hear()["payload"] == {"data": {"onCreateNote": {"id": "a", "owner": None, "size": 1}}}
    incomplete = socket.hear()["payload"]
    assert incomplete["data"] == {"created": None}
    assert (
        "Cannot return null for non-nullable type: 'String' within parent 'Note'" in incomplete["errors"][0]["message"]
    )


def test_arguments_and_filters_choose_the_events(api, socket):
    subscribe(socket, "owner", 'subscription { onCreateNote(owner: "ana") { id } }')
    subscribe(socket, "size", "subscription ($size: Int!) { onLargeNote(size: $size) { id } }", size=10)
    create(api, id="small of ben", owner="ben", size=9)
    create(api, id="large of ben", owner="ben", size=10)
    create(api, id="small of ana", owner="ana", size=1)

    first, second = socket.hear(), socket.hear()
    assert (first["id"], first["payload"]["data"]) == ("size", {"onLargeNote": {"id": "large of ben"}})
    assert (second["id"], second["payload"]["data"]) == ("owner", {"onCreateNote": {"id": "small of ana"}})


def test_a_mutation_of_a_scalar_is_delivered_and_one_that_fails_is_not(api, socket):
    subscribe(socket, "1", "subscription { onAnnounce }")
    subscribe(socket, "2", "subscription { onLargeNote(size: 0) { id } }")
    assert api.ask("mutation { fail { id } }").error["message"] == "no note"
    assert api.ask('mutation { announce(text: "hello") }').data == {"announce": "hello"}

    assert socket.hear() == {"id": "1", "type": "data", "payload": {"data": {"onAnnounce": "hello"}}}


def test_a_mutation_invalidates_subscriptions(api, socket):
    query = "subscription ($team: String!) { onTeamNote(team: $team) { id } }"
    headers = {"host": "localhost", "x-api-key": api.key}
    with web_socket(api.cloud, api.api_id, headers) as other:
        assert other.hear()["type"] == "connection_ack"
        subscribe(socket, "1", query, team="red")
        subscribe(other, "1", query, team="blue")
        assert api.ask('mutation { endSubscriptions(team: "red") }').data == {"endSubscriptions": True}

        assert socket.hear() == {"type": "complete", "id": "1"}
        assert socket.hear()["type"] == "closed"
        create(api, id="a", owner="ana", size=1)
        assert other.hear()["type"] == "data"


def test_a_client_that_does_not_read_is_disconnected_and_the_others_get_everything(api, socket):
    headers = {"host": "localhost", "x-api-key": api.key}
    with web_socket(api.cloud, api.api_id, headers) as slow:
        assert slow.hear()["type"] == "connection_ack"
        for each in (slow, socket):
            subscribe(each, "1", "subscription { onCreateNote { id owner } }")
        padding = "x" * 200_000
        for number in range(80):
            create(api, "{ id owner }", id=str(number), owner=padding)
            assert socket.hear()["payload"]["data"]["onCreateNote"]["id"] == str(number)

        heard = []
        while (message := slow.hear())["type"] == "data":
            heard.append(message["payload"]["data"]["onCreateNote"]["id"])
        assert (message["type"], message["code"]) == ("closed", 1008)
        assert heard == [str(number) for number in range(len(heard))]
        assert len(heard) < 80


@pytest.mark.parametrize(
    ("query", "error_type", "message"),
    [
        ("subscription { onCreateNote { nothing } }", None, "Field 'nothing' in type 'Note' is undefined"),
        ('subscription { onLargeNote(size: "x") { id } }', None, "size"),
        ("query { ready }", "BadRequestException", "no subscription"),
        ("subscription {", "BadRequestException", ""),
        ("subscription { onSecretNote { id } }", "Forbidden", "You may not read secret notes."),
    ],
)
def test_a_subscription_that_cannot_start_is_refused_and_the_others_go_on(api, socket, query, error_type, message):
    subscribe(socket, "1", "subscription { onCreateNote { id } }")
    socket.start("2", query)
    refused = socket.hear()
    create(api, id="a", owner="ana")

    assert (refused["type"], refused["id"]) == ("error", "2")
    (error,) = refused["payload"]["errors"]
    assert error.get("errorType") == error_type
    assert message in error["message"]
    assert socket.hear()["id"] == "1"


def test_a_wrong_key_is_refused_in_band(api):
    with web_socket(api.cloud, api.api_id, {"host": "localhost", "x-api-key": "da2-wrong"}) as socket:
        assert socket.hear()["type"] == "connection_error"
        assert socket.hear()["type"] == "closed"


def test_two_hundred_connections_with_the_same_filter_get_an_event(api):
    headers = {"host": "localhost", "x-api-key": api.key}
    with ExitStack() as stack:
        sockets = [stack.enter_context(web_socket(api.cloud, api.api_id, headers)) for _ in range(200)]
        for each in sockets:
            assert each.hear()["type"] == "connection_ack"
            subscribe(each, "1", "subscription ($size: Int!) { onLargeNote(size: $size) { id } }", size=10)
        create(api, id="small", owner="ana", size=9)
        create(api, id="large", owner="ana", size=10)

        assert {each.hear()["payload"]["data"]["onLargeNote"]["id"] for each in sockets} == {"large"}
