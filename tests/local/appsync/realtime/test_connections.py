"""A connection: how it opens, what it answers, and how it ends."""

import asyncio
import json
import time

import pytest

from blueprints.local.services.appsync.realtime import connection as connections
from blueprints.local.services.appsync.realtime import outbox
from tests.local.appsync.realtime.sockets import KEY, SUBSCRIBE, Service


def run(test):
    asyncio.run(test())


@pytest.fixture
def service():
    made = Service()
    yield made
    made.realtime.close()


@pytest.mark.parametrize("by_query", [True, False], ids=["query string", "subprotocol"])
@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/v1/apis/abc/graphql/realtime", "localhost:4566"),
        ("/v1/apis/abc/graphql", "127.0.0.1:4566"),
        ("/graphql", "abc.appsync-realtime-api.us-east-1.amazonaws.com"),
        ("/graphql/realtime", "abc.appsync-api.us-east-1.amazonaws.com:443"),
    ],
)
def test_both_paths_and_host_names_accept_headers_in_both_places(service, by_query, path, host):
    async def test():
        client = await service.ready(by_query=by_query, path=path, host=host)
        assert client.accepted == {"type": "websocket.accept", "subprotocol": "graphql-ws"}

    run(test)


@pytest.mark.parametrize(
    "path", ["/graphql", "/v1/apis/abc/other", "/v1/apis/abc/graphql/realtime/x", "/event/realtime"]
)
def test_other_paths_are_left_to_others(service, path):
    assert not service.realtime.route().takes({"path": path, "headers": [(b"host", b"localhost")]})


def test_the_acknowledgement_names_the_time_out_and_a_keep_alive_follows_at_once(service):
    async def test():
        client = await service.client()
        await client.say(type="connection_init")

        assert await client.hear() == {"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}}
        assert await client.hear() == {"type": "ka"}
        assert service.metrics.total("ConnectSuccess") == 1

    run(test)


def test_keep_alives_go_on(service, monkeypatch):
    monkeypatch.setattr(connections, "KEEP_ALIVE_SECONDS", 0.02)

    async def test():
        client = await service.ready()
        assert [(await client.hear())["type"] for _ in range(3)] == ["ka"] * 3

    run(test)


@pytest.mark.parametrize(
    ("how", "message", "error_type"),
    [
        ({"headers": {"x-api-key": "wrong"}}, "You are not authorized to make this call.", "UnauthorizedException"),
        ({"headers": None}, "Required headers are missing.", "BadRequestException"),
        ({"headers": [], "by_query": True}, "The header is not a JSON object in base64.", "BadRequestException"),
        ({"headers": {"authorization": "breaks"}}, "Internal failure", "InternalFailure"),
        ({"path": "/v1/apis/gone/graphql"}, "There is no API gone here.", "BadRequestException"),
        ({"protocol": False, "by_query": True}, "NoProtocolError", "BadRequestException"),
    ],
)
def test_a_refused_connection_is_accepted_and_refused_in_band(service, how, message, error_type):
    async def test():
        client = await service.client(**how)
        await client.say(type="connection_init")

        answer = await client.hear()
        assert answer["type"] == "connection_error"
        assert answer["payload"]["errors"] == [{"errorType": error_type, "message": message, "errorCode": 400}]
        assert (await client.hear())["type"] == "websocket.close"

    run(test)


def test_a_refused_connection_starts_nothing(service):
    async def test():
        client = await service.client(headers={"x-api-key": "wrong"})
        await client.start("1")

        assert (await client.hear())["type"] == "connection_error"

    run(test)


def test_a_subscription_may_start_before_the_connection_is_initialised(service):
    async def test():
        client = await service.client()
        await client.subscribe("1")

    run(test)


def test_a_connection_that_says_nothing_is_closed(service, monkeypatch):
    monkeypatch.setattr(connections, "INIT_SECONDS", 0.02)

    async def test():
        client = await service.client()
        closed = await client.hear()

        assert (closed["type"], closed["code"]) == ("websocket.close", 1008)
        assert "connection_init" in closed["reason"]

    run(test)


@pytest.mark.parametrize(
    ("text", "error_type", "message"),
    [
        ("{", "BadRequestException", "not valid JSON"),
        ('{"type": "start", "id": NaN}', "BadRequestException", "not valid JSON"),
        ("[" * 100_000, "BadRequestException", "not valid JSON"),
        ("[]", "BadRequestException", "not a JSON object"),
        ('{"type": "publish"}', "UnsupportedOperation", "unknown not supported through the realtime channel"),
        ("{}", "UnsupportedOperation", "unknown not supported through the realtime channel"),
        ('{"type": "start"}', "BadRequestException", "needs an id"),
        ('{"type": "start", "id": "1"}', "BadRequestException", "needs `data`"),
        ('{"type": "start", "id": "1", "payload": {"data": {}}}', "BadRequestException", "needs `data`"),
        ('{"type": "start", "id": "1", "payload": {"data": "x"}}', "BadRequestException", "not valid JSON"),
        ('{"type": "start", "id": "1", "payload": {"data": "{}"}}', "BadRequestException", "needs `query`"),
        ('{"type": "stop", "id": "1"}', "BadRequestException", "no subscription with this id"),
    ],
)
def test_a_message_that_is_not_of_the_protocol_is_refused_and_the_connection_goes_on(
    service, text, error_type, message
):
    async def test():
        client = await service.ready()
        await client.say(text)

        error = (await client.hear())["payload"]["errors"][0]
        assert error["errorType"] == error_type
        assert message in error["message"]
        await client.subscribe("2")

    run(test)


def test_a_message_that_is_too_long_ends_the_connection(service):
    async def test():
        client = await service.ready()
        await client.say("x" * (connections.LONGEST_MESSAGE + 1))

        closed = await client.hear()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1009)

    run(test)


