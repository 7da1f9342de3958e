"""Lists the local URLs of a stack's APIs, GraphQL APIs and functions."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from blueprints.local.base.urls import with_local_urls

if TYPE_CHECKING:
    from blueprints.local.cloud import Cloud
    from blueprints.stacks.stack import Stack


@dataclass(frozen=True)
class Url:
    """The local URL of an API's stage or of a function URL."""

    resource: str
    """The logical id."""
    url: str
    routes: tuple[str, ...]
    """Its routes, such as `GET /hello`."""


def urls(cloud: "Cloud", stack: "Stack") -> list[dict[str, Any]]:
    """Every URL of a stack: `resource`, `url` and `routes`."""
    found = (
        *_rest_apis(cloud, stack),
        *_http_apis(cloud, stack),
        *_function_urls(cloud, stack),
        *_graphql_apis(cloud, stack),
    )
    return [{**asdict(each), "routes": list(each.routes)} for each in found]


def _rest_apis(cloud: "Cloud", stack: "Stack") -> Iterator[Url]:
    client = cloud.client("apigateway")
    for api in stack.of_type("AWS::ApiGateway::RestApi"):
        resources = client.get_paginator("get_resources").paginate(restApiId=api.physical_id)
        routes = sorted(
            f"{method} {each['path']}"
            for page in resources
            for each in page["items"]
            for method in each.get("resourceMethods") or {}
            if method != "OPTIONS"
        )
        for stage in client.get_stages(restApiId=api.physical_id)["item"]:
            # SAM's deployments create a stage of this name that the template does not define.
            if stage["stageName"] != "Stage":
                url = f"{cloud.endpoint}/_aws/execute-api/{api.physical_id}/{stage['stageName']}"
                yield Url(api.logical_id, url, tuple(routes))


def _http_apis(cloud: "Cloud", stack: "Stack") -> Iterator[Url]:
    client = cloud.client("apigatewayv2")
    for api in stack.of_type("AWS::ApiGatewayV2::Api"):
        sockets = client.get_api(ApiId=api.physical_id)["ProtocolType"] == "WEBSOCKET"
        routes = sorted(each["RouteKey"] for each in client.get_routes(ApiId=api.physical_id)["Items"])
        base = cloud.endpoint.replace("http", "ws", 1) if sockets else cloud.endpoint
        for stage in client.get_stages(ApiId=api.physical_id)["Items"]:
            name = "" if stage["StageName"] == "$default" else stage["StageName"]
            yield Url(api.logical_id, f"{base}/_aws/execute-api/{api.physical_id}/{name}", tuple(routes))


def _graphql_apis(cloud: "Cloud", stack: "Stack") -> Iterator[Url]:
    """A GraphQL API answers on the plain port, and with TLS, on which Amplify insists for subscriptions."""
    for api in stack.of_type("AWS::AppSync::GraphQLApi"):
        path = f"/v1/apis/{api.physical_id.rpartition('/')[2]}/graphql"
        for endpoint in (f"http://localhost:{cloud.port}", cloud.tls_endpoint):
            socket = endpoint.replace("http", "ws", 1) + path
            yield Url(
                api.logical_id, endpoint + path, ("POST for queries and mutations", f"{socket} for subscriptions")
            )


def _function_urls(cloud: "Cloud", stack: "Stack") -> Iterator[Url]:
    client = cloud.client("lambda")
    for each in stack.of_type("AWS::Lambda::Url"):
        name, _, qualifier = each.physical_id.partition(":")
        more = {"Qualifier": qualifier} if qualifier else {}
        found = client.get_function_url_config(FunctionName=name, **more)
        yield Url(each.logical_id, with_local_urls(found["FunctionUrl"], cloud.endpoint), ())
