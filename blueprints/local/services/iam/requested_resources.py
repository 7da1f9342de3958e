"""Gives IAM the resource of a request that the base emulator does not know, and would check against `*`.

Each extension knows the resources of its own service. Source: AWS Service Authorization Reference.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.client_json import read_json
from blueprints.local.base.extension import IamResource
from blueprints.local.base.internals import Internal

RESOURCE = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)


def install(resources: Mapping[str, IamResource]) -> None:
    """Ask the extensions first, then the base emulator."""
    original: Callable[..., str] = RESOURCE.current()

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
        found = resources[service](_json_object(body), query_params) if service in resources else None
        if found and not found.startswith("arn:"):
            found = f"arn:aws:{service}:{region}:{account_id}:{found}"
        return found or original(service, method, path, headers, body, query_params, region, account_id)

    RESOURCE.replace(resource)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        given = read_json(body or b"{}")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}
