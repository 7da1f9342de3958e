"""HTTP APIs of templates: routes, integrations, authorizers and CORS from an OpenAPI body, and quick create."""

from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.apigateway import openapi

APIS = Internal("services.apigateway", "_apis")
ROUTES = Internal("services.apigateway", "_routes")
INTEGRATIONS = Internal("services.apigateway", "_integrations")
AUTHORIZERS = Internal("services.apigateway", "_authorizers")

_API = "AWS::ApiGatewayV2::Api"
_DEFAULT = "$default"

_Made = tuple[str, dict[str, Any]]


def install() -> None:
    """Make CloudFormation create the routes of an HTTP API from its definition."""
    registry = REGISTRY.current()
    stock = registry[_API]
    registry[_API] = {**stock, "create": _create(stock["create"]), "update": _update(stock["update"])}


def _create(create: Callable[..., _Made]) -> Callable[..., _Made]:
    def filled(logical_id: str, props: dict[str, Any], stack_name: str) -> _Made:
        definition = openapi.definition_of(props)
        api_id, attributes = create(logical_id, _completed(props, definition), stack_name)
        _fill(api_id, props, definition)
        return api_id, attributes

    return filled


def _update(update: Callable[..., _Made]) -> Callable[..., _Made]:
    def filled(api_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> _Made:
        definition = openapi.definition_of(new)
        updated_id, attributes = update(api_id, old, _completed(new, definition), *rest, **more)
        if definition is not None:
            for store in (ROUTES, INTEGRATIONS, AUTHORIZERS):
                store.current()[updated_id] = {}
        _fill(updated_id, new, definition)
        return updated_id, attributes

    return filled


def _completed(props: dict[str, Any], definition: openapi.Definition | None) -> dict[str, Any]:
    """The template's properties, completed by those of the definition."""
    about = (definition or {}).get("info") or {}
    said = {"Name": about.get("title"), "Description": about.get("description"), "Version": about.get("version")}
    return {**{name: str(value) for name, value in said.items() if value}, **props}


def _fill(api_id: str, props: dict[str, Any], definition: openapi.Definition | None) -> None:
    api = APIS.current()[api_id]
    cors = props.get("CorsConfiguration") or (definition or {}).get("x-amazon-apigateway-cors")
    if isinstance(cors, dict):
        api["corsConfiguration"] = {name[:1].lower() + name[1:]: value for name, value in cors.items()}
    if definition is not None:
        _import(api_id, definition)
    elif props.get("Target"):
        _quick_create(api_id, props)


def _import(api_id: str, definition: openapi.Definition) -> None:
    authorization = {
        name: _authorization(api_id, name, scheme) for name, scheme in openapi.security_schemes(definition).items()
    }
    for path, method, operation in openapi.operations(definition):
        key = _DEFAULT if path.strip("/") == _DEFAULT else f"{method} {path}"
        integration = openapi.integration_of(definition, operation)
        if integration is None:
            raise ResourceFailed(f"Route {key} of the API definition has no {openapi.INTEGRATION}.")
        target = _made("Integration", key, {"ApiId": api_id, **_integration(integration)})
        route: dict[str, Any] = {"ApiId": api_id, "RouteKey": key, "Target": f"integrations/{target}"}
        required = operation.get("security", definition.get("security")) or []
        for name, scopes in (each for requirement in required for each in requirement.items()):
            if name not in authorization:
                raise ResourceFailed(f"Route {key} of the API definition names the unknown security scheme {name}.")
            route |= {**authorization[name], "AuthorizationScopes": list(scopes or [])}
            break  # API Gateway uses the first
        _made("Route", key, route)


def _integration(written: dict[str, Any]) -> dict[str, Any]:
    """An integration of a definition, in CloudFormation's names."""
    named = {
        "IntegrationType": str(written.get("type", "")).upper() or None,
        "IntegrationSubtype": written.get("integrationSubtype"),
        "CredentialsArn": written.get("credentials"),
        "IntegrationUri": written.get("uri"),
        "IntegrationMethod": written.get("httpMethod"),
        "PayloadFormatVersion": str(written.get("payloadFormatVersion") or "1.0"),
        "TimeoutInMillis": written.get("timeoutInMillis"),
        "ConnectionType": written.get("connectionType"),
        "ConnectionId": written.get("connectionId"),
        "RequestParameters": written.get("requestParameters"),
        "ResponseParameters": written.get("responseParameters"),
    }
    return {name: value for name, value in named.items() if value is not None}


def _authorization(api_id: str, name: str, scheme: dict[str, Any]) -> dict[str, Any]:
    """The authorization of a route that names this security scheme."""
    written = scheme.get(openapi.AUTHORIZER)
    if not isinstance(written, dict):
        by_signature = str(scheme.get("x-amazon-apigateway-authtype", "")).lower() == "awssigv4"
        return {"AuthorizationType": "AWS_IAM"} if by_signature else {}
    kind = str(written.get("type", "")).upper()
    token = written.get("jwtConfiguration") or {}
    source = written.get("identitySource")
    named = {
        "ApiId": api_id,
        "Name": name,
        "AuthorizerType": kind,
        "IdentitySource": [source] if isinstance(source, str) else source,
        "JwtConfiguration": {"Audience": token.get("audience", []), "Issuer": token.get("issuer", "")},
        "AuthorizerUri": written.get("authorizerUri"),
        "AuthorizerPayloadFormatVersion": written.get("authorizerPayloadFormatVersion"),
        "AuthorizerResultTtlInSeconds": written.get("authorizerResultTtlInSeconds"),
        "EnableSimpleResponses": written.get("enableSimpleResponses"),
        "AuthorizerCredentialsArn": written.get("authorizerCredentials"),
    }
    made = _made("Authorizer", name, {key: value for key, value in named.items() if value is not None})
    return {"AuthorizationType": "JWT" if kind == "JWT" else "CUSTOM", "AuthorizerId": made}


def _quick_create(api_id: str, props: dict[str, Any]) -> None:
    """An API with a Target has one route and a stage that deploys itself."""
    target = str(props["Target"])
    kind = "HTTP_PROXY" if target.startswith(("http://", "https://")) else "AWS_PROXY"
    integration = _made("Integration", "Target", {"ApiId": api_id, "IntegrationType": kind, "IntegrationUri": target})
    route = {"ApiId": api_id, "RouteKey": props.get("RouteKey", _DEFAULT), "Target": f"integrations/{integration}"}
    _made("Route", "Target", route)
    _made("Stage", "Target", {"ApiId": api_id, "StageName": _DEFAULT, "AutoDeploy": True})


def _made(kind: str, logical_id: str, props: dict[str, Any]) -> str:
    """Create a part of an API as CloudFormation would; returns its id."""
    physical_id, _ = REGISTRY.current()[f"AWS::ApiGatewayV2::{kind}"]["create"](logical_id, props, "")
    return str(physical_id)
