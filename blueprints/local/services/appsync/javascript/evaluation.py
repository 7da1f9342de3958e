"""Runs a `request` or `response` function of a resolver or of a function of a pipeline."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from blueprints.local.services.appsync.javascript import engine
from blueprints.local.services.appsync.javascript.time_zones import UnknownZone
from blueprints.local.services.appsync.requests import GraphqlError

CODE_ERROR = "Code"
"""The errorType of what goes wrong in code, other than by util.error."""
TIME_LIMIT = 5.0
"""Seconds of CPU time. AppSync documents no limit other than the 30 seconds of a request."""


@dataclass(frozen=True)
class Evaluation:
    """What a function returned, and what it did beside that. Numbers are as JSON has them: JavaScript's 1.0 is 1."""

    result: Any
    stash: Mapping[str, Any]
    errors: tuple[GraphqlError, ...] = ()
    """The errors of util.appendError."""
    subscription_filter: Mapping[str, Any] | None = None
    """The filter of extensions.setSubscriptionFilter: `{"filterGroup": [{"filters": […]}]}`."""
    invalidation_filter: Mapping[str, Any] | None = None
    """The filter of extensions.setSubscriptionInvalidationFilter."""
    invalidations: tuple[Mapping[str, Any], ...] = ()
    """The arguments of extensions.invalidateSubscriptions: `subscriptionField` and `payload`."""
    evictions: tuple[Mapping[str, Any], ...] = ()
    """The arguments of extensions.evictFromApiCache: `typeName`, `fieldName` and `keys`."""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of util.http.addResponseHeader, by lower-case name."""
    early_return: bool = False
    """Whether runtime.earlyReturn ended the function: the data source and the response function are skipped."""
    skip_to: str | None = None
    """The option `skipTo` of runtime.earlyReturn: `NEXT`, `END` or None."""
    logs: tuple[str, ...] = ()
    """The lines of console.log and console.error, such as `INFO - code.js:5:3: "text"`."""


class EvaluationFailed(GraphqlError):
    """util.error, util.unauthorized, or an error in the code (error type `Code`)."""

    evaluation: Evaluation
    """What the function did before it failed; its result is None."""


def evaluate(
    code: str,
    function: Literal["request", "response"],
    context: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
    time_limit: float = TIME_LIMIT,
) -> Evaluation:
    """Call a function that the code exports with AppSync's context object.

    The context has the members of `ctx`: `arguments`, `source`, `identity`, `request`, `info`, `prev`, `stash`,
    `result` and `error`. `environment` is `ctx.env`. A member that is not given is undefined in the code. Threads may
    evaluate at the same time.

    Raises `EvaluationFailed`, a `GraphqlError`, for util.error, util.unauthorized and whatever goes wrong in the code;
    with error type `Code`, the message begins with the place in the code, as AppSync has it.
    """
    text = json.dumps({**context, "env": dict(environment or {})})
    try:
        answer = engine.run(code, function, text, now_ms=time.time() * 1000, seconds=time_limit)
    except (engine.Stopped, engine.InvalidCode, UnknownZone) as error:
        message = str(error) if isinstance(error, engine.InvalidCode) else f"code.js: {error}"
        raise _failed(
            {"message": message, "errorType": CODE_ERROR}, Evaluation(None, context.get("stash") or {})
        ) from None
    evaluation = _read(answer)
    if answer.get("error") is not None:
        raise _failed(answer["error"], evaluation)
    return evaluation


def _read(answer: Mapping[str, Any]) -> Evaluation:
    return Evaluation(
        result=answer.get("result"),
        stash=answer["stash"],
        errors=tuple(_error(one) for one in answer["errors"]),
        subscription_filter=answer["subscriptionFilter"],
        invalidation_filter=answer["invalidationFilter"],
        invalidations=tuple(answer["invalidations"]),
        evictions=tuple(answer["evictions"]),
        response_headers=answer["responseHeaders"],
        early_return=answer.get("earlyReturn", False),
        skip_to=answer.get("skipTo"),
        logs=tuple(answer["logs"]),
    )


def _error(members: Mapping[str, Any]) -> GraphqlError:
    return GraphqlError(
        members["message"] or "", members.get("errorType"), members.get("data"), members.get("errorInfo")
    )


def _failed(members: Mapping[str, Any], evaluation: Evaluation) -> EvaluationFailed:
    error = EvaluationFailed(
        members["message"] or "", members.get("errorType"), members.get("data"), members.get("errorInfo")
    )
    error.evaluation = evaluation
    return error
