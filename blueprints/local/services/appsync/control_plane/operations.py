"""The operations of AppSync's API: each is checked, then done by the base emulator or here."""

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any
from urllib.parse import unquote

from blueprints.local.base.internals import Internal
from blueprints.local.services.appsync.control_plane import api_keys, checks, schemas, urls
from blueprints.local.services.appsync.control_plane.errors import Answer, Refused, answer_of, not_found, raise_for
from blueprints.local.services.appsync.schemas import InvalidSchema

HANDLE = Internal("services.appsync", "handle_request", ("method", "path", "headers", "body", "query_params"))
JSON = Internal("services.appsync", "_json", ("status", "body"))
APIS = Internal("services.appsync", "_apis")
KEYS = Internal("services.appsync", "_api_keys")
RESOLVERS = Internal("services.appsync", "_resolvers")
FUNCTIONS = Internal("services.appsync", "_functions")
DATA_SOURCES = Internal("services.appsync", "_data_sources")
CREATE_API = Internal("services.appsync", "_create_graphql_api", ("body",))
UPDATE_API = Internal("services.appsync", "_update_graphql_api", ("api_id", "body"))
CREATE_KEY = Internal("services.appsync", "_create_api_key", ("api_id", "body"))
UPDATE_KEY = Internal("services.appsync", "_update_api_key", ("api_id", "key_id", "body"))
CREATE_SOURCE = Internal("services.appsync", "_create_data_source", ("api_id", "body"))
UPDATE_SOURCE = Internal("services.appsync", "_update_data_source", ("api_id", "name", "body"))
CREATE_RESOLVER = Internal("services.appsync", "_create_resolver", ("api_id", "type_name", "body"))
UPDATE_RESOLVER = Internal("services.appsync", "_update_resolver", ("api_id", "type_name", "field_name", "body"))
CREATE_FUNCTION = Internal("services.appsync", "_create_function", ("api_id", "body"))
UPDATE_FUNCTION = Internal("services.appsync", "_update_function", ("api_id", "function_id", "body"))
DELETE_FUNCTION = Internal("services.appsync", "_delete_function", ("api_id", "function_id"))
CREATE_SCHEMA = Internal("services.appsync", "_start_schema_creation", ("api_id", "body"))
CREATE_TYPE = Internal("services.appsync", "_create_type", ("api_id", "body"))
UPDATE_TYPE = Internal("services.appsync", "_update_type", ("api_id", "type_name", "body"))
GET_TYPE = Internal("services.appsync", "_get_type", ("api_id", "type_name", "query_params"))
LIST_TYPES = Internal("services.appsync", "_list_types", ("api_id", "query_params"))
PUT_VARIABLES = Internal("services.appsync", "_put_environment_variables", ("api_id", "body"))
CREATE_CACHE = Internal("services.appsync", "_create_api_cache", ("api_id", "data"))

_RESOLVERS_OF_FUNCTION = re.compile(r"/v1/apis/([^/]+)/functions/([^/]+)/resolvers")
_TYPE = re.compile(r"/v1/apis/[^/]+/types/[^/]+")
_NOT_EMULATED = ("/v1/domainnames", "/v1/mergedApis", "/v1/sourceApis", "/v1/datasources/introspections")
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


def install(endpoint: str) -> None:
    """Replace the base emulator's operations."""
    _Apis(endpoint).install()
    for operation in (_create_key, _update_key, _create_type, _update_type, _get_type, _list_types, _create_cache):
        _INTERNALS[operation].replace(_answering(operation))
    CREATE_SCHEMA.replace(_answering(_create_schema))
    DELETE_FUNCTION.replace(_answering(_delete_function(DELETE_FUNCTION.current())))
    PUT_VARIABLES.replace(_answering(_put_variables))
    create_source = CREATE_SOURCE.current()
    CREATE_SOURCE.replace(_answering(_create_source(create_source)))
    UPDATE_SOURCE.replace(_answering(_update_source(create_source)))
    create_resolver = CREATE_RESOLVER.current()
    CREATE_RESOLVER.replace(_answering(_create_resolver(create_resolver)))
    UPDATE_RESOLVER.replace(_answering(_update_resolver(create_resolver)))
    CREATE_FUNCTION.replace(_answering(_create_function(CREATE_FUNCTION.current())))
    UPDATE_FUNCTION.replace(_answering(_update_function(UPDATE_FUNCTION.current())))
    HANDLE.replace(_handle(HANDLE.current()))


