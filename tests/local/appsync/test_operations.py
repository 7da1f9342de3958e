"""The operations of AppSync's API, called with boto3."""

import json
import time
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.appsync.graphql_apis import Api
from tests.local.appsync.test_authorization import NOT_AUTHORIZED, ask, refused, user_of

SCHEMA = "type Query { open: String other: String }"
CODE = "export function request() { return {} } export function response() { return 'yes' }"
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
HOUR, DAY = 3_600, 86_400


@pytest.fixture
def appsync(cloud):
    return cloud.client("appsync")


@pytest.fixture
def api_id(appsync):
    """An API with a schema, a data source, a resolver and a function."""
    return new_api(appsync)


def new_api(appsync):
    api_id = appsync.create_graphql_api(name="api", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=SCHEMA.encode())
    appsync.create_data_source(apiId=api_id, name="Nothing", type="NONE")
    appsync.create_resolver(**resolver(api_id))
    return api_id


def resolver(api_id, **more):
    return {
        "apiId": api_id,
        "typeName": "Query",
        "fieldName": "open",
        "dataSourceName": "Nothing",
        "code": CODE,
        "runtime": RUNTIME,
        **more,
    }


def function(api_id, **more):
    given = {"apiId": api_id, "name": "step", "dataSourceName": "Nothing", "code": CODE, "runtime": RUNTIME, **more}
    return {name: value for name, value in given.items() if value is not None}


def error(call, **given):
    """The code, the message and the status of a refused operation."""
    with pytest.raises(ClientError) as refusal:
        call(**given)
    answer = refusal.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def ask_with_new_key(cloud, appsync, api_id, query="{ open }"):
    key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    return ask(Api(cloud, api_id, key), query, {"x-api-key": key})


def test_an_api_made_by_its_operations_answers(cloud, appsync, api_id):
    assert ask_with_new_key(cloud, appsync, api_id).data == {"open": "yes"}


class TestSchemas:
    def status(self, appsync, api_id):
        found = appsync.get_schema_creation_status(apiId=api_id)
        return found["status"], found["details"]

    def test_a_faulty_one_is_reported_and_not_used(self, cloud, appsync, api_id):
        assert self.status(appsync, api_id) == ("SUCCESS", "Successfully created schema with 1 types.")

        answer = appsync.start_schema_creation(apiId=api_id, definition=b"type Query { open: ")

        assert answer["status"] == "PROCESSING"
        status, details = self.status(appsync, api_id)
        assert status == "FAILED"
        assert details.startswith("Failed to parse schema document - ensure it's a valid SDL-formatted document.")
        assert ask_with_new_key(cloud, appsync, api_id).data == {"open": "yes"}

    def test_introspection_follows_the_schema(self, appsync, api_id):
        def introspect(form):
            return appsync.get_introspection_schema(apiId=api_id, format=form)["schema"].read().decode()

        def fields():
            types = json.loads(introspect("JSON"))["__schema"]["types"]
            return [field["name"] for each in types if each["name"] == "Query" for field in each["fields"]]

        assert introspect("SDL") == SCHEMA
        assert fields() == ["open", "other"]
        appsync.start_schema_creation(apiId=api_id, definition=b"type Query { new: String }")
        assert introspect("SDL") == "type Query { new: String }"
        assert fields() == ["new"]

    def test_types_are_those_of_the_schema(self, appsync, api_id):
        query = appsync.get_type(apiId=api_id, typeName="Query", format="SDL")["type"]
        assert query["definition"] == "type Query {\n  open: String\n  other: String\n}"
        assert [each["name"] for each in appsync.list_types(apiId=api_id, format="SDL")["types"]] == ["Query"]
        assert error(appsync.get_type, apiId=api_id, typeName="Note", format="SDL")[0] == "NotFoundException"

    @pytest.mark.parametrize(
        ("operation", "given"),
        [
            ("create_type", {"definition": "type Note { id: ID }", "format": "SDL"}),
            ("update_type", {"typeName": "Query", "format": "SDL"}),
            ("delete_type", {"typeName": "Query"}),
        ],
    )
    def test_types_are_not_changed_one_by_one(self, appsync, api_id, operation, given):
        code, message, status = error(getattr(appsync, operation), apiId=api_id, **given)
        assert (code, status) == ("BadRequestException", 400)
        assert "is not emulated: change the whole schema with StartSchemaCreation" in message


