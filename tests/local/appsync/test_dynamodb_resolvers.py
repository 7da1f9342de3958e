"""Resolvers of a deployed API with a DynamoDB table as data source: one resolver per operation, its request given."""

import json

import pytest

from tests.local.appsync.graphql_apis import Api, api_id, deploy_api, resolver, source_role

SCHEMA = """
type Query { run(request: AWSJSON!): Outcome  denied(request: AWSJSON!): Outcome  item(request: AWSJSON!): Item
  read(id: ID!): Item  page(id: ID!): Page  search(text: String!): Page }
type Outcome { result: AWSJSON error: AWSJSON }
type Item { id: ID! text: String hits: Int }
type Page { items: [Item] nextToken: String }
type Mutation {
  write(id: ID!, text: String): Item
  change(id: ID!, text: String, hits: Int): Item
  drop(id: ID!): Item
}
"""
MODULE = """
import * as ddb from '@aws-appsync/utils/dynamodb';
import { util } from '@aws-appsync/utils';
export function request(ctx) { return %s; }
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type, ctx.result);
  return ctx.result;
}
"""
KEY = "{ id: ctx.args.id, order: 1 }"
MODULE_REQUESTS = {
    "Query.read": f"ddb.get({{ key: {KEY}, consistentRead: true }})",
    "Query.page": "ddb.query({ query: { id: { eq: ctx.args.id } }, filter: { text: { beginsWith: 'b' } }, limit: 5 })",
    "Query.search": "ddb.scan({ filter: { text: { contains: ctx.args.text } } })",
    "Mutation.write": f"""ddb.put({{
        key: {KEY},
        item: {{ text: ctx.args.text, hits: 1 }},
        condition: {{ id: {{ attributeExists: false }} }},
    }})""",
    "Mutation.change": f"""ddb.update({{
        key: {KEY},
        update: {{ text: ctx.args.text, hits: ddb.operations.increment(ctx.args.hits) }},
        condition: {{ id: {{ attributeExists: true }} }},
    }})""",
    "Mutation.drop": f"ddb.remove({{ key: {KEY} }})",
}
RUN = """
export function request(ctx) { return ctx.args.request; }
export function response(ctx) { return { result: ctx.result, error: ctx.error }; }
"""
ITEM = """
import { util } from '@aws-appsync/utils';
export function request(ctx) { return ctx.args.request; }
export function response(ctx) {
  if (ctx.error) util.error(ctx.error.message, ctx.error.type, ctx.result);
  return ctx.result;
}
"""


def table_source(name, role):
    return {
        "Type": "AWS::AppSync::DataSource",
        "Properties": {
            "ApiId": api_id(),
            "Name": name,
            "Type": "AMAZON_DYNAMODB",
            "ServiceRoleArn": {"Fn::GetAtt": [role, "Arn"]},
            "DynamoDBConfig": {"TableName": {"Ref": "Table"}, "AwsRegion": {"Ref": "AWS::Region"}},
        },
    }


@pytest.fixture(scope="module")
def api(cloud) -> Api:
    made = deploy_api(
        cloud,
        SCHEMA,
        "def handler(event, context): pass",
        Table={
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "id", "AttributeType": "S"},
                    {"AttributeName": "order", "AttributeType": "N"},
                ],
                "KeySchema": [
                    {"AttributeName": "id", "KeyType": "HASH"},
                    {"AttributeName": "order", "KeyType": "RANGE"},
                ],
            },
        },
        TableRole=source_role("dynamodb:*"),
        DeniedRole=source_role("dynamodb:Query"),
        Items=table_source("Items", "TableRole"),
        Denied=table_source("Denied", "DeniedRole"),
        Run=resolver("Query", "run", "Items", Code=RUN, DependsOn=["Schema", "Items"]),
        Item=resolver("Query", "item", "Items", Code=ITEM, DependsOn=["Schema", "Items"]),
        **{
            name.replace(".", ""): resolver(
                *name.split("."), "Items", Code=MODULE % request, DependsOn=["Schema", "Items"]
            )
            for name, request in MODULE_REQUESTS.items()
        },
        QueryDenied=resolver("Query", "denied", "Denied", Code=RUN, DependsOn=["Schema", "Denied"]),
    )
    source = cloud.client("appsync").get_data_source(apiId=made.api_id, name="Items")["dataSource"]
    made.table = source["dynamodbConfig"]["tableName"]
    return made


def run(api, field="run", **request):
    """The result and the error that a response handler gets for a request."""
    answer = api.ask(f"query ($r: AWSJSON!) {{ {field}(request: $r) {{ result error }} }}", r=json.dumps(request))
    outcome = answer.data[field]
    return tuple(json.loads(outcome[name]) if outcome[name] else None for name in ("result", "error"))


def done(api, **request):
    result, error = run(api, **request)
    assert error is None, error
    return result


