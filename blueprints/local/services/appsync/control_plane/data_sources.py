"""The operations on data sources. What could not be called here is refused by name.

Source: AWS AppSync API Reference, CreateDataSource; the messages are AppSync's where it is known to give them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane.apis import existing_api
from blueprints.local.services.appsync.control_plane.errors import Answer, Refused, answering, not_found, raise_for
from blueprints.local.services.appsync.control_plane.model import check_model
from blueprints.local.services.appsync.control_plane.passed_roles import check_role
from blueprints.local.services.appsync.data_sources import EMULATED_TYPES

DATA_SOURCES = Internal("services.appsync", "_data_sources")
CREATE = Internal("services.appsync", "_create_data_source", ("api_id", "body"))
UPDATE = Internal("services.appsync", "_update_data_source", ("api_id", "name", "body"))
DELETE = Internal("services.appsync", "_delete_data_source", ("api_id", "name"))

_SETTINGS = {"AWS_LAMBDA": "lambdaConfig", "AMAZON_DYNAMODB": "dynamodbConfig"}
"""The member that each type of data source needs."""


def install() -> None:
    """Check data sources before they are stored."""
    create = CREATE.current()
    CREATE.replace(answering(_create_source(create)))
    UPDATE.replace(answering(_update_source(create)))


def _create_source(create: Callable[..., Answer]) -> Callable[..., Any]:
    def create_source(api_id: str, body: dict[str, Any]) -> Any:
        existing_api(api_id)
        check_model("CreateDataSource", {**body, "apiId": api_id})
        _check(body)
        if body["name"] in (DATA_SOURCES.current().get(api_id) or {}):
            raise Refused(f"Data source with name {body['name']} already exists")
        return create(api_id, body)

    return create_source


def _update_source(create: Callable[..., Answer]) -> Callable[..., Any]:
    def update_source(api_id: str, name: str, body: dict[str, Any]) -> Any:
        existing_api(api_id)
        before = (DATA_SOURCES.current().get(api_id) or {}).get(name)
        if before is None:
            raise not_found(f"No data source found named {name}")
        given = {**body, "name": name}
        check_model("UpdateDataSource", {**given, "apiId": api_id})
        _check(given)
        raise_for(create(api_id, given))
        record = DATA_SOURCES.current()[api_id][name]
        record["createdAt"] = before["createdAt"]
        return {"dataSource": record}

    return update_source


def _check(given: Mapping[str, Any]) -> None:
    """Raises Refused for a data source that could not be called, or whose role the caller may not pass."""
    kind = given.get("type")
    if kind not in EMULATED_TYPES:
        raise Refused(f"Data sources of type {kind} are not emulated; those of {', '.join(EMULATED_TYPES)} are.")
    needed = _SETTINGS.get(str(kind))
    if needed and not given.get(needed):
        raise Refused(f"A data source of type {kind} needs {needed}.")
    role = str(given.get("serviceRoleArn") or "")
    if needed and not role:
        raise Refused(f"A data source of type {kind} needs serviceRoleArn.")
    table = given.get("dynamodbConfig") or {}
    if table.get("versioned") or table.get("deltaSyncConfig"):
        raise Refused("Versioned data sources of AppSync (conflict detection, delta sync) are not emulated.")
    if table.get("useCallerCredentials"):
        raise Refused("Data sources that use the caller's credentials are not emulated.")
    check_role(role)
