"""The request and response handlers of a resolver in APPSYNC_JS."""

from collections.abc import Mapping
from typing import Any, Literal

from blueprints.local.services.appsync.data_sources import Outcome
from blueprints.local.services.appsync.execution.resolvers.context import FieldContext
from blueprints.local.services.appsync.javascript import Evaluation, EvaluationFailed, evaluate


def run_handler(
    field: FieldContext,
    code: str,
    handler: Literal["request", "response"],
    prev: Mapping[str, Any] | None,
    outcome: Outcome | None = None,
) -> Evaluation:
    """Run a handler with the outcome of the data source, if any, and record its side effects in `field`.

    Raises GraphqlError as the handler does.
    """
    context = {**field.event(prev), "args": field.arguments}
    if outcome is not None:
        context["result"] = outcome.result
        context["error"] = {"message": outcome.error.message, "type": outcome.error.type} if outcome.error else None
    try:
        evaluation = evaluate(code, handler, context, environment=field.request.api.environment)
    except EvaluationFailed as failed:
        field.record(failed.evaluation)
        raise
    field.record(evaluation)
    return evaluation
