"""A job on Spark: an unmodified script reads CSV from S3 and merges it into an Iceberg table of the catalog."""

import json
import time
import uuid

from tests.local.glue.conftest import BUCKET, Jobs

SCRIPT = """
import argparse
from pyspark.sql import SparkSession

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--source")
arguments, _ = parser.parse_known_args()
spark = SparkSession.builder.getOrCreate()
schema = "id string, order_date date, amount decimal(12,2)"
rows = spark.read.csv(arguments.source, header=True, schema=schema, enforceSchema=False)
rows.createOrReplaceTempView("incoming")
spark.sql("CREATE DATABASE IF NOT EXISTS lake.shop")
spark.sql(f"CREATE TABLE IF NOT EXISTS lake.shop.orders ({schema}) USING iceberg PARTITIONED BY (order_date)")
for _ in range(2):
    spark.sql(
        "MERGE INTO lake.shop.orders t USING incoming s ON t.id = s.id "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
spark.sql("INSERT INTO lake.made.totals SELECT order_date, sum(amount) FROM incoming GROUP BY order_date")
print(spark.table("lake.shop.orders").count())
"""
_CATALOG = "spark.sql.catalog.lake"
CONF = " --conf ".join(
    [
        "spark.sql.extensions=org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        f"{_CATALOG}=org.apache.iceberg.spark.SparkCatalog",
        f"{_CATALOG}.catalog-impl=org.apache.iceberg.aws.glue.GlueCatalog",
        f"{_CATALOG}.io-impl=org.apache.iceberg.aws.s3.S3FileIO",
        f"{_CATALOG}.warehouse=s3://{BUCKET}/warehouse",
    ]
)


def test_a_state_machine_waits_for_a_job_that_merges_into_iceberg(jobs: Jobs) -> None:
    """The tables can be queried afterwards; a merged one has every row once. Glue itself created the other one."""
    s3 = jobs.cloud.client("s3")
    create_totals(jobs)
    body = "id,order_date,amount\n1,2026-01-01,1.50\n東京,2026-01-02,2.50\n"
    s3.put_object(Bucket=BUCKET, Key="raw/a b 東京.csv", Body=body.encode())
    actions = ["s3:PutObject", "s3:ListBucket", "s3:DeleteObject", "glue:*"]
    arguments = {"--source": f"s3://{BUCKET}/raw/", "--conf": CONF, "--datalake-formats": "iceberg"}
    name = jobs.create(SCRIPT, *actions, DefaultArguments=arguments)

    ended = execute(jobs, name)

    assert ended["status"] == "SUCCEEDED", ended
    run = json.loads(ended["output"])
    assert run["JobRunState"] == "SUCCEEDED"
    assert jobs.lines(run["Id"])[-1] == "2"
    rows = ask(jobs, "SELECT id, order_date, amount FROM shop.orders ORDER BY amount")
    assert rows == [["1", "2026-01-01", "1.50"], ["東京", "2026-01-02", "2.50"]]
    assert ask(jobs, "SELECT day, total FROM made.totals ORDER BY day") == [
        ["2026-01-01", "1.50"],
        ["2026-01-02", "2.50"],
    ]


def create_totals(jobs: Jobs) -> None:
    """An Iceberg table by OpenTableFormatInput, without Spark."""
    columns = [{"Name": "day", "Type": "date"}, {"Name": "total", "Type": "decimal(22,2)"}]
    descriptor = {"Columns": columns, "Location": f"s3://{BUCKET}/totals"}
    jobs.glue.create_database(DatabaseInput={"Name": "made"})
    jobs.glue.create_table(
        DatabaseName="made",
        TableInput={"Name": "totals", "StorageDescriptor": descriptor},
        OpenTableFormatInput={"IcebergInput": {"MetadataOperation": "CREATE", "Version": "2"}},
    )


def ask(jobs: Jobs, sql: str) -> list[list[str]]:
    """The rows that Athena answers."""
    athena, where = jobs.cloud.client("athena"), {"OutputLocation": f"s3://{BUCKET}/results/"}
    query = athena.start_query_execution(QueryString=sql, ResultConfiguration=where)["QueryExecutionId"]
    state = "QUEUED"
    while state in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
        state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]["State"]
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell["VarCharValue"] for cell in row["Data"]] for row in rows[1:]]


def execute(jobs: Jobs, job: str) -> dict:
    """Start the job by a state machine, and wait for its end."""
    sfn, iam, name = jobs.cloud.client("stepfunctions"), jobs.cloud.client("iam"), f"etl-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {
        "Effect": "Allow",
        "Action": ["glue:StartJobRun", "glue:GetJobRun", "glue:BatchStopJobRun"],
        "Resource": "*",
    }
    policy = {"Version": "2012-10-17", "Statement": [trust]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=document)
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::glue:startJobRun.sync",
        "Arguments": {"JobName": job},
        "TimeoutSeconds": 300,
        "End": True,
    }
    machine = sfn.create_state_machine(
        name=name,
        definition=json.dumps({"QueryLanguage": "JSONata", "StartAt": "Run", "States": {"Run": task}}),
        roleArn=f"arn:aws:iam::000000000000:role/{name}",
    )["stateMachineArn"]
    execution = sfn.start_execution(stateMachineArn=machine)["executionArn"]
    while True:
        described = dict(sfn.describe_execution(executionArn=execution))
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.1)