def _answering(operation: Callable[..., Any]) -> Callable[..., Answer]:
    """The operation as the base emulator calls it: with an error of AppSync as its answer."""

    @wraps(operation)
    def answer(*given: Any) -> Answer:
        try:
            result = operation(*given)
        except Refused as refused:
            return answer_of(refused)
        return result if isinstance(result, tuple) else JSON.current()(200, result)

    return answer


class _Apis:
    """Creates and updates APIs; their URLs are on this machine."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def install(self) -> None:
        create = CREATE_API.current()

        def create_api(body: dict[str, Any]) -> Any:
            checks.check_model("CreateGraphqlApi", body)
            checks.check_api(body)
            created = raise_for(create(body))["graphqlApi"]
            return self._store(created["apiId"], APIS.current()[created["apiId"]], body)

        def update_api(api_id: str, body: dict[str, Any]) -> Any:
            record = _existing(api_id)
            checks.check_model("UpdateGraphqlApi", {**body, "apiId": api_id})
            checks.check_api({**body, "apiType": record.get("apiType")})
            return self._store(api_id, record, body)

        CREATE_API.replace(_answering(create_api))
        UPDATE_API.replace(_answering(update_api))

    def _store(self, api_id: str, record: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
        """Store an API's settings in one step, so that a request sees those before or those after."""
        changed = {name: value for name, value in record.items() if name not in _SETTINGS}
        changed |= {name: body[name] for name in _SETTINGS if body.get(name) is not None}
        changed |= {name: default if body.get(name) is None else body[name] for name, default in _DEFAULTS.items()}
        changed["uris"], changed["dns"] = urls.uris_of(self._endpoint, api_id), urls.dns_of(self._endpoint)
        changed["owner"] = str(record["arn"]).split(":")[4]
        changed["lastUpdatedAt"] = int(time.time())
        APIS.current()[api_id] = changed
        return {"graphqlApi": changed}


def _existing(api_id: str) -> dict[str, Any]:
    record: dict[str, Any] | None = APIS.current().get(api_id)
    if record is None:
        raise not_found(f"GraphQL API {api_id} not found.")
    return record


