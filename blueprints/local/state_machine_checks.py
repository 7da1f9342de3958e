"""Checks, after a deployment, that the functions, activities and state machines that tasks name exist.

Step Functions creates a state machine whose tasks name functions that do not exist; its executions fail.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from blueprints.errors import BlueprintError
from blueprints.local.cloud import ACCOUNT, Cloud
from blueprints.stacks.stack import Stack

_MACHINE = "AWS::StepFunctions::StateMachine"
# By the kind of resource: client, operation, its parameter, and what the service answers if there is no such resource.
_LOOK_UPS = {
    "function": ("lambda", "get_function", "FunctionName", "ResourceNotFoundException"),
    "activity": ("stepfunctions", "describe_activity", "activityArn", "ActivityDoesNotExist"),
    "state machine": ("stepfunctions", "describe_state_machine", "stateMachineArn", "StateMachineDoesNotExist"),
}


def check_state_machines(cloud: Cloud, stack: Stack) -> None:
    """Raise BlueprintError if a task of the stack names a function, activity or state machine that does not exist."""
    machines = stack.of_type(_MACHINE)
    if not machines:
        return
    states = cloud.client("stepfunctions")
    missing = []
    for machine in machines:
        definition = json.loads(states.describe_state_machine(stateMachineArn=machine.physical_id)["definition"])
        for name, task in _tasks(definition):
            kind, named = _called(task)
            if kind and not _exists(cloud, kind, named):
                missing.append(f"task {name} of {machine.logical_id} calls the {kind} {named}, which does not exist")
    if missing:
        raise BlueprintError(
            f"The stack is deployed, but executions would fail: {'; '.join(missing)}.",
            advice="Write the name or ARN into DefinitionSubstitutions, such as 'FunctionArn: !GetAtt Work.Arn'.",
        )


def _tasks(block: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every Task state of a definition with its name, also those in branches and iterations."""
    for name, state in block["States"].items():
        if state["Type"] == "Task":
            yield name, state
        inner = [*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")]
        for each in inner:
            if each:
                yield from _tasks(each)


def _called(task: Mapping[str, Any]) -> tuple[str, str]:
    """The kind and the name of what a task calls; empty if an expression names it, or if another account owns it."""
    resource = str(task["Resource"])
    given = task.get("Arguments") or task.get("Parameters")
    given = given if isinstance(given, dict) else {}
    named: object
    if resource.startswith("arn:aws:lambda:"):
        kind, named = "function", resource
    elif ":activity:" in resource:
        kind, named = "activity", resource
    elif ":::lambda:invoke" in resource:
        kind, named = "function", given.get("FunctionName")
    elif ":::states:startExecution" in resource:
        kind, named = "state machine", given.get("StateMachineArn")
    else:
        return "", ""
    if not isinstance(named, str) or named.startswith("{%"):
        return "", ""
    is_own = not named.startswith("arn:") or named.split(":")[4] == ACCOUNT
    return (kind, named) if is_own else ("", "")


def _exists(cloud: Cloud, kind: str, named: str) -> bool:
    service, operation, parameter, missing = _LOOK_UPS[kind]
    try:
        getattr(cloud.client(service), operation)(**{parameter: named})
    except ClientError as error:
        if error.response["Error"]["Code"] != missing:
            raise
        return False
    return True
