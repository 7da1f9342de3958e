"""A deployed state machine whose tasks call what does not exist is an error of the deployment."""

import pytest

from blueprints.errors import BlueprintError
from blueprints.local.state_machine_checks import check_state_machines
from tests.local.resources import ROLE, arn, function_resource
from tests.local.stepfunctions.machines import Stacks, machine

INVOKE = "arn:aws:states:::lambda:invoke"
ELSEWHERE = "arn:aws:lambda:us-east-1:999999999999:function:work"


def task(resource, **fields):
    return {"Type": "Task", "Resource": resource, "End": True, **fields}


def calling(state):
    """A definition with a task in an iteration within a branch."""
    iteration = {"StartAt": "Call", "States": {"Call": state}}
    branch = {"StartAt": "Each", "States": {"Each": {"Type": "Map", "ItemProcessor": iteration, "End": True}}}
    return {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": [branch], "End": True}}}


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        (task(arn("lambda", "function:nowhere")), "function arn:aws:lambda"),
        (task(INVOKE, Parameters={"FunctionName": "nowhere"}), "function nowhere"),
        (task(arn("states", "activity:nowhere")), "activity arn:aws:states"),
        (
            task(
                "arn:aws:states:::states:startExecution",
                Parameters={"StateMachineArn": arn("states", "stateMachine:nowhere")},
            ),
            "state machine arn:aws:states",
        ),
    ],
    ids=["function", "invoke", "activity", "machine"],
)
def test_a_task_that_calls_nothing_is_named(cloud, state, missing):
    stack = Stacks(cloud)(Machine=machine(Definition=calling(state)))

    with pytest.raises(BlueprintError, match=f"task Call of Machine calls the {missing}"):
        check_state_machines(cloud, stack)


@pytest.mark.parametrize(
    "parameters",
    [
        {"FunctionName": "${Work}"},
        {"FunctionName.$": "$.function"},
        {"FunctionName": "arn:aws:lambda:us-east-1:999999999999:function:x"},
    ],
    ids=["exists", "expression", "another account"],
)
def test_a_task_that_can_work_is_no_error(cloud, parameters):
    stack = Stacks(cloud)(
        Role=ROLE,
        Work=function_resource("def handler(event, context): return event"),
        Machine=machine(
            Definition=calling(task(INVOKE, Parameters=parameters)), DefinitionSubstitutions={"Work": {"Ref": "Work"}}
        ),
    )

    check_state_machines(cloud, stack)
