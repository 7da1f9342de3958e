"""Tables that CreateTable makes by OpenTableFormatInput: engines use them at once, and bad input is refused."""

import json
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pyarrow as pa
import pytest
from botocore.exceptions import ClientError

from blueprints.local.cloud import Cloud

LAKE = "open-tables"
CREATE: dict[str, Any] = {"IcebergInput": {"MetadataOperation": "CREATE", "Version": "2"}}
COLUMNS = [
    {"Name": "id", "Type": "bigint", "Comment": "the order's number"},
    {"Name": "amount", "Type": "decimal(12,2)"},
    {"Name": "day", "Type": "date"},
    {"Name": "tags", "Type": "array<string>"},
    {"Name": "buyer", "Type": "struct<name:string,scores:map<string,int>>"},
]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        running.client("s3").create_bucket(Bucket=LAKE)
        running.client("glue").create_database(DatabaseInput={"Name": "open"})
        yield running


def table_input(name: str, **descriptor: Any) -> dict[str, Any]:
    given = {"Columns": COLUMNS, "Location": f"s3://{LAKE}/{name}/", **descriptor}
    return {"Name": name, "StorageDescriptor": {key: value for key, value in given.items() if value is not None}}


def catalog_of(cloud: Cloud) -> Any:
    from pyiceberg.catalog import load_catalog

    credentials = {"access-key-id": "000000000000", "secret-access-key": "test", "region": "us-east-1"}
    properties = {f"{owner}.{name}": value for owner in ("glue", "s3") for name, value in credentials.items()}
    endpoints = {"glue.endpoint": cloud.endpoint, "s3.endpoint": cloud.endpoint}
    return load_catalog("open", type="glue", **properties, **endpoints)


def ask(cloud: Cloud, sql: str) -> list[list[str | None]]:
    """The rows that Athena answers."""
    athena = cloud.client("athena")
    where = {"OutputLocation": f"s3://{LAKE}/results/"}
    query = athena.start_query_execution(QueryString=sql, ResultConfiguration=where)["QueryExecutionId"]
    status = {"State": "QUEUED"}
    while status["State"] in ("QUEUED", "RUNNING"):
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        time.sleep(0.01)
    assert status["State"] == "SUCCEEDED", status
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


@pytest.mark.parametrize("version", ["1", "2", None])
def test_pyiceberg_appends_and_athena_reads(cloud: Cloud, version: str | None) -> None:
    """An empty table first; its rows, when there are some."""
    name = f"orders_{version}".lower()
    iceberg = {"MetadataOperation": "CREATE"} | ({"Version": version} if version else {})
    cloud.client("glue").create_table(
        DatabaseName="open", TableInput=table_input(name), OpenTableFormatInput={"IcebergInput": iceberg}
    )
    assert ask(cloud, f"SELECT * FROM open.{name}") == []
    table = catalog_of(cloud).load_table(f"open.{name}")
    assert table.format_version == int(version or 2)
    assert [str(each.field_type) for each in table.schema().fields[:4]] == [
        "long",
        "decimal(12, 2)",
        "date",
        "list<string>",
    ]
    assert table.schema().find_field("id").doc == "the order's number"
    row = {"id": 1, "amount": Decimal("1.50"), "day": None, "tags": ["a", "b"]}
    row["buyer"] = {"name": "Ana", "scores": [("x", 1)]}
    table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
    rows = ask(cloud, f"SELECT id, amount, day, cardinality(tags), buyer FROM open.{name}")
    assert rows == [["1", "1.50", None, "2", "{name=Ana, scores={x=1}}"]]


def test_a_template_makes_one_and_its_update_keeps_the_rows(cloud: Cloud) -> None:
    """CloudFormation's change of a description does not lose the table's metadata."""
    cloudformation = cloud.client("cloudformation")
    for description in ("first", "second"):
        table = {**table_input("of_template"), "Description": description}
        resource = {
            "Type": "AWS::Glue::Table",
            "Properties": {
                "CatalogId": {"Ref": "AWS::AccountId"},
                "DatabaseName": "open",
                "TableInput": table,
                "OpenTableFormatInput": CREATE,
            },
        }
        body = json.dumps({"Resources": {"Table": resource}})
        change = cloudformation.create_stack if description == "first" else cloudformation.update_stack
        change(StackName="open-table", TemplateBody=body)
        done = "stack_create_complete" if description == "first" else "stack_update_complete"
        cloudformation.get_waiter(done).wait(StackName="open-table", WaiterConfig={"Delay": 1})
        iceberg = catalog_of(cloud).load_table("open.of_template")
        iceberg.append(pa.Table.from_pylist([{"id": 1}], schema=iceberg.schema().as_arrow()))
    assert ask(cloud, "SELECT count(*) FROM open.of_template") == [["2"]]
    found = cloud.client("glue").get_table(DatabaseName="open", Name="of_template")["Table"]
    assert found["Description"] == "second"


