"""The operations on schemas: a faulty one is reported by its status, and the one before stays in use.

Types are those of the schema in use; to change a single one is refused.
"""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane.apis import existing_api
from blueprints.local.services.appsync.control_plane.errors import Answer, Refused, answering, not_found
from blueprints.local.services.appsync.schemas import InvalidSchema, Schema, parse
from blueprints.local.services.appsync.schemas.scalars import AWS_SCALARS

SCHEMAS = Internal("services.appsync", "_schemas")
CREATE_SCHEMA = Internal("services.appsync", "_start_schema_creation", ("api_id", "body"))
CREATE_TYPE = Internal("services.appsync", "_create_type", ("api_id", "body"))
UPDATE_TYPE = Internal("services.appsync", "_update_type", ("api_id", "type_name", "body"))
GET_TYPE = Internal("services.appsync", "_get_type", ("api_id", "type_name", "query_params"))
LIST_TYPES = Internal("services.appsync", "_list_types", ("api_id", "query_params"))
INTROSPECT = Internal("services.appsync", "_get_introspection_schema", ("api_id", "query_params"))

UNCHANGEABLE = "is not emulated: change the whole schema with StartSchemaCreation."


def install() -> None:
    """Check schemas before they are used, and answer for types from the schema in use."""
    CREATE_SCHEMA.replace(answering(_create_schema))
    CREATE_TYPE.replace(answering(_create_type))
    UPDATE_TYPE.replace(answering(_update_type))
    GET_TYPE.replace(answering(_get_type))
    LIST_TYPES.replace(answering(_list_types))
    INTROSPECT.replace(answering(_introspect))


def create(api_id: str, definition: str) -> None:
    """Put a schema into use. Raises InvalidSchema; then the schema before stays in use, with the status FAILED."""
    store = SCHEMAS.current()
    before = store.get(api_id) or {"definition": ""}
    try:
        schema = parse(definition)
    except InvalidSchema as error:
        store[api_id] = {**before, "status": "FAILED", "details": details_of(error)}
        raise
    store[api_id] = {
        "definition": definition,
        "status": "SUCCESS",
        "details": f"Successfully created schema with {len(_own_types(schema))} types.",
    }


def details_of(error: InvalidSchema) -> str:
    """Why a schema is refused, as GetSchemaCreationStatus and CloudFormation have it."""
    if any("syntax" in each for each in error.errors):
        return f"Failed to parse schema document - ensure it's a valid SDL-formatted document. {error}"
    return f"Found {len(error.errors)} problem(s) with the schema:\n" + "\n".join(error.errors)


def _decoded(given: Any) -> str:
    """The text of a `definition` in a request, which is base64. Raises Refused."""
    if not given:
        raise Refused("The definition of the schema is missing.")
    try:
        return base64.b64decode(str(given), validate=True).decode()
    except ValueError:
        raise Refused("The definition of the schema is not base64-encoded UTF-8.") from None


def of_api(api_id: str) -> Schema:
    """The schema in use. Raises Refused if there is none."""
    definition = (SCHEMAS.current().get(api_id) or {}).get("definition")
    if not definition:
        raise not_found("No schema has been created for the API.")
    return parse(definition)


def check_field(api_id: str, type_name: str, field_name: str) -> None:
    """Raises Refused unless the schema has the field."""
    schema = of_api(api_id)
    if type_name not in schema.graphql.type_map:
        raise not_found(f"Type {type_name} not found")
    if schema.field(type_name, field_name) is None:
        raise not_found(f"No field named {field_name} found on type {type_name}")


def _describe_type(api_id: str, arn: str, type_name: str, wanted: str) -> dict[str, Any]:
    """A type of the schema in use, as GetType has it; `wanted` is the format. Raises Refused."""
    import graphql

    if wanted != "SDL":
        raise Refused(f"Types in the format {wanted} are not emulated: ask for SDL.")
    found = of_api(api_id).graphql.type_map.get(type_name)
    if found is None:
        raise not_found(f"Type {type_name} not found")
    return {
        "name": type_name,
        "description": found.description or "",
        "arn": f"{arn}/types/{type_name}",
        "definition": graphql.print_type(found),
        "format": "SDL",
    }


def _own_types(schema: Schema) -> list[str]:
    """The names of the types that a schema defines itself."""
    return [
        name for name, each in schema.graphql.type_map.items() if each.ast_node is not None and name not in AWS_SCALARS
    ]


def _create_schema(api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    existing_api(api_id)
    definition = _decoded(body.get("definition"))
    with suppress(InvalidSchema):  # AppSync reports it with GetSchemaCreationStatus
        create(api_id, definition)
    return {"status": "PROCESSING"}


def _create_type(api_id: str, body: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    raise Refused(f"CreateType {UNCHANGEABLE}")


def _update_type(api_id: str, type_name: str, body: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    raise Refused(f"UpdateType {UNCHANGEABLE}")


def _get_type(api_id: str, type_name: str, query_params: Mapping[str, Any]) -> dict[str, Any]:
    arn = str(existing_api(api_id)["arn"])
    return {"type": _describe_type(api_id, arn, type_name, _format(query_params))}


def _list_types(api_id: str, query_params: Mapping[str, Any]) -> dict[str, Any]:
    arn = str(existing_api(api_id)["arn"])
    return {"types": [_describe_type(api_id, arn, name, _format(query_params)) for name in _own_types(of_api(api_id))]}


def _introspect(api_id: str, query_params: Mapping[str, Any]) -> Answer:
    """The schema in use as a document: as it was written (SDL), or as the answer to the introspection query (JSON)."""
    import graphql

    existing_api(api_id)
    schema, wanted = of_api(api_id), _format(query_params)
    if wanted == "SDL":
        return 200, {"Content-Type": "application/octet-stream"}, schema.definition.encode()
    if wanted == "JSON":
        document = json.dumps(graphql.introspection_from_schema(schema.graphql))
        return 200, {"Content-Type": "application/json"}, document.encode()
    raise Refused(f"The format must be SDL or JSON, not {wanted}.")


def _format(query_params: Mapping[str, Any]) -> str:
    given = query_params.get("format") or "SDL"
    return str(given[0] if isinstance(given, list) else given)