class TestResolvers:
    def test_are_updated_listed_and_deleted(self, cloud, appsync, api_id):
        made = appsync.get_resolver(apiId=api_id, typeName="Query", fieldName="open")["resolver"]
        changed = appsync.update_resolver(**resolver(api_id, code=CODE.replace("yes", "new")))["resolver"]

        assert changed["resolverArn"] == made["resolverArn"]
        assert ask_with_new_key(cloud, appsync, api_id).data == {"open": "new"}
        assert len(appsync.list_resolvers(apiId=api_id, typeName="Query")["resolvers"]) == 1
        appsync.delete_resolver(apiId=api_id, typeName="Query", fieldName="open")
        assert ask_with_new_key(cloud, appsync, api_id).data == {"open": None}

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({}, ("BadRequestException", "Only one resolver is allowed per field.", 400)),
            ({"fieldName": "closed"}, ("NotFoundException", "No field named closed found on type Query", 404)),
            ({"typeName": "Note"}, ("NotFoundException", "Type Note not found", 404)),
            (
                {"fieldName": "other", "dataSourceName": "No"},
                ("NotFoundException", "No data source found named No", 404),
            ),
        ],
    )
    def test_refusals(self, appsync, api_id, more, expected):
        assert error(appsync.create_resolver, **resolver(api_id, **more)) == expected

    def test_faults_of_code_have_their_places(self, appsync, api_id):
        with pytest.raises(ClientError) as refusal:
            appsync.create_resolver(**resolver(api_id, fieldName="other", code=f"{CODE}\nasync function late() {{}}"))

        answer = refusal.value.response
        assert answer["reason"] == "CODE_ERROR"
        (fault,) = answer["detail"]["codeErrors"]
        assert (fault["errorType"], fault["location"]["line"]) == ("LINT_ERROR", 2)

    def test_a_missing_one_is_not_updated(self, appsync, api_id):
        missing = resolver(api_id, fieldName="other")
        assert error(appsync.update_resolver, **missing) == ("NotFoundException", "No resolver found.", 404)


class TestFunctions:
    def test_in_use_are_not_deleted(self, cloud, appsync, api_id):
        made = appsync.create_function(**function(api_id))["functionConfiguration"]
        pipeline = resolver(api_id, kind="PIPELINE", pipelineConfig={"functions": [made["functionId"]]})
        del pipeline["dataSourceName"]
        appsync.update_resolver(**pipeline)
        given = {"apiId": api_id, "functionId": made["functionId"]}

        assert ask_with_new_key(cloud, appsync, api_id).data == {"open": "yes"}
        (user,) = appsync.list_resolvers_by_function(**given)["resolvers"]
        assert user["fieldName"] == "open"
        assert error(appsync.delete_function, **given)[::2] == ("BadRequestException", 400)

        appsync.update_resolver(**resolver(api_id))
        appsync.delete_function(**given)
        assert appsync.list_functions(apiId=api_id)["functions"] == []

    def test_unknown_ones_are_refused(self, appsync, api_id):
        pipeline = resolver(api_id, fieldName="other", kind="PIPELINE", pipelineConfig={"functions": ["none"]})
        del pipeline["dataSourceName"]
        assert error(appsync.create_resolver, **pipeline)[0] == "NotFoundException"
        assert error(appsync.list_resolvers_by_function, apiId=api_id, functionId="none")[0] == "NotFoundException"

    def test_updates(self, appsync, api_id):
        made = appsync.create_function(**function(api_id))["functionConfiguration"]
        changed = appsync.update_function(**function(api_id, functionId=made["functionId"], name="other"))
        assert changed["functionConfiguration"]["name"] == "other"
        code = error(appsync.update_function, **function(api_id, functionId=made["functionId"], code="export"))[0]
        assert code == "BadRequestException"


