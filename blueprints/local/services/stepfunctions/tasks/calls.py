"""The call that a service integration makes, prepared from a state's arguments before anything is recorded."""

from collections.abc import Awaitable, Callable
from typing import Any

from blueprints.local.services.stepfunctions.tasks import lambda_tasks
from blueprints.local.services.stepfunctions.tasks.api_gateway_tasks import call_api, request_of
from blueprints.local.services.stepfunctions.tasks.attempt import TaskAttempt
from blueprints.local.services.stepfunctions.tasks.http_tasks import call_endpoint, checked
from blueprints.local.services.stepfunctions.tasks.integrations import (
    CALLBACK,
    REQUEST_RESPONSE,
    Integration,
    integration_of,
    is_activity,
    is_function,
)
from blueprints.local.services.stepfunctions.tasks.optimized import NOT_EMULATED, SERVICES
from blueprints.local.services.stepfunctions.tasks.role_sessions import RoleSession
from blueprints.local.services.stepfunctions.tasks.sdk_calls import call_sdk, sdk_operation
from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments
from blueprints.local.services.stepfunctions.tasks.workers import Workers
from blueprints.states_language.failures import RUNTIME, StateFailed
from blueprints.states_language.json_text import dump

Call = Callable[[RoleSession], Awaitable[Any]]
"""Makes the call in a role and returns the result. Raises StateFailed."""


def is_known_resource(resource: str) -> bool:
    """Whether AWS knows a Resource: a function, an activity, or an integration with that pattern."""
    integration = integration_of(resource)
    if integration is None:
        return is_function(resource) or is_activity(resource)
    if integration.is_aws_sdk:
        return not integration.is_job and sdk_operation(integration.service, integration.action) is not None
    if integration.service in NOT_EMULATED:
        return integration.action in NOT_EMULATED[integration.service]
    if integration.service == "http":
        return integration.action == "invoke" and integration.pattern == REQUEST_RESPONSE
    if integration.service in ("lambda", "apigateway"):
        return integration.action == "invoke" and integration.pattern in (REQUEST_RESPONSE, CALLBACK)
    service = SERVICES.get(integration.service)
    return service is not None and integration.pattern in service.actions.get(integration.action, ())


def prepare(task: TaskAttempt, integration: Integration, workers: Workers) -> Call:
    """The call of an attempt. Raises StateFailed for arguments that do not fit, or an unknown integration."""
    try:
        return _prepared(task, integration, workers)
    except UnusableArguments as error:
        text = dump(task.arguments)
        faults = ", ".join(error.faults)
        raise StateFailed(
            RUNTIME,
            task.message(f"The Parameters '{text}' could not be used to start the Task: [{faults}]"),
        ) from None


def _prepared(task: TaskAttempt, integration: Integration, workers: Workers) -> Call:
    if integration.is_aws_sdk:
        return _sdk_call(task, integration, workers)
    if integration.service == "lambda" and integration.action == "invoke":
        parameters = lambda_tasks.invoke_parameters(task.arguments)
        return lambda session: lambda_tasks.call_invoke(session.caller, parameters, task.trace_header)
    if integration.service == "apigateway" and is_known_resource(task.resource):
        return _api_call(task, workers)
    if integration.service == "http" and is_known_resource(task.resource):
        return _http_call(task, workers)
    return _optimized_call(task, integration, workers)


def _sdk_call(task: TaskAttempt, integration: Integration, workers: Workers) -> Call:
    operation = sdk_operation(integration.service, integration.action)
    if operation is None or not operation.is_emulated:
        raise _unknown(task)
    parameters = operation.parameters(task.arguments)

    async def call(session: RoleSession) -> Any:
        return await workers.run(
            lambda: call_sdk(operation, session.client(operation.service), parameters), waits=operation.waits
        )

    return call


def _api_call(task: TaskAttempt, workers: Workers) -> Call:
    request = request_of(task.arguments)

    async def call(session: RoleSession) -> Any:
        return await workers.run(lambda: call_api(session.caller, request), waits=True)

    return call


def _http_call(task: TaskAttempt, workers: Workers) -> Call:
    given = checked(task.arguments)

    async def call(session: RoleSession) -> Any:
        return await workers.run(lambda: call_endpoint(session.caller, task, given), waits=True)

    return call


def _optimized_call(task: TaskAttempt, integration: Integration, workers: Workers) -> Call:
    service = SERVICES.get(integration.service)
    operation = service.operation(integration.action) if service else None
    if service is None or operation is None or not is_known_resource(task.resource):
        raise _unknown(task)
    parameters = operation.parameters(task.arguments)
    if integration.service == "events":
        _name_the_source(parameters["Entries"], task)

    async def call(session: RoleSession) -> Any:
        return await workers.run(lambda: service.call(operation, session.client(operation.service), parameters))

    return call


def _name_the_source(entries: list[dict[str, Any]], task: TaskAttempt) -> None:
    """Add the execution and the machine to the resources of each event, as Step Functions does."""
    for entry in entries:
        entry["Resources"] = [*entry.get("Resources", ()), task.execution_arn, task.machine_arn]


def _unknown(task: TaskAttempt) -> StateFailed:
    reason = "does not run in the embedded AWS" if is_known_resource(task.resource) else "is not known to AWS"
    return StateFailed(RUNTIME, task.message(f"The resource {task.resource} {reason}."))
