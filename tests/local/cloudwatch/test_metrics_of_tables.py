"""AWS/DynamoDB: requests, errors and consumed capacity of tables, with the dimensions that AWS documents."""

import contextlib
import json

import pytest
from botocore.exceptions import ClientError

from blueprints.local.services.dynamodb import metrics
from tests.local.cloudwatch.reading import total
from tests.local.waiting import until

TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    },
}
ITEM = {"pk": {"S": "a"}}


@pytest.fixture
def table(stack):
    return stack(Table=TABLE).outputs["Table"]


def test_requests_and_the_capacity_that_they_consume_are_recorded(cloud, table):
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={**ITEM, "text": {"S": "x" * 1500}})
    found = dynamodb.get_item(TableName=table, Key=ITEM, ConsistentRead=True)
    dynamodb.query(TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": ITEM["pk"]})

    assert "ConsumedCapacity" not in found
    assert total(cloud, "ConsumedWriteCapacityUnits", "AWS/DynamoDB", TableName=table) == 2
    assert total(cloud, "ConsumedReadCapacityUnits", "AWS/DynamoDB", TableName=table) == 1.5
    for operation in ("PutItem", "GetItem", "Query"):
        dimensions = {"TableName": table, "Operation": operation}
        assert total(cloud, "SuccessfulRequestLatency", "AWS/DynamoDB", "SampleCount", **dimensions) == 1
    assert total(cloud, "ReturnedItemCount", "AWS/DynamoDB", TableName=table, Operation="Query") == 1


def test_batches_and_transactions_count_as_one_request_each(cloud, table):
    dynamodb = cloud.client("dynamodb")
    puts = [{"PutRequest": {"Item": {"pk": {"S": str(number)}}}} for number in range(3)]
    dynamodb.batch_write_item(RequestItems={table: puts})
    written = dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": ITEM}}])
    statement = f"""INSERT INTO "{table}" VALUE {{'pk': 'p'}}"""
    dynamodb.batch_execute_statement(Statements=[{"Statement": statement}])

    assert "ConsumedCapacity" not in written
    assert total(cloud, "ConsumedWriteCapacityUnits", "AWS/DynamoDB", TableName=table) == 3 + 2 + 1
    for operation in ("BatchWriteItem", "TransactWriteItems", "BatchExecuteStatement"):
        dimensions = {"TableName": table, "Operation": operation}
        assert total(cloud, "SuccessfulRequestLatency", "AWS/DynamoDB", "SampleCount", **dimensions) == 1
    assert (
        total(cloud, "SuccessfulRequestLatency", "AWS/DynamoDB", TableName=table, Operation="ExecuteStatement") is None
    )


def test_capacity_is_in_the_answer_of_a_client_that_asks_for_it(cloud, table):
    answer = cloud.client("dynamodb").batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": ITEM}}]}, ReturnConsumedCapacity="TOTAL"
    )

    assert answer["ConsumedCapacity"] == [{"TableName": table, "CapacityUnits": 1.0}]


def test_requests_that_fail_are_recorded_by_their_reason(cloud, table):
    dynamodb = cloud.client("dynamodb")
    before = total(cloud, "UserErrors", "AWS/DynamoDB") or 0
    must_exist = {"TableName": table, "Item": ITEM, "ConditionExpression": "attribute_exists(pk)"}
    for call in (
        lambda: dynamodb.put_item(**must_exist),
        lambda: dynamodb.transact_write_items(TransactItems=[{"Put": must_exist}]),
        lambda: dynamodb.put_item(TableName=table, Item={"other": {"S": "a"}}),
    ):
        with contextlib.suppress(ClientError):
            call()

    assert total(cloud, "ConditionalCheckFailedRequests", "AWS/DynamoDB", TableName=table) == 2
    assert total(cloud, "UserErrors", "AWS/DynamoDB") == before + 1
    assert total(cloud, "ConsumedWriteCapacityUnits", "AWS/DynamoDB", TableName=table) is None


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (
            400,
            "ProvisionedThroughputExceededException",
            [("ThrottledRequests", "GetItem"), ("ReadThrottleEvents", None)],
        ),
        (400, "ThrottlingException", [("ThrottledRequests", "GetItem"), ("ReadThrottleEvents", None)]),
        (500, "InternalServerError", [("SystemErrors", "GetItem")]),
    ],
)
def test_throttled_and_failed_requests_are_recorded_by_table(monkeypatch, status, code, expected):
    """No table here is throttled; so the answer is made up."""
    recorded = []
    monkeypatch.setattr(
        metrics, "record", lambda _, sets, values: recorded.extend((dict(*sets), *each) for each in values)
    )
    answer = (status, {}, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode())

    def refuse(_):
        return answer

    assert metrics._recording("GetItem", refuse, refuse)({"TableName": "orders", "Key": ITEM}) == answer
    assert recorded == [
        ({"TableName": "orders", **({"Operation": operation} if operation else {})}, name, 1.0, "Count")
        for name, operation in expected
    ]


def test_an_item_whose_time_to_live_has_passed_is_recorded(cloud, stack):
    expiring = {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}}
    name = stack(Table={**TABLE, "Properties": {**TABLE["Properties"], **expiring}}).outputs["Table"]
    cloud.client("dynamodb").put_item(TableName=name, Item={**ITEM, "expires": {"N": "1700000000"}})

    until(lambda: total(cloud, "TimeToLiveDeletedItemCount", "AWS/DynamoDB", TableName=name) == 1)
