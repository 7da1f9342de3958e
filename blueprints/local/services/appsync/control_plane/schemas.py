"""The creation of a schema: a faulty one is reported by its status, and the one before stays in use."""

import base64
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane.errors import Refused, not_found
from blueprints.local.services.appsync.schemas import InvalidSchema, Schema, parse
from blueprints.local.services.appsync.schemas.scalars import AWS_SCALARS

SCHEMAS = Internal("services.appsync", "_schemas")


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


def decoded(given: Any) -> str:
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


def describe_type(api_id: str, arn: str, type_name: str, wanted: str) -> dict[str, Any]:
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


def list_types(api_id: str, arn: str, wanted: str) -> list[dict[str, Any]]:
    """The types that the schema in use defines, as ListTypes has them. Raises Refused."""
    return [describe_type(api_id, arn, name, wanted) for name in _own_types(of_api(api_id))]


def _own_types(schema: Schema) -> list[str]:
    """The names of the types that a schema defines itself."""
    return [
        name for name, each in schema.graphql.type_map.items() if each.ast_node is not None and name not in AWS_SCALARS
    ]
