"""Who may open a WebSocket and start a subscription: the same callers as over HTTP, at each of both steps."""

import json
import uuid

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from blueprints.local.deployment import deploy
from tests.local.appsync.graphql_apis import Api, api_id
from tests.local.appsync.realtime.web_socket import web_socket
from tests.local.appsync.test_authorization import statement, user_of
from tests.local.appsync.user_pools import UserPool, tampered, unsigned

SCHEMA = """
type Query { open: String }
type Mutation { say(text: String): String @aws_api_key @aws_iam @aws_cognito_user_pools }
type Subscription {
  heard: String @aws_subscribe(mutations: ["say"]) @aws_api_key @aws_iam @aws_cognito_user_pools
  byKey: String @aws_subscribe(mutations: ["say"]) @aws_api_key
  byEditors: String @aws_subscribe(mutations: ["say"]) @aws_cognito_user_pools(cognito_groups: ["editors"])
}
"""


@pytest.fixture(scope="module")
def pool(cloud):
    pool = UserPool(cloud)
    pool.add("ada", "editors")
    pool.add("ben")
    return pool


@pytest.fixture(scope="module")
def api(cloud, pool):
    providers = [
        {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": pool.config},
        {"AuthenticationType": "AWS_IAM"},
    ]
    resources = {
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": "api",
                "AuthenticationType": "API_KEY",
                "AdditionalAuthenticationProviders": providers,
            },
        },
        "Schema": {"Type": "AWS::AppSync::GraphQLSchema", "Properties": {"ApiId": api_id(), "Definition": SCHEMA}},
        "Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": api_id()}},
    }
    outputs = {"ApiId": {"Value": api_id()}, "Key": {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}}}
    stack = deploy(cloud, f"auth-{uuid.uuid4().hex[:12]}", json.dumps({"Resources": resources, "Outputs": outputs}))
    return Api(cloud, stack.outputs["ApiId"], stack.outputs["Key"])


@pytest.fixture(scope="module")
def callers(api, pool):
    """Headers that identify callers; those of AWS_IAM are made for each message."""
    return {
        "key": {"host": "localhost", "x-api-key": api.key},
        "editor": {"host": "localhost", "Authorization": pool.sign_in("ada")["AccessToken"]},
        "user": {"host": "localhost", "Authorization": pool.sign_in("ben")["IdToken"]},
    }


def signed(api, credentials, path, body):
    """The headers of a request that AWS_IAM signs, as Amplify sends them in a connection or a start."""
    url = f"http://localhost/v1/apis/{api.api_id}/graphql{path}"
    headers = {"accept": "application/json, text/javascript", "content-type": "application/json; charset=UTF-8"}
    request = AWSRequest("POST", url, data=body.encode(), headers={**headers, "host": "localhost"})
    SigV4Auth(credentials, "appsync", "us-east-1").add_auth(request)
    return dict(request.headers)


def start(field, headers):
    data = json.dumps({"query": f"subscription {{ {field} }}", "variables": {}})
    return {"type": "start", "id": "1", "payload": {"data": data, "extensions": {"authorization": headers}}}


def opening(cloud, api, headers):
    """What the server says to a connection: `connection_ack`, or an error."""
    with web_socket(cloud, api.api_id, headers) as socket:
        return socket.hear()


def starting(cloud, api, connection, message):
    """What the server says to a subscription on an accepted connection."""
    with web_socket(cloud, api.api_id, connection) as socket:
        assert socket.hear()["type"] == "connection_ack"
        socket.say(**message)
        return socket.hear()


ADMITTED = {"key": {"heard", "byKey"}, "editor": {"heard", "byEditors"}, "user": {"heard"}}


@pytest.mark.parametrize("field", ["heard", "byKey", "byEditors"])
@pytest.mark.parametrize("caller", list(ADMITTED))
def test_directives_decide_about_each_subscription(cloud, api, callers, caller, field):
    headers = callers[caller]
    answer = starting(cloud, api, headers, start(field, headers))
    if field in ADMITTED[caller]:
        assert answer["type"] == "start_ack"
    else:
        assert answer["type"] == "error"
        assert "Not Authorized to access" in json.dumps(answer["payload"])


def test_a_subscription_may_use_another_authentication_type_than_its_connection(cloud, api, callers):
    message = start("byEditors", callers["editor"])
    assert starting(cloud, api, callers["key"], message)["type"] == "start_ack"


def test_what_is_refused_over_http_is_refused_here(cloud, api, callers):
    token = callers["editor"]["Authorization"]
    other = UserPool(cloud)
    other.add("ada", "editors")
    for headers in (
        {"x-api-key": "da2-wrong"},
        {"Authorization": unsigned(token)},
        {"Authorization": tampered(token, sub="another")},
        {"Authorization": other.sign_in("ada")["AccessToken"]},
        {},
    ):
        refused = {"host": "localhost", **headers}
        assert opening(cloud, api, refused)["type"] == "connection_error"
        answer = starting(cloud, api, callers["key"], start("heard", refused))
        assert answer["type"] == "error"
        assert answer["id"] == "1"


class TestIam:
    @pytest.fixture
    def credentials(self, cloud, api):
        arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api.api_id}/types/Subscription/fields"
        return user_of(cloud, statement(f"{arn}/heard"))

    def message(self, api, credentials, field="heard"):
        message = start(field, {})
        authorization = signed(api, credentials, "", message["payload"]["data"])
        message["payload"]["extensions"]["authorization"] = authorization
        return message

    def test_the_connection_and_each_subscription_are_signed(self, cloud, api, credentials):
        connection = signed(api, credentials, "/connect", "{}")
        assert starting(cloud, api, connection, self.message(api, credentials))["type"] == "start_ack"

    def test_policies_decide(self, cloud, api, credentials, callers):
        answer = starting(cloud, api, callers["key"], self.message(api, credentials, "byKey"))
        assert answer["type"] == "error"
        stranger = user_of(cloud, statement("arn:aws:appsync:us-east-1:000000000000:apis/other/*"))
        assert starting(cloud, api, callers["key"], self.message(api, stranger))["type"] == "error"

    def test_other_signatures_are_refused(self, cloud, api, credentials, callers):
        forged = Credentials(credentials.access_key, "wrong")
        assert opening(cloud, api, signed(api, forged, "/connect", "{}"))["type"] == "connection_error"
        assert opening(cloud, api, signed(api, credentials, "", "{}"))["type"] == "connection_error"
        assert opening(cloud, api, signed(api, credentials, "/connect", "[]"))["type"] == "connection_error"
        message = self.message(api, credentials)
        message["payload"]["data"] = start("heard", {})["payload"]["data"].replace("heard", "heard ")
        assert starting(cloud, api, callers["key"], message)["type"] == "error"
