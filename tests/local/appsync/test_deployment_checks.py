"""What a template's GraphQL API gives, and what AppSync refuses of it, with its words."""

import json
import re
import time
import uuid

import boto3
import pytest
from botocore.config import Config

from blueprints.errors import BlueprintError
from blueprints.local.deployment import deploy
from tests.local.appsync.graphql_apis import Api, api_id, lambda_source, source_role
from tests.local.appsync.test_authorization import user_of
from tests.local.resources import ROLE, function_resource
from tests.local.waiting import until

SCHEMA = "type Query { open: String other: String }"
CODE = "export function request() { return {} } export function response() { return 'yes' }"
RUNTIME = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
DAY = 86_400


def graphql_api(**properties):
    return {
        "Type": "AWS::AppSync::GraphQLApi",
        "Properties": {"Name": "api", "AuthenticationType": "API_KEY", **properties},
    }


def schema(**properties):
    return {
        "Type": "AWS::AppSync::GraphQLSchema",
        "Properties": {"ApiId": api_id(), **(properties or {"Definition": SCHEMA})},
    }


def source(**properties):
    return {
        "Type": "AWS::AppSync::DataSource",
        "Properties": {"ApiId": api_id(), "Name": "Nothing", "Type": "NONE", **properties},
    }


def resolver(**properties):
    return {
        "Type": "AWS::AppSync::Resolver",
        "DependsOn": ["Schema", "Source"],
        "Properties": {
            "ApiId": api_id(),
            "TypeName": "Query",
            "FieldName": "open",
            "DataSourceName": "Nothing",
            "Runtime": RUNTIME,
            "Code": CODE,
            **properties,
        },
    }


def function(**properties):
    return {
        "Type": "AWS::AppSync::FunctionConfiguration",
        "DependsOn": "Source",
        "Properties": {
            "ApiId": api_id(),
            "Name": "step",
            "DataSourceName": "Nothing",
            "Runtime": RUNTIME,
            "Code": CODE,
            **properties,
        },
    }


def key(**properties):
    return {"Type": "AWS::AppSync::ApiKey", "Properties": {"ApiId": api_id(), **properties}}


BASE = {"Api": graphql_api(), "Schema": schema(), "Source": source(), "Resolver": resolver(), "Key": key()}


def without(resource, *names):
    kept = {name: value for name, value in resource["Properties"].items() if name not in names}
    return {**resource, "Properties": kept}


def attributes(resource, *names):
    return {f"{resource}{name}": {"Value": {"Fn::GetAtt": [resource, name]}} for name in names}


def put(cloud, name, outputs=None, **resources):
    """Deploy the base template with some resources replaced, added, or left out (None)."""
    everything = {logical_id: each for logical_id, each in {**BASE, **resources}.items() if each}
    body = {"Resources": everything, "Outputs": outputs or {}}
    return deploy(cloud, name, json.dumps(body))


@pytest.fixture
def name():
    return f"checks-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def bucket(cloud):
    made = f"code-{uuid.uuid4().hex[:12]}"
    cloud.client("s3").create_bucket(Bucket=made)
    return made