def key(name, order=1):
    return {"id": {"S": name}, "order": {"N": order}}


def put(api, name, order=1, **values):
    attributes = {each: {"S": value} for each, value in values.items()}
    return done(api, operation="PutItem", key=key(name, order), attributeValues=attributes)


def test_every_type_of_value_comes_back_as_it_was(api):
    values = {
        "text": {"S": "ü"},
        "number": {"N": 1.5},
        "flag": {"BOOL": False},
        "nothing": {"NULL": True},
        "list": {"L": [{"N": "1"}, {"M": {"a": {"S": "b"}}}]},
        "texts": {"SS": ["a"]},
        "numbers": {"NS": [1, 2]},
        "bytes": {"B": "AAEC"},
    }
    put_item = done(api, operation="PutItem", key=key("types"), attributeValues=values)
    assert put_item == {
        "id": "types",
        "order": 1,
        "text": "ü",
        "number": 1.5,
        "flag": False,
        "nothing": None,
        "list": [1, {"a": "b"}],
        "texts": ["a"],
        "numbers": [1, 2],
        "bytes": "AAEC",
    }
    found = done(api, operation="GetItem", key=key("types"), consistentRead=True)
    assert {**found, "numbers": sorted(found["numbers"])} == put_item


def test_missing_item_is_null(api):
    assert done(api, operation="GetItem", key=key("missing")) is None


def test_projection(api):
    put(api, "projected", text="a", other="b")
    projection = {"expression": "#t", "expressionNames": {"#t": "text"}}
    assert done(api, operation="GetItem", key=key("projected"), projection=projection) == {"text": "a"}


def test_update_returns_the_new_item(api):
    put(api, "updated", text="a")
    update = {
        "expression": "SET #t = :t ADD hits :one",
        "expressionNames": {"#t": "text"},
        "expressionValues": {":t": {"S": "b"}, ":one": {"N": 1}},
    }
    changed = done(api, operation="UpdateItem", key=key("updated"), update=update)
    assert changed == {"id": "updated", "order": 1, "text": "b", "hits": 1}


def test_failed_condition_gives_the_item_as_it_is(api):
    put(api, "taken", text="theirs")
    result, error = run(
        api,
        operation="PutItem",
        key=key("taken"),
        attributeValues={"text": {"S": "mine"}},
        condition={"expression": "attribute_not_exists(id)"},
    )
    assert result == {"id": "taken", "order": 1, "text": "theirs"}
    assert error["type"] == "DynamoDB:ConditionalCheckFailedException"
    assert error["message"].startswith("The conditional request failed (Service: DynamoDb, Status Code: 400, ")


def test_failed_condition_of_an_update(api):
    put(api, "versioned", text="theirs")
    request = {
        "operation": "UpdateItem",
        "key": key("versioned"),
        "update": {"expression": "SET hits = :one", "expressionValues": {":one": {"N": 1}}},
        "condition": {"expression": "hits = :two", "expressionValues": {":two": {"N": 2}}},
    }
    result, error = run(api, **request)
    assert (result["text"], error["type"]) == ("theirs", "DynamoDB:ConditionalCheckFailedException")
    answer = api.ask("query ($r: AWSJSON!) { item(request: $r) { text } }", r=json.dumps(request))
    assert answer.error["data"] == {"text": "theirs"}
    assert answer.error["errorType"] == "DynamoDB:ConditionalCheckFailedException"


def test_repeated_write_is_accepted_if_the_item_is_as_wanted(api):
    request = {
        "operation": "PutItem",
        "key": key("repeated"),
        "attributeValues": {"text": {"S": "same"}, "at": {"S": "now"}},
        "condition": {"expression": "attribute_not_exists(id)", "equalsIgnore": ["at"]},
    }
    done(api, **request)
    request["attributeValues"] = {"text": {"S": "same"}, "at": {"S": "later"}}
    assert done(api, **request)["text"] == "same"


def test_delete_returns_the_old_item(api):
    put(api, "deleted", text="a")
    assert done(api, operation="DeleteItem", key=key("deleted")) == {"id": "deleted", "order": 1, "text": "a"}
    assert done(api, operation="DeleteItem", key=key("deleted")) is None


def test_pages_of_a_query(api):
    for order in range(5):
        put(api, "paged", order, text=str(order))
    query = {"expression": "id = :id", "expressionValues": {":id": {"S": "paged"}}}
    filtered = {
        "expression": "#t <> :zero",
        "expressionNames": {"#t": "text"},
        "expressionValues": {":zero": {"S": "0"}},
    }
    pages, token = [], None
    while token or not pages:
        page = done(api, operation="Query", query=query, filter=filtered, limit=2, nextToken=token)
        pages.append([each["order"] for each in page["items"]])
        token = page["nextToken"]
    assert pages == [[1], [2, 3], [4]]
    backward = done(api, operation="Query", query=query, scanIndexForward=False, limit=1)
    assert [each["order"] for each in backward["items"]] == [4]
    _, error = run(api, operation="Query", query=query, limit=1, nextToken=backward["nextToken"][:-4] + "AAAA")
    assert error == {"type": "BadRequestException", "message": "Invalid pagination token given."}


