"""What a query answers when its function is throttled, does not end, is missing, or its response is of no use."""

import pytest

from tests.local.appsync.graphql_apis import Api, api_id, deploy_api, resolver
from tests.local.resources import function_resource

SCHEMA = """
type Query { throttled: Item slow: Item missing: Item short: [Item] many: [Item] well: String nan: Float }
type Item { id: ID name: String }
"""
SOURCE = """
import time


def handler(event, context):
    if isinstance(event, list):
        return event[:1]
    field = event["info"]["fieldName"]
    if field == "slow":
        time.sleep(30)
    if field == "nan":
        return float("nan")
    if field == "many":
        return [{"id": 1}, {"id": 2}]
    return "well"
"""


def source(name, arn):
    properties = {
        "ApiId": api_id(),
        "Name": name,
        "Type": "AWS_LAMBDA",
        "ServiceRoleArn": {"Fn::GetAtt": ["SourceRole", "Arn"]},
        "LambdaConfig": {"LambdaFunctionArn": arn},
    }
    return {"Type": "AWS::AppSync::DataSource", "Properties": properties}


@pytest.fixture(scope="module")
def api(cloud) -> Api:
    missing = {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:nobody"}
    return deploy_api(
        cloud,
        SCHEMA,
        SOURCE,
        Stopped=function_resource(SOURCE, ReservedConcurrentExecutions=0),
        Short=function_resource(SOURCE, Timeout=1),
        Throttled=source("Throttled", {"Fn::GetAtt": ["Stopped", "Arn"]}),
        Slow=source("Slow", {"Fn::GetAtt": ["Short", "Arn"]}),
        Missing=source("Missing", missing),
        QueryThrottled=resolver("Query", "throttled", "Throttled", DependsOn=["Schema", "Throttled"]),
        QuerySlow=resolver("Query", "slow", "Slow", DependsOn=["Schema", "Slow"]),
        QueryMissing=resolver("Query", "missing", "Missing", DependsOn=["Schema", "Missing"]),
        QueryMany=resolver("Query", "many"),
        QueryNan=resolver("Query", "nan"),
        QueryWell=resolver("Query", "well"),
        ItemName=resolver("Item", "name", MaxBatchSize=10),
    )


def test_throttled_function(api):
    answer = api.ask("{ throttled { id } well }")
    assert answer.body["data"] == {"throttled": None, "well": "well"}
    assert answer.error["errorType"] == "Lambda:TooManyRequestsException"
    assert "(Service: AWSLambda; Status Code: 429; " in answer.error["message"]


def test_function_that_exceeds_its_timeout(api):
    answer = api.ask("{ slow { id } }")
    assert answer.body["data"] == {"slow": None}
    assert answer.error["errorType"] == "Lambda:Unhandled"
    assert answer.error["message"].endswith("Task timed out after 1.00 seconds")


def test_missing_function(api):
    answer = api.ask("{ missing { id } }")
    assert answer.error["errorType"] == "Lambda:ResourceNotFoundException"


def test_response_that_is_no_json(api):
    answer = api.ask("{ nan }")
    assert answer.body["data"] == {"nan": None}
    assert answer.error["message"] == "The function's response is not JSON."


def test_batch_with_too_few_items_fails_all_of_its_fields(api):
    answer = api.ask("{ many { id name } }")
    assert answer.body["data"] == {"many": [{"id": "1", "name": None}, {"id": "2", "name": None}]}
    assert [each["path"] for each in answer.body["errors"]] == [["many", 0, "name"], ["many", 1, "name"]]
    assert "one item for each of 2 payloads, but returned 1 items" in answer.messages[0]


def test_api_made_by_operations_instead_of_a_template(cloud):
    client = cloud.client("appsync")
    made = client.create_graphql_api(name="by hand", authenticationType="API_KEY")["graphqlApi"]["apiId"]
    client.start_schema_creation(apiId=made, definition=b"type Query { said: String }")
    client.create_data_source(apiId=made, name="Nothing", type="NONE")
    code = """
    export function request(ctx) { return { payload: 'yes' }; }
    export function response(ctx) { return ctx.result; }
    """
    client.create_resolver(
        apiId=made,
        typeName="Query",
        fieldName="said",
        dataSourceName="Nothing",
        code=code,
        runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
    )
    key = client.create_api_key(apiId=made)["apiKey"]["id"]
    assert Api(cloud, made, key).ask("{ said }").data == {"said": "yes"}
    client.start_schema_creation(apiId=made, definition=b"type Query { said: [String] }")
    answer = Api(cloud, made, key).ask("{ said }")
    assert answer.error["message"] == "Can't resolve value (/said) : type mismatch error, expected type LIST"
