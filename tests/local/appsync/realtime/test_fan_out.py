"""Events reach the subscribers they are for, in order, and each document is executed once."""

import asyncio

import pytest

from tests.local.appsync.realtime.sockets import API, SUBSCRIBE, Service


@pytest.fixture
def service():
    made = Service()
    yield made
    made.realtime.close()


def ids(events):
    return [each["payload"]["data"]["onCreateNote"]["id"] for each in events]


def group(*filters):
    return {"filterGroup": [{"filters": list(filters)}]}


def test_arguments_are_compared_with_the_fields_that_the_mutation_selected(service):
    async def test():
        client = await service.ready()
        await client.subscribe("equal", arguments={"owner": "ana"})
        await client.subscribe("null", arguments={"owner": None})
        await client.subscribe("omitted")
        await service.mutate({"id": "1", "owner": "ana"})
        await service.mutate({"id": "2", "owner": "ben"})
        await service.mutate({"id": "3"})
        events = [await client.hear() for _ in range(5)]

        received = {}
        for each in events:
            received.setdefault(each["id"], []).append(each["payload"]["data"]["onCreateNote"]["id"])
        assert received == {"equal": ["1"], "null": ["3"], "omitted": ["1", "2", "3"]}

    asyncio.run(test())


def test_a_filter_of_the_resolver_takes_the_place_of_the_arguments(service):
    async def test():
        client = await service.ready()
        size = {"fieldName": "size", "operator": "ge", "value": 5}
        await client.subscribe("1", arguments={"owner": "ana"}, filter=group(size))
        await service.mutate({"id": "1", "owner": "ben", "size": 5})
        await service.mutate({"id": "2", "owner": "ana", "size": 4})
        await service.mutate({"id": "3", "owner": "ana", "size": 6})

        assert ids([await client.hear(), await client.hear()]) == ["1", "3"]

    asyncio.run(test())


def test_an_invalidation_ends_the_subscription_it_names_and_its_connection(service):
    async def test():
        clients = {}
        for team in ("red", "blue"):
            clients[team] = await service.ready()
            of_team = {"fieldName": "team", "operator": "eq", "value": team}
            await clients[team].subscribe(team, invalidation=group(of_team))
        for each in ("onOther", "onCreateNote"):
            invalidation = {"subscriptionField": each, "payload": {"team": "red"}}
            await asyncio.to_thread(service.executor.invalidate, API, invalidation)

        assert await clients["red"].hear() == {"type": "complete", "id": "red"}
        closed = await clients["red"].hear()
        assert (closed["type"], closed["code"]) == ("websocket.close", 1000)
        await service.mutate({"id": "1"})
        assert (await clients["blue"].hear())["id"] == "blue"
        assert service.metrics.total("InvalidationSuccess") == 1

    asyncio.run(test())


def test_two_hundred_subscribers_get_every_event_in_order_and_a_document_is_executed_once(service):
    async def test():
        clients = [await service.ready() for _ in range(200)]
        for each in clients:
            await each.subscribe("1")
        for number in range(3):
            await service.mutate({"id": str(number)})
        for each in clients:
            assert ids([await each.hear() for _ in range(3)]) == ["0", "1", "2"]
        assert service.executor.selections == 3

        others = clients[:2]
        for number, each in enumerate(others):
            await each.subscribe("2", query=f"{SUBSCRIBE} # {number}")
        await service.mutate({"id": "3"})
        for each in others:
            assert len([await each.hear(), await each.hear()]) == 2
        assert service.executor.selections == 6

    asyncio.run(test())


def test_the_order_of_mutations_holds_for_each_subscriber_when_threads_publish(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")

        async def publish(thread):
            for number in range(50):
                await service.mutate({"id": f"{thread}-{number}"})

        await asyncio.gather(*(publish(thread) for thread in range(4)))
        received = ids([await client.hear() for _ in range(200)])
        for thread in range(4):
            assert [each for each in received if each.startswith(f"{thread}-")] == [
                f"{thread}-{number}" for number in range(50)
            ]

    asyncio.run(test())


def test_an_event_that_is_too_large_is_not_delivered_and_counts_as_an_error(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        await service.mutate({"id": "x" * 250_000})
        await service.mutate({"id": "small"})

        assert ids([await client.hear()]) == ["small"]
        assert service.metrics.total("PublishDataMessageClientError") == 1

    asyncio.run(test())


def test_a_selection_that_fails_stops_nothing_else(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        service.executor.fails = True
        await service.mutate({"id": "lost"})
        async with asyncio.timeout(5):
            while not service.metrics.total("PublishDataMessageServerError"):
                await asyncio.sleep(0.005)
        service.executor.fails = False
        await service.mutate({"id": "kept"})

        assert ids([await client.hear()]) == ["kept"]

    asyncio.run(test())


def test_nothing_is_executed_for_a_mutation_without_subscribers(service):
    async def test():
        client = await service.ready()
        await client.subscribe("1")
        await service.mutate({"id": "1"}, mutation="deleteNote")
        await service.mutate({"id": "2"})

        assert ids([await client.hear()]) == ["2"]
        assert service.executor.selections == 1

    asyncio.run(test())
