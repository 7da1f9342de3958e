"""Runs of the ETL that fail on the embedded AWS publish nothing, say why, and come to the same end once mended."""

import json
import os
import subprocess
import sys
import time

import pytest

from blueprints.local.bring_up import bring_up, prepare
from blueprints.local.cloud import Cloud
from blueprints.pattern import find
from blueprints.progress import Progress
from tests.test_recovery import take_away_policies

HEADER = "order_id,ordered_at,country,category,quantity,unit_price,weight_kg,delivery_days,note"
ROWS = 60


@pytest.fixture(scope="module")
def deployed():
    """The ETL, deployed, and where it stands."""
    pattern = find("stepfunctions-etl")
    progress = Progress()
    prepared = prepare(pattern, progress, {"ObjectsPerBatch": "2"})
    with Cloud(time_scale=20) as cloud:
        yield pattern, cloud, bring_up(cloud, prepared, progress)


def orders(first):
    """An object of orders whose days follow from the quantity."""
    rows = (
        f"{number},2026-11-28T10:00:00Z,AT,toys,{1 + number % 5},9.99,1.5,{2 * (number % 5) + number % 7 / 10},"
        for number in range(first, first + ROWS)
    )
    return "\n".join([HEADER, *rows]).encode()


class Lake:
    """The stack's bucket and state machine."""

    def __init__(self, cloud, stack):
        self.s3, self.states = cloud.client("s3"), cloud.client("stepfunctions")
        self.bucket, self.machine = stack.outputs["LakeBucket"], stack.outputs["StateMachine"]

    def deliver(self, run_id, **objects):
        for name, content in objects.items():
            self.s3.put_object(Bucket=self.bucket, Key=f"incoming/{run_id}/{name}.csv", Body=content)

    def keys(self, prefix):
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())
        return [item["Key"] for item in listed]

    def read(self, key):
        return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def start(self, run_id):
        given = json.dumps({"run_id": run_id})
        return self.states.start_execution(stateMachineArn=self.machine, input=given)["executionArn"]

    def end(self, arn):
        """Wait for the end of an execution; return its status, its error, and its output."""
        deadline = time.monotonic() + 120
        while (found := self.states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return found["status"], found.get("error"), json.loads(found.get("output") or "null")


@pytest.fixture
def lake(deployed):
    return Lake(*deployed[1:])


def test_batches_that_were_denied_are_listed_and_redriven(deployed, lake):
    _, cloud, stack = deployed
    (role,) = [
        each.physical_id for each in stack.of_type("AWS::IAM::Role") if each.logical_id == "TransformObjectsRole"
    ]
    lake.deliver("denied", a=orders(1), b=orders(1001), c=orders(2001))
    give_back = take_away_policies(cloud, role)

    execution = lake.start("denied")
    assert lake.end(execution) == ("FAILED", "States.ExceedToleratedFailureThreshold", None)
    (listed,) = [key for key in lake.keys("runs/denied/map/") if key.endswith("FAILED_0.json")]
    failed = [item["key"] for batch in lake.read(listed) for item in json.loads(batch["Input"])["Items"]]
    assert sorted(failed) == [f"incoming/denied/{name}.csv" for name in "abc"]
    assert not lake.keys("runs/denied/manifest.json") + lake.keys("runs/denied/report.json")

    give_back()
    lake.states.redrive_execution(executionArn=execution)
    status, _, report = lake.end(execution)
    assert status == "SUCCEEDED"
    assert report == lake.read("runs/denied/report.json")
    assert (report["rows_in"], report["rows_out"], report["failed"]) == (3 * ROWS, 3 * ROWS, 0)
    assert len(lake.read("runs/denied/manifest.json")["data"]) == 3


def test_a_run_with_too_many_broken_objects_publishes_nothing_until_they_are_replaced(lake):
    before = lake.keys("models/")
    lake.deliver("broken", a=orders(1), b=b"land,days\nAT,1\n")

    assert lake.end(lake.start("broken"))[:2] == ("FAILED", "TooManyRejected")
    assert not lake.keys("runs/broken/manifest.json") + lake.keys("runs/broken/report.json")
    assert lake.keys("models/") == before
    reasons = [lake.read(key)["unreadable"] for key in lake.keys("runs/broken/parts/")]
    assert sum("the header has no column order_id" in str(reason) for reason in reasons) == 1

    lake.deliver("broken", b=orders(1001))
    status, _, report = lake.end(lake.start("broken"))
    assert (status, report["rows_out"]) == ("SUCCEEDED", 2 * ROWS)


def test_an_empty_folder_is_nothing_to_do(lake):
    assert lake.end(lake.start("nothing")) == ("SUCCEEDED", None, {"run_id": "nothing", "objects": 0, "rows_out": 0})
    assert not lake.keys("runs/nothing/")


def test_a_wrong_id_fails_at_once(lake):
    assert lake.end(lake.start("../models"))[:2] == ("FAILED", "ValueError")


def test_an_event_that_did_not_arrive_is_replayed(deployed, lake):
    pattern, cloud, stack = deployed
    event = json.loads((pattern.folder / "events" / "delivered.json").read_text())
    lake.deliver("2026-11-27", a=orders(1))
    cloud.client("sqs").send_message(QueueUrl=stack.outputs["DeadLettersUrl"], MessageBody=json.dumps(event))

    environment = {"PATH": os.environ["PATH"], **cloud.environment()}
    command = [sys.executable, pattern.folder / "replay.py", stack.name]
    replayed = subprocess.run(command, env=environment, capture_output=True, check=False, text=True, timeout=60)

    assert (replayed.returncode, replayed.stderr) == (0, "")
    assert "1 replayed (1 event), 0 left" in replayed.stdout
    (execution,) = [
        each["executionArn"]
        for each in lake.states.list_executions(stateMachineArn=lake.machine)["executions"]
        if "2026-11-27" in lake.states.describe_execution(executionArn=each["executionArn"])["input"]
    ]
    status, _, report = lake.end(execution)
    assert (status, report["rows_out"]) == ("SUCCEEDED", ROWS)
