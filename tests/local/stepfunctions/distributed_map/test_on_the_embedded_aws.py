"""Distributed Map states on the embedded AWS: rows in S3, a real function, results in S3."""

import csv
import gzip
import io
import json
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from blueprints.local.cloud import Cloud
from blueprints.stacks.stack import Stack
from tests.local.resources import ROLE, function_resource
from tests.local.trace import LEAVE, Trace, tracing
from tests.local.waiting import until

# Adds up the amounts of a batch, and fails for a batch with a negative one unless the object `repaired` exists.
TOTAL = f"""
    {LEAVE.strip().replace(chr(10), chr(10) + "    ")}
    import boto3
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])

    def handler(event, context):
        amounts = [int(each["amount"]) for each in event["Items"]]
        leave(f"{{event['Items'][0]['id']}} ")
        if min(amounts) < 0:
            listed = s3.list_objects_v2(Bucket=event["BatchInput"]["bucket"], Prefix="repaired")
            if not listed.get("Contents"):
                raise ValueError("a negative amount")
        return {{"rows": len(amounts), "total": sum(amounts)}}
"""
"""The function."""


class Machine:
    """A state machine with one distributed Map state."""

    def __init__(self, cloud: Cloud, stack: Stack, trace: Trace) -> None:
        self.bucket, self.function, self.trace = stack.outputs["Lake"], stack.outputs["Total"], trace
        self.s3, self._states, self._iam = cloud.client("s3"), cloud.client("stepfunctions"), cloud.client("iam")
        self._name = f"rows-{uuid.uuid4().hex[:8]}"
        self.role_name = self._name

    def create(self, **fields: Any) -> None:
        """Create the role and the machine."""
        trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = self._iam.create_role(
            RoleName=self.role_name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        self.allow(
            "s3:GetObject",
            "s3:PutObject",
            "s3:ListBucket",
            "lambda:InvokeFunction",
            "states:StartExecution",
            "states:RedriveExecution",
        )
        work = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": self.function, "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        }
        state = {
            "Type": "Map",
            "Label": "batches",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                "Parameters": {"Bucket": self.bucket, "Key.$": "$.key"},
            },
            "ItemBatcher": {"MaxItemsPerBatch": 50, "BatchInput": {"bucket": self.bucket}},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Total",
                "States": {"Total": work},
            },
            "ResultWriter": {
                "Resource": "arn:aws:states:::s3:putObject",
                "Parameters": {"Bucket": self.bucket, "Prefix": "results"},
            },
            "MaxConcurrency": 4,
            "End": True,
        } | fields
        definition = json.dumps({"StartAt": "Batches", "States": {"Batches": state}})
        self.arn = self._states.create_state_machine(name=self._name, definition=definition, roleArn=role)[
            "stateMachineArn"
        ]

    def allow(self, *actions: str) -> None:
        """Let the role do these actions, and no others."""
        statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self._iam.put_role_policy(RoleName=self.role_name, PolicyName="work", PolicyDocument=policy)

    def run(self, **given: Any) -> dict[str, Any]:
        """Run an execution to its end, and return its description."""
        started = self._states.start_execution(stateMachineArn=self.arn, input=json.dumps(given))
        return self.ended(started["executionArn"])

    def redrive(self, execution_arn: str) -> dict[str, Any]:
        self._states.redrive_execution(executionArn=execution_arn)
        return self.ended(execution_arn)

    def ended(self, execution_arn: str) -> dict[str, Any]:
        def described() -> dict[str, Any] | None:
            answer: dict[str, Any] = self._states.describe_execution(executionArn=execution_arn)
            return None if answer["status"] == "RUNNING" else answer

        return until(described, 60)

    def map_run(self, execution_arn: str) -> dict[str, Any]:
        """The description of the newest Map Run of an execution."""
        listed = self._states.list_map_runs(executionArn=execution_arn)["mapRuns"]
        return self._states.describe_map_run(mapRunArn=listed[0]["mapRunArn"])

    def children(self, map_run_arn: str, **filters: Any) -> list[dict[str, Any]]:
        pages = self._states.get_paginator("list_executions").paginate(mapRunArn=map_run_arn, **filters)
        return [each for page in pages for each in page["executions"]]

    def history(self, execution_arn: str) -> list[str]:
        pages = self._states.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        return [each["type"] for page in pages for each in page["events"]]

    def results(self, map_run_arn: str) -> dict[str, list[dict[str, Any]]]:
        """The records in the files that the manifest of a Map Run lists."""
        key = f"results/{map_run_arn.rpartition(':')[2]}/manifest.json"
        manifest = json.loads(self._read(key))
        return {
            kind: [record for file in files for record in json.loads(self._read(file["Key"]))]
            for kind, files in manifest["ResultFiles"].items()
        }

    def _read(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return body

    def put_rows(self, amounts: list[int], key: str = "rows.csv") -> str:
        """Put a CSV file, compressed if its key says so; returns the key."""
        text = io.StringIO()
        csv.writer(text).writerows([("id", "amount"), *enumerate(amounts)])
        body = text.getvalue().encode()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=gzip.compress(body) if key.endswith(".gz") else body)
        return key

    def invocations(self) -> Counter[str]:
        """How often the function got the batch that begins with a row."""
        return Counter(self.trace.read().split())


@pytest.fixture
def machine(cloud: Cloud, stack: Callable[..., Stack]) -> Any:
    with tracing() as trace:
        policy = {
            "PolicyName": "list",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}],
            },
        }
        role = {**ROLE, "Properties": {**ROLE["Properties"], "Policies": [policy]}}
        variables = {"Variables": {"TRACE": trace.url}}
        deployed = stack(
            Role=role, Lake={"Type": "AWS::S3::Bucket"}, Total=function_resource(TOTAL, Environment=variables)
        )
        yield Machine(cloud, deployed, trace)


