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
from botocore.exceptions import ClientError

from blueprints.local.cloud import Cloud

LAKE, RESULTS = "athena-test-lake", "athena-test-results"
EVERYTHING = {"glue:GetTable", "s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        s3, glue = running.client("s3"), running.client("glue")
        s3.create_bucket(Bucket=LAKE)
        s3.create_bucket(Bucket=RESULTS)
        glue.create_database(DatabaseInput={"Name": "lake"})
        make_iceberg(running)
        make_kinds(running)
        make_parquet(running)
        make_csv(running)
        make_json(running)
        yield running


def catalog_of(cloud: Cloud) -> Any:
    from pyiceberg.catalog import load_catalog

    credentials = {"access-key-id": "000000000000", "secret-access-key": "test", "region": "us-east-1"}
    properties = {f"{owner}.{name}": value for owner in ("glue", "s3") for name, value in credentials.items()}
    endpoints = {"glue.endpoint": cloud.endpoint, "s3.endpoint": cloud.endpoint}
    return load_catalog("lake", type="glue", **properties, **endpoints)


def make_kinds(cloud: Cloud) -> None:
    """One row with a column of each other type."""
    row = {
        "at": pa.array([1767323045600000], pa.timestamp("us")),
        "flag": [True],
        "small": pa.array([0.1], pa.float32()),
        "numbers": [[1, 2]],
        "pair": [{"a": 1, "b": "x"}],
        "bytes": [b"ab"],
        "nothing": pa.array([None], pa.int32()),
    }
    rows = pa.table(row)
    catalog_of(cloud).create_table("lake.kinds", rows.schema, location=f"s3://{LAKE}/iceberg/kinds").append(rows)


def make_iceberg(cloud: Cloud) -> None:
    """Three orders, one of which was changed, as pyiceberg writes them."""
    rows = pa.table(
        {
            "id": ["1", "2", "3"],
            "order_date": pa.array([20454, 20454, 20455], pa.date32()),
            "amount": pa.array(["1.50", "2.50", "3.00"]).cast(pa.decimal128(12, 2)),
            "quantity": pa.array([1, 2, 3], pa.int64()),
        }
    )
    table = catalog_of(cloud).create_table("lake.orders", rows.schema, location=f"s3://{LAKE}/iceberg/orders")
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
    body = "1,Größe,1.50\n2,東京,2.005\n".encode()
    cloud.client("s3").put_object(Bucket=LAKE, Key="csv/a b.csv", Body=body)
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"}
    columns = [{"Name": "id", "Type": "int"}, {"Name": "name", "Type": "string"}]
    columns.append({"Name": "price", "Type": "decimal(10,2)"})
    create(cloud, "csv", f"s3://{LAKE}/csv/", serde, columns)
    create(cloud, "empty", f"s3://{LAKE}/empty/", serde, columns)
    create(cloud, "orc", f"s3://{LAKE}/csv/", {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.orc.OrcSerde"}, [])


def make_json(cloud: Cloud) -> None:
    """More rows than a sample, the last of which are not integers; text that looks like a date."""
    lines = ['{"amount": 1, "name": "2026-01-02"}'] * 20_480 + ['{"amount": 2.5, "name": "2026-01-02"}']
    cloud.client("s3").put_object(Bucket=LAKE, Key="json/day=b/a.json", Body="\n".join(lines).encode())
    serde = {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}
    kinds = {"amount": "decimal(12,2)", "name": "string", "missing": "int"}
    columns = [{"Name": name, "Type": kind} for name, kind in kinds.items()]
    create(cloud, "json", f"s3://{LAKE}/json/", serde, columns, partitions=[{"Name": "day", "Type": "string"}])


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


def start(client: Any, sql: str, location: str) -> str:
    context, where = {"Database": "lake"}, {"OutputLocation": location}
    started = client.start_query_execution(QueryString=sql, QueryExecutionContext=context, ResultConfiguration=where)
    return str(started["QueryExecutionId"])


def ended(client: Any, query: str) -> dict[str, Any]:
    for _ in range(1200):
        execution = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if execution["Status"]["State"] in ("FAILED", "SUCCEEDED"):
            break
        time.sleep(0.02)
    return dict(execution)


def ask(client: Any, sql: str) -> list[list[str | None]]:
    query = start(client, sql, f"s3://{RESULTS}/")
    status = ended(client, query)["Status"]
    if status["State"] == "FAILED":
        raise Refused(status["StateChangeReason"])
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
        (
            "SELECT sum(amount) / count(*), avg(amount), avg(quantity), quantity / 2 FROM orders GROUP BY 4 ORDER BY 4",
            [["1.50", "1.50", "1.0", "0"], ["2.75", "2.75", "2.5", "1"]],
        ),
        (
            "SELECT date_trunc('month', order_date), date_format(order_date, '%d.%m.%Y') FROM orders WHERE id = '3'",
            [["2026-01-01", "02.01.2026"]],
        ),
        (
            "SELECT CAST(at AS varchar), date_add('month', 1, at), date_diff('day', DATE '2026-01-01', at) FROM kinds",
            [["2026-01-02 03:04:05.600000", "2026-02-02 03:04:05.600000", "1"]],
        ),
        (
            "SELECT cardinality(numbers), element_at(numbers, -1), n FROM kinds CROSS JOIN UNNEST(numbers) AS u(n)",
            [["2", "2", "1"], ["2", "2", "2"]],
        ),
        ("SELECT a.id FROM orders a JOIN orders b ON a.quantity = b.quantity + 2", [["3"]]),
        ("SELECT day, amount FROM plain WHERE day >= '2026-01-02'", [["2026-01-02", "2.5"]]),
        ("SELECT id, name FROM csv ORDER BY id", [["1", "Größe"], ["2", "東京"]]),
        ("SELECT QUANTITY AS n FROM Lake.ORDERS WHERE Id = '1'", [["1"]]),
        ("SELECT sum(price) FROM csv", [["3.51"]]),
        # The catalog's types: a sample would make 2.5 an integer here.
        ("SELECT sum(amount), max(name), count(missing), max(day) FROM json", [["20482.50", "2026-01-02", "0", "b"]]),
        ("SELECT * FROM empty", []),
        # NULLs come last in both directions.
        ("SELECT x FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x DESC", [["2"], ["1"], [None]]),
        ("SELECT x FROM (VALUES 1, NULL, 2) AS t(x) ORDER BY x", [["1"], ["2"], [None]]),
        # NULL makes these NULL, which DuckDB's own functions leave out.
        (
            "SELECT greatest(1, NULL), least(1, NULL), concat('a', nullif(id, id)) FROM orders WHERE id = '1'",
            [[None] * 3],
        ),
        # Text
        ("SELECT max(x), min(x) FROM (VALUES 'a', 'B', 'é') AS t(x)", [["é", "B"]]),
        ("SELECT 'a_b' LIKE 'a_b', 'a\\b' LIKE 'a\\%', 'ab' LIKE 'A%'", [["true", "true", "false"]]),
        (
            "SELECT trim(' \t\na b\n'), upper('größe'), length('東京'), substr('東京都', 2, 1)",
            [["a b", "GRÖßE", "2", "京"]],
        ),
        # Numbers
        (
            "SELECT 1e10, 1.5e0, 1e7, 123456.75e0, 1e-3, 1.5e-4, 0e0, -2e0",
            [["1.0E10", "1.5", "1.0E7", "123456.75", "0.001", "1.5E-4", "0.0", "-2.0"]],
        ),
        ("SELECT 1e0 / 0, -1e0 / 0", [["Infinity", "-Infinity"]]),
        (
            "SELECT amount * 1.5, amount * quantity, amount + 1, sum(amount) OVER () FROM orders WHERE id = '2'",
            [["3.750", "5.00", "3.50", "2.50"]],
        ),
        ("SELECT CAST('1.005' AS decimal(10, 2)), CAST(2.5 AS integer), CAST(-2.5 AS integer)", [["1.01", "3", "-3"]]),
        ("SELECT CAST(0.00000001 AS decimal(10, 8))", [["0.00000001"]]),
        ("SELECT sum(quantity), sum(quantity) FILTER (WHERE quantity > 1), count(*) FROM orders", [["6", "5", "3"]]),
        ("SELECT TRY_CAST('x' AS integer), TRY_CAST(id AS bigint) FROM orders WHERE id = '1'", [[None, "1"]]),
        # Times
        (
            "SELECT date('2026-01-02'), date(at), year(at) FROM kinds",
            [["2026-01-02", "2026-01-02", "2026"]],
        ),
        (
            "SELECT TIMESTAMP '2026-01-01 00:00:00', CAST(DATE '2026-01-01' AS timestamp)",
            [["2026-01-01 00:00:00.000"] * 2],
        ),
        (
            "SELECT date_trunc('month', CAST(order_date AS timestamp)) FROM orders WHERE id = '1'",
            [["2026-01-01 00:00:00.000"]],
        ),
        ("SELECT at, CAST(date_trunc('month', at) AS date) FROM kinds", [["2026-01-02 03:04:05.600000", "2026-01-01"]]),
        # Other values
        (
            "SELECT flag, small, numbers, pair, bytes, nothing FROM kinds",
            [["true", "0.1", "[1, 2]", "{a=1, b=x}", "61 62", None]],
        ),
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
        ("SELECT * FROM orc", "orc files are not emulated"),
        ("SELECT * FROM other.lake.orders", "The catalog other is not emulated"),
        ("SELECT * FROM missing", "TABLE_NOT_FOUND"),
        ("SELECT missing FROM orders", "missing"),
        ("SELECT quantity / 0 FROM orders", "^DIVISION_BY_ZERO: Division by zero$"),
        ("SELECT amount % 0 FROM orders", "^DIVISION_BY_ZERO"),
        ("SELECT format('%s', id) FROM orders", "format"),
        ("SELECT date_diff('hour', order_date, order_date) FROM orders", "'hour' is not a valid DATE field"),
        ("SELECT date_trunc(id, order_date) FROM orders", "'1' is not a valid DATE field"),
        ("SELECT no_such_function(id) FROM orders", "no_such_function"),
        ("SELECT substr(id) FROM orders", "The function substr is not emulated with 1 arguments"),
        ("SELECT sqrt(0 - quantity) FROM orders", "NaN"),
        ("SELECT date_format(at, '%U') FROM kinds", "date_format is not emulated with %U"),
        ("SELECT date_format(at, id) FROM kinds, orders", "only with a literal as argument 2"),
        ("SELECT regexp_like(id, '(?<=a)b') FROM orders", "The regular expression .* is not emulated from"),
        ("SELECT regexp_like(name, '\\w') FROM csv", "only for ASCII text"),
        ("SELECT json_extract_scalar(id, '$..a') FROM orders", "The JSON path"),
        ("SELECT sum(quantity) FILTER (WHERE id > '1') OVER () FROM orders", "NOT_SUPPORTED"),
        ("SELECT element_at(pair, 1) FROM kinds", "The function element_at is not emulated with a value of type"),
        ("SELECT sum(small) FROM kinds", "sum of real"),
        ("SELECT 2147483647 + 1", "Overflow"),
        ("SELECT sum(x) FROM (VALUES 9223372036854775807, 1) AS t(x)", "out of range"),
        # Comparisons and operators on different types
        ("SELECT id FROM orders WHERE order_date = '2026-01-01'", r"TYPE_MISMATCH.*date, varchar.* Write DATE"),
        ("SELECT id FROM orders WHERE id = 1", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE id IN (1, 2)", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE order_date BETWEEN '2026-01-01' AND '2026-01-02'", "TYPE_MISMATCH"),
        ("SELECT id || 1 FROM orders", "TYPE_MISMATCH"),
        ("SELECT order_date + 1 FROM orders", "is not emulated with date, integer"),
        ("SELECT coalesce(id, 0) FROM orders", "TYPE_MISMATCH"),
        ("SELECT id FROM orders WHERE quantity", "TYPE_MISMATCH"),
        # Conversions
        ("SELECT CAST('1.5' AS integer)", "INVALID_CAST_ARGUMENT"),
        ("SELECT CAST(name AS integer) FROM csv", "INVALID_CAST_ARGUMENT"),
        ("SELECT CAST(2.5e10 AS integer)", "INVALID_CAST_ARGUMENT"),
        ("SELECT CAST(2.5e0 AS decimal(5, 1))", "CAST from double to"),
        ("SELECT CAST(small AS varchar) FROM kinds", "CAST from real to"),
        ("SELECT CAST(at AS timestamp(0)) FROM kinds", "CAST from timestamp"),
        ("SELECT CAST(quantity AS varchar(1)) FROM orders", "CAST from bigint to varchar"),
        ("SELECT CAST(id AS char(5)) FROM orders", "CAST to char"),
        ("SELECT CAST(quantity AS decimal) FROM orders", "precision and scale"),
        # Spellings that are not Athena's
        ("SELECT id AS i FROM orders GROUP BY i", "i"),
        ("SELECT id FROM orders LIMIT 1 OFFSET 1", "OFFSET before LIMIT"),
        ("SELECT id::integer FROM orders", "CAST"),
        ("SELECT id FROM orders WHERE id == '1'", "SYNTAX_ERROR"),
        ("SELECT `id` FROM orders", "SYNTAX_ERROR"),
        ("FROM orders", "SYNTAX_ERROR"),
        ("SELECT DISTINCT ON (id) id FROM orders", "SYNTAX_ERROR"),
        ("SELECT id FROM orders GROUP BY ALL", "SYNTAX_ERROR"),
        ("SELECT 1 FROM orders NATURAL JOIN orders AS o", "NATURAL JOIN is not part"),
        ("SELECT o.id FROM orders o SEMI JOIN orders p ON o.id = p.id", "SEMI JOIN is not part"),
        ("SELECT year(id) FROM orders", "The function year is not emulated with a value of type varchar"),
        ("SELECT date(id) FROM orders", "date is emulated only"),
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
    allowed, denied = caller(cloud, {"athena:*"} | EVERYTHING), caller(cloud, {"athena:*"} | EVERYTHING - {missing})
    assert ask(allowed, f"SELECT count(*) FROM {table}") == [["3" if table == "orders" else "2"]]
    with pytest.raises(Refused, match=f"not authorized to perform: {missing}"):
        ask(denied, f"SELECT count(*) FROM {table}")


def test_a_query_needs_the_keys_of_what_it_reads_and_writes(cloud: Cloud) -> None:
    """The table's object and the results are encrypted with keys of one's own."""
    s3, key = cloud.client("s3"), cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3.put_object(Bucket=LAKE, Key="keyed/a.csv", Body=b"1\n", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    serde = {"SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde"}
    create(cloud, "keyed", f"s3://{LAKE}/keyed/", serde, [{"Name": "a", "Type": "string"}])
    default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.create_bucket(Bucket="athena-keyed-results")
    s3.put_bucket_encryption(Bucket="athena-keyed-results", ServerSideEncryptionConfiguration={"Rules": [default]})
    everything = {"athena:*", "kms:Decrypt", "kms:GenerateDataKey"} | EVERYTHING

    def outcome(*missing: str) -> tuple[str, str]:
        athena = caller(cloud, everything - set(missing))
        status = ended(athena, start(athena, "SELECT a FROM keyed", "s3://athena-keyed-results/"))["Status"]
        return status["State"], status.get("StateChangeReason", "")

    assert outcome()[0] == "SUCCEEDED"
    for missing, reason in {
        "kms:Decrypt": "is not authorized to perform: kms:Decrypt",
        "kms:GenerateDataKey": "Access denied when writing output to url: s3://athena-keyed-results/",
    }.items():
        state, said = outcome(missing)
        assert (state, reason in said) == ("FAILED", True), said


def caller(cloud: Cloud, actions: set[str], athena: str | None = None) -> Any:
    """A client with the keys of a user who may do these, and everything of Athena on a workgroup."""
    iam, name = cloud.client("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    statements = [{"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}]
    if athena:
        statements.append({"Effect": "Allow", "Action": ["athena:*"], "Resource": athena})
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="allowed", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "athena",
        endpoint_url=cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )


def test_the_file_of_a_result(cloud: Cloud) -> None:
    """Quoted as Athena does, at the location that the query says, with Athena's names of columns."""
    athena = cloud.client("athena")
    sql = 'SELECT id AS "a b", count(*), x FROM (VALUES (\'1,"2"\', 1.5), (NULL, 2.5)) AS t(id, x) GROUP BY 1, 3'
    sql += " ORDER BY x"
    query = start(athena, sql, f"s3://{RESULTS}/deep/er")
    assert ended(athena, query)["Status"]["State"] == "SUCCEEDED"
    location = ended(athena, query)["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{RESULTS}/deep/er/{query}.csv"
    body = cloud.client("s3").get_object(Bucket=RESULTS, Key=f"deep/er/{query}.csv")["Body"].read()
    assert body.decode() == '"a b","_col1","x"\n"1,""2""","1","1.5"\n,"1","2.5"\n'
    results = athena.get_query_results(QueryExecutionId=query)["ResultSet"]
    assert [each["Name"] for each in results["ResultSetMetadata"]["ColumnInfo"]] == ["a b", "_col1", "x"]


def test_the_result_is_written_with_the_permissions_of_the_caller(cloud: Cloud) -> None:
    """And to a bucket that exists."""
    denied = caller(cloud, {"athena:*"} | EVERYTHING - {"s3:PutObject"})
    with pytest.raises(Refused, match="Access denied when writing output to url: s3://athena-test-results/"):
        ask(denied, "SELECT 1")
    unknowing = caller(cloud, {"athena:*"} | EVERYTHING - {"s3:GetBucketLocation"})
    with pytest.raises(ClientError, match="Unable to verify/create output bucket athena-test-results"):
        ask(unknowing, "SELECT 1")
    with pytest.raises(ClientError, match="Unable to verify/create output bucket missing"):
        start(cloud.client("athena"), "SELECT 1", "s3://missing/")


def test_a_query_is_authorised_as_its_workgroup(cloud: Cloud) -> None:
    """Also when it is asked for by its id."""
    cloud.client("athena").create_work_group(
        Name="team", Configuration={"ResultConfiguration": {"OutputLocation": f"s3://{RESULTS}/team"}}
    )
    arn = "arn:aws:athena:us-east-1:000000000000:workgroup/team"
    member = caller(cloud, EVERYTHING, athena=arn)
    query = member.start_query_execution(QueryString="SELECT 1", WorkGroup="team")["QueryExecutionId"]
    assert ended(member, query)["ResultConfiguration"]["OutputLocation"] == f"s3://{RESULTS}/team/{query}.csv"
    with pytest.raises(ClientError, match="workgroup/primary"):
        ask(member, "SELECT 1")
    other = start(cloud.client("athena"), "SELECT 1", f"s3://{RESULTS}/")
    with pytest.raises(ClientError, match="workgroup/primary"):
        member.get_query_execution(QueryExecutionId=other)
