"""Runs state machines: definitions are valid, nothing waits for ever, and logs hold no payloads."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from blueprints.findings import Finding
from blueprints.promises.checked_pattern import CheckedPattern, Resource
from blueprints.promises.state_machines import TYPE, StateMachine
from blueprints.promises.values import alternatives, always, at, items
from blueprints.template.reading import Place

if TYPE_CHECKING:  # the language is only imported for templates with state machines
    from blueprints.states_language.definition import State

_BOUNDS = ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath")
_BLOCKS = ("Branches", "ItemProcessor", "Iterator")
_PART = re.compile(r"\[(\d+)\]|([^/\[\]]+)")
# Step Functions asks for these of the role when a state machine with logs is created.
_LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
# Without the first, a Map Run fails; without the second, the redrive of one fails.
_MAP_RUN = ("states:StartExecution", "states:RedriveExecution")


def definitions_are_valid(checked: CheckedPattern) -> Iterator[Finding]:
    """Step Functions takes the definition of every state machine, with the substitutions of the template."""
    if not checked.state_machines:
        return
    from blueprints.states_language.definition import faults

    for machine in checked.state_machines:
        for fault in faults(machine.text, express=machine.is_express) if machine.text is not None else ():
            if fault.severity == "ERROR":
                message = (
                    f"Step Functions refuses the definition of {machine}: {fault.message.rstrip('.')}; correct it."
                )
                yield _finding(checked, machine, message, _place_of(fault.location))


def jsonata_states_have_no_jsonpath(checked: CheckedPattern) -> Iterator[Finding]:
    """No state in JSONata has a field whose name ends in `.$`, which only JSONPath fills in."""
    for machine in checked.state_machines:
        for place, state in machine.states:
            if state.query_language == "JSONata":
                own = {name: value for name, value in state.fields.items() if name not in _BLOCKS}
                for inside, name in _names_for_jsonpath(own):
                    write = f'{name[:-2]}: "{{% … %}}"'
                    message = f"{state.name} is in JSONata, which does not fill in {name}; write '{write}'."
                    yield _finding(checked, machine, message, (*place, *inside))


def state_machines_time_out(checked: CheckedPattern) -> Iterator[Finding]:
    """Every STANDARD state machine ends after a number of seconds, instead of a year."""
    for machine in checked.state_machines:
        if machine.definition and not machine.is_express and machine.definition.timeout_seconds is None:
            message = f"An execution of {machine} may last a year; write 'TimeoutSeconds: 3600' beside StartAt."
            yield _finding(checked, machine, message)


def waiting_tasks_time_out(checked: CheckedPattern) -> Iterator[Finding]:
    """Every task that waits for a job, an activity or a task token has TimeoutSeconds or HeartbeatSeconds."""
    for machine in checked.state_machines:
        for place, state in machine.states:
            if _waits(state) and not any(name in state.fields for name in _BOUNDS):
                message = f"{state.name} waits for ever if no answer comes; write 'TimeoutSeconds: 3600'."
                yield _finding(checked, machine, message, place)


def executions_are_logged_without_payloads(checked: CheckedPattern) -> Iterator[Finding]:
    """Every state machine logs to a log group of the stack, without payloads unless a condition allows them."""
    for machine in checked.of_type(TYPE):
        logging = machine.properties.get("LoggingConfiguration")
        levels = list(at(logging, "Level"))
        groups = checked.named(list(at(logging, "Destinations")), "AWS::Logs::LogGroup")
        if not levels or not groups or any(level == "OFF" for level in levels):
            message = (
                f"{machine} does not log its executions; write 'Logging: {{Level: ALL, IncludeExecutionData: false, "
                "Destinations: [{CloudWatchLogsLogGroup: {LogGroupArn: !GetAtt ….Arn}}]}'."
            )
            yield checked.finding_at(machine, message, "Logging")
        elif any(_is_always_on(each) for each in _included(logging)):
            message = f"{machine} logs inputs and outputs; write 'IncludeExecutionData: false'."
            yield checked.finding_at(machine, message, "Logging", "IncludeExecutionData")


def roles_of_state_machines_may_write_logs(checked: CheckedPattern) -> Iterator[Finding]:
    """The role of a state machine that logs has the permissions without which Step Functions refuses to create it."""
    for machine in checked.of_type(TYPE):
        role = next(iter(checked.named(machine.properties.get("RoleArn"), "AWS::IAM::Role")), None)
        if role is None or not machine.properties.get("LoggingConfiguration"):
            continue
        allowed = _allowed(checked, role)
        missing = [action for action in _LOG_DELIVERY if action not in allowed]
        if missing:
            message = (
                f"The role of {machine} cannot deliver logs; write a policy that allows {', '.join(missing)} on '*': "
                "these actions have no resource-level permissions."
            )
            yield checked.finding_at(machine, message, "Policies")


def roles_of_distributed_maps_may_run_executions(checked: CheckedPattern) -> Iterator[Finding]:
    """The role of a state machine with a distributed Map may start executions of it, and redrive those that fail."""
    roles = {each.logical_id: each.properties.get("RoleArn") for each in checked.of_type(TYPE)}
    for machine in checked.state_machines:
        role = next(iter(checked.named(roles.get(machine.logical_id), "AWS::IAM::Role")), None)
        if role is None:
            continue
        missing = [each for each in _MAP_RUN if each not in _allowed(checked, role)]
        for place, state in machine.states if missing else ():
            if state.is_distributed:
                message = (
                    f"The role of {machine} cannot run the executions of {state.name}; write an AWS::IAM::Policy that "
                    f"allows {' and '.join(missing)} on the state machine and on its executions: in the role itself, "
                    "this would be a cycle."
                )
                yield _finding(checked, machine, message, place)


def every_state_machine_has_its_own_role(checked: CheckedPattern) -> Iterator[Finding]:
    """Every state machine has a role of its own, which the template creates."""
    owners: dict[str, str] = {}
    for owner in (*checked.functions, *checked.of_type(TYPE)):
        for role in checked.named([owner.properties.get("Role"), owner.properties.get("RoleArn")], "AWS::IAM::Role"):
            other = owners.setdefault(role.logical_id, owner.logical_id)
            if owner.type == TYPE and other != owner.logical_id:
                message = f"{owner} shares its role with {other}; give it Policies of its own."
                yield checked.finding_at(owner, message, "Role")
    for machine in checked.of_type(TYPE):
        if not checked.named(machine.properties.get("RoleArn"), "AWS::IAM::Role"):
            message = f"{machine} uses a role from outside the template; remove Role and write Policies."
            yield checked.finding_at(machine, message, "Role")


def _allowed(checked: CheckedPattern, role: Resource) -> set[str]:
    """The actions that a role's policies allow on any resource."""
    return {
        action
        for _, statement in checked.statements(role)
        if statement.get("Effect") == "Allow"
        for action in items(statement.get("Action"))
    }