def test_scan(api):
    put(api, "scanned", text="yes")
    found = done(
        api, operation="Scan", filter={"expression": "id = :id", "expressionValues": {":id": {"S": "scanned"}}}
    )
    assert [each["text"] for each in found["items"]] == ["yes"]


def test_batches(api):
    items = [{**key("batch", order), "text": {"S": str(order)}} for order in (1, 2)]
    written = done(api, operation="BatchPutItem", tables={api.table: items})
    assert [each["order"] for each in written["data"][api.table]] == [1, 2]
    assert written["unprocessedItems"] == {api.table: []}
    keys = [key("batch", order) for order in (2, 7, 1)]
    found = done(api, operation="BatchGetItem", tables={api.table: {"keys": keys}})["data"][api.table]
    assert [each and each["text"] for each in found] == ["2", None, "1"]
    done(api, operation="BatchDeleteItem", tables={api.table: [key("batch", 1)]})
    left = done(api, operation="BatchGetItem", tables={api.table: {"keys": keys}})["data"][api.table]
    assert [each and each["text"] for each in left] == ["2", None, None]


def test_transactions(api):
    put_one = {
        "table": api.table,
        "operation": "PutItem",
        "key": key("both", 1),
        "attributeValues": {"text": {"S": "a"}},
        "condition": {"expression": "attribute_not_exists(id)"},
    }
    update_two = {
        "table": api.table,
        "operation": "UpdateItem",
        "key": key("both", 2),
        "update": {"expression": "SET hits = :one", "expressionValues": {":one": {"N": 1}}},
    }
    written = done(api, operation="TransactWriteItems", transactItems=[put_one, update_two])
    assert written["keys"] == [{"id": "both", "order": 1}, {"id": "both", "order": 2}]
    result, error = run(api, operation="TransactWriteItems", transactItems=[put_one, update_two])
    assert error["type"] == "DynamoDB:TransactionCanceledException"
    assert [each["type"] for each in result["cancellationReasons"]] == ["ConditionalCheckFailed", "None"]
    read = [{"table": api.table, "key": key("both", order)} for order in (1, 2, 3)]
    found = done(api, operation="TransactGetItems", transactItems=read)["items"]
    assert [found[0]["text"], found[1]["hits"], found[2]] == ["a", 1, None]


def test_role_of_the_source_decides(api):
    _, error = run(api, "denied", operation="GetItem", key=key("any"))
    assert error["type"] == "DynamoDB:AccessDeniedException"
    assert "not authorized to perform: dynamodb:GetItem" in error["message"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Value for field '$[operation]' not found."),
        ({"operation": "GetItem"}, "Value for field '$[key]' not found."),
        ({"operation": "Sync"}, "The operation Sync of DynamoDB is not emulated."),
        (
            {"operation": "GetItem", "key": {"id": "plain"}},
            "The value of id must have a type of DynamoDB, such as S; use util.dynamodb.toDynamoDB.",
        ),
    ],
)
def test_unusable_requests(api, request_, message):
    _, error = run(api, **request_)
    assert error == {"type": "MappingTemplate", "message": message}


def test_requests_of_the_dynamodb_module(api):
    assert api.ask('mutation { write(id: "m", text: "a") { id text } }').data == {"write": {"id": "m", "text": "a"}}
    refused = api.ask('mutation { write(id: "m", text: "other") { text } }').error
    assert refused["errorType"] == "DynamoDB:ConditionalCheckFailedException"
    assert refused["data"] == {"text": "a"}
    changed = api.ask('mutation { change(id: "m", text: "bell", hits: 2) { text hits } }').data["change"]
    assert changed == {"text": "bell", "hits": 3}
    missing = api.ask('mutation { change(id: "absent", text: "b", hits: 1) { text } }').error
    assert missing["errorType"] == "DynamoDB:ConditionalCheckFailedException"
    assert api.ask('{ read(id: "m") { text } }').data == {"read": {"text": "bell"}}
    page = {"items": [{"id": "m", "text": "bell"}], "nextToken": None}
    assert api.ask('{ page(id: "m") { items { id text } nextToken } }').data == {"page": page}
    assert api.ask('{ search(text: "ell") { items { id } } }').data == {"search": {"items": [{"id": "m"}]}}
    assert api.ask('mutation { drop(id: "m") { text } }').data == {"drop": {"text": "bell"}}
    assert api.ask('{ read(id: "m") { text } }').data == {"read": None}
