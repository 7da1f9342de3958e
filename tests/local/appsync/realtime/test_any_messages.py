"""Whatever a client sends, in whatever order, its connection goes on and its subscriptions are exact."""

import asyncio
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local.appsync.realtime.sockets import KEY, SUBSCRIBE, Service

IDS = st.sampled_from(["1", "2", "3"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "id", "payload", "data"]), inner)
    ),
)
START = st.builds(lambda number, owner: ("start", number, owner), IDS, st.sampled_from(["ana", "ben"]))
STOP = st.builds(lambda number: ("stop", number), IDS)
MUTATE = st.builds(lambda owner: ("mutate", owner), st.sampled_from(["ana", "ben"]))
NOISE = st.builds(lambda message: ("noise", json.dumps(message)), ANYTHING) | st.just(("noise", "{"))
STEPS = st.lists(START | STOP | MUTATE | NOISE, max_size=12)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_every_event_goes_to_the_subscriptions_that_are_active_and_match(steps):
    expected, received = asyncio.run(play(steps))

    assert received == expected


async def play(steps):
    """Do the steps one after the other; returns the events that are due, and those that came, as (id, event)."""
    service = Service()
    client = await service.ready()
    active, expected, received = {}, [], []
    for number, step in enumerate(steps):
        if step[0] == "start":
            await client.start(step[1], arguments={"owner": step[2]})
            while (heard := await client.hear())["type"] not in {"start_ack", "error"} or heard["id"] != step[1]:
                keep(heard, received)
            active.setdefault(step[1], step[2])  # another subscription with an id in use is refused
        elif step[0] == "stop":
            await client.say(type="stop", id=step[1])
            active.pop(step[1], None)
        elif step[0] == "mutate":
            await settle(service, client, received)
            await service.mutate({"id": number, "owner": step[1]})
            expected += [(each, number) for each, owner in sorted(active.items()) if owner == step[1]]
        else:
            await client.say(step[1])
        await settle(service, client, received)
    await service.mutate({"id": "end", "owner": "ana"})
    await settle(service, client, received)
    service.realtime.close()
    expected += [(each, "end") for each, owner in sorted(active.items()) if owner == "ana"]
    return sorted(expected, key=str), sorted(received, key=str)


async def settle(service, client, received):
    """Take what has come, until a subscription of its own is acknowledged, gets its event, and has ended."""
    await client.start("settle", query=f"{SUBSCRIBE} # settle", headers=KEY, arguments={"owner": "settle"})
    while (heard := await client.hear()) != {"type": "start_ack", "id": "settle"}:
        keep(heard, received)
    await service.mutate({"owner": "settle"})
    while (heard := await client.hear()).get("type") != "data" or heard["id"] != "settle":
        keep(heard, received)
    await client.say(type="stop", id="settle")
    while (heard := await client.hear()) != {"type": "complete", "id": "settle"}:
        keep(heard, received)


def keep(heard, received):
    assert heard["type"] != "websocket.close", heard
    if heard["type"] == "data":
        received.append((heard["id"], heard["payload"]["data"]["onCreateNote"]["id"]))
