"""PartiQL writes respect the table's keys and the rules of transactions."""

import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def table(cloud):
    """A table with a sort key and an index; holds the item `1`, `2`."""
    name, client = f"table-{uuid.uuid4().hex[:12]}", cloud.client("dynamodb")
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk", "by")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "index",
                "KeySchema": [{"AttributeName": "by", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    client.put_item(TableName=name, Item={"pk": {"S": "1"}, "sk": {"S": "2"}})
    return name


@pytest.fixture
def run(cloud, table):
    client = cloud.client("dynamodb")

    def running(*statements, together=False):
        written = [each.replace("TABLE", f'"{table}"') for each in statements]
        if together:
            client.execute_transaction(TransactStatements=[{"Statement": each} for each in written])
        for each in () if together else written:
            client.execute_statement(Statement=each)
        return client.scan(TableName=table)["Items"]

    return running


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("INSERT INTO TABLE VALUE {'pk': 1, 'sk': '2'}", "Type mismatch for key pk"),
        ("INSERT INTO TABLE VALUE {'pk': '1', 'sk': true}", "Type mismatch for key sk"),
        ("INSERT INTO TABLE VALUE {'pk': '1'}", "Missing the key sk"),
        ("INSERT INTO TABLE VALUE {'pk': '1', 'sk': ''}", "empty string"),
        ("INSERT INTO TABLE VALUE {'pk': '1', 'sk': '3', 'by': 4}", "by"),
        ("UPDATE TABLE SET sk = '3' WHERE pk = '1' AND sk = '2'", "Cannot update attribute sk"),
        ("UPDATE TABLE REMOVE pk WHERE pk = '1' AND sk = '2'", "Cannot update attribute pk"),
        ("UPDATE TABLE SET n = 1 WHERE pk = 1 AND sk = '2'", "Type mismatch for key pk"),
        ("DELETE FROM TABLE WHERE pk = '1' AND sk = 2", "Type mismatch for key sk"),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_a_statement_against_the_keys_is_refused(run, statement, reason, together):
    with pytest.raises(ClientError) as refused:
        run(statement, together=together)

    reasons = [each["Message"] for each in refused.value.response.get("CancellationReasons", [])]
    assert reason in (reasons[0] if together else str(refused.value))
    assert run() == [{"pk": {"S": "1"}, "sk": {"S": "2"}}]


@pytest.mark.parametrize(
    ("statements", "reason"),
    [
        (
            ("INSERT INTO TABLE VALUE {'pk': '5', 'sk': '6'}", "UPDATE TABLE SET n = 1 WHERE pk = '5' AND sk = '6'"),
            "multiple operations on one item",
        ),
        (
            ("UPDATE TABLE SET n = 1 WHERE pk = '1' AND sk = '2'", "DELETE FROM TABLE WHERE sk = '2' AND pk = '1'"),
            "multiple operations on one item",
        ),
        (
            (
                "SELECT * FROM TABLE WHERE pk = '1' AND sk = '2'",
                "INSERT INTO TABLE VALUE {'pk': '5', 'sk': '6'}",
            ),
            "either of reads or of writes",
        ),
    ],
)
def test_a_transaction_against_the_rules_is_refused(run, statements, reason):
    with pytest.raises(ClientError, match=reason):
        run(*statements, together=True)

    assert run() == [{"pk": {"S": "1"}, "sk": {"S": "2"}}]


def test_statements_in_order_run(run):
    items = run(
        "INSERT INTO TABLE VALUE {'pk': '5', 'sk': '6', 'by': 'x', 'n': 1}",
        "UPDATE TABLE SET n = 2 SET by = 'y' WHERE pk = '5' AND sk = '6'",
        "DELETE FROM TABLE WHERE pk = '1' AND sk = '2'",
    )
    assert items == [{"pk": {"S": "5"}, "sk": {"S": "6"}, "by": {"S": "y"}, "n": {"N": "2"}}]

    items = run(
        "EXISTS(SELECT * FROM TABLE WHERE pk = '5' AND sk = '6' AND n = 2)",
        "INSERT INTO TABLE VALUE {'pk': '5', 'sk': '7'}",
        "INSERT INTO TABLE VALUE {'pk': '7', 'sk': '6'}",
        together=True,
    )
    assert len(items) == 3
    read = "SELECT * FROM TABLE WHERE pk = '5' AND sk = '6'"
    assert len(run(read, read, together=True)) == 3
