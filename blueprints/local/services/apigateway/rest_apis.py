"""REST APIs of templates: the parts of an OpenAPI body that decide how a request is answered."""

import json
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.apigateway import openapi

_PART = ("api_id", "resource_id", "http_method", "data")
_RESPONSE = ("api_id", "resource_id", "http_method", "status_code", "data")
IMPORT_API = Internal("services.apigateway_v1", "_import_rest_api", ("spec", "base_data"))
CREATE_API = Internal("services.apigateway_v1", "_create_rest_api", ("data",))
IMPORT_SCHEMES = Internal("services.apigateway_v1", "_import_security_schemes", ("api_id", "spec"))
METHOD_SECURITY = Internal("services.apigateway_v1", "_method_security", ("security", "scheme_map"))
RESOURCES = Internal("services.apigateway_v1", "_resources")
CREATE_RESOURCE = Internal("services.apigateway_v1", "_create_resource", ("api_id", "parent_id", "data"))
PUT_METHOD = Internal("services.apigateway_v1", "_put_method", _PART)
PUT_INTEGRATION = Internal("services.apigateway_v1", "_put_integration", _PART)
PUT_METHOD_RESPONSE = Internal("services.apigateway_v1", "_put_method_response", _RESPONSE)
PUT_INTEGRATION_RESPONSE = Internal("services.apigateway_v1", "_put_integration_response", _RESPONSE)
PUT_GATEWAY_RESPONSE = Internal("services.apigateway_v1", "_put_gateway_response", ("api_id", "response_type", "data"))
CREATE_VALIDATOR = Internal("services.apigateway_v1", "_create_request_validator", ("api_id", "data"))
CREATE_MODEL = Internal("services.apigateway_v1", "_create_model", ("api_id", "data"))

_API = "AWS::ApiGateway::RestApi"
_PREFIX = "x-amazon-apigateway-"
_WHERE = {"query": "querystring", "header": "header", "path": "path"}


def install() -> None:
    """Replace the base emulator's import, and read definitions from S3."""
    IMPORT_API.replace(_import)
    registry = REGISTRY.current()
    stock = registry[_API]
    registry[_API] = {**stock, "create": _create(stock["create"]), "update": _update(stock["update"])}


