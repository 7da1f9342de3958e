"""GraphQL APIs of templates, and requests to them over HTTP."""

import json
import urllib.error
import urllib.request
import uuid
from typing import Any, NamedTuple

from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from tests.local.resources import ROLE, function_resource

APPSYNC = "appsync.amazonaws.com"


def source_role(*actions: str, service: str = APPSYNC) -> dict[str, Any]:
    """A role of a data source, allowed to do the given actions anywhere."""
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": list(actions) or ["none:None"], "Resource": "*"}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [{"PolicyName": "source", "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]}}],
        },
    }


def api_id() -> dict[str, Any]:
    """The id of the stack's API."""
    return {"Fn::GetAtt": ["Api", "ApiId"]}


def lambda_source(function: str = "Function", role: str = "SourceRole", name: str = "Functions") -> dict[str, Any]:
    """A data source that invokes a function of the stack."""
    return {
        "Type": "AWS::AppSync::DataSource",
        "Properties": {
            "ApiId": api_id(),
            "Name": name,
            "Type": "AWS_LAMBDA",
            "ServiceRoleArn": {"Fn::GetAtt": [role, "Arn"]},
            "LambdaConfig": {"LambdaFunctionArn": {"Fn::GetAtt": [function, "Arn"]}},
        },
    }


def resolver(type_name: str, field: str, source: str = "Functions", **properties: Any) -> dict[str, Any]:
    """A unit resolver; without `Code`, a direct Lambda resolver. `DependsOn` names what is made before it."""
    depends_on = properties.pop("DependsOn", ["Schema", "Source"])
    if "Code" in properties:
        properties["Runtime"] = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
    return {
        "Type": "AWS::AppSync::Resolver",
        "DependsOn": depends_on,
        "Properties": {
            "ApiId": api_id(),
            "TypeName": type_name,
            "FieldName": field,
            "DataSourceName": source,
            **properties,
        },
    }


class Answer(NamedTuple):
    """What the endpoint answered."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def data(self) -> Any:
        """`data` of a response without errors."""
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def error(self) -> dict[str, Any]:
        """The only error."""
        (error,) = self.body["errors"]
        return dict(error)

    @property
    def messages(self) -> list[str]:
        """The messages of all errors."""
        return [each["message"] for each in self.body["errors"]]


class Api:
    """A deployed API and its key."""

    def __init__(self, cloud: Cloud, api_id: str, key: str | None) -> None:
        self.cloud = cloud
        self.api_id = api_id
        self.key = key

    def ask(self, query: str, headers: dict[str, str | None] | None = None, **variables: Any) -> Answer:
        """Send an operation."""
        return self.send({"query": query, "variables": variables}, headers)

    def send(
        self, body: Any, headers: dict[str, str | None] | None = None, method: str = "POST", query_string: str = ""
    ) -> Answer:
        """Send a body, as it is if it is bytes. A header that is None is left out, such as the key."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"x-api-key": self.key, "Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(
            f"{self.cloud.endpoint}/v1/apis/{self.api_id}/graphql{query_string}",
            content,
            {name: value for name, value in given.items() if value is not None},
            method=method,
        )
        try:
            with urllib.request.urlopen(request) as response:
                return _answer(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as refused:
            return _answer(refused.code, refused.read(), refused.headers)


def _answer(status: int, content: bytes, headers: Any) -> Answer:
    lower = {name.lower(): value for name, value in headers.items()}
    return Answer(status, json.loads(content) if content else None, lower)


def deploy_api(cloud: Cloud, schema: str, source: str, settings: dict[str, Any] | None = None, **resources: Any) -> Api:
    """Deploy an API with a key, a function, a data source that invokes it, and more resources by logical id."""
    stack = deploy(
        cloud,
        f"graphql-{uuid.uuid4().hex[:12]}",
        json.dumps(
            {
                "Resources": {
                    "Role": ROLE,
                    "SourceRole": source_role("lambda:InvokeFunction"),
                    "Function": function_resource(source),
                    "Api": {
                        "Type": "AWS::AppSync::GraphQLApi",
                        "Properties": {"Name": "api", "AuthenticationType": "API_KEY", **(settings or {})},
                    },
                    "Schema": {
                        "Type": "AWS::AppSync::GraphQLSchema",
                        "Properties": {"ApiId": api_id(), "Definition": schema},
                    },
                    "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": api_id()}},
                    "Source": lambda_source(),
                    **resources,
                },
                "Outputs": {
                    "ApiId": {"Value": api_id()},
                    "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}},
                    "Function": {"Value": {"Ref": "Function"}},
                },
            }
        ),
    )
    return Api(cloud, stack.outputs["ApiId"], stack.outputs["Key"])
