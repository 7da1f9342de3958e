"""Amplify v6 with the embedded AppSync: one script of Node with Amplify's GraphQL client, over TLS."""

import json
from contextlib import contextmanager

import pytest

from tests.local.appsync.clients.forwarder import Forwarder
from tests.local.appsync.clients.node import FOLDER, NodeScript, packages
from tests.local.appsync.graphql_apis import Api, api_id, deploy_api, resolver

SCHEMA = """
type Query { note(id: ID!): Note }
type Mutation { createNote(id: ID!, owner: String!): Note }
type Subscription {
  onCreateNote(owner: String): Note
    @aws_subscribe(mutations: ["createNote"]) @aws_api_key @aws_cognito_user_pools @aws_iam
  onSecretNote: Note @aws_subscribe(mutations: ["createNote"])
}
type Note @aws_api_key @aws_cognito_user_pools @aws_iam { id: ID! owner: String }
"""
SOURCE = "def handler(event, context): return event['arguments']"
REFUSING = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: null }; }
export function response(ctx) { util.error('You may not read secret notes.', 'Forbidden'); }
"""
CREATE = "mutation ($id: ID!, $owner: String!) { createNote(id: $id, owner: $owner) { id owner } }"
OF_OWNER = "subscription ($owner: String) { onCreateNote(owner: $owner) { id owner } }"
PASSWORD = "Passw0rd!"
ALL = "subscription { onCreateNote { id } }"


@pytest.fixture(scope="module")
def api(cloud) -> Api:
    packages()  # skips before anything is deployed
    nothing = {"ApiId": api_id(), "Name": "Nothing", "Type": "NONE"}
    secret = resolver("Subscription", "onSecretNote", "Nothing", Code=REFUSING)
    pool = {"UserPoolId": {"Ref": "Pool"}, "AwsRegion": {"Ref": "AWS::Region"}}
    further = [
        {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": pool},
        {"AuthenticationType": "AWS_IAM"},
    ]
    return deploy_api(
        cloud,
        SCHEMA,
        SOURCE,
        {"AdditionalAuthenticationProviders": further},
        Pool={"Type": "AWS::Cognito::UserPool", "Properties": {}},
        Nothing={"Type": "AWS::AppSync::DataSource", "Properties": nothing},
        Note=resolver("Query", "note"),
        Create=resolver("Mutation", "createNote"),
        Secret={**secret, "DependsOn": ["Schema", "Nothing"]},
    )


@pytest.fixture(scope="module")
def network(api):
    """The way to the port with TLS."""
    with Forwarder(int(api.cloud.tls_endpoint.rpartition(":")[2])) as open_network:
        yield open_network


@pytest.fixture(scope="module")
def amplify(api, network, tmp_path_factory):
    trust = {"NODE_EXTRA_CA_CERTS": str(api.cloud.certificate_authority)}
    with NodeScript(FOLDER / "amplify.mjs", tmp_path_factory.mktemp("amplify"), trust) as node:
        endpoint = f"https://localhost:{network.port}/v1/apis/{api.api_id}/graphql"
        node.call(
            "configure",
            endpoint=endpoint,
            apiKey=api.key,
            userPool=user_pool(api),
            credentials=credentials(api),
        )
        yield node


def credentials(api: Api) -> dict[str, str]:
    """The access key of a user of IAM who may use the API; unlike the owner's, its signatures are verified."""
    client = api.cloud.client("iam")
    name = f"writer-{api.api_id}"
    client.create_user(UserName=name)
    allowed = {"Effect": "Allow", "Action": "appsync:GraphQL", "Resource": f"arn:aws:appsync:*:*:apis/{api.api_id}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    client.put_user_policy(UserName=name, PolicyName="writer", PolicyDocument=policy)
    key = client.create_access_key(UserName=name)["AccessKey"]
    return {"accessKeyId": key["AccessKeyId"], "secretAccessKey": key["SecretAccessKey"]}


def user_pool(api: Api) -> dict[str, str]:
    """The pool of the API, a client of it and where it answers; the pool has the user Ana."""
    client = api.cloud.client("cognito-idp")
    configured = api.cloud.client("appsync").get_graphql_api(apiId=api.api_id)["graphqlApi"]
    pool = configured["additionalAuthenticationProviders"][0]["userPoolConfig"]["userPoolId"]
    flows = ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    app = client.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    client.admin_create_user(UserPoolId=pool, Username="ana", MessageAction="SUPPRESS")
    client.admin_set_user_password(UserPoolId=pool, Username="ana", Password=PASSWORD, Permanent=True)
    return {
        "userPoolId": pool,
        "userPoolClientId": app["UserPoolClient"]["ClientId"],
        "userPoolEndpoint": api.cloud.tls_endpoint,
    }


def create(amplify, number, owner):
    return amplify.call("ask", query=CREATE, variables={"id": number, "owner": owner})["data"]["createNote"]


@contextmanager
def subscribed(amplify, name, query=ALL, **more):
    """A subscription that the server has acknowledged or refused."""
    amplify.call("subscribe", name=name, query=query, **more)
    yield
    amplify.call("unsubscribe", name=name)


def test_a_query_and_a_mutation(amplify):
    query = "query ($id: ID!) { note(id: $id) { id owner } }"

    assert amplify.call("ask", query=query, variables={"id": "1"})["data"]["note"] == {"id": "1", "owner": None}
    assert create(amplify, "1", "ana") == {"id": "1", "owner": "ana"}


def test_a_subscription_gets_the_events_that_its_arguments_choose(amplify):
    with subscribed(amplify, "of ana", OF_OWNER, variables={"owner": "ana"}):
        create(amplify, "2", "ben")
        create(amplify, "3", "ana")

        assert amplify.call("events", name="of ana") == [{"onCreateNote": {"id": "3", "owner": "ana"}}]


@pytest.mark.parametrize("mode", ["userPool", "iam"])
def test_a_subscription_has_an_authentication_type_of_its_own(amplify, mode):
    if mode == "userPool":
        assert amplify.call("signIn", username="ana", password=PASSWORD) == "DONE"
    with subscribed(amplify, mode, authMode=mode):
        create(amplify, mode, "ana")

        assert amplify.call("events", name=mode) == [{"onCreateNote": {"id": mode}}]


def test_a_subscription_that_its_resolver_refuses_leaves_the_others_alone(amplify, network):
    with subscribed(amplify, "sibling"):
        before = network.accepted
        with subscribed(amplify, "secret", "subscription { onSecretNote { id } }"):
            failure = amplify.call("failure", name="secret")
        create(amplify, "4", "ana")

        assert "Forbidden" in failure
        assert amplify.call("events", name="sibling") == [{"onCreateNote": {"id": "4"}}]
        assert "ConnectionDisrupted" not in amplify.call("states")
        assert network.accepted - before <= 1  # the mutation's own request


def test_amplify_connects_again_after_its_connection_is_lost(amplify, network):
    with subscribed(amplify, "lasting"):
        before = amplify.call("acknowledgements")["acknowledged"]
        network.cut()
        amplify.call("acknowledgements", atLeast=before + 1)
        create(amplify, "5", "ana")

        assert amplify.call("events", name="lasting") == [{"onCreateNote": {"id": "5"}}]
        assert "ConnectionDisrupted" in amplify.call("states")


def test_a_wrong_token_is_refused(amplify):
    refused = amplify.call("ask", query="{ note(id: 1) { id } }", authMode="lambda", authToken="wrong")

    assert "errors" in refused
    with subscribed(amplify, "wrong token", authMode="lambda", authToken="wrong"):
        assert "UnauthorizedException" in amplify.call("failure", name="wrong token")
