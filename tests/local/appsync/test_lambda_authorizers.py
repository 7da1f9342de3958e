"""An API's own function decides about tokens: what it is given, what it answers, and how long that counts."""

import json
import uuid

import pytest

from blueprints.local.deployment import deploy
from tests.local.appsync.graphql_apis import Api, api_id, resolver
from tests.local.appsync.test_authorization import NO_HEADER, NOT_AUTHORIZED, YES, ask, code, refused
from tests.local.appsync.user_pools import UserPool
from tests.local.resources import ROLE, aliased
from tests.local.waiting import until

# The token says in JSON what the function is to return; `fail` lets it raise, `text` lets it return no object.
AUTHORIZER = """
import itertools, json
numbers = itertools.count()

def handler(event, context):
    number = next(numbers)
    token = event["authorizationToken"]
    if token == "fail":
        raise ValueError("no")
    if token == "text":
        return "yes"
    if token == "echo":
        return {"isAuthorized": True, "resolverContext": {"event": json.dumps(event)}}
    answer = json.loads(token)
    return {"resolverContext": {"number": number}, **answer}
"""
SCHEMA = """type Query {
  users: String
  open: String
  whoami(a: Int): AWSJSON
  key: String @aws_api_key
  lambda: String @aws_lambda
}"""
FIELDS = {**dict.fromkeys(("users", "open", "key", "lambda"), YES), "whoami": code(result="ctx.identity")}
ALLOW = {"isAuthorized": True}


def permission(**more):
    return {
        "Type": "AWS::Lambda::Permission",
        "Properties": {
            "FunctionName": {"Ref": "Authorizer"},
            "Action": "lambda:InvokeFunction",
            "Principal": "appsync.amazonaws.com",
            **more,
        },
    }


def deploy_api(cloud, providers=(), allowed=None, **config):
    authorizer = {"AuthorizerUri": {"Fn::GetAtt": ["Authorizer", "Arn"]}, **config}
    resources = {
        "Role": ROLE,
        **aliased("Authorizer", AUTHORIZER),
        "Allowed": allowed or permission(),
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": "api",
                "AuthenticationType": "AWS_LAMBDA",
                "LambdaAuthorizerConfig": authorizer,
                "AdditionalAuthenticationProviders": list(providers),
            },
        },
        "Schema": {"Type": "AWS::AppSync::GraphQLSchema", "Properties": {"ApiId": api_id(), "Definition": SCHEMA}},
        "Source": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {"ApiId": api_id(), "Name": "Nothing", "Type": "NONE"},
        },
        **{f"Query{name.title()}": resolver("Query", name, "Nothing", Code=each) for name, each in FIELDS.items()},
    }
    template = {"Resources": resources, "Outputs": {"ApiId": {"Value": api_id()}}}
    stack = deploy(cloud, f"lambda-auth-{uuid.uuid4().hex[:12]}", json.dumps(template))
    return Api(cloud, stack.outputs["ApiId"], None)


@pytest.fixture(scope="module")
def api(cloud):
    return deploy_api(cloud)


def token(**answer):
    return {"Authorization": json.dumps(answer)}


def number(api, **answer):
    """Which call of the function decided about a token."""
    context = json.loads(ask(api, "{ whoami }", token(**answer)).data["whoami"])
    return context["resolverContext"]["number"]


def test_the_function_is_told_of_the_operation(api):
    body = {"query": "query Who($a: Int) { whoami(a: $a) }", "variables": {"a": 1}, "operationName": "Who"}
    identity = json.loads(api.send(body, {"Authorization": "echo", "x-mine": "1"}).data["whoami"])
    event = json.loads(identity["resolverContext"]["event"])

    assert event["authorizationToken"] == "echo"
    context = event["requestContext"]
    assert (context["apiId"], context["accountId"]) == (api.api_id, "000000000000")
    assert context["queryString"] == body["query"]
    assert (context["operationName"], context["variables"]) == ("Who", {"a": 1})
    assert context["requestId"]
    assert event["requestHeaders"]["x-mine"] == "1"


