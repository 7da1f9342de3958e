"""Tables and buckets of templates equal those that the services' APIs create."""

import json
import uuid

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.deployment import deploy
from tests.local.event_sources import TABLE

ID, OTHER = ({"AttributeName": name, "AttributeType": "S"} for name in ("id", "other"))
HASH = {"AttributeName": "id", "KeyType": "HASH"}
BY_OTHER = {
    "IndexName": "by-other",
    "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}


def table(**properties):
    defaults = {"BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": [ID], "KeySchema": [HASH]}
    kept = {name: value for name, value in {**defaults, **properties}.items() if value is not None}
    return {"Type": "AWS::DynamoDB::Table", "Properties": kept}


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (table(AttributeDefinitions=[ID, OTHER]), "Some AttributeDefinitions are not used: .*other"),
        (table(AttributeDefinitions=[OTHER]), "not specified in Attribute Definitions"),
        (table(BillingMode=None), "ProvisionedThroughput must be specified"),
        (table(GlobalSecondaryIndexes=[BY_OTHER]), "other"),
        (table(TableName="a"), "tableName"),
        ({"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "Bad_Name"}}, "not valid: Bad_Name"),
        ({"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "10.0.0.1"}}, "not valid: 10.0.0.1"),
    ],
)
def test_a_definition_is_refused(stack, resource, reason):
    with pytest.raises(BlueprintError, match=reason):
        stack(Refused=resource)


@pytest.mark.parametrize(
    "resource",
    [
        TABLE,
        table(BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": "1", "WriteCapacityUnits": "1"}),
        table(AttributeDefinitions=[ID, OTHER], GlobalSecondaryIndexes=[BY_OTHER]),
        table(
            AttributeDefinitions=[ID, OTHER],
            KeySchema=[HASH, {"AttributeName": "other", "KeyType": "RANGE"}],
            TableName=f"named-{uuid.uuid4().hex[:8]}",
        ),
    ],
)
def test_a_table_in_order_is_made_once(cloud, stack, resource):
    before = set(cloud.client("dynamodb").list_tables()["TableNames"])

    name = stack(Made=resource).outputs["Made"]

    assert set(cloud.client("dynamodb").list_tables()["TableNames"]) - before == {name}


def test_a_stack_may_be_updated_after_its_table_was_checked(cloud, stack):
    deployed = stack(Made=table(TableName=(name := f"named-{uuid.uuid4().hex[:8]}")))
    cloud.client("dynamodb").put_item(TableName=name, Item={"id": {"S": "kept"}})
    streaming = table(TableName=name, StreamSpecification={"StreamViewType": "KEYS_ONLY"})

    deploy(cloud, deployed.name, json.dumps({"Resources": {"Made": streaming}}))

    assert cloud.client("dynamodb").scan(TableName=name)["Count"] == 1


def bucket(**properties):
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


def test_versioning_follows_the_template(cloud, stack):
    name = f"versions-{uuid.uuid4().hex[:12]}"
    deployed = stack(Data=bucket(BucketName=name, VersioningConfiguration={"Status": "Enabled"}))

    def status_after(resource):
        deploy(cloud, deployed.name, json.dumps({"Resources": {"Data": resource}}))
        return cloud.client("s3").get_bucket_versioning(Bucket=name).get("Status")

    assert status_after(bucket(BucketName=name, VersioningConfiguration={"Status": "Suspended"})) == "Suspended"
    assert status_after(bucket(BucketName=name, VersioningConfiguration={"Status": "Enabled"})) == "Enabled"
    assert status_after(bucket(BucketName=name)) == "Suspended"
