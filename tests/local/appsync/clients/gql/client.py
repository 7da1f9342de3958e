"""Python's gql as a client of AppSync: a query, a mutation and a subscription; prints what it got as JSON.

It runs in an environment of its own, as gql needs another graphql-core than the base emulator.
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit

from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
from gql.transport.appsync_websockets import AppSyncWebsocketsTransport
from gql.transport.exceptions import TransportError


async def converse(url: str, key: str) -> dict[str, object]:
    """Everything with the right key, and what a wrong one gets."""
    auth = AppSyncApiKeyAuthentication(host=urlsplit(url).netloc, api_key=key)
    create = GraphQLRequest("mutation ($owner: String!) { createNote(id: 1, owner: $owner) { id owner } }")
    queries = Client(transport=AIOHTTPTransport(url=url, auth=auth))
    events = Client(transport=AppSyncWebsocketsTransport(url=realtime(url), auth=auth))
    got: dict[str, object] = {}
    async with queries as asking, events as listening:
        got["query"] = await asking.execute(GraphQLRequest("{ note(id: 1) { id } }"))
        subscription = GraphQLRequest('subscription { onCreateNote(owner: "ana") { id owner } }')
        received = listening.subscribe(subscription)
        first = asyncio.ensure_future(anext(received))
        while not first.done():  # gql does not say when the subscription is acknowledged
            for owner in ("ben", "ana"):
                create.variable_values = {"owner": owner}
                got["mutation"] = await asking.execute(create)
            await asyncio.wait({first}, timeout=0.2)
        got["event"] = first.result()
        await received.aclose()
    got["refused"] = await refusal(url)
    return got


async def refusal(url: str) -> str:
    """What gql says of a connection with a wrong key."""
    auth = AppSyncApiKeyAuthentication(host=urlsplit(url).netloc, api_key="da2-wrong")
    try:
        async with Client(transport=AppSyncWebsocketsTransport(url=realtime(url), auth=auth)):
            return ""
    except TransportError as refused:
        return str(refused)


def realtime(url: str) -> str:
    """The URL of an API for WebSockets: gql makes it of `https://` by itself, and not of `http://`."""
    return url.replace("http", "ws", 1)


print(json.dumps(asyncio.run(converse(*sys.argv[1:]))))