def _create(create: Callable[..., Any]) -> Callable[..., Any]:
    def with_definition(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        return create(logical_id, _with_body(props), stack_name)

    return with_definition


def _update(update: Callable[..., Any]) -> Callable[..., Any]:
    def with_definition(api_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> Any:
        return update(api_id, _with_body(old), _with_body(new), *rest, **more)

    return with_definition


def _with_body(props: dict[str, Any]) -> dict[str, Any]:
    definition = openapi.definition_of(props)
    if definition is None:
        return props
    types = definition.get(f"{_PREFIX}binary-media-types") or props.get("BinaryMediaTypes") or []
    # SAM writes the types a second time as JSON pointers do: image~1png.
    binary = [str(each).replace("~1", "/") for each in types]
    return {**props, "Body": definition, "BinaryMediaTypes": binary}


def _import(spec: openapi.Definition, base_data: dict[str, Any] | None = None) -> str:
    """Create a REST API from a definition; returns its id."""
    about = spec.get("info") or {}
    said = {
        "name": str(about.get("title") or ""),
        "version": str(about.get("version") or ""),
        "description": str(about.get("description") or ""),
        "policy": spec.get(f"{_PREFIX}policy"),
        "apiKeySource": spec.get(f"{_PREFIX}api-key-source"),
        "minimumCompressionSize": spec.get(f"{_PREFIX}minimum-compression-size"),
    }
    given = {name: value for name, value in (base_data or {}).items() if value}
    data = {**{name: value for name, value in said.items() if value}, **given}
    api_id = str(_answer(CREATE_API.current()(data))["id"])
    for name, response in (spec.get(f"{_PREFIX}gateway-responses") or {}).items():
        _answer(PUT_GATEWAY_RESPONSE.current()(api_id, name, response))
    _Import(api_id, spec).run()
    return api_id


class _Import:
    """Fills one API from its definition."""

    def __init__(self, api_id: str, spec: openapi.Definition) -> None:
        self._api_id = api_id
        self._spec = spec
        self._schemes = IMPORT_SCHEMES.current()(api_id, spec)
        self._validators = {
            name: str(_answer(CREATE_VALIDATOR.current()(api_id, {"name": name, **written}))["id"])
            for name, written in (spec.get(f"{_PREFIX}request-validators") or {}).items()
        }

    def run(self) -> None:
        schemas = self._spec.get("definitions") or (self._spec.get("components") or {}).get("schemas") or {}
        for name, schema in schemas.items():
            _answer(CREATE_MODEL.current()(self._api_id, {"name": name, "schema": json.dumps(schema)}))
        for path in self._spec.get("paths") or {}:
            self._resource(path)  # also one without methods
        for path, method, operation in openapi.operations(self._spec):
            self._operation(self._resource(path), method, operation)

    def _resource(self, path: str) -> str:
        """The id of a path's resource; creates it and those above it if necessary."""
        resources = RESOURCES.current()[self._api_id]
        found = next(str(name) for name, each in resources.items() if each["path"] == "/")
        for part in filter(None, path.split("/")):
            below = (name for name, each in resources.items() if (each["parentId"], each["pathPart"]) == (found, part))
            known = next(below, None)
            found = str(known or _answer(CREATE_RESOURCE.current()(self._api_id, found, {"pathPart": part}))["id"])
        return found

    def _operation(self, resource: str, method: str, operation: dict[str, Any]) -> None:
        place = (self._api_id, resource, method)
        security = operation.get("security", self._spec.get("security"))
        data = {
            **METHOD_SECURITY.current()(security, self._schemes),
            "operationName": operation.get("operationId", ""),
            "requestParameters": _parameters(operation),
            "requestModels": _models(operation),
            "requestValidatorId": self._validator(operation),
        }
        _answer(PUT_METHOD.current()(*place, data))
        for status, response in (operation.get("responses") or {}).items():
            headers = (response or {}).get("headers") or {}
            declared = {f"method.response.header.{name}": False for name in headers}
            _answer(PUT_METHOD_RESPONSE.current()(*place, str(status), {"responseParameters": declared}))
        integration = openapi.integration_of(self._spec, operation)
        if integration is None:
            return
        kind = str(integration.get("type") or "").upper() or None
        _answer(PUT_INTEGRATION.current()(*place, {**integration, "type": kind}))
        for pattern, response in (integration.get("responses") or {}).items():
            selected = {**response, "selectionPattern": "" if pattern == "default" else pattern}
            status = str(response.get("statusCode", "200"))
            _answer(PUT_INTEGRATION_RESPONSE.current()(*place, status, selected))

    def _validator(self, operation: dict[str, Any]) -> str | None:
        name = operation.get(f"{_PREFIX}request-validator", self._spec.get(f"{_PREFIX}request-validator"))
        return self._validators.get(str(name))


def _parameters(operation: dict[str, Any]) -> dict[str, bool]:
    return {
        f"method.request.{_WHERE[each['in']]}.{each['name']}": bool(each.get("required"))
        for each in operation.get("parameters") or []
        if each.get("in") in _WHERE
    }


def _models(operation: dict[str, Any]) -> dict[str, str]:
    """Content type to the model of the body, of OpenAPI 3 or Swagger 2."""
    content = (operation.get("requestBody") or {}).get("content") or {}
    schemas = {kind: (each or {}).get("schema") or {} for kind, each in content.items()}
    for each in operation.get("parameters") or []:
        if each.get("in") == "body":
            schemas["application/json"] = each.get("schema") or {}
    return {kind: str(schema["$ref"]).rsplit("/", 1)[-1] for kind, schema in schemas.items() if "$ref" in schema}


def _answer(response: tuple[int, dict[str, str], Any]) -> dict[str, Any]:
    """The service's response."""
    status, _, body = response
    answer: dict[str, Any] = json.loads(body) if body else {}
    if status >= 400:
        raise ResourceFailed(str(answer.get("message") or answer))
    return answer