def test_attributes_and_references(cloud, name):
    outputs = {
        **attributes(
            "Api", "ApiId", "Arn", "GraphQLUrl", "RealtimeUrl", "GraphQLDns", "RealtimeDns", "GraphQLEndpointArn"
        ),
        **attributes("Key", "ApiKey", "ApiKeyId", "Arn"),
        **attributes("Source", "DataSourceArn", "Name"),
        **attributes("Resolver", "ResolverArn", "TypeName", "FieldName"),
        **attributes("Function", "FunctionId", "FunctionArn", "Name", "DataSourceName"),
        **{f"Ref{each}": {"Value": {"Ref": each}} for each in (*BASE, "Function")},
    }
    found = put(cloud, name, outputs, Function=function()).outputs
    api, port = found["ApiApiId"], cloud.endpoint.rpartition(":")[2]
    arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{api}"

    assert found["RefApi"] == found["ApiArn"] == arn
    assert found["ApiGraphQLUrl"] == f"http://localhost:{port}/v1/apis/{api}/graphql"
    assert found["ApiRealtimeUrl"] == f"ws://localhost:{port}/v1/apis/{api}/graphql"
    assert found["ApiGraphQLDns"] == found["ApiRealtimeDns"] == f"localhost:{port}"
    assert re.fullmatch("da2-[a-z0-9]{26}", found["KeyApiKey"])
    assert found["RefKey"] == found["KeyArn"] == f"{arn}/apikeys/{found['KeyApiKeyId']}"
    assert found["RefSource"] == found["SourceDataSourceArn"] == f"{arn}/datasources/Nothing"
    assert found["RefResolver"] == found["ResolverResolverArn"] == f"{arn}/types/Query/resolvers/open"
    assert found["RefFunction"] == found["FunctionFunctionArn"] == f"{arn}/functions/{found['FunctionFunctionId']}"
    assert found["RefSchema"] == f"{api}GraphQLSchema"
    uris = cloud.client("appsync").get_graphql_api(apiId=api)["graphqlApi"]["uris"]
    assert uris == {"GRAPHQL": found["ApiGraphQLUrl"], "REALTIME": found["ApiRealtimeUrl"]}


def test_definitions_and_code_are_read_from_s3(cloud, name, bucket):
    s3 = cloud.client("s3")
    s3.put_object(Bucket=bucket, Key="a/schema.graphql", Body=SCHEMA.encode())
    s3.put_object(Bucket=bucket, Key="code.js", Body=CODE.encode())
    in_s3 = without(resolver(CodeS3Location=f"s3://{bucket}/code.js"), "Code")

    stack = put(
        cloud,
        name,
        {**attributes("Api", "ApiId"), **attributes("Key", "ApiKey")},
        Schema=schema(DefinitionS3Location=f"s3://{bucket}/a/schema.graphql"),
        Resolver=in_s3,
    )

    api = Api(cloud, stack.outputs["ApiApiId"], stack.outputs["KeyApiKey"])
    assert api.ask("{ open other }").data == {"open": "yes", "other": None}


