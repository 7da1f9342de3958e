"""Functions: as a Resource of their own, and by the optimized integration `lambda:invoke`.

Source: AWS Step Functions Developer Guide, "Invoke an AWS Lambda function with Step Functions".
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from blueprints.local.base.clients import Caller
from blueprints.local.base.service_models import model_of
from blueprints.local.services.lambda_ import LambdaResponse, invoke
from blueprints.local.services.stepfunctions.tasks import response_metadata
from blueprints.local.services.stepfunctions.tasks.sdk_failures import ApiError, optimized_failure
from blueprints.local.services.stepfunctions.tasks.sdk_values import UnusableArguments, to_sdk
from blueprints.states_language import json_text
from blueprints.states_language.failures import StateFailed
from blueprints.states_language.json_text import dump

_HEADERS = {
    "InvocationType": "X-Amz-Invocation-Type",
    "LogType": "X-Amz-Log-Type",
    "ClientContext": "X-Amz-Client-Context",
}

_NOT_EMULATED = ("DurableExecutionName", "TenantId")


async def call_function(caller: Caller, function_arn: str, given: Any, trace_header: str | None) -> Any:
    """Invoke the function that is a state's Resource; returns what it returned. Raises StateFailed."""
    response = await _completed(invoke(caller, function_arn, dump(given).encode(), headers=_traced(trace_header)))
    _raise_for(response)
    return _payload(response)


def invoke_parameters(arguments: Any) -> dict[str, Any]:
    """The parameters of `lambda:invoke`; the payload may be any JSON. Raises UnusableArguments."""
    without = [name for name in _NOT_EMULATED if isinstance(arguments, Mapping) and name in arguments]
    if without:
        raise UnusableArguments([f"The field '{name}' has no effect in the embedded AWS" for name in without])
    shape = model_of("lambda").operation_model("Invoke").input_shape
    if not isinstance(arguments, Mapping) or "Payload" not in arguments:
        return to_sdk(shape, arguments)
    others = {name: value for name, value in arguments.items() if name != "Payload"}
    return {**to_sdk(shape, others), "Payload": dump(arguments["Payload"]).encode()}


async def call_invoke(caller: Caller, parameters: Mapping[str, Any], trace_header: str | None) -> dict[str, Any]:
    """Make the call of `lambda:invoke`; returns its result. Raises StateFailed."""
    sent = {header: str(parameters[name]) for name, header in _HEADERS.items() if name in parameters}
    response = await _completed(
        invoke(
            caller,
            str(parameters["FunctionName"]),
            parameters.get("Payload", b""),
            qualifier=parameters.get("Qualifier"),
            headers={**sent, **_traced(trace_header)},
        )
    )
    _raise_for(response)
    headers = {
        **response.headers,
        "x-amzn-Remapped-Content-Length": "0",
        "Connection": "keep-alive",
        "Content-Length": str(len(response.body)),
    }
    result: dict[str, Any] = {"ExecutedVersion": response.executed_version}
    if response.log_result:
        result["LogResult"] = response.log_result
    if response.body:
        result["Payload"] = _payload(response)
    result.update(response_metadata.metadata(response.status, headers, response.request_id))
    result["StatusCode"] = response.status
    return result


async def _completed(invocation: Any) -> LambdaResponse:
    """The response; an attempt that is cancelled or too late does not wait for the function's end."""
    running = asyncio.ensure_future(invocation)
    running.add_done_callback(_forget_failure)
    return await asyncio.shield(running)


def _forget_failure(running: "asyncio.Future[Any]") -> None:
    if not running.cancelled():
        running.exception()


def _traced(trace_header: str | None) -> dict[str, str]:
    return {"X-Amzn-Trace-Id": trace_header} if trace_header else {}


def _payload(response: LambdaResponse) -> Any:
    try:
        return json_text.read(response.body)
    except ValueError:
        return response.body.decode(errors="replace")


def _raise_for(response: LambdaResponse) -> None:
    if response.error:
        code, message = response.error
        error = ApiError(code, message, response.status, response.request_id)
        raise optimized_failure(model_of("lambda"), "Lambda", "AWSLambda", "AWSLambdaException", error)
    if response.function_error:
        raise _function_failure(response.body.decode(errors="replace"))


def _function_failure(text: str) -> StateFailed:
    """The failure of a function, by the type of the exception that it raised."""
    try:
        described = json_text.read(text)
    except ValueError:
        described = None
    error_type = described.get("errorType") if isinstance(described, dict) else None
    if isinstance(error_type, str) and error_type:
        return StateFailed(error_type, text)
    return StateFailed(
        "Lambda.Unknown",
        f"The cause could not be determined because Lambda did not return an error type. Returned payload: {text}",
    )
