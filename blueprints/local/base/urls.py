"""Local URLs of APIs and functions, which replace AWS's in outputs and environment variables: those do not resolve."""

import re

_ON_AWS = re.compile(
    r"(?P<scheme>https?|wss?)://(?P<id>[a-z0-9]+)\.(?P<service>execute-api|lambda-url)\.[\w.:-]*\w(?P<slash>/|(?=$|[^\w/]))"
)


def with_local_urls(text: str, endpoint: str) -> str:
    """The text with AWS's URLs of APIs and functions replaced by those at `endpoint`."""

    def here(found: re.Match[str]) -> str:
        base = endpoint.replace("http", "ws", 1) if found["scheme"].startswith("ws") else endpoint
        return f"{base}/_aws/{found['service']}/{found['id']}/"

    return _ON_AWS.sub(here, text)
