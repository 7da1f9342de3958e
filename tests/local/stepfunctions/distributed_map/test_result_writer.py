"""Results in S3 and in the output of the state."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blueprints.local.services.stepfunctions.distributed_map.item_batches import single_items
from blueprints.local.services.stepfunctions.distributed_map.map_runs import Child, MapRun
from blueprints.local.services.stepfunctions.distributed_map.result_writer import ResultWriter
from blueprints.local.services.stepfunctions.execution.execution import STANDARD, Execution, Revision
from blueprints.states_language import definition
from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.distributed_map.conftest import TASK, WORK, PlayedMaps, distributed
from tests.local.stepfunctions.distributed_map.s3_in_memory import S3InMemory
from tests.local.stepfunctions.execution.histories import output, types

ACCOUNT = "123456789012"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:orders"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/orders"
READ = definition.parse(json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}))
REVISION = Revision(MACHINE, "orders", "", READ, ROLE)
STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING")


def map_run(*children: tuple[str, Any]) -> MapRun:
    """A Map Run that has ended, with children by status and input; a child's output is its input."""
    parent = Execution(f"{MACHINE.replace('stateMachine', 'execution')}:run", "run", REVISION, "{}", {})
    run = MapRun(parent, "rows", STANDARD)
    run.children = []
    for status, given_input in children:
        child = Child(next(single_items([given_input])))
        run.children.append(child)
        if status != "PENDING":
            execution = run.new_execution(child, READ.block, REVISION)
            execution.status, execution.stop_date = status, execution.start_date + 1
            if status == "SUCCEEDED":
                execution.output_text = child.batch.text
            else:
                execution.error, execution.cause = "Broken", "why"
    run.end("FAILED")
    return run


def writer(largest_file: int = 10**9, **config: Any) -> ResultWriter:
    return ResultWriter(ACCOUNT, {"Bucket": "lake", "Prefix": "results/"}, config, largest_file)


def files(s3: S3InMemory, manifest: dict[str, Any]) -> dict[str, list[bytes]]:
    """The bodies of the files that a manifest lists, by kind. Their sizes are as listed."""
    for listed in manifest["ResultFiles"].values():
        for each in listed:
            assert len(s3.objects[each["Key"]]) == each["Size"]
    return {kind: [s3.objects[each["Key"]] for each in listed] for kind, listed in manifest["ResultFiles"].items()}


@given(
    children=st.lists(st.tuples(st.sampled_from(STATUSES), st.integers(0, 99)), max_size=12),
    lines=st.booleans(),
    largest_file=st.sampled_from([1, 700, 10**9]),
)
def test_every_child_is_in_one_file_of_the_manifest(children: list[tuple[str, int]], lines: bool, largest_file: int):
    run, s3 = map_run(*children), S3InMemory()
    result = writer(largest_file, OutputType="JSONL" if lines else "JSON").export(run, s3)
    folder = f"results/{run.id}"
    assert result == {
        "MapRunArn": run.arn,
        "ResultWriterDetails": {"Bucket": "lake", "Key": f"{folder}/manifest.json"},
    }
    manifest = json.loads(s3.objects[f"{folder}/manifest.json"])
    assert (manifest["DestinationBucket"], manifest["MapRunArn"]) == ("lake", run.arn)
    written = files(s3, manifest)
    assert len(s3.objects) == 1 + sum(map(len, written.values()))
    records = {
        kind: [
            record
            for body in bodies
            for record in (map(json.loads, body.decode().splitlines()) if lines else json.loads(body))
        ]
        for kind, bodies in written.items()
    }
    kinds = {"SUCCEEDED": "SUCCEEDED", "PENDING": "PENDING"}
    for kind in ("SUCCEEDED", "FAILED", "PENDING"):
        assert [(each["Status"], json.loads(each["Input"])) for each in records[kind]] == [
            (status, given_input) for status, given_input in children if kinds.get(status, "FAILED") == kind
        ]
    if largest_file == 1:
        assert all(len(bodies) == len(records[kind]) for kind, bodies in written.items())


