"""Map Runs: the children of a distributed Map state, their limits, and what the API shows of them."""

import asyncio
import json
import threading
from typing import Any

import pytest

from blueprints.local.base.protocol import ServiceError
from blueprints.local.services.stepfunctions.distributed_map.map_runs import MapRun, PackedHistory
from blueprints.states_language.failures import StateFailed
from tests.local.stepfunctions.distributed_map.conftest import PASS, TASK, WORK, PlayedMaps, distributed
from tests.local.stepfunctions.execution.histories import output, types
from tests.local.waiting import until

COUNTS = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total", "pendingRedrive")


def counts(described: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: described[name] for name in COUNTS if described[name]}


def fails_for(*broken: Any) -> Any:
    def work(item: Any) -> Any:
        if item in broken:
            raise StateFailed("Broken", f"item {item}")
        return item

    return work


def test_each_item_has_a_child_execution_with_its_own_history(play: PlayedMaps):
    execution = play(distributed(Label="rows"), ["a", "b"])
    assert output(execution) == ["a", "b"]
    assert types(execution) == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]
    run = play.run_of(execution)
    prefix = "arn:aws:states:us-east-1:123456789012"
    assert run.machine_arn == f"{prefix}:stateMachine:orders/rows"
    assert play.maps.map_runs.children(run.arn) == list(run.executions())
    assert run.arn == f"{prefix}:mapRun:orders/rows:{run.id}"
    for child, item in zip(run.executions(), ("a", "b"), strict=True):
        assert child.arn == f"{prefix}:execution:orders/rows:{child.name}"
        assert play.maps.map_runs.child(child.arn) is child
        assert (child.map_run_arn, child.status, child.input, child.output_text) == (
            run.arn,
            "SUCCEEDED",
            item,
            f'"{item}"',
        )
        assert types(child) == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]


def test_the_older_names_of_fields_are_understood(play: PlayedMaps):
    """Iterator is ItemProcessor, and Parameters is ItemSelector."""
    machine = distributed(Parameters={"item.$": "$$.Map.Item.Value"})
    machine["States"]["Each"]["Iterator"] = machine["States"]["Each"].pop("ItemProcessor")
    execution = play(machine, ["a"])
    assert output(execution) == [{"item": "a"}]
    assert len(list(play.run_of(execution).executions())) == 1


def test_no_items_have_no_children(play: PlayedMaps):
    execution = play(distributed(), [])
    assert output(execution) == []
    assert counts(play.run_of(execution).description()["itemCounts"]) == {}


def test_a_map_run_is_described_and_listed(play: PlayedMaps):
    execution = play(distributed(MaxConcurrency=1, ItemBatcher={"MaxItemsPerBatch": 2}), [1, 2, 3])
    run = play.run_of(execution)
    described = play.maps.map_runs.describe({"mapRunArn": run.arn})
    assert {
        name: described[name] for name in ("mapRunArn", "executionArn", "status", "maxConcurrency", "redriveCount")
    } == {
        "mapRunArn": run.arn,
        "executionArn": execution.arn,
        "status": "SUCCEEDED",
        "maxConcurrency": 1,
        "redriveCount": 0,
    }
    assert counts(described["itemCounts"]) == {"succeeded": 3, "total": 3}
    assert counts(described["executionCounts"]) == {"succeeded": 2, "total": 2}
    assert described["executionCounts"]["resultsWritten"] == 2
    assert described["startDate"] <= described["stopDate"]
    (listed,) = play.maps.map_runs.list({"executionArn": execution.arn})["mapRuns"]
    assert listed["mapRunArn"] == run.arn
    assert listed["stateMachineArn"] == run.machine_arn
    assert play.maps.map_runs.list({"executionArn": "another"}) == {"mapRuns": []}


def test_map_runs_are_listed_in_pages(play: PlayedMaps):
    machine = distributed()
    first_map = machine["States"]["Each"]
    second_map = json.loads(json.dumps(first_map).replace('"Item"', '"ItemAgain"'))
    machine["States"] = {"Each": {**first_map, "Next": "Again"}, "Again": second_map}
    del machine["States"]["Each"]["End"]
    execution = play(machine, [1])
    runs = play.maps.map_runs
    first = runs.list({"executionArn": execution.arn, "maxResults": 1})
    runs.add(MapRun(execution, "later"))  # it neither shifts nor repeats what follows the first page
    rest = runs.list({"executionArn": execution.arn, "maxResults": 1, "nextToken": first["nextToken"]})
    assert first["mapRuns"][0]["mapRunArn"] != rest["mapRuns"][0]["mapRunArn"]
    assert "nextToken" not in rest
    assert first["mapRuns"][0]["startDate"] >= rest["mapRuns"][0]["startDate"]
    with pytest.raises(ServiceError) as refused:
        runs.list({"executionArn": execution.arn, "nextToken": "x"})
    assert refused.value.code == "InvalidToken"