class TestDataSources:
    def test_are_updated_and_deleted(self, appsync, api_id):
        before = appsync.get_data_source(apiId=api_id, name="Nothing")["dataSource"]
        changed = appsync.update_data_source(apiId=api_id, name="Nothing", type="NONE", description="none at all")
        assert changed["dataSource"] == {**before, "description": "none at all"}
        assert error(appsync.update_data_source, apiId=api_id, name="No", type="NONE")[0] == "NotFoundException"
        appsync.delete_data_source(apiId=api_id, name="Nothing")
        assert appsync.list_data_sources(apiId=api_id)["dataSources"] == []

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            ({"name": "Nothing", "type": "NONE"}, "already exists"),
            ({"name": "a-b", "type": "NONE"}, "failed to satisfy constraint"),
            ({"name": "Web", "type": "HTTP", "httpConfig": {"endpoint": "https://x"}}, "not emulated"),
            ({"name": "Table", "type": "AMAZON_DYNAMODB"}, "needs dynamodbConfig"),
            (
                {"name": "Function", "type": "AWS_LAMBDA", "lambdaConfig": {"lambdaFunctionArn": "arn:x"}},
                "needs serviceRoleArn",
            ),
        ],
    )
    def test_refusals(self, appsync, api_id, given, reason):
        code, message, status = error(appsync.create_data_source, apiId=api_id, **given)
        assert (code, status) == ("BadRequestException", 400)
        assert reason in message


class TestKeys:
    def test_lifetime(self, appsync, api_id):
        now = time.time()
        usual = appsync.create_api_key(apiId=api_id)["apiKey"]
        assert 7 * DAY - HOUR <= usual["expires"] - now <= 7 * DAY + 5
        assert usual["expires"] % HOUR == 0
        assert usual["deletes"] == usual["expires"] + 60 * DAY

        longer = appsync.update_api_key(apiId=api_id, id=usual["id"], expires=int(now) + 300 * DAY)["apiKey"]
        assert 300 * DAY - HOUR <= longer["expires"] - now <= 300 * DAY

    @pytest.mark.parametrize("days", [-1, 0.9, 366])
    def test_outside_the_limits(self, appsync, api_id, days):
        expires = int(time.time() + days * DAY)
        key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
        refusal = ("ApiKeyValidityOutOfBoundsException", 400)

        assert error(appsync.create_api_key, apiId=api_id, expires=expires)[::2] == refusal
        assert error(appsync.update_api_key, apiId=api_id, id=key, expires=expires)[::2] == refusal


class TestApis:
    def test_an_update_replaces_every_setting(self, appsync, api_id):
        given = {"apiId": api_id, "name": "api", "authenticationType": "API_KEY"}
        changed = appsync.update_graphql_api(
            **given, queryDepthLimit=3, introspectionConfig="DISABLED", ownerContact="me"
        )
        assert changed["graphqlApi"]["queryDepthLimit"] == 3
        assert changed["graphqlApi"]["ownerContact"] == "me"

        found = appsync.update_graphql_api(**given)["graphqlApi"]

        assert appsync.get_graphql_api(apiId=api_id)["graphqlApi"] == {**found, "tags": {}}
        assert (found["queryDepthLimit"], found["introspectionConfig"]) == (0, "ENABLED")
        assert "ownerContact" not in found

    def test_deletion_takes_everything(self, cloud, appsync, api_id):
        key = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
        appsync.delete_graphql_api(apiId=api_id)
        answer = ask(Api(cloud, api_id, key), "{ open }", {"x-api-key": key})
        assert (answer.status, answer.error["errorType"]) == (404, "ResourceNotFoundException")
        assert error(appsync.get_graphql_api, apiId=api_id)[0] == "NotFoundException"

    @pytest.mark.parametrize(
        ("operation", "given"),
        [
            ("create_domain_name", {"domainName": "a.example.com", "certificateArn": "arn:aws:acm:us-east-1:0:c/x"}),
            ("create_api_cache", {"ttl": 60, "apiCachingBehavior": "FULL_REQUEST_CACHING", "type": "SMALL"}),
            ("list_source_api_associations", {}),
        ],
    )
    def test_what_is_not_emulated_is_refused_by_name(self, appsync, api_id, operation, given):
        needs_api = operation != "create_domain_name"
        code, message, _ = error(getattr(appsync, operation), **({"apiId": api_id} if needs_api else {}), **given)
        assert code == "BadRequestException"
        assert "not emulated" in message


