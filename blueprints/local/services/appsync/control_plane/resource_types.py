"""CloudFormation's types of AppSync. Each resource is made by the operation that a client would call, with its checks.

Source: AWS CloudFormation Template Reference, AWS::AppSync.
"""

from collections.abc import Callable, Mapping
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Made, Properties, ResourceFailed
from blueprints.local.services.appsync.control_plane import (
    api_keys,
    apis,
    data_sources,
    functions,
    resolvers,
    schemas,
)
from blueprints.local.services.appsync.control_plane.errors import Refused, raise_for
from blueprints.local.services.appsync.control_plane.properties import code_members, members, text
from blueprints.local.services.appsync.schemas import InvalidSchema

REPLACING = Internal("services.cloudformation.provisioners", "_REPLACING_PROPERTIES")
TAGS = Internal("services.appsync", "_tags")

_PREFIX = "AWS::AppSync::"
_KINDS = {"NotFoundException": "NotFound", "AccessDeniedException": "AccessDenied"}
_SET_APART = ("Tags", "EnvironmentVariables")


def install() -> None:
    """Tell CloudFormation which properties replace a resource."""
    REPLACING.current().update(
        {
            f"{_PREFIX}GraphQLApi": ("ApiType", "Visibility"),
            f"{_PREFIX}GraphQLSchema": ("ApiId",),
            f"{_PREFIX}ApiKey": ("ApiId",),
            f"{_PREFIX}DataSource": ("ApiId", "Name"),
            f"{_PREFIX}FunctionConfiguration": ("ApiId",),
            f"{_PREFIX}Resolver": ("ApiId", "TypeName", "FieldName"),
        }
    )


def handlers() -> dict[str, dict[str, Handler]]:
    """Each type with its `create`, `update` and `delete`."""
    types: dict[str, tuple[Handler, Handler, Handler]] = {
        "GraphQLApi": (_create_api, _update_api, _delete_api),
        "GraphQLSchema": (_create_schema, _update_schema, _delete_schema),
        "ApiKey": (_create_key, _update_key, _delete_key),
        "DataSource": (_create_source, _update_source, _delete_source),
        "FunctionConfiguration": (_create_function, _update_function, _delete_function),
        "Resolver": (_create_resolver, _update_resolver, _delete_resolver),
    }
    return {
        _PREFIX + name: {
            operation: _reporting(handler)
            for operation, handler in zip(("create", "update", "delete"), each, strict=True)
        }
        for name, each in types.items()
    }


def _reporting(handler: Handler) -> Handler:
    """The handler, with an error of AppSync as the reason why the resource failed."""

    def handle(*given: Any, **more: Any) -> Any:
        try:
            return handler(*given, **more)
        except Refused as refused:
            kind = _KINDS.get(refused.code, "InvalidRequest")
            service = f" (Service: AppSync, Status Code: {refused.status})"
            raise _failed(f"{refused.message}{service}", kind) from refused

    return handle


def _failed(message: str, kind: str) -> ResourceFailed:
    return ResourceFailed(f'Resource handler returned message: "{message}" (HandlerErrorCode: {kind})')


# GraphQLApi