def test_the_deployer_needs_the_permission_to_read_them(cloud, name, bucket):
    cloud.client("s3").put_object(Bucket=bucket, Key="schema.graphql", Body=SCHEMA.encode())
    template = {
        "Resources": {"Api": graphql_api(), "Schema": schema(DefinitionS3Location=f"s3://{bucket}/schema.graphql")}
    }

    def deployed_by(*actions):
        credentials = user_of(cloud, {"Effect": "Allow", "Action": ["cloudformation:*", *actions], "Resource": "*"})
        deployer = boto3.client(
            "cloudformation",
            endpoint_url=cloud.endpoint,
            region_name="us-east-1",
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            config=Config(proxies={}),
        )
        stack = f"{name}-{len(actions)}"
        deployer.create_stack(StackName=stack, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING")
        until(lambda: not deployer.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"].endswith("PROGRESS"))
        events = deployer.describe_stack_events(StackName=stack)["StackEvents"]
        return {each["LogicalResourceId"]: each.get("ResourceStatusReason", "") for each in reversed(events)}

    assert "is not authorized to perform s3:GetObject" in deployed_by("appsync:*")["Schema"]
    assert deployed_by("appsync:*", "s3:GetObject")["Schema"] == ""


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        ({"Schema": schema(Definition="type Query { open: ")}, "FAILED with details: Failed to parse schema document"),
        ({"Schema": schema(Definition="type Query { open: Strin }")}, "FAILED with details: Found 1 problem.*Strin"),
        ({"Schema": schema(Definition="type Note { id: ID }")}, "FAILED with details"),
        ({"Schema": schema(DefinitionS3Location="s3://none-here/schema")}, "does not exist: s3://none-here/schema"),
        ({"Schema": schema(DefinitionS3Location="https://x/schema")}, "no location in S3"),
        ({"Resolver": resolver(FieldName="closed")}, "No field named closed found on type Query.*Status Code: 404"),
        ({"Resolver": resolver(TypeName="Mutation")}, "Type Mutation not found"),
        ({"Resolver": resolver(DataSourceName="Missing")}, "No data source found named Missing"),
        ({"Resolver": resolver(Code="export function request( {")}, "code contains one or more errors.*syntax"),
        ({"Resolver": resolver(Code=f"{CODE} async function late() {{}}")}, "code contains one or more errors"),
        ({"Resolver": resolver(Runtime={"Name": "APPSYNC_JS", "RuntimeVersion": "2.0.0"})}, "The runtime must be"),
        ({"Resolver": without(resolver(), "Runtime")}, "code and runtime must be given together"),
        ({"Resolver": without(resolver(), "Runtime", "Code")}, "needs code"),
        (
            {"Resolver": without(resolver(CodeS3Location="s3://none-here/a.js"), "Code")},
            "does not exist: s3://none-here",
        ),
        ({"Resolver": resolver(MaxBatchSize=3000)}, "less than or equal to 2000"),
        ({"Resolver": resolver(RequestMappingTemplate="{}")}, "Mapping templates .VTL. are not emulated"),
        (
            {"Resolver": resolver(RequestMappingTemplateS3Location="s3://a/b")},
            "Mapping templates .VTL. are not emulated",
        ),
        ({"Resolver": resolver(SyncConfig={"ConflictDetection": "VERSION"})}, "conflict detection.*not emulated"),
        ({"Second": resolver()}, "Only one resolver is allowed per field"),
        (
            {"Resolver": without(resolver(Kind="PIPELINE", PipelineConfig={"Functions": ["none"]}), "DataSourceName")},
            "No function found with id none",
        ),
        ({"Function": function(Code="export const a = 1")}, "code contains one or more errors"),
        ({"Function": function(DataSourceName="Missing")}, "No data source found named Missing"),
        ({"Source": source(Name="Not-a-name")}, r"'Not-a-name' at 'name'.*regular expression pattern"),
        ({"Source": source(Type="HTTP", HttpConfig={"Endpoint": "https://x"})}, "type HTTP are not emulated"),
        ({"Source": source(Type="AWS_LAMBDA")}, "needs lambdaConfig"),
        ({"Another": source()}, "Data source with name Nothing already exists"),
        ({"Api": graphql_api(AuthenticationType="OPENID_CONNECT")}, "needs openIDConnectConfig"),
        (
            {
                "Api": graphql_api(
                    AuthenticationType="OPENID_CONNECT", OpenIDConnectConfig={"Issuer": "http://a.example.com"}
                )
            },
            "must be a URL with https",
        ),
        ({"Api": graphql_api(AuthenticationType="AMAZON_COGNITO_USER_POOLS")}, "needs userPoolConfig"),
        ({"Api": graphql_api(AuthenticationType="AWS_LAMBDA")}, "needs lambdaAuthorizerConfig"),
        (
            {"Api": graphql_api(AdditionalAuthenticationProviders=[{"AuthenticationType": "API_KEY"}])},
            "API_KEY is configured twice",
        ),
        ({"Api": graphql_api(EnvironmentVariables={"1st": "a"})}, "environment variable '1st'"),
        ({"Api": graphql_api(EnvironmentVariables={"LONG": "a" * 513})}, "at most 512 characters"),
        (
            {
                "Api": graphql_api(
                    AuthenticationType="AMAZON_COGNITO_USER_POOLS",
                    UserPoolConfig={
                        "UserPoolId": "a",
                        "AwsRegion": "b",
                        "DefaultAction": "ALLOW",
                        "AppIdClientRegex": "(",
                    },
                )
            },
            "appIdClientRegex is not a regular expression",
        ),
        ({"Api": graphql_api(QueryDepthLimit=76)}, "less than or equal to 75"),
        ({"Api": graphql_api(ApiType="MERGED")}, "MERGED"),
        ({"Key": key(Expires=int(time.time()) + DAY - 60)}, "minimum 1 day"),
        ({"Key": key(Expires=int(time.time()) + 366 * DAY)}, "maximum 365 day"),
        ({"Cache": {"Type": "AWS::AppSync::SourceApiAssociation"}}, "AWS::AppSync::SourceApiAssociation"),
    ],
)
def test_refusals(cloud, name, resources, reason):
    with pytest.raises(BlueprintError) as refusal:
        put(cloud, name, **resources)
    assert re.search(reason, str(refusal.value), re.DOTALL), refusal.value