def test_a_subscription_gets_events_until_it_stops(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")

        await service.mutate({"id": "a"})
        assert await client.hear() == {"type": "data", "id": "1", "payload": {"data": {"onCreateNote": {"id": "a"}}}}

        await client.say(type="stop", id="1")
        assert await client.hear() == {"type": "complete", "id": "1"}
        await service.mutate({"id": "b"})
        await client.subscribe("2")  # nothing came in between
        assert service.metrics.total("PublishDataMessageSuccess") == 1
        assert [value for name, value in service.metrics.values if name == "ActiveSubscriptions"] == [1, 0, 1]

    run(test)


def test_a_start_that_is_repeated_is_acknowledged_again_and_delivers_once(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        await client.subscribe("1")

        await service.mutate({"id": "a"})
        await service.mutate({"id": "b"})
        events = [await client.hear(), await client.hear()]
        assert [each["payload"]["data"]["onCreateNote"]["id"] for each in events] == ["a", "b"]

    run(test)


def test_an_id_cannot_mean_two_subscriptions(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        await client.start("1", query="subscription { onDeleteNote { id } }")

        assert (await client.hear())["payload"]["errors"][0]["errorType"] == "DuplicatedOperationError"

    run(test)


def test_every_start_is_authenticated_on_its_own(service):
    async def test():
        client = await service.ready()
        await client.start("1", headers={"x-api-key": "wrong"})
        refused = await client.hear()

        assert (refused["type"], refused["id"]) == ("error", "1")
        assert refused["payload"]["errors"] == [
            {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}
        ]
        await client.start("2", headers={"Authorization": f"expires-{time.time() + 60}"})
        assert (await client.hear())["type"] == "start_ack"

    run(test)


def test_a_resolver_that_refuses_chooses_the_type_of_the_error(service):
    """Amplify closes the shared socket on `Unauthorized`; a pattern refuses reading with a type of its own."""

    async def test():
        client = await service.ready()
        await client.start("1", refuse="Forbidden")

        error = (await client.hear())["payload"]["errors"][0]
        assert (error["message"], error["errorType"]) == ("You may not read this.", "Forbidden")
        await client.subscribe("1")  # the id is free again

    run(test)


def test_a_filter_that_is_invalid_is_refused(service):
    async def test():
        client = await service.ready()
        await client.start("1", filter={"filterGroup": [{"filters": [{"fieldName": "a", "operator": "like"}]}]})

        error = (await client.hear())["payload"]["errors"][0]
        assert error["errorType"] == "BadRequestException"
        assert "`like` is no operator" in error["message"]

    run(test)


def test_a_subscription_that_stops_while_its_resolver_runs_never_starts(service):
    async def test():
        client = await service.ready()
        await client.start("1", wait=0.05)
        await client.say(type="stop", id="1")

        assert await client.hear() == {"type": "complete", "id": "1"}
        await client.subscribe("2", wait=0.1)
        await service.mutate({"id": "a"})
        assert (await client.hear())["id"] == "2"

    run(test)


def test_subscriptions_are_prepared_at_the_same_time(service):
    async def test():
        client = await service.ready()
        await client.start("slow", wait=0.3)
        await client.start("quick")

        assert [(await client.hear())["id"] for _ in range(2)] == ["quick", "slow"]

    run(test)


def test_a_connection_has_at_most_a_hundred_subscriptions(service):
    async def test():
        client = await service.ready()
        for number in range(101):
            await client.start(str(number))
        answers = [await client.hear() for _ in range(101)]

        refused = [each for each in answers if each["type"] == "error"]
        assert [each["id"] for each in refused] == ["100"]
        assert refused[0]["payload"]["errors"][0]["errorType"] == "MaxSubscriptionsReachedError"

    run(test)


def test_a_subscription_ends_when_its_token_expires_and_its_siblings_go_on(service):
    async def test():
        client = await service.ready()
        await client.subscribe("key")
        await client.start("token", headers={"Authorization": f"expires-{time.time() + 0.1}"})
        assert (await client.hear())["type"] == "start_ack"

        ended = await client.hear()
        assert (ended["type"], ended["id"]) == ("error", "token")
        assert ended["payload"]["errors"] == [{"errorType": "UnauthorizedException", "message": "Token expired"}]
        await service.mutate({"id": "a"})
        assert (await client.hear())["id"] == "key"

    run(test)


def test_a_client_that_leaves_takes_its_subscriptions_along(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        await client.leave()
        await service.mutate({"id": "a"})

        assert service.executor.selections == 0
        assert service.metrics.total("DisconnectSuccess") == 1
        assert [value for name, value in service.metrics.values if name == "ActiveConnections"] == [1, 0]

    run(test)


def test_a_deleted_api_ends_its_connections_at_the_next_keep_alive(service, monkeypatch):
    monkeypatch.setattr(connections, "KEEP_ALIVE_SECONDS", 0.02)

    async def test():
        client = await service.ready()
        service.apis.clear()
        while (heard := await client.hear())["type"] == "ka":
            pass

        assert (heard["type"], heard["reason"]) == ("websocket.close", "The API was deleted.")

    run(test)


def test_subscriptions_that_stop_while_they_are_prepared_still_count(service):
    async def test():
        client = await service.ready()
        for number in range(100):
            await client.start(str(number), wait=1.5)
            await client.say(type="stop", id=str(number))
        await client.start("one too many")
        answers = [await client.hear() for _ in range(101)]

        assert answers[-1]["payload"]["errors"][0]["errorType"] == "MaxSubscriptionsReachedError"

    run(test)


def test_half_of_a_surrogate_pair_becomes_a_question_mark(service):
    async def test():
        client = await service.ready()
        data = r'{"query": "subscription { onCreateNote { id } }", "variables": {"arguments": {"id": "\ud83d"}}}'
        await client.say(type="start", id="1", payload={"data": data, "extensions": {"authorization": KEY}})
        assert await client.hear() == {"type": "start_ack", "id": "1"}
        await service.mutate({"id": "?"})
        assert (await client.hear())["id"] == "1"

    run(test)


def test_a_reset_ends_the_connections(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        await asyncio.to_thread(service.realtime.reset)

        closed = await client.hear()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1001)

    run(test)


def test_a_slow_client_is_disconnected_and_the_others_get_everything(service, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_MESSAGES", 20)
    monkeypatch.setattr(connections, "_CLOSE_SECONDS", 0.05)

    async def test():
        slow, quick = await service.ready(), await service.ready()
        await slow.subscribe("1")
        await quick.subscribe("1")
        slow.reads.clear()
        for number in range(60):
            await service.mutate({"id": str(number)})
            event = await quick.hear()
            assert event["payload"]["data"]["onCreateNote"]["id"] == str(number)

        await asyncio.wait_for(slow.served, 5)
        assert slow.from_server.empty()

    run(test)


def test_a_client_that_reads_again_in_time_learns_why_it_was_disconnected(service, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_MESSAGES", 3)

    async def test():
        client = await service.ready()
        await client.subscribe("1")
        client.reads.clear()
        for number in range(6):
            await service.mutate({"id": str(number)})
        async with asyncio.timeout(5):
            while ("ActiveSubscriptions", 0.0) not in service.metrics.values:  # the connection is being closed
                await asyncio.sleep(0.005)
        client.reads.set()

        heard = [await client.hear()]
        while heard[-1]["type"] != "websocket.close":
            heard.append(await client.hear())
        assert (heard[-1]["code"], "too slow" in heard[-1]["reason"]) == (1008, True)

    run(test)


def test_the_text_that_a_signature_covers_is_what_the_client_sent(service, monkeypatch):
    seen = []

    def authenticate(api, headers, *, path, body, **more):
        seen.append((path, body))
        return original(api, headers, path=path, body=body, **more)

    original = service.realtime._authenticate
    monkeypatch.setattr(service.realtime, "_authenticate", authenticate)

    async def test():
        client = await service.ready()
        await client.subscribe("1")
        other = await service.ready(path="/graphql", host="abc.appsync-realtime-api.eu-west-1.amazonaws.com")
        await other.subscribe("1")

    run(test)

    data = json.dumps({"query": SUBSCRIBE, "variables": {}}).encode()
    assert seen == [
        ("/v1/apis/abc/graphql/connect", b"{}"),
        ("/v1/apis/abc/graphql", data),
        ("/graphql/connect", b"{}"),
        ("/graphql", data),
    ]
    assert KEY["x-api-key"]
