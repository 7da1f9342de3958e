"""The operations on APIs, whose URLs are on this machine. Merged APIs and caches are refused by name.

Source: AWS AppSync API Reference, CreateGraphqlApi and UpdateGraphqlApi.
"""

import re
import time
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane import authentication_types, urls
from blueprints.local.services.appsync.control_plane.errors import Refused, answering, not_found, raise_for
from blueprints.local.services.appsync.control_plane.model import check_model
from blueprints.local.services.appsync.control_plane.passed_roles import check_role

APIS = Internal("services.appsync", "_apis")
CREATE = Internal("services.appsync", "_create_graphql_api", ("body",))
UPDATE = Internal("services.appsync", "_update_graphql_api", ("api_id", "body"))
DELETE = Internal("services.appsync", "_delete_graphql_api", ("api_id",))
PUT_VARIABLES = Internal("services.appsync", "_put_environment_variables", ("api_id", "body"))
CREATE_CACHE = Internal("services.appsync", "_create_api_cache", ("api_id", "data"))

_DEFAULTS: Mapping[str, Any] = {
    "additionalAuthenticationProviders": [],
    "xrayEnabled": False,
    "introspectionConfig": "ENABLED",
    "queryDepthLimit": 0,
    "resolverCountLimit": 0,
}
_SETTINGS = (
    *("name", "authenticationType", "logConfig", "userPoolConfig", "openIDConnectConfig", "lambdaAuthorizerConfig"),
    *("ownerContact", "enhancedMetricsConfig", "mergedApiExecutionRoleArn"),
)
"""What UpdateGraphqlApi replaces besides the settings with defaults: what a request leaves out is removed."""
_VARIABLE = re.compile(r"[A-Za-z]\w{1,63}", re.ASCII)
_MOST_VARIABLES, _LONGEST_VARIABLE = 50, 512


def install(endpoint: str) -> None:
    """Check and complete APIs before they are stored. `endpoint` is where the embedded AWS answers."""
    create = CREATE.current()

    def create_api(body: dict[str, Any]) -> Any:
        check_model("CreateGraphqlApi", body)
        _check(body)
        created = raise_for(create(body))["graphqlApi"]
        return _store(endpoint, created["apiId"], APIS.current()[created["apiId"]], body)

    def update_api(api_id: str, body: dict[str, Any]) -> Any:
        record = existing_api(api_id)
        check_model("UpdateGraphqlApi", {**body, "apiId": api_id})
        _check({**body, "apiType": record.get("apiType")})
        return _store(endpoint, api_id, record, body)

    CREATE.replace(answering(create_api))
    UPDATE.replace(answering(update_api))
    PUT_VARIABLES.replace(answering(_put_variables))
    CREATE_CACHE.replace(answering(_create_cache))


def existing_api(api_id: str) -> dict[str, Any]:
    """The record of an API. Raises Refused if there is none."""
    record: dict[str, Any] | None = APIS.current().get(api_id)
    if record is None:
        raise not_found(f"GraphQL API {api_id} not found.")
    return record


def _check(given: Mapping[str, Any]) -> None:
    if given.get("apiType") == "MERGED":
        raise Refused("Merged APIs (apiType MERGED) are not emulated.")
    authentication_types.check(given)
    check_role(str((given.get("logConfig") or {}).get("cloudWatchLogsRoleArn") or ""))


def _store(endpoint: str, api_id: str, record: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Store an API's settings in one step, so that a request sees those before or those after."""
    changed = {name: value for name, value in record.items() if name not in _SETTINGS}
    changed |= {name: body[name] for name in _SETTINGS if body.get(name) is not None}
    changed |= {name: default if body.get(name) is None else body[name] for name, default in _DEFAULTS.items()}
    changed |= {"uris": urls.uris_of(endpoint, api_id), "dns": urls.dns_of(endpoint)}
    changed |= {"owner": str(record["arn"]).split(":")[4], "lastUpdatedAt": int(time.time())}
    APIS.current()[api_id] = changed
    return {"graphqlApi": changed}


def _put_variables(api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    record = existing_api(api_id)
    check_variables(body.get("environmentVariables"))
    APIS.current()[api_id] = {**record, "environmentVariables": dict(body["environmentVariables"])}
    return {"environmentVariables": body["environmentVariables"]}


def check_variables(given: Any) -> None:
    """Raises Refused for environment variables of an API that AppSync does not accept."""
    if not isinstance(given, dict) or len(given) > _MOST_VARIABLES:
        raise Refused(f"environmentVariables must be a map with at most {_MOST_VARIABLES} members.")
    for name, value in given.items():
        if not _VARIABLE.fullmatch(name):
            raise Refused(
                f"The environment variable '{name}' must have 2 to 64 letters, digits or _, and begin with a letter."
            )
        if not isinstance(value, str) or len(value) > _LONGEST_VARIABLE:
            raise Refused(
                f"The environment variable '{name}' must be a text of at most {_LONGEST_VARIABLE} characters."
            )


def _create_cache(api_id: str, data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    raise Refused("Caches of APIs are not emulated.")