@pytest.mark.parametrize(
    ("table", "iceberg", "reason"),
    [
        (table_input("bad", Location=None), CREATE, "needs StorageDescriptor.Location"),
        (table_input("bad", Location="hdfs://a/b"), CREATE, "has to begin with s3://"),
        (table_input("bad", Columns=[]), CREATE, "needs StorageDescriptor.Columns"),
        (table_input("bad", Columns=[{"Name": "a", "Type": "smallint"}]), CREATE, "column a has the type 'smallint'"),
        (table_input("bad", Columns=[{"Name": "a", "Type": "array<int"}]), CREATE, "'array<int'"),
        (table_input("bad", Columns=[{"Name": "a", "Type": "decimal(40,2)"}]), CREATE, "'decimal"),
        (table_input("bad", Columns=[{"Name": "a"}]), CREATE, "column a has the type ''"),
        (table_input("bad", Location="s3://no-such-bucket/a"), CREATE, "cannot be written to s3://no-such-bucket/a/"),
        ({**table_input("bad"), "PartitionKeys": [{"Name": "d", "Type": "date"}]}, CREATE, "PartitionKeys"),
        (
            table_input("bad"),
            {"IcebergInput": {"MetadataOperation": "CREATE", "Version": "9"}},
            "Version has to be one",
        ),
        (table_input("bad"), {"IcebergInput": {"MetadataOperation": "DROP"}}, "MetadataOperation"),
    ],
)
def test_bad_input_is_refused_and_makes_no_table(
    cloud: Cloud, table: dict[str, Any], iceberg: dict[str, Any], reason: str
) -> None:
    glue = cloud.client("glue")
    with pytest.raises(ClientError, match=reason) as error:
        glue.create_table(DatabaseName="open", TableInput=table, OpenTableFormatInput=iceberg)
    assert error.value.response["Error"]["Code"] == "InvalidInputException"
    assert "bad" not in [each["Name"] for each in glue.get_tables(DatabaseName="open")["TableList"]]


def test_a_table_that_exists_keeps_its_metadata(cloud: Cloud) -> None:
    glue, given = cloud.client("glue"), {"DatabaseName": "open", "TableInput": table_input("twice")}
    glue.create_table(**given, OpenTableFormatInput=CREATE)
    before = glue.get_table(DatabaseName="open", Name="twice")["Table"]["Parameters"]
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        glue.create_table(**given, OpenTableFormatInput=CREATE)
    assert glue.get_table(DatabaseName="open", Name="twice")["Table"]["Parameters"] == before
    written = cloud.client("s3").list_objects_v2(Bucket=LAKE, Prefix="twice/metadata/")["Contents"]
    assert [f"s3://{LAKE}/{each['Key']}" for each in written] == [before["metadata_location"]]


def test_the_caller_needs_the_permission_to_write_the_metadata(cloud: Cloud) -> None:
    iam, name = cloud.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "glue:*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="glue", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    glue = boto3.client(
        "glue",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    with pytest.raises(
        ClientError, match=r"not authorized to perform: s3:PutObject on resource: .*:::open-tables/mine/"
    ):
        glue.create_table(DatabaseName="open", TableInput=table_input("mine"), OpenTableFormatInput=CREATE)


def test_a_change_of_the_format_is_refused_by_name(cloud: Cloud) -> None:
    glue = cloud.client("glue")
    glue.create_table(DatabaseName="open", TableInput=table_input("changed"), OpenTableFormatInput=CREATE)
    location = {"Location": f"s3://{LAKE}/changed", "Schema": {"Fields": []}}
    updates = {"UpdateIcebergInput": {"UpdateIcebergTableInput": {"Updates": [location]}}}
    with pytest.raises(ClientError, match="UpdateOpenTableFormatInput is not emulated"):
        glue.update_table(DatabaseName="open", Name="changed", UpdateOpenTableFormatInput=updates)