def test_records_have_the_metadata_of_the_executions():
    run, s3 = map_run(("SUCCEEDED", {"é": 1}), ("FAILED", 2), ("PENDING", 3)), S3InMemory()
    writer().export(run, s3)
    succeeded, failed, pending = (
        json.loads(s3.objects[f"results/{run.id}/{kind}_0.json"])[0] for kind in ("SUCCEEDED", "FAILED", "PENDING")
    )
    first, second = run.executions()
    assert succeeded.pop("StartDate") < succeeded.pop("StopDate")
    assert succeeded == {
        "ExecutionArn": first.arn,
        "Input": '{"é":1}',
        "InputDetails": {"Included": True},
        "Name": first.name,
        "Output": '{"é":1}',
        "OutputDetails": {"Included": True},
        "RedriveCount": 0,
        "RedriveStatus": "NOT_REDRIVABLE",
        "RedriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
        "StateMachineArn": f"{MACHINE}/rows",
        "Status": "SUCCEEDED",
    }
    assert (failed["Name"], failed["Error"], failed["Cause"]) == (second.name, "Broken", "why")
    assert failed["RedriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    assert "Output" not in failed
    assert pending == {"Input": "3", "InputDetails": {"Included": True}, "Status": "PENDING"}


@pytest.mark.parametrize(
    ("transformation", "expected"), [("COMPACT", [[1, 2], 3]), ("FLATTEN", [1, 2, 3]), ("NONE", None)]
)
def test_outputs_are_transformed(transformation: str, expected: Any):
    run, s3 = map_run(("SUCCEEDED", [1, 2]), ("SUCCEEDED", 3), ("FAILED", 4)), S3InMemory()
    chosen = writer(Transformation=transformation)
    chosen.export(run, s3)
    results = json.loads(s3.objects[f"results/{run.id}/SUCCEEDED_0.json"])
    assert results == expected if expected else [each["Output"] for each in results] == ["[1,2]", "3"]
    # What failed keeps its record, whatever the transformation.
    assert json.loads(s3.objects[f"results/{run.id}/FAILED_0.json"])[0]["Status"] == "FAILED"
    assert chosen.results(run, run.children or ())[-1]["Error"] == "Broken"


@pytest.mark.parametrize(("prefix", "folder"), [(None, ""), ("", ""), ("a/b", "a/b/"), ("a/b/", "a/b/")])
def test_the_prefix_is_a_folder(prefix: str | None, folder: str):
    parameters = {"Bucket": "lake"} if prefix is None else {"Bucket": "lake", "Prefix": prefix}
    run, s3 = map_run(("SUCCEEDED", 1)), S3InMemory()
    ResultWriter(ACCOUNT, parameters).export(run, s3)
    assert sorted(s3.objects) == [f"{folder}{run.id}/SUCCEEDED_0.json", f"{folder}{run.id}/manifest.json"]


def test_the_manifest_is_written_last():
    s3 = S3InMemory()
    writer().export(map_run(("SUCCEEDED", 1), ("FAILED", 2), ("PENDING", 3)), s3)
    assert [parameters["Key"].endswith("manifest.json") for _, parameters in s3.calls] == [False, False, False, True]


def test_a_bucket_of_another_owner_is_denied():
    parameters = {"Bucket": "lake", "ExpectedBucketOwner": "210987654321"}
    with pytest.raises(StateFailed, match="Access Denied") as failed:
        ResultWriter(ACCOUNT, parameters).export(map_run(), S3InMemory())
    assert failed.value.error == "States.ResultWriterFailed"


WRITER = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "lake", "Prefix.$": "$.run"}}


def fails_for_2(item: Any) -> Any:
    if item == 2:
        raise StateFailed("Broken")
    return item


@pytest.mark.parametrize(("tolerated", "status"), [(1, "SUCCEEDED"), (0, "FAILED")])
def test_a_map_run_writes_its_results_also_when_it_fails(play: PlayedMaps, tolerated: int, status: str):
    play.tasks.functions[WORK] = fails_for_2
    machine = distributed(
        TASK, ItemsPath="$.items", MaxConcurrency=1, ToleratedFailureCount=tolerated, ResultWriter=WRITER
    )
    execution = play(machine, {"run": "r1", "items": [1, 2, 3]})
    assert execution.status == status
    manifest = json.loads(play.s3.objects[f"r1/{play.run_of(execution).id}/manifest.json"])
    inputs = {
        kind: [json.loads(each["Input"]) for body in bodies for each in json.loads(body)]
        for kind, bodies in files(play.s3, manifest).items()
    }
    if status == "SUCCEEDED":
        assert output(execution)["ResultWriterDetails"]["Bucket"] == "lake"
        assert inputs == {"SUCCEEDED": [1, 3], "FAILED": [2], "PENDING": []}
    else:
        assert inputs == {"SUCCEEDED": [1], "FAILED": [2], "PENDING": [3]}


def test_results_that_cannot_be_written_fail_the_map_run(play: PlayedMaps):
    play.s3.denied = {"PutObject"}
    execution = play(distributed(ItemsPath="$.items", ResultWriter=WRITER), {"run": "r1", "items": [1]})
    assert execution.error == "States.ResultWriterFailed"
    assert types(execution)[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    play.s3.denied.clear()
    play.redrive(execution)
    assert output(execution)["MapRunArn"] == play.run_of(execution).arn
    assert len(list(play.run_of(execution).executions())) == 1


def test_a_failed_export_does_not_hide_why_the_map_run_failed(play: PlayedMaps):
    play.tasks.functions[WORK] = fails_for_2
    play.s3.denied = {"PutObject"}
    execution = play(distributed(TASK, ItemsPath="$.items", ResultWriter=WRITER), {"run": "r1", "items": [2]})
    assert execution.error == "States.ExceedToleratedFailureThreshold"
    assert "Access Denied" in (play.run_of(execution).writing_failure or "")


def test_without_an_export_the_writer_transforms_the_output(play: PlayedMaps):
    flat = {"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}}
    assert output(play(distributed(ResultWriter=flat), [[1, 2], [3], 4])) == [1, 2, 3, 4]