@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("x", "InvalidArn"),
        ("arn:aws:states:us-east-1:123456789012:execution:orders:x", "InvalidArn"),
        ("arn:aws:states:us-east-1:123456789012:mapRun:orders/rows:x", "ResourceNotFound"),
    ],
)
def test_a_map_run_that_does_not_exist_is_refused(play: PlayedMaps, arn: str, code: str):
    for operation in (play.maps.map_runs.describe, play.maps.map_runs.update):
        with pytest.raises(ServiceError) as refused:
            operation({"mapRunArn": arn})
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("tolerated", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "FAILED"),
        ({"ToleratedFailureCount": 2}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 39.9}, "FAILED"),
        ({"ToleratedFailurePercentage": 40}, "SUCCEEDED"),
        ({"ToleratedFailureCount": 5, "ToleratedFailurePercentage": 20}, "FAILED"),
    ],
)
def test_tolerated_failures(play: PlayedMaps, tolerated: dict[str, Any], status: str):
    play.tasks.functions[WORK] = fails_for(2, 4)
    execution = play(distributed(TASK, MaxConcurrency=1, **tolerated), [1, 2, 3, 4, 5])
    run = play.run_of(execution)
    assert (execution.status, run.status) == (status, status)
    if status == "SUCCEEDED":
        assert output(execution) == [1, 3, 5]
        assert counts(run.description()["itemCounts"]) == {"succeeded": 3, "failed": 2, "total": 5}
    else:
        assert execution.error == "States.ExceedToleratedFailureThreshold"
        assert execution.cause == "The specified tolerated failure threshold was exceeded"
        assert types(execution)[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
        assert counts(run.description()["itemCounts"])["pending"] > 0


def test_tolerances_are_read_from_the_input(play: PlayedMaps):
    play.tasks.functions[WORK] = fails_for(2, 4)
    paths = {"ItemsPath": "$.items", "ToleratedFailureCountPath": "$.most", "ToleratedFailurePercentagePath": "$.share"}
    given = {"items": [1, 2, 3, 4], "most": 2, "share": 50}
    assert play(distributed(TASK, **paths), given).status == "SUCCEEDED"
    assert play(distributed(TASK, **paths), {**given, "share": 49}).status == "FAILED"
    expressions = {
        "QueryLanguage": "JSONata",
        "Items": "{% $states.input.items %}",
        "ToleratedFailureCount": "{% $states.input.most %}",
        "ToleratedFailurePercentage": "{% $states.input.share %}",
    }
    machine = distributed({**TASK, "States": {"Item": {**TASK["States"]["Item"]}}}, **expressions)
    assert play(machine, given).status == "SUCCEEDED"
    assert play(machine, {**given, "most": 1}).status == "FAILED"


def test_a_failed_batch_counts_all_its_items(play: PlayedMaps):
    play.tasks.functions[WORK] = lambda batch: fails_for(3)(batch["Items"][0])
    machine = distributed(TASK, ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=2)
    execution = play(machine, [1, 2, 3, 4, 5])
    assert counts(play.run_of(execution).description()["itemCounts"]) == {"succeeded": 3, "failed": 2, "total": 5}
    assert (
        play(distributed(TASK, ItemBatcher={"MaxItemsPerBatch": 2}, ToleratedFailureCount=1), [1, 2, 3]).status
        == "SUCCEEDED"
    )


class Gate:
    """Work that waits until it is let through, and counts how much of it waits."""

    def __init__(self) -> None:
        self.waiting = self.most = 0
        self.opened = threading.Event()

    async def work(self, item: Any) -> Any:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            while not self.opened.is_set():
                await asyncio.sleep(0.001)
        finally:
            self.waiting -= 1
        return item

    def wait_for(self, number: int) -> None:
        until(lambda: self.waiting == number)


def test_so_many_children_run_at_the_same_time(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    execution = play.start(distributed(TASK, MaxConcurrency=3), list(range(10)))
    gate.wait_for(3)
    assert counts(play.run_of(execution).description()["executionCounts"]) == {"running": 3, "pending": 7, "total": 10}
    play.maps.map_runs.update({"mapRunArn": play.run_of(execution).arn, "maxConcurrency": 5})
    gate.wait_for(5)
    gate.opened.set()
    assert execution.ended.wait(10)
    assert gate.most == 5
    assert output(execution) == list(range(10))


def test_without_a_limit_all_children_run_at_the_same_time(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    execution = play.start(distributed(TASK), list(range(200)))
    gate.wait_for(200)
    gate.opened.set()
    assert execution.ended.wait(10)


def test_an_update_of_the_tolerance_decides_at_once(play: PlayedMaps):
    gate = Gate()

    async def work(item: Any) -> Any:
        if item == 0:
            raise StateFailed("Broken")
        return await gate.work(item)

    play.tasks.functions[WORK] = work
    execution = play.start(distributed(TASK, ToleratedFailureCount=1), [0, 1, 2])
    gate.wait_for(2)
    run = play.run_of(execution)
    play.maps.map_runs.update({"mapRunArn": run.arn, "toleratedFailureCount": 0})
    assert execution.ended.wait(10)
    assert execution.error == "States.ExceedToleratedFailureThreshold"
    assert counts(run.description()["itemCounts"]) == {"failed": 1, "aborted": 2, "total": 3}
    with pytest.raises(ServiceError) as refused:
        play.maps.map_runs.update({"mapRunArn": run.arn, "toleratedFailureCount": 5})
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize(
    "limits", [{"maxConcurrency": -1}, {"toleratedFailureCount": -1}, {"toleratedFailurePercentage": 100.5}]
)
def test_an_update_to_an_impossible_limit_is_refused(play: PlayedMaps, limits: dict[str, Any]):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    execution = play.start(distributed(TASK), [0])
    gate.wait_for(1)
    with pytest.raises(ServiceError) as refused:
        play.maps.map_runs.update({"mapRunArn": play.run_of(execution).arn, **limits})
    assert refused.value.code == "ValidationException"


def test_stopping_the_parent_aborts_its_children(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    execution = play.start(distributed(TASK, MaxConcurrency=2), [1, 2, 3])
    gate.wait_for(2)
    play.engine.stop(execution)
    run = play.run_of(execution)
    assert (execution.status, run.status, gate.waiting) == ("ABORTED", "ABORTED", 0)
    assert counts(run.description()["itemCounts"]) == {"aborted": 2, "pending": 1, "total": 3}
    assert types(execution)[-2:] == ["MapRunStarted", "ExecutionAborted"]
    assert [types(each)[-1] for each in run.executions()] == ["ExecutionAborted"] * 2


def test_a_child_that_is_stopped_counts_as_failed(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    execution = play.start(distributed(TASK, ToleratedFailureCount=1), [1, 2])
    gate.wait_for(2)
    run = play.run_of(execution)
    play.engine.stop(next(run.executions()))
    gate.opened.set()
    assert execution.ended.wait(10)
    assert output(execution) == [2]
    assert counts(run.description()["itemCounts"]) == {"succeeded": 1, "aborted": 1, "total": 2}


def test_the_timeout_of_the_machine_stops_the_map_run(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    execution = play(distributed(TASK) | {"TimeoutSeconds": 20}, [1, 2])
    assert execution.status == "TIMED_OUT"
    assert counts(play.run_of(execution).description()["itemCounts"]) == {"aborted": 2, "total": 2}


def test_a_failed_sibling_stops_the_map_run(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    sibling = {
        "StartAt": "Wait",
        "States": {"Wait": {"Type": "Wait", "Seconds": 100, "Next": "No"}, "No": {"Type": "Fail"}},
    }
    both = {"Type": "Parallel", "Branches": [distributed(TASK), sibling], "End": True}
    execution = play({"StartAt": "Both", "States": {"Both": both}}, [1])
    assert execution.status == "FAILED"
    assert "MapRunAborted" in types(execution)
    assert play.run_of(execution).status == "ABORTED"


def test_express_children_keep_no_history(play: PlayedMaps):
    execution = play(distributed(kind="EXPRESS"), ["a"])
    (child,) = play.run_of(execution).executions()
    assert (child.type, child.status, child.history.events) == ("EXPRESS", "SUCCEEDED", [])
    assert play.maps.map_runs.child(child.arn) is None
    with pytest.raises(ServiceError) as refused:
        play.maps.map_runs.children(play.run_of(execution).arn)
    assert refused.value.code == "StateMachineTypeNotSupported"
    assert output(execution) == ["a"]


def test_histories_of_many_children_are_compressed_and_complete(play: PlayedMaps):
    execution = play(distributed(), list(range(1_001)))
    child = next(play.run_of(execution).executions())
    assert isinstance(child.history, PackedHistory)
    assert types(child) == ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert [event["id"] for event in child.history.events] == [1, 2, 3, 4]


def test_the_item_selector_sees_the_item_and_the_input(play: PlayedMaps):
    selector = {
        "run.$": "$.run",
        "item.$": "$$.Map.Item.Value",
        "at.$": "$$.Map.Item.Index",
        "from.$": "$$.Map.Item.Source",
    }
    execution = play(distributed(ItemsPath="$.items", ItemSelector=selector), {"run": "r", "items": ["a", "b"]})
    assert output(execution) == [
        {"run": "r", "item": "a", "at": 0, "from": "STATE_DATA"},
        {"run": "r", "item": "b", "at": 1, "from": "STATE_DATA"},
    ]


def test_entries_of_an_object_in_s3_have_keys(play: PlayedMaps):
    play.s3.objects["rows.json"] = json.dumps({"rows": {"x": 1}}).encode()
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/rows"},
        "Arguments": {"Bucket": "lake", "Key": "{% $states.input.key %}"},
    }
    selector = {"of": "{% $states.context.Map.Item.Key %}", "is": "{% $states.context.Map.Item.Value %}"}
    machine = distributed(QueryLanguage="JSONata", ItemReader=reader, ItemSelector=selector)
    execution = play(machine, {"key": "rows.json"})
    assert output(execution) == [{"of": "x", "is": {"Key": "x", "Value": 1}}]


def test_items_are_read_with_a_largest_number_from_the_input(play: PlayedMaps):
    play.s3.objects["rows"] = b"[1,2,3]"
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", "MaxItemsPath": "$.most"},
        "Parameters": {"Bucket": "lake", "Key": "rows"},
    }
    assert output(play(distributed(ItemReader=reader), {"most": 2})) == [1, 2]
    failed = play(distributed(ItemReader=reader), {"most": -1})
    assert failed.error == "States.ItemReaderFailed"
    assert failed.cause == "field MaxItems must be positive"
    assert types(failed)[-4:] == ["MapRunStarted", "MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    wrong = play(distributed(ItemReader=reader), {"most": 1.5})
    assert wrong.error == "States.Runtime"
    assert wrong.cause.endswith('The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.most')
    assert types(wrong)[-2:] == ["MapStateStarted", "ExecutionFailed"]


def test_batches_have_a_batch_input_and_limits_from_the_input(play: PlayedMaps):
    batcher = {
        "MaxItemsPerBatchPath": "$.most",
        "MaxInputBytesPerBatchPath": "$.bytes",
        "BatchInput": {"run.$": "$.run"},
    }
    given = {"items": [1, 2, 3], "most": 2, "bytes": 1000, "run": "r"}
    batches = [{"BatchInput": {"run": "r"}, "Items": [1, 2]}, {"BatchInput": {"run": "r"}, "Items": [3]}]
    assert output(play(distributed(ItemsPath="$.items", ItemBatcher=batcher), given)) == batches
    expressions = {
        "MaxItemsPerBatch": "{% $states.input.most %}",
        "MaxInputBytesPerBatch": "{% $states.input.bytes %}",
        "BatchInput": {"run": "{% $states.input.run %}"},
    }
    machine = distributed(QueryLanguage="JSONata", Items="{% $states.input.items %}", ItemBatcher=expressions)
    assert output(play(machine, given)) == batches


@pytest.mark.parametrize("limit", ["MaxItemsPerBatch", "MaxInputBytesPerBatch"])
@pytest.mark.parametrize(("value", "says"), [(0, "must be greater than 0."), (-1, "cannot be negative.")])
def test_a_batch_without_room_is_refused(play: PlayedMaps, limit: str, value: int, says: str):
    machine = distributed(
        QueryLanguage="JSONata", Items="{% $states.input.items %}", ItemBatcher={limit: "{% $states.input.most %}"}
    )
    execution = play(machine, {"items": [1], "most": value})
    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    assert f"{limit} {says}" in (execution.cause or "")


def test_an_expression_for_the_largest_number_of_items_gives_a_number(play: PlayedMaps):
    play.s3.objects["rows"] = b"[1,2,3]"
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% $states.input.most %}"},
        "Arguments": {"Bucket": "lake", "Key": "rows"},
    }
    machine = distributed(QueryLanguage="JSONata", ItemReader=reader)
    assert output(play(machine, {"most": 2})) == [1, 2]
    assert play(machine, {"most": -1}).error == "States.ItemReaderFailed"
    assert play(machine, {"most": "two"}).error == "States.QueryEvaluationError"


def test_the_role_has_to_be_allowed_to_start_the_children(play: PlayedMaps):
    play.roles.denied = {"states:StartExecution"}
    execution = play(distributed(PASS), [1])
    assert execution.status == "FAILED"
    assert play.roles.checked == [("states:StartExecution", execution.revision.machine_arn)]
    assert play.maps.map_runs.of_execution(execution.arn) == []


def test_emptying_the_account_ends_and_forgets_map_runs(play: PlayedMaps):
    gate = Gate()
    play.tasks.functions[WORK] = gate.work
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "lake"}}
    execution = play.start(distributed(TASK, ResultWriter=writer), [1, 2])
    gate.wait_for(2)
    play.maps.reset()
    play.engine.reset()
    gate.wait_for(0)
    assert play.maps.map_runs.of_execution(execution.arn) == []
    assert play.s3.objects == {}
