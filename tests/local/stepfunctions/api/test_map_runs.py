"""Map Runs and their child executions through the API."""

import json

from tests.local.stepfunctions.api.machines import refused


def distributed(processor, label="items", **fields):
    return {
        "Each": {
            "Type": "Map",
            "Label": label,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": next(iter(processor)),
                "States": processor,
            },
            "End": True,
            **fields,
        }
    }


DOUBLE = {
    "Check": {
        "Type": "Choice",
        "Choices": [{"Variable": "$", "NumericLessThan": 0, "Next": "Negative"}],
        "Default": "Fine",
    },
    "Negative": {"Type": "Fail", "Error": "Negative"},
    "Fine": {"Type": "Pass", "End": True},
}


def test_a_map_run_and_its_children_are_described_and_listed(states, machines):
    arn = machines.create(distributed(DOUBLE, ToleratedFailureCount=1, MaxConcurrency=2))
    execution = machines.run(arn, [1, 2, -1])

    assert (execution["status"], "mapRunArn" in execution) == ("SUCCEEDED", False)
    (run,) = states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    assert (run["stateMachineArn"], run["executionArn"]) == (f"{arn}/items", execution["executionArn"])
    described = states.describe_map_run(mapRunArn=run["mapRunArn"])
    assert (described["status"], described["maxConcurrency"], described["toleratedFailureCount"]) == ("SUCCEEDED", 2, 1)
    assert {name: described["itemCounts"][name] for name in ("succeeded", "failed", "total")} == {
        "succeeded": 2,
        "failed": 1,
        "total": 3,
    }
    children = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert sorted(each["status"] for each in children) == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
    assert {each["itemCount"] for each in children} == {1}
    failed = next(each for each in children if each["status"] == "FAILED")
    child = states.describe_execution(executionArn=failed["executionArn"])
    assert (child["input"], child["error"], child["mapRunArn"]) == ("-1", "Negative", run["mapRunArn"])
    assert child["stateMachineArn"] == f"{arn}/items"
    events = states.get_execution_history(executionArn=failed["executionArn"])["events"]
    assert (events[0]["type"], events[-1]["type"]) == ("ExecutionStarted", "ExecutionFailed")
    machine = states.describe_state_machine_for_execution(executionArn=failed["executionArn"])
    assert (machine["label"], machine["mapRunArn"]) == ("items", run["mapRunArn"])
    assert states.describe_state_machine(stateMachineArn=f"{arn}/items")["label"] == "items"
    own = states.list_executions(stateMachineArn=arn)["executions"]
    assert [each["executionArn"] for each in own] == [execution["executionArn"]]


def test_a_state_without_a_label_gets_one_by_which_the_machine_is_described(states, machines):
    each = distributed(DOUBLE)
    del each["Each"]["Label"]
    execution = machines.run(machines.create(each), [1])
    (run,) = states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]

    described = states.describe_state_machine(stateMachineArn=run["stateMachineArn"])

    assert run["stateMachineArn"] == f"{execution['stateMachineArn']}/{described['label']}"
    labelled = machines.create(distributed(DOUBLE))
    with refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{labelled}/other'"):
        states.describe_state_machine(stateMachineArn=f"{labelled}/other")


def test_a_child_is_redriven_by_its_map_run_only(states, machines):
    execution = machines.run(machines.create(distributed(DOUBLE)), [-1])
    (run,) = states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
    (child,) = states.list_executions(mapRunArn=run["mapRunArn"])["executions"]

    described = states.describe_execution(executionArn=child["executionArn"])

    assert (execution["status"], execution["redriveStatus"]) == ("FAILED", "REDRIVABLE")
    assert described["redriveStatus"] == "REDRIVABLE_BY_MAP_RUN"
    with refused("ExecutionNotRedrivable", "Map Run"):
        states.redrive_execution(executionArn=child["executionArn"])
    states.redrive_execution(executionArn=execution["executionArn"])
    machines.ended(execution["executionArn"])
    assert states.describe_map_run(mapRunArn=run["mapRunArn"])["redriveCount"] == 1
    assert states.describe_execution(executionArn=child["executionArn"])["redriveCount"] == 1


def test_limits_of_a_running_map_run_are_changed(states, machines):
    waiting = {"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}}
    execution = states.start_execution(
        stateMachineArn=machines.create(distributed(waiting, MaxConcurrency=1)), input=json.dumps([1, 2])
    )["executionArn"]
    runs = []
    while not runs:
        runs = states.list_map_runs(executionArn=execution)["mapRuns"]
    run = runs[0]["mapRunArn"]

    states.update_map_run(mapRunArn=run, maxConcurrency=2, toleratedFailureCount=1)

    described = states.describe_map_run(mapRunArn=run)
    assert (described["maxConcurrency"], described["toleratedFailureCount"]) == (2, 1)
    states.stop_execution(executionArn=execution)
    assert states.describe_map_run(mapRunArn=run)["status"] == "ABORTED"
    with refused("ValidationException", "is not running"):
        states.update_map_run(mapRunArn=run, maxConcurrency=3)


def test_map_runs_that_do_not_exist_are_refused(states, machines):
    arn = machines.create(distributed(DOUBLE))
    none = f"{arn.replace(':stateMachine:', ':mapRun:')}/items:none"

    for operation in (states.describe_map_run, states.update_map_run, states.list_executions):
        with refused("ResourceNotFound", none):
            operation(mapRunArn=none)
    with refused("InvalidArn", "Invalid Arn: 'Invalid ARN prefix: run'"):
        states.describe_map_run(mapRunArn="run")
    with refused("ExecutionDoesNotExist", "Execution Does Not Exist"):
        states.list_map_runs(executionArn=arn.replace(":stateMachine:", ":execution:") + ":none")


def test_a_new_machine_has_no_map_runs_of_a_deleted_one(states, machines):
    arn = machines.create(distributed(DOUBLE))
    name = arn.rpartition(":")[2]
    first = machines.run(arn, [1, 2], name="run")["executionArn"]
    (old,) = states.list_map_runs(executionArn=first)["mapRuns"]
    (child, _) = states.list_executions(mapRunArn=old["mapRunArn"])["executions"]
    states.delete_state_machine(stateMachineArn=arn)

    assert machines.create(distributed(DOUBLE), name=name) == arn
    assert machines.run(arn, [3], name="run")["executionArn"] == first
    assert len(states.list_map_runs(executionArn=first)["mapRuns"]) == 1
    with refused("ResourceNotFound", old["mapRunArn"]):
        states.describe_map_run(mapRunArn=old["mapRunArn"])
    with refused("ExecutionDoesNotExist", child["executionArn"]):
        states.describe_execution(executionArn=child["executionArn"])
