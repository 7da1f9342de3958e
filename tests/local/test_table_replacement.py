"""A table whose keys change is replaced; the old one is deleted last."""

import json
import uuid

import pytest

from tests.local.waiting import until


def table(key, policy=None, **properties):
    definition = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        **properties,
    }
    resource = {"Type": "AWS::DynamoDB::Table", "Properties": definition}
    return {**resource, **({"UpdateReplacePolicy": policy} if policy else {})}


@pytest.fixture
def put(cloud):
    """Creates the test's stack, then updates it: its status and the name of its table."""
    cloudformation, name = cloud.client("cloudformation"), f"replacing-{uuid.uuid4().hex[:8]}"
    made = []

    def putting(**resources):
        act = cloudformation.update_stack if made else cloudformation.create_stack
        act(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
        made.append(name)

        def settled():
            status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            return not status.endswith("_IN_PROGRESS") and status

        status = until(settled)
        described = cloudformation.describe_stack_resource(StackName=name, LogicalResourceId="Table")
        return status, described["StackResourceDetail"]["PhysicalResourceId"]

    return putting


@pytest.fixture
def dynamodb(cloud):
    return cloud.client("dynamodb")


def items(dynamodb, name):
    return dynamodb.scan(TableName=name)["Items"] if name in names(dynamodb) else None


def names(dynamodb):
    return [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]


@pytest.mark.parametrize(
    ("first", "stays"),
    [
        (table("id"), False),
        (table("id", DeletionProtectionEnabled=True), True),
        (table("id", policy="Retain"), True),
    ],
    ids=["plain", "protected", "retained"],
)
def test_the_old_table_goes_unless_it_is_kept(put, dynamodb, first, stays):
    _, old = put(Table=first)
    dynamodb.put_item(TableName=old, Item={"id": {"S": "kept"}})

    status, new = put(Table=table("other", policy=first.get("UpdateReplacePolicy")))

    assert status == "UPDATE_COMPLETE"
    assert new != old
    assert items(dynamodb, new) == []
    assert items(dynamodb, old) == ([{"id": {"S": "kept"}}] if stays else None)


def test_a_replacement_that_is_rolled_back_keeps_the_items(put, dynamodb):
    _, old = put(Table=table("id"))
    dynamodb.put_item(TableName=old, Item={"id": {"S": "kept"}})
    broken = {"Type": "AWS::SQS::Queue", "DependsOn": "Table", "Properties": {"VisibilityTimeout": 99_999}}

    status, now = put(Table=table("other"), Broken=broken)

    assert (status, now) == ("UPDATE_ROLLBACK_COMPLETE", old)
    assert items(dynamodb, old) == [{"id": {"S": "kept"}}]
    assert [name for name in names(dynamodb) if name.startswith(old)] == [old]


def test_a_replacement_is_updated_in_place(put, dynamodb):
    put(Table=table("id"))
    _, new = put(Table=table("other"))
    dynamodb.put_item(TableName=new, Item={"other": {"S": "kept"}})

    status, now = put(Table=table("other", StreamSpecification={"StreamViewType": "KEYS_ONLY"}))

    assert (status, now) == ("UPDATE_COMPLETE", new)
    assert items(dynamodb, new) == [{"other": {"S": "kept"}}]
    described = dynamodb.describe_table(TableName=new)["Table"]
    assert described["StreamSpecification"]["StreamViewType"] == "KEYS_ONLY"
