"""Tasks call APIs of API Gateway, with the machine's role where the API asks for it."""

import json

import pytest

from blueprints.local.deployment import deploy

INVOKE = "arn:aws:states:::apigateway:invoke"
SOURCE = """
import json

def handler(event, context):
    seen = {"path": event["path"], "tags": event["multiValueQueryStringParameters"], "body": event["body"]}
    return {"statusCode": 201, "headers": {"Content-Type": "application/json"}, "body": json.dumps(seen)}
"""
TEMPLATE = {
    "Transform": "AWS::Serverless-2016-10-31",
    "Resources": {
        "Api": {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "prod"}},
        "Function": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "InlineCode": SOURCE,
                "Handler": "index.handler",
                "Runtime": "python3.13",
                "Events": {
                    "Open": {
                        "Type": "Api",
                        "Properties": {"Path": "/open", "Method": "post", "RestApiId": {"Ref": "Api"}},
                    },
                    "Closed": {
                        "Type": "Api",
                        "Properties": {
                            "Path": "/closed",
                            "Method": "post",
                            "RestApiId": {"Ref": "Api"},
                            "Auth": {"Authorizer": "AWS_IAM", "InvokeRole": "NONE"},
                        },
                    },
                },
            },
        },
    },
    "Outputs": {"Host": {"Value": {"Fn::Sub": "${Api}.execute-api.${AWS::Region}.amazonaws.com"}}},
}


@pytest.fixture(scope="module")
def host(cloud):
    return deploy(cloud, "step-functions-api", json.dumps(TEMPLATE)).outputs["Host"]


def request(host, path, **more):
    return {"ApiEndpoint": host, "Method": "POST", "Stage": "prod", "Path": path, "RequestBody": {"a": 1}, **more}


def test_the_response_is_the_result(play, host):
    output = play(INVOKE, request(host, "/open", QueryParameters={"tag": ["x", "y"]})).output
    assert (output["StatusCode"], output["StatusText"]) == (201, "Created")
    assert output["ResponseBody"] == {"path": "/open", "tags": {"tag": ["x", "y"]}, "body": '{"a":1}'}
    assert output["Headers"]["Content-Type"] == ["application/json"]


def test_a_status_of_an_error_fails_the_task(play, host):
    error, cause = play(INVOKE, request(host, "/closed")).failure
    assert error == "ApiGateway.403"
    assert json.loads(cause) == {"message": "Missing Authentication Token"}


def test_the_role_signs_the_request(play, host, allowed):
    signed = request(host, "/closed", AuthType="IAM_ROLE")
    assert play(INVOKE, signed).output["StatusCode"] == 201
    assert play(INVOKE, signed, role=allowed("s3:ListBucket")).failure[0] == "ApiGateway.403"
