"""Which resource IAM judges a request to AppSync's API by.

Most actions have no resource-level permissions: a policy must name `*`. The base emulator asks for the ARN of the API
or of a type instead, with which policies would work here that AWS denies.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS AppSync".
"""

import re
from typing import Any
from urllib.parse import unquote

from blueprints.local.base.internals import Internal

RESOURCE = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)

_API = re.compile(r"/v1/apis/([^/]+)(?:/environmentVariables)?")
_TAGS = "/v1/tags/"


def install() -> None:
    """Answer for AppSync's API of GraphQL; everything else stays as it is."""
    original = RESOURCE.current()

    def resource(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        if service == "appsync" and path.startswith("/v1/"):
            return resource_of(path, region, account_id)
        return str(original(service, method, path, headers, body, query_params, region, account_id))

    RESOURCE.replace(resource)


def resource_of(path: str, region: str, account: str) -> str:
    """The ARN that a request is about; `*` for an action without resource-level permissions."""
    found = _API.fullmatch(path)
    if found:
        return f"arn:aws:appsync:{region}:{account}:apis/{found[1]}"
    return unquote(path.removeprefix(_TAGS)) if path.startswith(_TAGS) else "*"
