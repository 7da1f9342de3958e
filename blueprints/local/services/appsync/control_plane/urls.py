"""Where a GraphQL API answers: at the embedded AWS, by the API's id in the path."""

from urllib.parse import urlsplit

GRAPHQL = "GRAPHQL"
REALTIME = "REALTIME"


def uris_of(endpoint: str, api_id: str) -> dict[str, str]:
    """The URLs of an API's GraphQL and realtime endpoints, as GetGraphqlApi has them."""
    host = _host(endpoint)
    return {
        GRAPHQL: f"http://{host}/v1/apis/{api_id}/graphql",
        REALTIME: f"ws://{host}/v1/apis/{api_id}/graphql",
    }


def dns_of(endpoint: str) -> dict[str, str]:
    """The domain names of both endpoints: that of this machine."""
    host = _host(endpoint)
    return {GRAPHQL: host, REALTIME: host}


def _host(endpoint: str) -> str:
    return f"localhost:{urlsplit(endpoint).port}"