def test_rows_are_batched_processed_and_written(machine: Machine):
    machine.create()
    amounts = list(range(420))
    execution = machine.run(key=machine.put_rows(amounts, "rows.csv.gz"))
    assert execution["status"] == "SUCCEEDED", execution
    described = machine.map_run(execution["executionArn"])
    assert json.loads(execution["output"]) == {
        "MapRunArn": described["mapRunArn"],
        "ResultWriterDetails": {
            "Bucket": machine.bucket,
            "Key": f"results/{described['mapRunArn'].rpartition(':')[2]}/manifest.json",
        },
    }
    assert (described["itemCounts"]["succeeded"], described["executionCounts"]["succeeded"]) == (420, 9)
    results = machine.results(described["mapRunArn"])
    outputs = [json.loads(each["Output"]) for each in results["SUCCEEDED"]]
    assert [each["rows"] for each in outputs] == [50] * 8 + [20]
    assert sum(each["total"] for each in outputs) == sum(amounts)
    assert results["FAILED"] == results["PENDING"] == []
    children = machine.children(described["mapRunArn"])
    assert {each["executionArn"] for each in children} == {each["ExecutionArn"] for each in results["SUCCEEDED"]}
    assert {each["itemCount"] for each in children} == {50, 20}
    assert machine.history(children[0]["executionArn"])[-2:] == ["TaskStateExited", "ExecutionSucceeded"]


def test_a_redrive_runs_the_failed_batches_alone(machine: Machine):
    machine.create(MaxConcurrency=1, ToleratedFailureCount=60)
    amounts = [1] * 300
    amounts[70] = amounts[170] = -1
    execution = machine.run(key=machine.put_rows(amounts))
    assert (execution["status"], execution["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
    described = machine.map_run(execution["executionArn"])
    assert {name: described["itemCounts"][name] for name in ("succeeded", "failed", "pending")} == {
        "succeeded": 100,
        "failed": 100,
        "pending": 100,
    }
    results = machine.results(described["mapRunArn"])
    assert {kind: len(records) for kind, records in results.items()} == {"SUCCEEDED": 2, "FAILED": 2, "PENDING": 2}
    assert {each["Error"] for each in results["FAILED"]} == {"ValueError"}
    assert machine.invocations() == {"0": 1, "50": 1, "100": 1, "150": 1}
    machine.s3.put_object(Bucket=machine.bucket, Key="repaired", Body=b"")
    redriven = machine.redrive(execution["executionArn"])
    assert redriven["status"] == "SUCCEEDED", redriven
    assert machine.invocations() == {"0": 1, "50": 2, "100": 1, "150": 2, "200": 1, "250": 1}
    again = machine.map_run(execution["executionArn"])
    assert (again["mapRunArn"], again["redriveCount"]) == (described["mapRunArn"], 1)
    assert again["itemCounts"]["succeeded"] == 300
    outputs = [json.loads(each["Output"]) for each in machine.results(described["mapRunArn"])["SUCCEEDED"]]
    assert (sum(each["rows"] for each in outputs), sum(each["total"] for each in outputs)) == (300, 296)
    redriven_children = machine.children(described["mapRunArn"], redriveFilter="REDRIVEN")
    assert [each["redriveCount"] for each in redriven_children] == [1, 1]


@pytest.mark.parametrize(
    ("actions", "error", "cause"),
    [
        (("s3:GetObject", "s3:PutObject"), "States.Permissions", "is not authorized to perform: states:StartExecution"),
        (("states:StartExecution", "s3:PutObject"), "States.ItemReaderFailed", "Status Code: 403"),
        (
            ("states:StartExecution", "s3:GetObject", "lambda:InvokeFunction"),
            "States.ResultWriterFailed",
            "Status Code: 403",
        ),
    ],
)
def test_the_role_has_to_allow_what_the_map_run_does(
    machine: Machine, actions: tuple[str, ...], error: str, cause: str
):
    machine.create()
    machine.allow(*actions)
    execution = machine.run(key=machine.put_rows([1, 2, 3]))
    assert execution["status"] == "FAILED"
    assert execution["error"] == error
    assert cause in execution["cause"]


def test_objects_under_a_prefix_are_items_over_all_pages(machine: Machine):
    for number in range(3):
        machine.s3.put_object(Bucket=machine.bucket, Key=f"in/{number}", Body=b"x" * number)
    machine.s3.put_object(Bucket=machine.bucket, Key="other", Body=b"")
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": machine.bucket, "Prefix.$": "$.prefix"},
    }
    echo = {"StartAt": "Echo", "States": {"Echo": {"Type": "Pass", "End": True}}}
    processor = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, **echo}
    fields = {"ItemReader": reader, "ItemProcessor": processor, "ItemBatcher": {"MaxItemsPerBatch": 2}}
    machine.create(**fields, ResultWriter={"WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSON"}})
    execution = machine.run(prefix="in/")
    assert execution["status"] == "SUCCEEDED", execution
    batches = json.loads(execution["output"])
    items = [item for batch in batches for item in batch["Items"]]
    assert [(each["Key"], each["Size"], each["StorageClass"]) for each in items] == [
        ("in/0", 0, "STANDARD"),
        ("in/1", 1, "STANDARD"),
        ("in/2", 2, "STANDARD"),
    ]
    assert all(each["Etag"].startswith('"') and each["LastModified"] > 1.7e9 for each in items)