def _put_variables(api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    record = _existing(api_id)
    checks.check_variables(body.get("environmentVariables"))
    APIS.current()[api_id] = {**record, "environmentVariables": dict(body["environmentVariables"])}
    return {"environmentVariables": body["environmentVariables"]}


def _create_key(api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    _existing(api_id)
    now, expires, key_id = int(time.time()), api_keys.expiry(body.get("expires")), api_keys.new_id()
    key = {"id": key_id, "description": body.get("description") or "", "expires": expires}
    KEYS.current().setdefault(api_id, {})[key_id] = {**key, "deletes": api_keys.deletion(expires), "createdAt": now}
    return {"apiKey": {**key, "deletes": api_keys.deletion(expires)}}


def _update_key(api_id: str, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
    _existing(api_id)
    keys = KEYS.current().get(api_id) or {}
    if key_id not in keys:
        raise not_found(f"API key not found: {key_id}")
    key = dict(keys[key_id])
    if body.get("description") is not None:
        key["description"] = body["description"]
    if body.get("expires") is not None:
        key["expires"] = api_keys.expiry(body["expires"])
        key["deletes"] = api_keys.deletion(key["expires"])
    keys[key_id] = key
    return {"apiKey": key}


def _create_schema(api_id: str, body: dict[str, Any]) -> dict[str, Any]:
    _existing(api_id)
    definition = schemas.decoded(body.get("definition"))
    with suppress(InvalidSchema):  # AppSync reports it with GetSchemaCreationStatus
        schemas.create(api_id, definition)
    return {"status": "PROCESSING"}


def _create_source(create: Callable[..., Answer]) -> Callable[..., Any]:
    def create_source(api_id: str, body: dict[str, Any]) -> Any:
        _existing(api_id)
        checks.check_model("CreateDataSource", {**body, "apiId": api_id})
        checks.check_data_source(body)
        if body["name"] in (DATA_SOURCES.current().get(api_id) or {}):
            raise Refused(f"Data source with name {body['name']} already exists")
        return create(api_id, body)

    return create_source


def _update_source(create: Callable[..., Answer]) -> Callable[..., Any]:
    def update_source(api_id: str, name: str, body: dict[str, Any]) -> Any:
        _existing(api_id)
        before = (DATA_SOURCES.current().get(api_id) or {}).get(name)
        if before is None:
            raise not_found(f"No data source found named {name}")
        given = {**body, "name": name}
        checks.check_model("UpdateDataSource", {**given, "apiId": api_id})
        checks.check_data_source(given)
        raise_for(create(api_id, given))
        record = DATA_SOURCES.current()[api_id][name]
        record["createdAt"] = before["createdAt"]
        return {"dataSource": record}

    return update_source


def _create_resolver(create: Callable[..., Answer]) -> Callable[..., Any]:
    def create_resolver(api_id: str, type_name: str, body: dict[str, Any]) -> Any:
        _check_resolver("CreateResolver", api_id, type_name, body)
        if body["fieldName"] in ((RESOLVERS.current().get(api_id) or {}).get(type_name) or {}):
            raise Refused("Only one resolver is allowed per field.")
        return create(api_id, type_name, body)

    return create_resolver


def _update_resolver(create: Callable[..., Answer]) -> Callable[..., Any]:
    def update_resolver(api_id: str, type_name: str, field_name: str, body: dict[str, Any]) -> Any:
        _existing(api_id)
        before = ((RESOLVERS.current().get(api_id) or {}).get(type_name) or {}).get(field_name)
        if before is None:
            raise not_found("No resolver found.")
        given = {**body, "fieldName": field_name}
        _check_resolver("UpdateResolver", api_id, type_name, given)
        raise_for(create(api_id, type_name, given))
        record = RESOLVERS.current()[api_id][type_name][field_name]
        record["createdAt"] = before["createdAt"]
        return {"resolver": record}

    return update_resolver


def _check_resolver(operation: str, api_id: str, type_name: str, given: dict[str, Any]) -> None:
    _existing(api_id)
    checks.check_model(operation, {**given, "apiId": api_id, "typeName": type_name})
    schemas.check_field(api_id, type_name, given["fieldName"])
    checks.check_resolver(api_id, given)


def _create_function(create: Callable[..., Answer]) -> Callable[..., Any]:
    def create_function(api_id: str, body: dict[str, Any]) -> Any:
        _existing(api_id)
        checks.check_model("CreateFunction", {**body, "apiId": api_id})
        checks.check_function(api_id, body)
        return create(api_id, body)

    return create_function


def _update_function(update: Callable[..., Answer]) -> Callable[..., Any]:
    def update_function(api_id: str, function_id: str, body: dict[str, Any]) -> Any:
        _existing(api_id)
        checks.check_model("UpdateFunction", {**body, "apiId": api_id, "functionId": function_id})
        checks.check_function(api_id, body)
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


def _create_type(api_id: str, body: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    raise Refused("CreateType is not emulated: change the whole schema with StartSchemaCreation.")


def _update_type(api_id: str, type_name: str, body: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    raise Refused("UpdateType is not emulated: change the whole schema with StartSchemaCreation.")


def _get_type(api_id: str, type_name: str, query_params: Mapping[str, Any]) -> dict[str, Any]:
    arn = str(_existing(api_id)["arn"])
    return {"type": schemas.describe_type(api_id, arn, type_name, _format(query_params))}


def _list_types(api_id: str, query_params: Mapping[str, Any]) -> dict[str, Any]:
    arn = str(_existing(api_id)["arn"])
    return {"types": schemas.list_types(api_id, arn, _format(query_params))}


def _format(query_params: Mapping[str, Any]) -> str:
    given = query_params.get("format") or "SDL"
    return str(given[0] if isinstance(given, list) else given)


def _create_cache(api_id: str, data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    raise Refused("Caches of APIs are not emulated.")


_INTERNALS = {
    _create_key: CREATE_KEY,
    _update_key: UPDATE_KEY,
    _create_type: CREATE_TYPE,
    _update_type: UPDATE_TYPE,
    _get_type: GET_TYPE,
    _list_types: LIST_TYPES,
    _create_cache: CREATE_CACHE,
}


def _handle(handle: Callable[..., Any]) -> Callable[..., Any]:
    """The base emulator's router, with the operations it lacks."""

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Any:
        found = _RESOLVERS_OF_FUNCTION.fullmatch(path)
        try:
            if found and method == "GET":
                return JSON.current()(200, _list_resolvers_by_function(found[1], unquote(found[2])))
            if method == "DELETE" and _TYPE.fullmatch(path):
                raise Refused("DeleteType is not emulated: change the whole schema with StartSchemaCreation.")
            if path.startswith(_NOT_EMULATED) or path.endswith("/sourceApiAssociations"):
                raise Refused(f"{method} {path} is not emulated.")
        except Refused as refused:
            return answer_of(refused)
        return await handle(method, path, headers, body, query_params)

    return handle_request


def _list_resolvers_by_function(api_id: str, function_id: str) -> dict[str, Any]:
    _existing(api_id)
    if function_id not in (FUNCTIONS.current().get(api_id) or {}):
        raise not_found(f"No function found with id {function_id}")
    return {"resolvers": _resolvers_of(api_id, function_id)}
