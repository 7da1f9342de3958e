"""Local URLs of APIs and functions, in place of AWS's, which do not resolve."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from blueprints.local.cloud import Cloud
    from blueprints.stacks.stack import Stack

_ON_AWS = re.compile(
    r"(?P<scheme>https?|wss?)://(?P<id>[a-z0-9]+)\.(?P<service>execute-api|lambda-url)\.[\w.:-]*\w(?P<slash>/|(?=$|[^\w/]))"
)


@dataclass(frozen=True)
class Url:
    """The local URL of an API's stage or of a function URL."""

    resource: str
    """The logical id."""
    url: str
    routes: tuple[str, ...]
    """Its routes, such as `GET /hello`."""


def local(text: str, endpoint: str) -> str:
    """The text with AWS's URLs of APIs and functions replaced by those at `endpoint`."""

    def here(found: re.Match[str]) -> str:
        base = endpoint.replace("http", "ws", 1) if found["scheme"].startswith("ws") else endpoint
        return f"{base}/_aws/{found['service']}/{found['id']}/"

    return _ON_AWS.sub(here, text)


def urls(cloud: "Cloud", stack: "Stack") -> list[dict[str, Any]]:
    """Every URL of a stack: `resource`, `url` and `routes`."""
    found = (*_rest_apis(cloud, stack), *_http_apis(cloud, stack), *_function_urls(cloud, stack))
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


def _function_urls(cloud: "Cloud", stack: "Stack") -> Iterator[Url]:
    client = cloud.client("lambda")
    for each in stack.of_type("AWS::Lambda::Url"):
        name, _, qualifier = each.physical_id.partition(":")
        more = {"Qualifier": qualifier} if qualifier else {}
        found = client.get_function_url_config(FunctionName=name, **more)
        yield Url(each.logical_id, local(found["FunctionUrl"], cloud.endpoint), ())
