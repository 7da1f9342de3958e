"""Every kind of write puts the same records into a table's stream; PartiQL needs its own IAM actions."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

from blueprints.local.deployment import deploy
from tests.local.event_sources import MAY_READ, TABLE, mapping
from tests.local.resources import arn, function_resource, role_with
from tests.local.waiting import printed, until


class Table:
    """A table with a stream, and what the stream holds."""

    def __init__(self, cloud, view="NEW_AND_OLD_IMAGES"):
        self.client, self.name = cloud.client("dynamodb"), f"table-{uuid.uuid4().hex[:12]}"
        self._streams = cloud.client("dynamodbstreams")
        described = self.client.create_table(
            TableName=self.name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
        )
        self._stream = described["TableDescription"]["LatestStreamArn"]

    def partiql(self, *statements):
        for statement in statements:
            self.client.execute_statement(Statement=statement.format(t=f'"{self.name}"'))

    def together(self, *statements):
        listed = [{"Statement": each.format(t=f'"{self.name}"')} for each in statements]
        self.client.execute_transaction(TransactStatements=listed)

    def in_a_batch(self, *statements):
        listed = [{"Statement": each.format(t=f'"{self.name}"')} for each in statements]
        return self.client.batch_execute_statement(Statements=listed)["Responses"]

    def records(self):
        """The records of the stream, oldest first."""
        shard = self._streams.describe_stream(StreamArn=self._stream)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = self._streams.get_shard_iterator(
            StreamArn=self._stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return self._streams.get_records(ShardIterator=iterator)["Records"]

    def changes(self):
        """Event name, old `n` and new `n` of every record."""
        return [
            (
                each["eventName"],
                *(each["dynamodb"].get(image, {}).get("n", {}).get("N") for image in ("OldImage", "NewImage")),
            )
            for each in self.records()
        ]


@pytest.fixture
def table(cloud):
    return Table(cloud)


def by_item(table):
    client, key = table.client, {"TableName": table.name, "Key": {"id": {"S": "1"}}}
    client.put_item(TableName=table.name, Item={"id": {"S": "1"}, "n": {"N": "1"}})
    client.update_item(**key, UpdateExpression="SET n = :two", ExpressionAttributeValues={":two": {"N": "2"}})
    client.delete_item(**key)


def by_batch_write(table):
    def write(request):
        table.client.batch_write_item(RequestItems={table.name: [request]})

    write({"PutRequest": {"Item": {"id": {"S": "1"}, "n": {"N": "1"}}}})
    write({"PutRequest": {"Item": {"id": {"S": "1"}, "n": {"N": "2"}}}})
    write({"DeleteRequest": {"Key": {"id": {"S": "1"}}}})


def by_transaction(table):
    key = {"TableName": table.name, "Key": {"id": {"S": "1"}}}
    update = {**key, "UpdateExpression": "SET n = :two", "ExpressionAttributeValues": {":two": {"N": "2"}}}

    def write(request):
        table.client.transact_write_items(TransactItems=[request])

    write({"Put": {"TableName": table.name, "Item": {"id": {"S": "1"}, "n": {"N": "1"}}}})
    write({"Update": update})
    write({"Delete": key})


INSERT, UPDATE, DELETE = (
    "INSERT INTO {t} VALUE {{'id': '1', 'n': 1}}",
    "UPDATE {t} SET n = 2 WHERE id = '1'",
    "DELETE FROM {t} WHERE id = '1'",
)


def by_partiql(table):
    table.partiql(INSERT, UPDATE, DELETE)


def by_partiql_batch(table):
    for each in (INSERT, UPDATE, DELETE):
        table.in_a_batch(each)


def by_partiql_transaction(table):
    for each in (INSERT, UPDATE, DELETE):
        table.together(each)


@pytest.mark.parametrize(
    "write", [by_item, by_batch_write, by_transaction, by_partiql, by_partiql_batch, by_partiql_transaction]
)
@pytest.mark.parametrize("view", ["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"])
def test_every_way_of_writing_puts_its_records_into_the_stream(cloud, write, view):
    table = Table(cloud, view)

    write(table)

    old, new = "OLD" in view, view.startswith("NEW")
    assert table.changes() == [
        ("INSERT", None, "1" if new else None),
        ("MODIFY", "1" if old else None, "2" if new else None),
        ("REMOVE", "2" if old else None, None),
    ]
    assert [each["dynamodb"]["Keys"] for each in table.records()] == [{"id": {"S": "1"}}] * 3


def test_partiql_changes_reach_a_function_in_their_order(cloud, stack):
    source = """
        import json
        def handler(event, context):
            for record in event["Records"]:
                print("change", record["eventName"], json.dumps(record["dynamodb"].get("NewImage")))
    """
    deployed = stack(Role=MAY_READ, Table=TABLE, Function=function_resource(source), Mapping=mapping("Table"))
    name = deployed.outputs["Table"]

    for statement in (INSERT, UPDATE, DELETE):
        cloud.client("dynamodb").execute_statement(Statement=statement.format(t=f'"{name}"'))

    def changes():
        lines = [line for line in printed(cloud, deployed.outputs["Function"]) if line.startswith("change ")]
        return len(lines) == 3 and [line.split()[1] for line in lines]

    assert until(changes) == ["INSERT", "MODIFY", "REMOVE"]


def test_a_refused_partiql_transaction_leaves_no_record(table):
    table.partiql("INSERT INTO {t} VALUE {{'id': 'taken'}}")

    with pytest.raises(ClientError, match="DuplicateItem"):
        table.together("INSERT INTO {t} VALUE {{'id': 'new'}}", "INSERT INTO {t} VALUE {{'id': 'taken'}}")

    assert [each["dynamodb"]["Keys"]["id"]["S"] for each in table.records()] == ["taken"]
    assert [item["id"]["S"] for item in table.client.scan(TableName=table.name)["Items"]] == ["taken"]


def test_a_partiql_batch_records_the_statements_that_succeeded(table):
    answers = table.in_a_batch(
        "INSERT INTO {t} VALUE {{'id': '1', 'n': 1}}",
        "UPDATE {t} SET n = 5 WHERE id = 'missing'",
        "INSERT INTO {t} VALUE {{'id': '2', 'n': 2}}",
    )

    assert ["Error" in each for each in answers] == [False, True, False]
    assert table.changes() == [("INSERT", None, "1"), ("INSERT", None, "2")]


def test_a_repeated_transaction_token_records_its_changes_once(table):
    statements = [{"Statement": INSERT.format(t=f'"{table.name}"')}]

    for _ in range(2):
        table.client.execute_transaction(TransactStatements=statements, ClientRequestToken="once")

    assert table.changes() == [("INSERT", None, "1")]


@pytest.mark.parametrize(
    "write",
    [
        lambda table: table.partiql("UPDATE {t} SET n = 1 WHERE id = '1'"),
        lambda table: table.partiql("DELETE FROM {t} WHERE id = 'missing'"),
        lambda table: table.together("UPDATE {t} SET n = 1 WHERE id = '1'"),
        lambda table: table.in_a_batch("UPDATE {t} SET n = 1 WHERE id = '1'"),
        lambda table: table.partiql("SELECT * FROM {t} WHERE id = '1'"),
    ],
    ids=["update", "delete", "transaction", "batch", "select"],
)
def test_a_statement_that_changes_nothing_leaves_no_record(table, write):
    table.partiql(INSERT)

    write(table)

    assert table.changes() == [("INSERT", None, "1")]


def test_the_order_in_which_a_set_is_sent_is_no_change(table):
    for members in (["a", "b"], ["b", "a"], ["a", "b", "c"]):
        table.client.put_item(TableName=table.name, Item={"id": {"S": "1"}, "tags": {"SS": members}})

    assert [each["eventName"] for each in table.records()] == ["INSERT", "MODIFY"]


STATEMENT_RUNNER = """
    import boto3
    def handler(event, context):
        try:
            boto3.client("dynamodb").execute_statement(Statement=event["statement"])
        except Exception as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return "done", ""