def _finding(checked: CheckedPattern, machine: StateMachine, message: str, place: Place = ()) -> Finding:
    """A finding at a place of a definition, in the file in which it is written."""
    if machine.file is None:
        return checked.finding(message, *machine.place, *place)
    return Finding(machine.file.path, machine.file.line(*place), message)


def _place_of(location: str | None) -> Place:
    """A place from a fault's location, such as `/States/Pay/Choices[0]/Next`."""
    return tuple(int(index) if index else name for index, name in _PART.findall(location or ""))


def _names_for_jsonpath(value: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """The places and names of fields that end in `.$`, at any depth."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        if isinstance(name, str) and name.endswith(".$"):
            yield (*place, name), name
        yield from _names_for_jsonpath(each, (*place, name))


def _waits(state: "State") -> bool:
    resource = str(state.fields.get("Resource", ""))
    return state.type == "Task" and (
        resource.endswith(".waitForTaskToken") or ".sync" in resource or ":activity:" in resource
    )


def _included(logging: object) -> Iterator[Any]:
    for each in alternatives(logging):
        if isinstance(each, dict) and "IncludeExecutionData" in each:
            yield each["IncludeExecutionData"]


def _is_always_on(value: object) -> bool:
    """Whether payloads are logged under all conditions: an expression without the alternative `false`."""
    return not any(always(each, expected=False) for each in alternatives(value))
