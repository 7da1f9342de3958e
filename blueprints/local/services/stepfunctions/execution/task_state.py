"""The Task state: each attempt has its own token, and evaluates its arguments anew."""

from blueprints.local.services.stepfunctions.execution import data_flow
from blueprints.local.services.stepfunctions.execution.data_flow import Done
from blueprints.local.services.stepfunctions.execution.visit import Visit
from blueprints.local.services.stepfunctions.tasks import TaskAttempt
from blueprints.states_language import json_path, jsonata, number_fields
from blueprints.states_language.definition import JSONATA, State
from blueprints.states_language.failures import runtime_failure
from blueprints.states_language.json_text import dump
from blueprints.states_language.visible_data import VisibleData

_TAKES_TOKEN = (".waitForTaskToken", ".sync", ".sync:2")
"""The ends of resources whose task can be answered by its token."""


async def run_task(visit: Visit) -> Done:
    """Task: the result is that of the resource."""
    state, interpreter = visit.state, visit.interpreter
    execution, resource = interpreter.execution, str(state.fields["Resource"])
    visit.token = interpreter.tasks.new_token() if resource.endswith(_TAKES_TOKEN) else None
    data = visit.data
    arguments = data_flow.arguments(state, data)
    data_flow.check_parameters(dump(arguments), state.name)
    attempt = TaskAttempt(
        resource=resource,
        arguments=arguments,
        role_arn=execution.revision.role_arn,
        execution_arn=execution.arn,
        record=visit.record,
        timeout_seconds=number_fields.whole_number(state.fields, "TimeoutSeconds", data, state.query_language),
        heartbeat_seconds=number_fields.whole_number(state.fields, "HeartbeatSeconds", data, state.query_language),
        credentials_role=_credentials_role(state, data),
        token=visit.token,
        state=state.name,
        entered_event=visit.scope.entered_event,
        trace_header=execution.trace_header,
        is_awaited=execution.is_awaited,
    )
    result = await interpreter.tasks.attempt(attempt)
    return data_flow.finish(state, data, result, state.fields, state.next)


def _credentials_role(state: State, data: VisibleData) -> str | None:
    credentials = state.fields.get("Credentials")
    if credentials is None:
        return None
    if state.query_language == JSONATA:
        role = jsonata.evaluate(credentials["RoleArn"], data, "Credentials/RoleArn", expected="string")
    elif "RoleArn.$" in credentials:
        role = json_path.read(credentials["RoleArn.$"], data, "RoleArn.$")
    else:
        role = credentials["RoleArn"]
    if not isinstance(role, str):
        raise runtime_failure(data, f"The value for the field 'RoleArn' of Credentials is not a string: {dump(role)}")
    return role
