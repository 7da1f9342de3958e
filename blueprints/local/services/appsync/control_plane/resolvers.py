"""The operations on resolvers. What would be stored here without an effect that requests notice is refused by name.

Source: AWS AppSync API Reference, CreateResolver; the messages are AppSync's where it is known to give them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane import schemas
from blueprints.local.services.appsync.control_plane.apis import existing_api
from blueprints.local.services.appsync.control_plane.code import check_code, check_source
from blueprints.local.services.appsync.control_plane.errors import Answer, Refused, answering, not_found, raise_for
from blueprints.local.services.appsync.control_plane.functions import FUNCTIONS, RESOLVERS
from blueprints.local.services.appsync.control_plane.model import check_model

CREATE = Internal("services.appsync", "_create_resolver", ("api_id", "type_name", "body"))
UPDATE = Internal("services.appsync", "_update_resolver", ("api_id", "type_name", "field_name", "body"))
DELETE = Internal("services.appsync", "_delete_resolver", ("api_id", "type_name", "field_name"))


def install() -> None:
    """Check resolvers before they are stored."""
    create = CREATE.current()
    CREATE.replace(answering(_create_resolver(create)))
    UPDATE.replace(answering(_update_resolver(create)))


def _create_resolver(create: Callable[..., Answer]) -> Callable[..., Any]:
    def create_resolver(api_id: str, type_name: str, body: dict[str, Any]) -> Any:
        _check("CreateResolver", api_id, type_name, body)
        if body["fieldName"] in ((RESOLVERS.current().get(api_id) or {}).get(type_name) or {}):
            raise Refused("Only one resolver is allowed per field.")
        return create(api_id, type_name, body)

    return create_resolver


def _update_resolver(create: Callable[..., Answer]) -> Callable[..., Any]:
    def update_resolver(api_id: str, type_name: str, field_name: str, body: dict[str, Any]) -> Any:
        existing_api(api_id)
        before = ((RESOLVERS.current().get(api_id) or {}).get(type_name) or {}).get(field_name)
        if before is None:
            raise not_found("No resolver found.")
        given = {**body, "fieldName": field_name}
        _check("UpdateResolver", api_id, type_name, given)
        raise_for(create(api_id, type_name, given))
        record = RESOLVERS.current()[api_id][type_name][field_name]
        record["createdAt"] = before["createdAt"]
        return {"resolver": record}

    return update_resolver


def _check(operation: str, api_id: str, type_name: str, given: dict[str, Any]) -> None:
    existing_api(api_id)
    check_model(operation, {**given, "apiId": api_id, "typeName": type_name})
    schemas.check_field(api_id, type_name, given["fieldName"])
    _check_parts(api_id, given)


def _check_parts(api_id: str, given: Mapping[str, Any]) -> None:
    if given.get("kind", "UNIT") == "PIPELINE":
        if given.get("dataSourceName"):
            raise Refused("A resolver of kind PIPELINE has no data source; its functions have.")
        for each in (given.get("pipelineConfig") or {}).get("functions") or ():
            if each not in (FUNCTIONS.current().get(api_id) or {}):
                raise not_found(f"No function found with id {each}")
    else:
        if given.get("pipelineConfig"):
            raise Refused("A resolver of kind UNIT has no pipelineConfig.")
        check_source(api_id, given)
    if (given.get("syncConfig") or {}).get("conflictDetection") not in (None, "NONE"):
        raise Refused("The conflict detection of AppSync (syncConfig) is not emulated.")
    check_code(given)
