"""Which callers an API admits by each authentication type, and which fields they may access."""

import base64
import hashlib
import json
import random
import urllib.error
import urllib.request
import uuid

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from blueprints.local.deployment import deploy
from tests.local.appsync.graphql_apis import Api, api_id, resolver
from tests.local.appsync.user_pools import UserPool, tampered, unsigned

SCHEMA = """
type Query {
  open: String
  key: String @aws_api_key
  iam: String @aws_iam
  users: String @aws_cognito_user_pools
  editors: String @aws_cognito_user_pools(cognito_groups: ["editors"])
  ignored: String @aws_auth(cognito_groups: ["editors"])
  thing: Thing @aws_api_key @aws_cognito_user_pools
  whoami: AWSJSON @aws_api_key @aws_cognito_user_pools @aws_iam
}
type Thing @aws_cognito_user_pools {
  secret: String
  public: String @aws_api_key @aws_cognito_user_pools
  ignored: String @aws_auth(cognito_groups: ["editors"])
}
"""


def code(payload="null", result="ctx.result"):
    return (
        f"export function request() {{ return {{ payload: {payload} }} }}\n"
        f"export function response(ctx) {{ return {result} }}"
    )


YES = code('"yes"')
FIELDS = {
    **dict.fromkeys(("open", "key", "iam", "users", "editors", "ignored"), YES),
    "thing": code('{ secret: "s", public: "p", ignored: "i" }'),
    "whoami": code(result="ctx.identity"),
}
NOT_AUTHORIZED = {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}
NO_HEADER = {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."}
NOT_PARSED = {"errorType": "UnauthorizedException", "message": "Unable to parse JWT token."}
EXPIRED = {"errorType": "UnauthorizedException", "message": "Token has expired."}


def deploy_api(cloud, settings, schema=SCHEMA, fields=FIELDS):
    """An API whose resolvers call no data source, and its key if it takes keys."""
    modes = [settings, *settings.get("AdditionalAuthenticationProviders", ())]
    has_key = any(each["AuthenticationType"] == "API_KEY" for each in modes)
    key = {"Key": {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": api_id()}}} if has_key else {}
    resources = {
        "Api": {"Type": "AWS::AppSync::GraphQLApi", "Properties": {"Name": "api", **settings}},
        "Schema": {"Type": "AWS::AppSync::GraphQLSchema", "Properties": {"ApiId": api_id(), "Definition": schema}},
        "Source": {
            "Type": "AWS::AppSync::DataSource",
            "Properties": {"ApiId": api_id(), "Name": "Nothing", "Type": "NONE"},
        },
        **key,
        **{f"Query{name.title()}": resolver("Query", name, "Nothing", Code=each) for name, each in fields.items()},
    }
    outputs = {"ApiId": {"Value": api_id()}}
    if has_key:
        outputs["Key"] = {"Value": {"Fn::GetAtt": ["Key", "ApiKey"]}}
    stack = deploy(cloud, f"auth-{uuid.uuid4().hex[:12]}", json.dumps({"Resources": resources, "Outputs": outputs}))
    return Api(cloud, stack.outputs["ApiId"], stack.outputs.get("Key"))


def ask(api, query, headers):
    """Send a query with these headers alone."""
    return api.send({"query": query}, {"x-api-key": None, **headers})


def refused(api, headers, query="{ users }"):
    """The error of a request that is not authenticated."""
    answer = ask(api, query, headers)
    assert answer.status == 401
    assert answer.headers["x-amzn-errortype"] == answer.error["errorType"]
    return answer.error


@pytest.fixture(scope="module")
def pool(cloud):
    pool = UserPool(cloud)
    pool.add("ada", "editors", "authors")
    pool.add("ben")
    return pool


@pytest.fixture(scope="module")
def tokens(pool):
    return {name: pool.sign_in(name) for name in ("ada", "ben")}


@pytest.fixture(scope="module")
def api(cloud, pool):
    """An API with a default key, users and signatures."""
    return deploy_api(
        cloud,
        {
            "AuthenticationType": "API_KEY",
            "AdditionalAuthenticationProviders": [
                {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": pool.config},
                {"AuthenticationType": "AWS_IAM"},
            ],
        },
    )


@pytest.fixture(scope="module")
def callers(cloud, api, tokens):
    """The headers of callers of each kind, but for IAM, whose signature covers the body."""
    return {
        "key": {"x-api-key": api.key},
        "editor": {"Authorization": tokens["ada"]["AccessToken"]},
        "user": {"Authorization": f"Bearer {tokens['ben']['IdToken']}"},
    }


class Signer:
    """Requests signed with an access key."""

    def __init__(self, api, credentials, region="us-east-1", service="appsync"):
        self.api, self.credentials, self.scope = api, credentials, (service, region)

    def headers(self, body, path=None, **more):
        url = f"{self.api.cloud.endpoint}{path or f'/v1/apis/{self.api.api_id}/graphql'}"
        request = AWSRequest("POST", url, data=body, headers={"Content-Type": "application/json", **more})
        SigV4Auth(self.credentials, *self.scope).add_auth(request)
        return dict(request.headers)

    def ask(self, query, sent=None, **more):
        body = json.dumps({"query": query}).encode()
        return self.api.send(sent or body, {"x-api-key": None, **self.headers(body), **more})


def user_of(cloud, *statements):
    """The credentials of a new IAM user with these statements in its policy."""
    iam, name = cloud.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": list(statements)}
    iam.put_user_policy(UserName=name, PolicyName="fields", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def identity_of(cloud, pool, token):
    """The credentials of a user of an identity pool, whose role allows every field; the ids of pool and identity."""
    iam, identities, role = cloud.client("iam"), cloud.client("cognito-identity"), f"user-{uuid.uuid4().hex[:8]}"
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    allowed = {"Version": "2012-10-17", "Statement": [statement("*")]}
    iam.put_role_policy(RoleName=role, PolicyName="fields", PolicyDocument=json.dumps(allowed))
    provider = f"cognito-idp.us-east-1.amazonaws.com/{pool.id}"
    pool_id = identities.create_identity_pool(
        IdentityPoolName="users",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": pool.client}],
    )["IdentityPoolId"]
    identities.set_identity_pool_roles(IdentityPoolId=pool_id, Roles={"authenticated": arn})
    identity = identities.get_id(IdentityPoolId=pool_id, Logins={provider: token})["IdentityId"]
    found = identities.get_credentials_for_identity(IdentityId=identity, Logins={provider: token})["Credentials"]
    return Credentials(found["AccessKeyId"], found["SecretKey"], found["SessionToken"]), pool_id, identity


def statement(resource, effect="Allow"):
    return {"Effect": effect, "Action": "appsync:GraphQL", "Resource": resource}


@pytest.fixture(scope="module")
def signer(cloud, api):
    """A user whose policy allows every field of the API."""
    arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api.api_id}/types/Query/fields"
    return Signer(api, user_of(cloud, statement(f"{arn}/*")))


RULES = {
    "key": {"open", "key", "thing", "ignored"},
    "editor": {"users", "editors", "thing"},
    "user": {"users", "thing"},
    "iam": {"iam"},
}


@pytest.mark.parametrize("field", ["open", "key", "iam", "users", "editors", "ignored", "thing"])
@pytest.mark.parametrize("caller", list(RULES))
def test_the_directives_of_a_field_decide(api, callers, signer, caller, field):
    query = f"{{ {field}{' { public }' if field == 'thing' else ''} }}"
    answer = signer.ask(query) if caller == "iam" else ask(api, query, callers[caller])

    assert answer.status == 200
    if field in RULES[caller]:
        assert answer.data == {field: {"public": "p"} if field == "thing" else "yes"}
    else:
        assert answer.error["errorType"] == "Unauthorized"
        assert answer.error["message"] == f"Not Authorized to access {field} on type Query"
        assert answer.body["data"] == {field: None}


def test_the_directives_of_a_type_decide_about_its_fields_without_own(api, callers):
    by_key = ask(api, "{ thing { public secret ignored } }", callers["key"])
    by_user = ask(api, "{ thing { public secret ignored } }", callers["user"])

    assert by_key.body["data"] == {"thing": {"public": "p", "secret": None, "ignored": None}}
    assert by_key.messages == [f"Not Authorized to access {each} on type Thing" for each in ("secret", "ignored")]
    assert by_user.data == {"thing": {"public": "p", "secret": "s", "ignored": "i"}}


class TestApiKeys:
    def test_keys_have_the_form_of_appsync(self, api):
        assert api.key.startswith("da2-")
        assert len(api.key) == 30

    def test_the_identity_is_null(self, api, callers):
        assert ask(api, "{ whoami }", callers["key"]).data == {"whoami": None}

    @pytest.mark.parametrize("key", ["da2-aaaaaaaaaaaaaaaaaaaaaaaaaa", ""])
    def test_unknown_keys_are_refused(self, api, key):
        assert refused(api, {"x-api-key": key}) == NOT_AUTHORIZED

    def test_a_request_without_credentials_is_refused(self, api):
        assert refused(api, {}) == NO_HEADER

    def test_a_deleted_key_is_refused_at_once(self, cloud, api):
        appsync = cloud.client("appsync")
        key = appsync.create_api_key(apiId=api.api_id)["apiKey"]["id"]
        assert ask(api, "{ open }", {"x-api-key": key}).data == {"open": "yes"}

        appsync.delete_api_key(apiId=api.api_id, id=key)

        assert refused(api, {"x-api-key": key}) == NOT_AUTHORIZED

    def test_a_key_of_another_api_is_refused(self, cloud, api):
        other = deploy_api(cloud, {"AuthenticationType": "API_KEY"}, "type Query { open: String }", {"open": YES})

        assert ask(other, "{ open }", {"x-api-key": other.key}).data == {"open": "yes"}
        assert refused(other, {"x-api-key": api.key}) == NOT_AUTHORIZED


def test_a_token_comes_before_a_key(api, callers, tokens):
    both = {**callers["key"], **callers["editor"]}
    assert ask(api, "{ users }", both).data == {"users": "yes"}
    assert refused(api, {**both, "Authorization": unsigned(tokens["ada"]["AccessToken"])}) == NOT_PARSED
    assert ask(api, "{ key }", {**both, "Authorization": "Basic abc"}).status == 401


class TestUserPools:
    def test_identity_of_an_access_token(self, api, pool, tokens):
        answer = ask(api, "{ whoami }", {"Authorization": tokens["ada"]["AccessToken"]})
        identity = json.loads(answer.data["whoami"])

        assert identity["username"] == "ada"
        assert identity["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{pool.id}"
        assert identity["sub"] == identity["claims"]["sub"]
        assert identity["claims"]["token_use"] == "access"
        assert sorted(identity["groups"]) == ["authors", "editors"]
        assert identity["sourceIp"] == ["127.0.0.1"]
        assert identity["defaultAuthStrategy"] == "ALLOW"

    def test_identity_of_an_id_token(self, api, tokens):
        identity = json.loads(ask(api, "{ whoami }", {"Authorization": tokens["ben"]["IdToken"]}).data["whoami"])

        assert identity["username"] == "ben"
        assert identity["claims"]["token_use"] == "id"
        assert identity["groups"] is None

    def test_a_token_with_other_claims_is_refused(self, api, tokens):
        token = tampered(tokens["ben"]["AccessToken"], **{"cognito:groups": ["editors"]})
        assert refused(api, {"Authorization": token}) == NOT_PARSED

    def test_a_token_without_signature_is_refused(self, api, tokens):
        assert refused(api, {"Authorization": unsigned(tokens["ada"]["AccessToken"])}) == NOT_PARSED

    def test_a_token_whose_json_is_nested_too_deeply_is_refused(self, api, tokens):
        header, claims, signature = tokens["ada"]["AccessToken"].split(".")
        deep = base64.urlsafe_b64encode(b"[" * 5_000).decode()
        for token in (f"{header}.{deep}.{signature}", f"{deep}.{claims}.{signature}"):
            assert refused(api, {"Authorization": token}) == NOT_PARSED

    def test_a_token_that_names_another_algorithm_is_refused(self, api, tokens):
        token = tampered(tokens["ada"]["AccessToken"], {"alg": "HS256"})
        assert refused(api, {"Authorization": token}) == NOT_PARSED

    def test_no_character_of_the_header_and_the_claims_can_be_changed(self, api, tokens):
        token = tokens["ada"]["AccessToken"]
        chosen = random.Random(7)
        for place in chosen.sample(range(token.rindex(".")), 40):
            other = chosen.choice([each for each in "Aa0-_z" if each != token[place]])
            assert refused(api, {"Authorization": f"{token[:place]}{other}{token[place + 1 :]}"}) in (
                NOT_PARSED,
                NO_HEADER,
            )

    @pytest.mark.parametrize("token", ["abc", "a.b.c", "Bearer", "Bearer ", "null"])
    def test_what_is_no_token_is_refused(self, api, token):
        assert refused(api, {"Authorization": token}) in (NOT_PARSED, NO_HEADER)

    def test_a_token_of_another_pool_is_refused(self, cloud, api):
        other = UserPool(cloud)
        other.add("ada", "editors")
        token = other.sign_in("ada")["AccessToken"]
        assert refused(api, {"Authorization": token}) == NO_HEADER

    def test_a_token_of_another_pool_that_claims_this_one_is_refused(self, cloud, api, pool):
        other = UserPool(cloud)
        other.add("ada")
        issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{pool.id}"
        token = tampered(other.sign_in("ada")["AccessToken"], iss=issuer)
        assert refused(api, {"Authorization": token}) == NOT_PARSED

    def test_a_refresh_token_is_refused(self, api, tokens):
        assert refused(api, {"Authorization": tokens["ada"]["RefreshToken"]}) == NOT_AUTHORIZED

    def test_a_revoked_token_is_accepted_until_it_expires_as_on_aws(self, api, pool):
        pool.add("cleo")
        token = pool.sign_in("cleo")["AccessToken"]
        pool.cognito.global_sign_out(AccessToken=token)

        with pytest.raises(pool.cognito.exceptions.NotAuthorizedException):
            pool.cognito.get_user(AccessToken=token)
        assert ask(api, "{ users }", {"Authorization": token}).data == {"users": "yes"}

    def test_app_clients_are_those_of_the_expression(self, cloud, pool, tokens):
        other_client = pool.new_client()
        config = {**pool.config, "AppIdClientRegex": pool.client, "DefaultAction": "ALLOW"}
        settings = {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": config}
        api = deploy_api(cloud, settings, "type Query { open: String }", {"open": YES})

        for use in ("AccessToken", "IdToken"):
            assert ask(api, "{ open }", {"Authorization": tokens["ben"][use]}).data == {"open": "yes"}
            assert refused(api, {"Authorization": pool.sign_in("ben", other_client)[use]}) == NOT_AUTHORIZED

    def test_default_action_and_groups_of_aws_auth(self, cloud, pool, tokens):
        config = {**pool.config, "DefaultAction": "DENY"}
        schema = """type Query {
          open: String
          users: String @aws_cognito_user_pools
          editors: String @aws_auth(cognito_groups: ["editors"])
        }"""
        settings = {"AuthenticationType": "AMAZON_COGNITO_USER_POOLS", "UserPoolConfig": config}
        api = deploy_api(cloud, settings, schema, dict.fromkeys(("open", "users", "editors"), YES))

        by_editor = ask(api, "{ open users editors }", {"Authorization": tokens["ada"]["IdToken"]})
        by_user = ask(api, "{ open users editors }", {"Authorization": tokens["ben"]["IdToken"]})

        assert by_editor.body["data"] == {"open": None, "users": "yes", "editors": "yes"}
        assert by_user.body["data"] == {"open": None, "users": "yes", "editors": None}


class TestIam:
    def test_identity(self, signer):
        identity = json.loads(signer.ask("{ whoami }").data["whoami"])

        assert identity["accountId"] == "000000000000"
        assert identity["userArn"].startswith("arn:aws:iam::000000000000:user/caller-")
        assert identity["username"].startswith("AIDA")
        assert identity["cognitoIdentityId"] is None
        assert identity["sourceIp"] == ["127.0.0.1"]

    def test_policies_decide_about_root_fields(self, cloud, api):
        arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api.api_id}/types/Query/fields"
        caller = Signer(api, user_of(cloud, statement(f"{arn}/*"), statement(f"{arn}/whoami", "Deny")))

        answer = caller.ask("{ iam whoami }")

        assert answer.body["data"] == {"iam": "yes", "whoami": None}
        assert answer.error["message"] == "Not Authorized to access whoami on type Query"

    def test_a_caller_without_permission_on_any_root_field_is_refused(self, cloud, api):
        arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api.api_id}/types/Query/fields/iam"
        caller = Signer(api, user_of(cloud, statement(arn)))

        for query in ("{ whoami }", "{ __typename }", "{ whoami users }"):
            answer = caller.ask(query)
            assert answer.status == 401
            assert answer.error == {"errorType": "UnauthorizedException", "message": "Permission denied"}

    def test_a_signature_covers_the_query_string(self, api, signer):
        body, path = b'{"query": "{ iam }"}', f"/v1/apis/{api.api_id}/graphql"
        signed = {"x-api-key": None, **signer.headers(body, f"{path}?source=test")}

        assert api.send(body, signed, query_string="?source=test").data == {"iam": "yes"}
        assert api.send(body, signed).status == 400

    def test_a_changed_body_is_refused(self, signer):
        answer = signer.ask("{ iam }", sent=json.dumps({"query": "{ whoami }"}).encode())

        assert answer.status == 400
        assert answer.error["errorType"] == "BadRequestException"
        assert "signature" in answer.error["message"]

    def test_a_signed_hash_of_another_body_is_refused(self, signer):
        body, other = b'{"query": "{ iam }"}', b'{"query": "{ whoami }"}'
        for stated in (hashlib.sha256(body).hexdigest(), "UNSIGNED-PAYLOAD"):
            signed = signer.headers(body, **{"X-Amz-Content-SHA256": stated})
            answer = signer.api.send(other, {"x-api-key": None, **signed})
            assert (answer.status, answer.error["errorType"]) == (400, "BadRequestException")

    def test_the_session_of_a_role(self, cloud, api):
        iam, role = cloud.client("iam"), f"caller-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        allowed = {"Version": "2012-10-17", "Statement": [statement("*")]}
        iam.put_role_policy(RoleName=role, PolicyName="fields", PolicyDocument=json.dumps(allowed))
        given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="back-end")["Credentials"]
        keys = given["AccessKeyId"], given["SecretAccessKey"]

        identity = json.loads(Signer(api, Credentials(*keys, given["SessionToken"])).ask("{ whoami }").data["whoami"])

        assert identity["userArn"] == f"arn:aws:sts::000000000000:assumed-role/{role}/back-end"
        assert identity["username"].endswith(":back-end")
        assert Signer(api, Credentials(*keys)).ask("{ whoami }").status == 403
        assert Signer(api, Credentials(*keys, "another token")).ask("{ whoami }").status == 403

    def test_the_identity_of_an_identity_pool(self, cloud, api, pool, tokens):
        credentials, pool_id, identity_id = identity_of(cloud, pool, tokens["ben"]["IdToken"])

        identity = json.loads(Signer(api, credentials).ask("{ whoami }").data["whoami"])

        assert identity["cognitoIdentityPoolId"] == pool_id
        assert identity["cognitoIdentityId"] == identity_id
        assert identity["cognitoIdentityAuthType"] == "authenticated"
        assert pool.id in identity["cognitoIdentityAuthProvider"]

    def test_a_wrong_secret_is_refused(self, api, signer):
        forged = Signer(api, Credentials(signer.credentials.access_key, "wrong"))
        assert forged.ask("{ iam }").status == 400

    def test_an_unknown_key_is_refused(self, api):
        answer = Signer(api, Credentials("AKIAAAAAAAAAAAAAAAAA", "secret")).ask("{ iam }")
        assert (answer.status, answer.error["errorType"]) == (403, "UnrecognizedClientException")

    def test_a_signature_for_another_service_or_region_is_refused(self, api, signer):
        for scope in ({"service": "s3"}, {"region": "eu-west-1"}):
            answer = Signer(api, signer.credentials, **scope).ask("{ iam }")
            assert (answer.status, answer.error["errorType"]) == (403, "InvalidSignatureException")

    def test_an_old_signature_is_refused(self, signer):
        answer = signer.ask("{ iam }", **{"X-Amz-Date": "20200101T000000Z"})
        assert (answer.status, answer.error["errorType"]) == (403, "RequestTimeTooSkewed")

    @pytest.mark.parametrize("path", ["/graphql", "/v1/apis/{}/x/graphql", "/v1/apis/{}//graphql"])
    def test_no_other_path_reaches_an_api(self, api, signer, path):
        body, path = b'{"query": "{ iam }"}', path.format(api.api_id)
        for headers in (signer.headers(body, path), {"x-api-key": api.key, "Content-Type": "application/json"}):
            request = urllib.request.Request(f"{api.cloud.endpoint}{path}", body, headers, method="POST")
            with pytest.raises(urllib.error.HTTPError) as refusal:
                urllib.request.urlopen(request)
            assert refusal.value.code in (403, 404, 405)

    def test_a_signature_is_refused_by_an_api_without_iam(self, cloud, signer):
        other = deploy_api(cloud, {"AuthenticationType": "API_KEY"}, "type Query { open: String }", {"open": YES})
        answer = Signer(other, signer.credentials).ask("{ open }")
        assert answer.status == 401
        assert answer.error == NO_HEADER