@pytest.mark.parametrize(
    "resources", [{"Schema": schema(Definition="type")}, {"Api": graphql_api(EnvironmentVariables={"1st": "a"})}]
)
def test_a_refused_stack_leaves_no_api(cloud, name, resources):
    def ids():
        return {each["apiId"] for each in cloud.client("appsync").list_graphql_apis()["graphqlApis"]}

    before = ids()
    with pytest.raises(BlueprintError):
        put(cloud, name, **resources)
    assert ids() == before


def test_an_unassumable_role_fails_the_field_as_on_aws(cloud, name):
    stack = put(
        cloud,
        name,
        {**attributes("Api", "ApiId"), **attributes("Key", "ApiKey")},
        Role=ROLE,
        Function=function_resource("def handler(event, context): return 'yes'"),
        SourceRole=source_role("lambda:InvokeFunction", service="ec2.amazonaws.com"),
        Source=lambda_source(name="Nothing"),
        Resolver=without(resolver(), "Runtime", "Code"),
    )
    api = Api(cloud, stack.outputs["ApiApiId"], stack.outputs["KeyApiKey"])
    assert "Unable to assume role" in api.ask("{ open }").error["message"]


class TestUpdates:
    """Updates take effect with the next request; replaced and deleted resources are gone."""

    @pytest.fixture
    def update(self, cloud, name):
        outputs = {**attributes("Api", "ApiId"), **attributes("Key", "ApiKey")}

        def update(**resources):
            stack = put(cloud, name, outputs, **resources)
            return Api(cloud, stack.outputs["ApiApiId"], stack.outputs["KeyApiKey"])

        return update

    def test_of_a_resolver_and_the_schema(self, update):
        first = update()
        assert first.ask("{ open }").data == {"open": "yes"}

        changed = update(
            Schema=schema(Definition="type Query { open: Int }"), Resolver=resolver(Code=CODE.replace("'yes'", "7"))
        )

        assert (changed.api_id, changed.key) == (first.api_id, first.key)
        assert changed.ask("{ open }").data == {"open": 7}
        assert changed.ask("{ other }").body["data"] is None

    def test_of_a_schema_that_is_faulty(self, update, cloud):
        api = update()
        with pytest.raises(BlueprintError, match="FAILED with details"):
            update(Schema=schema(Definition="type Query {"))
        assert api.ask("{ open }").data == {"open": "yes"}

    def test_of_a_schema_without_a_field_that_has_a_resolver(self, update):
        update()
        api = update(Schema=schema(Definition="type Query { other: String }"))
        assert api.ask("{ other }").data == {"other": None}

        api = update(Schema=schema(Definition="type Query { other: String }"), Resolver=None)
        assert api.ask("{ other }").data == {"other": None}

    def test_of_settings(self, update):
        assert update().ask("{ __schema { queryType { name } } }").data
        api = update(Api=graphql_api(IntrospectionConfig="DISABLED", EnvironmentVariables={"COLOUR": "blue"}))
        assert api.ask("{ __schema { queryType { name } } }").body["data"] is None

        api = update(
            Resolver=resolver(Code=CODE.replace("response() { return 'yes'", "response(c) { return c.env.COLOUR"))
        )
        assert api.ask("{ open __schema { queryType { name } } }").body["data"]["open"] is None

    def test_of_the_authentication_type(self, update):
        api = update()
        update(Api=graphql_api(AuthenticationType="AWS_IAM"))
        assert api.ask("{ open }").status == 401
        update()
        assert api.ask("{ open }").data == {"open": "yes"}

    def test_of_a_key(self, update, cloud):
        later = int(time.time()) + 30 * DAY
        first = update()
        changed = update(Key=key(Expires=later))

        (stored,) = cloud.client("appsync").list_api_keys(apiId=changed.api_id)["apiKeys"]
        assert changed.key == first.key == stored["id"]
        assert stored["expires"] == later - later % 3600

    def test_of_a_field_replaces_its_resolver(self, update, cloud):
        update()
        api = update(Resolver=resolver(FieldName="other"))

        assert api.ask("{ open other }").data == {"open": None, "other": "yes"}
        (kept,) = cloud.client("appsync").list_resolvers(apiId=api.api_id, typeName="Query")["resolvers"]
        assert kept["fieldName"] == "other"

    def test_that_removes_everything_but_the_api(self, update, cloud, name):
        api = update()
        put(cloud, name, Schema=None, Source=None, Resolver=None, Key=None)
        appsync = cloud.client("appsync")

        assert api.ask("{ open }").status == 401
        assert appsync.list_data_sources(apiId=api.api_id)["dataSources"] == []
        assert appsync.list_api_keys(apiId=api.api_id)["apiKeys"] == []

    def test_deleted_stacks_answer_no_more(self, update, cloud, name):
        api = update(Function=function())
        cloud.client("cloudformation").delete_stack(StackName=name)
        cloud.client("cloudformation").get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )
        answer = api.ask("{ open }")
        assert (answer.status, answer.error["errorType"]) == (404, "ResourceNotFoundException")


