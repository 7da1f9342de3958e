"""The operations on functions of pipelines.

Source: AWS AppSync API Reference, CreateFunction and DeleteFunction.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane.apis import existing_api
from blueprints.local.services.appsync.control_plane.code import check_code, check_source
from blueprints.local.services.appsync.control_plane.errors import Answer, Refused, answering, not_found
from blueprints.local.services.appsync.control_plane.model import check_model

FUNCTIONS = Internal("services.appsync", "_functions")
RESOLVERS = Internal("services.appsync", "_resolvers")
CREATE = Internal("services.appsync", "_create_function", ("api_id", "body"))
UPDATE = Internal("services.appsync", "_update_function", ("api_id", "function_id", "body"))
DELETE = Internal("services.appsync", "_delete_function", ("api_id", "function_id"))


def install() -> None:
    """Check functions before they are stored, and that no resolver uses them before they are deleted."""
    CREATE.replace(answering(_create_function(CREATE.current())))
    UPDATE.replace(answering(_update_function(UPDATE.current())))
    DELETE.replace(answering(_delete_function(DELETE.current())))


def list_resolvers(api_id: str, function_id: str) -> dict[str, Any]:
    """The resolvers that use a function, as ListResolversByFunction has them. Raises Refused."""
    existing_api(api_id)
    if function_id not in (FUNCTIONS.current().get(api_id) or {}):
        raise not_found(f"No function found with id {function_id}")
    return {"resolvers": _resolvers_of(api_id, function_id)}


def _create_function(create: Callable[..., Answer]) -> Callable[..., Any]:
    def create_function(api_id: str, body: dict[str, Any]) -> Any:
        existing_api(api_id)
        check_model("CreateFunction", {**body, "apiId": api_id})
        _check(api_id, body)
        return create(api_id, body)

    return create_function


def _update_function(update: Callable[..., Answer]) -> Callable[..., Any]:
    def update_function(api_id: str, function_id: str, body: dict[str, Any]) -> Any:
        existing_api(api_id)
        check_model("UpdateFunction", {**body, "apiId": api_id, "functionId": function_id})
        _check(api_id, body)
        return update(api_id, function_id, body)

    return update_function


def _delete_function(delete: Callable[..., Answer]) -> Callable[..., Any]:
    def delete_function(api_id: str, function_id: str) -> Any:
        if _resolvers_of(api_id, function_id):
            raise Refused("Cannot delete functions which are currently used by resolvers.")
        return delete(api_id, function_id)

    return delete_function


def _resolvers_of(api_id: str, function_id: str) -> list[dict[str, Any]]:
    types: dict[str, dict[str, dict[str, Any]]] = RESOLVERS.current().get(api_id) or {}
    return [
        resolver
        for fields in types.values()
        for resolver in fields.values()
        if function_id in ((resolver.get("pipelineConfig") or {}).get("functions") or ())
    ]


def _check(api_id: str, given: Mapping[str, Any]) -> None:
    check_source(api_id, given)
    if given.get("syncConfig"):
        raise Refused("The conflict detection of AppSync (syncConfig) is not emulated.")
    check_code(given)