"""


def test_each_statement_needs_its_own_permission_on_its_table(cloud, stack):
    role = role_with("dynamodb:PartiQLInsert")
    function = stack(Role=role, Function=function_resource(STATEMENT_RUNNER)).outputs["Function"]
    table = Table(cloud)

    def answer(statement):
        return cloud.invoke(function, {"statement": statement.format(t=f'"{table.name}"')}).payload

    assert answer(INSERT) == ["done", ""]
    for statement, action in (
        (UPDATE, "PartiQLUpdate"),
        (DELETE, "PartiQLDelete"),
        ("SELECT * FROM {t}", "PartiQLSelect"),
    ):
        code, message = answer(statement)
        assert code == "AccessDeniedException"
        assert f"dynamodb:{action} " in message


def test_a_permission_on_one_table_allows_no_statement_on_another(cloud, stack):
    allowed, other = Table(cloud), Table(cloud)
    role = role_with("dynamodb:PartiQLInsert")
    (policy,) = role["Properties"]["Policies"]
    policy["PolicyDocument"]["Statement"][0]["Resource"] = arn("dynamodb", f"table/{allowed.name}")
    function = stack(Role=role, Function=function_resource(STATEMENT_RUNNER)).outputs["Function"]

    answers = {
        table: cloud.invoke(function, {"statement": INSERT.format(t=f'"{table.name}"')}).payload[0]
        for table in (allowed, other)
    }

    assert list(answers.values()) == ["done", "AccessDeniedException"]
    assert (len(allowed.records()), len(other.records())) == (1, 0)


def test_permissions_on_items_do_not_allow_partiql(cloud, stack):
    role = role_with("dynamodb:PutItem", "dynamodb:ExecuteStatement")
    function = stack(Role=role, Function=function_resource(STATEMENT_RUNNER)).outputs["Function"]
    table = Table(cloud)

    code, _ = cloud.invoke(function, {"statement": INSERT.format(t=f'"{table.name}"')}).payload

    assert code == "AccessDeniedException"
    assert table.records() == []


def test_only_a_ttl_of_the_last_five_years_expires(cloud, stack):
    name = stack(Table=TABLE).outputs["Table"]
    client, now, year = cloud.client("dynamodb"), int(time.time()), 365 * 24 * 3600
    moments = {
        "minute": {"N": str(now - 60)},
        "four-years": {"N": str(now - 4 * year)},
        "fraction": {"N": f"{now - 60}.5"},
        "six-years": {"N": str(now - 6 * year)},
        "zero": {"N": "0"},
        "negative": {"N": "-1"},
        "milliseconds": {"N": str((now - 60) * 1000)},
        "text": {"S": str(now - 60)},
        "list": {"L": [{"N": str(now - 60)}]},
        "none": {"NULL": True},
    }
    for each, moment in moments.items():
        client.put_item(TableName=name, Item={"id": {"S": each}, "expires": moment})

    expiring = {"minute", "four-years", "fraction"}

    def left():
        found = {item["id"]["S"] for item in client.scan(TableName=name)["Items"]}
        return not found & expiring and found

    assert until(left) == set(moments) - expiring


def test_a_ttl_goes_with_its_table_and_its_property(cloud, stack):
    client = cloud.client("dynamodb")

    def status(name):
        return client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]

    deployed = stack(Table=TABLE)
    name = deployed.outputs["Table"]
    assert status(name) == "ENABLED"

    properties = {key: value for key, value in TABLE["Properties"].items() if key != "TimeToLiveSpecification"}
    without = {**TABLE, "Properties": properties}
    deploy(cloud, deployed.name, json.dumps({"Resources": {"Table": without}}))
    assert status(name) == "DISABLED"

    deploy(cloud, deployed.name, json.dumps({"Resources": {"Table": TABLE}}))
    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName=deployed.name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=deployed.name, WaiterConfig={"Delay": 1})
    client.create_table(
        TableName=name,
        **{key: TABLE["Properties"][key] for key in ("BillingMode", "AttributeDefinitions", "KeySchema")},
    )
    assert status(name) == "DISABLED"