def test_a_web_acl_a_cache_and_a_domain_name_are_stored_and_listed(cloud, name):
    stored = {
        "Acl": {
            "Type": "AWS::WAFv2::WebACL",
            "Properties": {
                "Scope": "REGIONAL",
                "DefaultAction": {"Allow": {}},
                "VisibilityConfig": {
                    "SampledRequestsEnabled": False,
                    "CloudWatchMetricsEnabled": False,
                    "MetricName": "acl",
                },
            },
        },
        "Association": {
            "Type": "AWS::WAFv2::WebACLAssociation",
            "Properties": {
                "ResourceArn": {"Fn::GetAtt": ["Api", "Arn"]},
                "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]},
            },
        },
        "Cache": {
            "Type": "AWS::AppSync::ApiCache",
            "Properties": {
                "ApiId": api_id(),
                "ApiCachingBehavior": "FULL_REQUEST_CACHING",
                "Ttl": 60,
                "Type": "SMALL",
            },
        },
        "Domain": {
            "Type": "AWS::AppSync::DomainName",
            "Properties": {"DomainName": "api.example.com", "CertificateArn": "arn:aws:acm:us-east-1:0:certificate/x"},
        },
    }
    stack = put(cloud, name, attributes("Api", "ApiId"), **stored)
    assert {each["resource"] for each in stack.not_emulated} == set(stored)


def test_sam_makes_the_same_api(cloud, name):
    template = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Api": {
                "Type": "AWS::Serverless::GraphQLApi",
                "Properties": {
                    "SchemaInline": SCHEMA,
                    "Auth": {"Type": "API_KEY"},
                    "ApiKeys": {"Mobile": {}},
                    "DataSources": {},
                    "Functions": {
                        "Step": {
                            "Runtime": {"Name": "APPSYNC_JS", "Version": "1.0.0"},
                            "DataSource": "NONE",
                            "InlineCode": CODE,
                        }
                    },
                    "Resolvers": {
                        "Query": {
                            "open": {
                                "Runtime": {"Name": "APPSYNC_JS", "Version": "1.0.0"},
                                "InlineCode": CODE,
                                "Pipeline": ["Step"],
                            }
                        }
                    },
                },
            }
        },
        "Outputs": {
            "ApiId": {"Value": {"Fn::GetAtt": ["Api", "ApiId"]}},
            "Key": {"Value": {"Fn::GetAtt": ["ApiMobile", "ApiKey"]}},
        },
    }
    outputs = deploy(cloud, name, json.dumps(template)).outputs
    assert Api(cloud, outputs["ApiId"], outputs["Key"]).ask("{ open }").data == {"open": "yes"}
