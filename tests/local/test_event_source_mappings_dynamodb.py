"""DynamoDB streams reach functions in order, as Kinesis streams do, with DynamoDB's records."""

import json
import time

from tests.local.event_sources import MAY_READ, REPORTING, TABLE, mapping, on_failure, stored, switch_on
from tests.local.resources import QUEUE, aliased, function_resource
from tests.local.waiting import messages, printed, until

RECORDING = """
    import json
    def handler(event, context):
        for record in event["Records"]:
            print("record", json.dumps(record))
"""
# Prints the numbers it is given; reports every record whose item is marked.
REPORTING_MARKED = """
    import json
    def handler(event, context):
        changes = [each["dynamodb"] for each in event["Records"]]
        print("batch", json.dumps([each["NewImage"]["n"]["N"] for each in changes]))
        marked = [each["SequenceNumber"] for each in changes if "marked" in each["NewImage"]]
        return {"batchItemFailures": [{"itemIdentifier": each} for each in marked]}
"""


def lines_of(cloud, deployed, kind):
    lines = printed(cloud, deployed.outputs["Function"])
    return [json.loads(line.removeprefix(f"{kind} ")) for line in lines if line.startswith(f"{kind} ")]


def test_a_change_looks_as_the_service_sends_it(cloud, stack):
    deployed = stack(
        Role=MAY_READ, Table=TABLE, **aliased("Function", RECORDING), Mapping=mapping("Table", "FunctionAlias")
    )
    table = {"TableName": deployed.outputs["Table"]}
    client = cloud.client("dynamodb")
    client.put_item(**table, Item={"id": {"S": "1"}, "name": {"S": "räka"}})
    client.put_item(**table, Item={"id": {"S": "1"}, "name": {"S": "krabba"}})
    client.delete_item(**table, Key={"id": {"S": "1"}})

    insert, modify, remove = until(lambda: (seen := lines_of(cloud, deployed, "record")) and len(seen) == 3 and seen)

    change = insert["dynamodb"]
    assert abs(change.pop("ApproximateCreationDateTime") - time.time()) < 60
    assert int(change.pop("SequenceNumber")) < int(modify["dynamodb"]["SequenceNumber"])
    assert len(insert.pop("eventID")) == 32
    assert insert == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"id": {"S": "1"}},
            "NewImage": {"id": {"S": "1"}, "name": {"S": "räka"}},
            "SizeBytes": 15,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": stored(cloud, deployed)["EventSourceArn"],
    }
    assert modify["eventName"] == "MODIFY"
    assert modify["dynamodb"]["OldImage"]["name"] == {"S": "räka"}
    assert modify["dynamodb"]["NewImage"]["name"] == {"S": "krabba"}
    assert (remove["eventName"], "NewImage" in remove["dynamodb"]) == ("REMOVE", False)
    assert "userIdentity" not in remove


def test_an_expired_item_is_deleted_by_the_service(cloud, stack):
    pattern = json.dumps({"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}})
    deployed = stack(
        Role=MAY_READ,
        Table=TABLE,
        Function=function_resource(RECORDING),
        Mapping=mapping("Table", FilterCriteria={"Filters": [{"Pattern": pattern}]}),
    )
    client, table = cloud.client("dynamodb"), deployed.outputs["Table"]
    client.put_item(TableName=table, Item={"id": {"S": "kept"}, "expires": {"N": str(time.time() + 3600)}})
    client.put_item(TableName=table, Item={"id": {"S": "gone"}, "expires": {"N": str(time.time() - 1)}})

    (record,) = until(lambda: lines_of(cloud, deployed, "record"))

    assert record["eventName"] == "REMOVE"
    assert record["dynamodb"]["OldImage"]["id"] == {"S": "gone"}
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert [item["id"]["S"] for item in client.scan(TableName=table)["Items"]] == ["kept"]


def test_partial_responses_and_on_failure_records_name_the_change(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Table=TABLE,
        Queue=QUEUE,
        Function=function_resource(REPORTING_MARKED),
        Mapping=mapping(
            "Table",
            Enabled=False,
            MaximumRetryAttempts=1,
            BisectBatchOnFunctionError=True,
            **REPORTING,
            **on_failure({"Fn::GetAtt": ["Queue", "Arn"]}),
        ),
    )
    client, table = cloud.client("dynamodb"), deployed.outputs["Table"]
    for number in range(1, 6):
        mark = {"marked": {"BOOL": True}} if number == 3 else {}
        client.put_item(TableName=table, Item={"id": {"S": f"item {number}"}, "n": {"N": str(number)}, **mark})
    switch_on(cloud, deployed)

    (record,) = [message["body"] for message in messages(cloud, deployed.outputs["Queue"])]
    until(lambda: lines_of(cloud, deployed, "batch")[-1] == ["5"])

    assert lines_of(cloud, deployed, "batch") == [
        ["1", "2", "3", "4", "5"],
        ["3", "4", "5"],  # cut where the function said
        ["3", "4"],  # halved, as it failed at its first record
        ["3"],
        ["3"],
        ["4"],
        ["5"],
    ]
    info = record["DDBStreamBatchInfo"]
    assert info["startSequenceNumber"] == info["endSequenceNumber"]
    assert info["streamArn"] == stored(cloud, deployed)["EventSourceArn"]
    assert info["shardId"].startswith("shardId-")


def test_records_written_before_a_stream_is_disabled_still_arrive(cloud, stack):
    deployed = stack(
        Role=MAY_READ,
        Table=TABLE,
        Function=function_resource(RECORDING),
        Mapping=mapping("Table", Enabled=False, BatchSize=1),
    )
    client, table = cloud.client("dynamodb"), deployed.outputs["Table"]
    client.put_item(TableName=table, Item={"id": {"S": "1"}})
    client.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    client.put_item(TableName=table, Item={"id": {"S": "2"}})
    switch_on(cloud, deployed)

    (record,) = until(lambda: lines_of(cloud, deployed, "record"))

    assert record["dynamodb"]["Keys"] == {"id": {"S": "1"}}
