"""The URLs of GraphQL APIs that `up` prints: both answer."""

import json
import ssl
import urllib.request
import uuid

from blueprints.local.deployment import deploy
from blueprints.local.urls import urls
from tests.local.appsync.graphql_apis import api_id

TEMPLATE = {
    "Resources": {
        "Api": {"Type": "AWS::AppSync::GraphQLApi", "Properties": {"Name": "api", "AuthenticationType": "API_KEY"}},
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {"ApiId": api_id(), "Definition": "type Query { ready: Boolean }"},
        },
        "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": api_id()}},
    },
    "Outputs": {
        "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}},
        "Url": {"Value": {"Fn::GetAtt": ["Api", "GraphQLUrl"]}},
        "RealtimeUrl": {"Value": {"Fn::GetAtt": ["Api", "RealtimeUrl"]}},
    },
}


def test_a_graphql_api_is_listed_on_both_ports_and_answers_there(cloud):
    stack = deploy(cloud, f"urls-{uuid.uuid4().hex[:12]}", json.dumps(TEMPLATE))

    plain, encrypted = urls(cloud, stack)

    assert plain["resource"] == encrypted["resource"] == "Api"
    assert plain["url"] == stack.outputs["Url"]
    assert plain["routes"][1] == f"{stack.outputs['RealtimeUrl']} for subscriptions"
    assert encrypted["url"].startswith(cloud.tls_endpoint)
    assert encrypted["routes"][1].startswith("wss://localhost:")
    trusting = ssl.create_default_context(cafile=str(cloud.certificate_authority))
    for each, context in ((plain, None), (encrypted, trusting)):
        body = json.dumps({"query": "{ ready }"}).encode()
        asked = urllib.request.Request(each["url"], body, {"x-api-key": stack.outputs["Key"]})
        with urllib.request.urlopen(asked, context=context) as answer:
            assert json.load(answer) == {"data": {"ready": None}}
