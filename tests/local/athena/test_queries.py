"""Queries: answers over Iceberg and files, the caller's permissions, and what is refused."""

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from blueprints.local.cloud import Cloud

LAKE, RESULTS = "athena-test-lake", "athena-test-results"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        s3, glue = running.client("s3"), running.client("glue")
        s3.create_bucket(Bucket=LAKE)
        s3.create_bucket(Bucket=RESULTS)
        glue.create_database(DatabaseInput={"Name": "lake"})
        make_iceberg(running)
        make_parquet(running)
        make_csv(running)
        yield running


def make_iceberg(cloud: Cloud) -> None:
    """Three orders, one of which was changed, as pyiceberg writes them."""
    from pyiceberg.catalog import load_catalog

    credentials = {"access-key-id": "000000000000", "secret-access-key": "test", "region": "us-east-1"}
    properties = {f"{owner}.{name}": value for owner in ("glue", "s3") for name, value in credentials.items()}
    endpoints = {"glue.endpoint": cloud.endpoint, "s3.endpoint": cloud.endpoint}
    catalog = load_catalog("lake", type="glue", **properties, **endpoints)
    rows = pa.table(
        {
            "id": ["1", "2", "3"],
            "order_date": pa.array([20454, 20454, 20455], pa.date32()),
            "amount": pa.array(["1.50", "2.50", "3.00"]).cast(pa.decimal128(12, 2)),
            "quantity": pa.array([1, 2, 3], pa.int64()),
        }
    )
    table = catalog.create_table("lake.orders", rows.schema, location=f"s3://{LAKE}/iceberg/orders")
    table.append(rows)
    table.overwrite(rows.slice(0, 1), overwrite_filter="id = '1'")


def make_parquet(cloud: Cloud) -> None:
    """Plain files, with the day in their paths."""
    for day, amount in (("2026-01-01", 1.5), ("2026-01-02", 2.5)):
        sink = pa.BufferOutputStream()
        parquet.write_table(pa.table({"amount": [amount]}), sink)
        key = f"plain/day={day}/a.parquet"
        cloud.client("s3").put_object(Bucket=LAKE, Key=key, Body=sink.getvalue().to_pybytes())
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"}
    columns = [{"Name": "amount", "Type": "double"}]
    create(cloud, "plain", f"s3://{LAKE}/plain/", serde, columns, partitions=[{"Name": "day", "Type": "string"}])


def make_csv(cloud: Cloud) -> None:
    body = "1,Größe\n2,東京\n".encode()
    cloud.client("s3").put_object(Bucket=LAKE, Key="csv/a b.csv", Body=body)
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"}
    columns = [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}]
    create(cloud, "csv", f"s3://{LAKE}/csv/", serde, columns)


def create(
    cloud: Cloud, name: str, location: str, serde: dict, columns: list[dict], partitions: list[dict] | None = None
) -> None:
    text = "org.apache.hadoop.mapred.TextInputFormat"
    kind = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat" if "Parquet" in str(serde) else text
    descriptor = {"Columns": columns, "Location": location, "InputFormat": kind, "SerdeInfo": serde}
    given = {"Name": name, "TableType": "EXTERNAL_TABLE", "StorageDescriptor": descriptor}
    cloud.client("glue").create_table(DatabaseName="lake", TableInput={**given, "PartitionKeys": partitions or []})


class Refused(Exception):
    """A query failed, for this reason."""


def ask(client: Any, sql: str) -> list[list[str | None]]:
    started = client.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "lake"},
        ResultConfiguration={"OutputLocation": f"s3://{RESULTS}/"},
    )
    query = started["QueryExecutionId"]
    for _ in range(1200):
        status = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] == "FAILED":
            raise Refused(status["StateChangeReason"])
        if status["State"] == "SUCCEEDED":
            break
        time.sleep(0.02)
    rows = client.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue") for cell in row["Data"]] for row in rows[1:]]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT 1 AS one", [["1"]]),
        (
            "SELECT order_date, sum(amount) AS revenue FROM orders GROUP BY 1 ORDER BY 1",
            [["2026-01-01", "4.00"], ["2026-01-02", "3.00"]],
        ),
        ("SELECT count(*), max(quantity) FROM lake.orders WHERE id <> '3'", [["2", "2"]]),
        ("WITH large AS (SELECT * FROM orders WHERE amount > 2) SELECT id FROM large ORDER BY id DESC", [["3"], ["2"]]),
        ("SELECT CAST(sum(quantity) AS double) / count(*) FROM orders", [["2.0"]]),
        ("SELECT a.id FROM orders a JOIN orders b ON a.quantity = b.quantity + 2", [["3"]]),
        ("SELECT day, amount FROM plain WHERE day >= '2026-01-02'", [["2026-01-02", "2.5"]]),
        ("SELECT id, name FROM csv ORDER BY id", [["1", "Größe"], ["2", "東京"]]),
    ],
)
def test_answers(cloud: Cloud, sql: str, rows: list[list[str]]) -> None:
    assert ask(cloud.client("athena"), sql) == rows


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("INSERT INTO orders VALUES ('9', DATE '2026-01-01', 1, 1)", "INSERT is not emulated"),
        ("DELETE FROM orders", "DELETE is not emulated"),
        ("SELECT * FROM orders; SELECT 1", "Only one sql statement"),
        ("SELECT FROM WHERE", "SYNTAX_ERROR"),
        ("SELECT * FROM missing", "TABLE_NOT_FOUND"),
        ("SELECT missing FROM orders", "missing"),
        ("SELECT quantity / 2 FROM orders", "A division of integers or decimals"),
        ("SELECT avg(amount) FROM orders", "avg of integers or decimals"),
        ("SELECT substr(id, 0, 1) FROM orders", "substr"),
        ("SELECT format('%s', id) FROM orders", "format"),
        ("SELECT date_diff('day', order_date, order_date) FROM orders", "is not emulated"),
        ("SELECT date_trunc('month', order_date) FROM orders", "date_trunc"),
        ("SELECT no_such_function(id) FROM orders", "no_such_function"),
    ],
)
def test_what_would_be_answered_otherwise_is_refused(cloud: Cloud, sql: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        ask(cloud.client("athena"), sql)


@pytest.mark.parametrize(
    ("missing", "table"),
    [
        ("glue:GetTable", "orders"),
        ("s3:GetObject", "orders"),
        ("s3:GetObject", "plain"),
        ("s3:ListBucket", "plain"),
    ],
)
def test_a_query_needs_the_permissions_of_its_caller(cloud: Cloud, missing: str, table: str) -> None:
    """Athena has no rights of its own."""
    everything = {"athena:*", "glue:GetTable", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}
    allowed, denied = caller(cloud, everything), caller(cloud, everything - {missing})
    assert ask(allowed, f"SELECT count(*) FROM {table}") == [["3" if table == "orders" else "2"]]
    with pytest.raises(Refused, match=f"not authorized to perform: {missing}"):
        ask(denied, f"SELECT count(*) FROM {table}")


def caller(cloud: Cloud, actions: set[str]) -> Any:
    """A client with the keys of a user who may do these."""
    iam, name = cloud.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "athena",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