class TestPermissions:
    def client(self, cloud, *statements):
        credentials = user_of(cloud, *statements)
        return boto3.client(
            "appsync",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )

    def allow(self, action, resource):
        return {"Effect": "Allow", "Action": action, "Resource": resource}

    def test_an_api_has_resource_level_permissions(self, cloud, appsync, api_id):
        other = new_api(appsync)
        arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api_id}"
        caller = self.client(cloud, self.allow("appsync:GetGraphqlApi", arn))

        assert caller.get_graphql_api(apiId=api_id)["graphqlApi"]["apiId"] == api_id
        assert error(caller.get_graphql_api, apiId=other)[0] == "AccessDeniedException"

    def test_resolvers_have_none(self, cloud, api_id):
        given = {"apiId": api_id, "typeName": "Query", "fieldName": "open"}
        narrow = self.client(cloud, self.allow("appsync:*", f"arn:aws:appsync:us-east-1:000000000000:apis/{api_id}*"))
        wide = self.client(cloud, self.allow("appsync:GetResolver", "*"))

        assert error(narrow.get_resolver, **given)[0] == "AccessDeniedException"
        assert wide.get_resolver(**given)["resolver"]["fieldName"] == "open"

    def test_a_role_may_be_given_only_by_those_who_may_pass_it(self, cloud, api_id):
        iam, role = cloud.client("iam"), f"source-{uuid.uuid4().hex[:8]}"
        trust = {"Effect": "Allow", "Principal": {"Service": "appsync.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        given = {
            "apiId": api_id,
            "name": "Function",
            "type": "AWS_LAMBDA",
            "serviceRoleArn": arn,
            "lambdaConfig": {"lambdaFunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f"},
        }
        without = self.client(cloud, self.allow("appsync:CreateDataSource", "*"))
        allowed = self.client(cloud, self.allow(["appsync:CreateDataSource", "iam:PassRole"], "*"))

        code, message, status = error(without.create_data_source, **given)
        assert (code, status) == ("AccessDeniedException", 403)
        assert f"iam:PassRole on resource: {arn}" in message
        assert allowed.create_data_source(**given)["dataSource"]["serviceRoleArn"] == arn

    def test_nor_does_an_api_log_in_a_role_that_its_creator_may_not_pass(self, cloud):
        caller = self.client(cloud, self.allow("appsync:CreateGraphqlApi", "*"))
        logs = {"fieldLogLevel": "ALL", "cloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/logs"}
        code, message, _ = error(caller.create_graphql_api, name="api", authenticationType="API_KEY", logConfig=logs)
        assert code == "AccessDeniedException"
        assert "iam:PassRole on resource: arn:aws:iam::000000000000:role/logs" in message


@pytest.mark.parametrize(("account", "region"), [("111122223333", "us-east-1"), ("000000000000", "eu-west-1")])
def test_apis_of_other_accounts_and_regions_are_apart(cloud, appsync, api_id, account, region):
    elsewhere = boto3.client(
        "appsync",
        endpoint_url=cloud.endpoint,
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="embedded",
        config=Config(proxies={}),
    )
    other = new_api(elsewhere)
    here, there = (
        each.create_api_key(apiId=api)["apiKey"]["id"] for each, api in ((appsync, api_id), (elsewhere, other))
    )

    listed = [each["apiId"] for each in elsewhere.list_graphql_apis()["graphqlApis"]]
    assert other in listed
    assert api_id not in listed
    assert f":{region}:{account}:" in elsewhere.get_graphql_api(apiId=other)["graphqlApi"]["arn"]
    assert error(elsewhere.get_graphql_api, apiId=api_id)[0] == "NotFoundException"
    assert ask(Api(cloud, other, there), "{ open }", {"x-api-key": there}).data == {"open": "yes"}
    assert refused(Api(cloud, other, here), {"x-api-key": here}, "{ open }") == NOT_AUTHORIZED
