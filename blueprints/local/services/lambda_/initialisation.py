"""Starts a function's environment on request, so that a deployment finds out whether the function can run."""

from typing import Any

from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.environment_keys import CannotDecrypt
from blueprints.local.services.lambda_.execution_environment import InitialisationFailed
from blueprints.local.services.lambda_.executor import Executor
from blueprints.local.services.lambda_.function_code import CannotRun


def initialise(executor: Executor, function_arn: str) -> dict[str, Any]:
    """Start an environment of a function, named by its ARN with qualifier, and keep it for the first event.

    Returns the `milliseconds` it took, or the `error` and the `log` of a function that does not start.
    """
    function = FunctionAsInvoked.named(function_arn)
    if function is None:
        return {"error": f"{function_arn} does not exist", "log": ""}
    try:
        return {"milliseconds": executor.initialise(function.record)}
    except InitialisationFailed as failure:
        return {"error": str(failure), "log": failure.log}
    except (CannotDecrypt, CannotRun) as reason:
        return {"error": str(reason), "log": ""}