def test_a_token_that_the_function_accepts(api):
    assert ask(api, "{ users }", token(isAuthorized=True)).data == {"users": "yes"}


@pytest.mark.parametrize(
    "given",
    [
        json.dumps({"isAuthorized": False}),
        json.dumps({"isAuthorized": "true"}),
        json.dumps({}),
        json.dumps({**ALLOW, "resolverContext": {"nested": {"a": 1}}}),
        json.dumps({**ALLOW, "deniedFields": "Query.users"}),
        "fail",
        "text",
    ],
)
def test_anything_but_a_clear_yes_is_refused(api, given):
    assert refused(api, {"Authorization": given}) == NOT_AUTHORIZED


def test_a_request_without_token_is_refused(api):
    assert refused(api, {}) == NO_HEADER


@pytest.mark.parametrize(
    "form", ["Query.users", "arn:aws:appsync:us-east-1:000000000000:apis/{}/types/Query/fields/users"]
)
def test_denied_fields(api, form):
    answer = ask(api, "{ users open }", token(**ALLOW, deniedFields=[form.format(api.api_id)]))

    assert answer.body["data"] == {"users": None, "open": "yes"}
    assert answer.error["errorType"] == "Unauthorized"


def test_directives_decide_as_well(api):
    answer = ask(api, "{ key lambda }", token(**ALLOW))
    assert answer.body["data"] == {"key": None, "lambda": "yes"}


def test_without_a_time_to_live_every_request_asks(api):
    assert number(api, **ALLOW) < number(api, **ALLOW)


def test_a_decision_counts_for_the_time_that_it_gives(api):
    given = {**ALLOW, "ttlOverride": 3600}
    pairs = until(lambda: (pair := [number(api, **given) for _ in range(2)])[0] == pair[1] and pair)
    assert until(lambda: number(api, **given) > pairs[0])


def test_the_time_of_the_api_counts_without_another(cloud):
    api = deploy_api(cloud, AuthorizerResultTtlInSeconds=3600)
    assert until(lambda: number(api, **ALLOW) == number(api, **ALLOW))
    assert number(api, **ALLOW, ttlOverride=0) < number(api, **ALLOW, ttlOverride=0)


def test_a_token_that_does_not_fit_the_expression_never_reaches_the_function(cloud):
    api = deploy_api(cloud, IdentityValidationExpression="^[{]")
    before = number(api, **ALLOW)

    assert refused(api, {"Authorization": "echo"}) == NOT_AUTHORIZED
    assert number(api, **ALLOW) == before + 1


@pytest.mark.parametrize(
    "allowed",
    [
        permission(Principal="events.amazonaws.com"),
        permission(SourceArn="arn:aws:appsync:us-east-1:000000000000:apis/other"),
    ],
)
def test_appsync_needs_the_permission_to_invoke_the_function(cloud, allowed):
    api = deploy_api(cloud, allowed=allowed)
    assert refused(api, token(**ALLOW)) == NOT_AUTHORIZED


def test_an_alias_needs_a_permission_of_its_own(cloud):
    alias = {"Ref": "AuthorizerAlias"}
    with_own = deploy_api(cloud, allowed=permission(FunctionName=alias), AuthorizerUri=alias)
    assert ask(with_own, "{ users }", token(**ALLOW)).data == {"users": "yes"}
    assert refused(deploy_api(cloud, AuthorizerUri=alias), token(**ALLOW)) == NOT_AUTHORIZED


def test_tokens_of_a_user_pool_never_reach_the_function(cloud):
    pool, other = UserPool(cloud), UserPool(cloud)
    for each in (pool, other):
        each.add("ada")
    provider = {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": pool.config}
    api = deploy_api(cloud, [provider])

    by_user = ask(api, "{ lambda }", {"Authorization": pool.sign_in("ada")["AccessToken"]})
    assert by_user.error["message"] == "Not Authorized to access lambda on type Query"
    assert refused(api, {"Authorization": other.sign_in("ada")["AccessToken"]}) == NO_HEADER
    assert ask(api, "{ lambda }", token(**ALLOW)).data == {"lambda": "yes"}