def _create_api(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    body, variables = {**members(props, _SET_APART), "tags": _tags(props)}, _variables(props)
    record = raise_for(apis.CREATE.current()(body))["graphqlApi"]
    _set_variables(record["apiId"], variables)
    return _api_made(record)


def _update_api(physical_id: str, old: Properties, new: Properties, *_: Any) -> Made:
    api_id = physical_id.rsplit("/", 1)[-1]
    variables = _variables(new)
    record = raise_for(apis.UPDATE.current()(api_id, members(new, _SET_APART)))["graphqlApi"]
    kept = {name: value for name, value in (TAGS.current().get(physical_id) or {}).items() if name not in _tags(old)}
    TAGS.current()[physical_id] = {**kept, **_tags(new)}
    _set_variables(api_id, variables)
    return _api_made(record)


def _delete_api(physical_id: str, props: Properties) -> None:  # noqa: ARG001
    _delete(apis.DELETE.current(), physical_id.rsplit("/", 1)[-1])


def _api_made(record: Mapping[str, Any]) -> Made:
    api_id, arn = str(record["apiId"]), str(record["arn"])
    uris, dns = record["uris"], record["dns"]
    return arn, {
        "ApiId": api_id,
        "Arn": arn,
        "GraphQLUrl": uris["GRAPHQL"],
        "RealtimeUrl": uris["REALTIME"],
        "GraphQLDns": dns["GRAPHQL"],
        "RealtimeDns": dns["REALTIME"],
        "GraphQLEndpointArn": arn.replace(":apis/", ":endpoints/graphql-api/"),
    }


def _variables(props: Properties) -> dict[str, str]:
    """The environment variables. Raises Refused before anything is made that nothing would delete."""
    variables = {name: str(value) for name, value in (props.get("EnvironmentVariables") or {}).items()}
    apis.check_variables(variables)
    return variables


def _set_variables(api_id: str, variables: Mapping[str, str]) -> None:
    raise_for(apis.PUT_VARIABLES.current()(api_id, {"environmentVariables": variables}))


def _tags(props: Properties) -> dict[str, str]:
    return {str(each["Key"]): str(each.get("Value", "")) for each in props.get("Tags") or ()}


# GraphQLSchema


def _create_schema(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    api_id = str(props.get("ApiId"))
    definition = text(props, "Definition", "DefinitionS3Location")
    if not definition:
        raise _failed("One of Definition and DefinitionS3Location must be given", "InvalidRequest")
    if api_id not in apis.APIS.current():
        raise Refused(f"GraphQL API {api_id} not found.", "NotFoundException", 404)
    try:
        schemas.create(api_id, definition)
    except InvalidSchema as error:
        message = f"Schema Creation Status is FAILED with details: {schemas.details_of(error)}"
        raise _failed(message, "GeneralServiceException") from error
    return f"{api_id}GraphQLSchema", {"Id": f"{api_id}GraphQLSchema"}


def _update_schema(physical_id: str, old: Properties, new: Properties, *_: Any) -> Made:  # noqa: ARG001
    return _create_schema(physical_id, new, "")


def _delete_schema(physical_id: str, props: Properties) -> None:
    api_id = str(props.get("ApiId") or physical_id.removesuffix("GraphQLSchema"))
    schemas.SCHEMAS.current().pop(api_id, None)


# ApiKey


def _create_key(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    key = raise_for(api_keys.CREATE.current()(str(props.get("ApiId")), members(props, ("ApiId",))))["apiKey"]
    return _key_made(props, str(key["id"]))


def _update_key(physical_id: str, old: Properties, new: Properties, *_: Any) -> Made:
    key_id, body = physical_id.rsplit("/", 1)[-1], {"description": new.get("Description") or ""}
    if new.get("Expires") != old.get("Expires"):
        body["expires"] = api_keys.expiry(new.get("Expires"))
    raise_for(api_keys.UPDATE.current()(str(new.get("ApiId")), key_id, body))
    return _key_made(new, key_id)


def _delete_key(physical_id: str, props: Properties) -> None:
    _delete(api_keys.DELETE.current(), str(props.get("ApiId")), physical_id.rsplit("/", 1)[-1])


def _key_made(props: Properties, key_id: str) -> Made:
    arn = f"{apis.APIS.current()[str(props['ApiId'])]['arn']}/apikeys/{key_id}"
    return arn, {"ApiKey": key_id, "ApiKeyId": key_id, "Arn": arn}


# DataSource


def _create_source(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    body = members(props, ("ApiId",))
    return _source_made(data_sources.CREATE.current()(str(props.get("ApiId")), body))


def _update_source(physical_id: str, old: Properties, new: Properties, *_: Any) -> Made:  # noqa: ARG001
    body = members(new, ("ApiId", "Name"))
    return _source_made(data_sources.UPDATE.current()(str(new.get("ApiId")), str(new.get("Name")), body))


def _delete_source(physical_id: str, props: Properties) -> None:
    _delete(data_sources.DELETE.current(), str(props.get("ApiId")), physical_id.rsplit("/", 1)[-1])


def _source_made(answer: Any) -> Made:
    source = raise_for(answer)["dataSource"]
    return source["dataSourceArn"], {"DataSourceArn": source["dataSourceArn"], "Name": source["name"]}


# FunctionConfiguration


def _create_function(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    return _function_made(functions.CREATE.current()(str(props.get("ApiId")), code_members(props)))


def _update_function(physical_id: str, old: Properties, new: Properties, *_: Any) -> Made:  # noqa: ARG001
    function_id = physical_id.rsplit("/", 1)[-1]
    return _function_made(functions.UPDATE.current()(str(new.get("ApiId")), function_id, code_members(new)))


def _delete_function(physical_id: str, props: Properties) -> None:
    _delete(functions.DELETE.current(), str(props.get("ApiId")), physical_id.rsplit("/", 1)[-1])


def _function_made(answer: Any) -> Made:
    function = raise_for(answer)["functionConfiguration"]
    return function["functionArn"], {
        "FunctionArn": function["functionArn"],
        "FunctionId": function["functionId"],
        "Name": function["name"],
        "DataSourceName": function["dataSourceName"],
    }


# Resolver


def _create_resolver(logical_id: str, props: Properties, stack_name: str) -> Made:  # noqa: ARG001
    api_id, type_name = str(props.get("ApiId")), str(props.get("TypeName"))
    return _resolver_made(resolvers.CREATE.current()(api_id, type_name, code_members(props)))


def _update_resolver(physical_id: str, old: Properties, new: Properties, *_: Any) -> Made:  # noqa: ARG001
    api_id, type_name, field = (str(new.get(name)) for name in ("ApiId", "TypeName", "FieldName"))
    return _resolver_made(resolvers.UPDATE.current()(api_id, type_name, field, code_members(new)))


def _delete_resolver(physical_id: str, props: Properties) -> None:  # noqa: ARG001
    api_id, type_name, field = (str(props.get(name)) for name in ("ApiId", "TypeName", "FieldName"))
    _delete(resolvers.DELETE.current(), api_id, type_name, field)


def _resolver_made(answer: Any) -> Made:
    resolver = raise_for(answer)["resolver"]
    names = {"FieldName": resolver["fieldName"], "TypeName": resolver["typeName"]}
    return resolver["resolverArn"], {"ResolverArn": resolver["resolverArn"], **names}


def _delete(operation: Callable[..., Any], *given: str) -> None:
    """Delete something; it may be gone, also with its API."""
    try:
        raise_for(operation(*given))
    except Refused as refused:
        if refused.code != "NotFoundException":
            raise
