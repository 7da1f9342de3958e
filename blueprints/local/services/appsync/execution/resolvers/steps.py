"""Resolvers as generators, which yield calls of data sources and return the field's value.

The driver of the generators decides which calls run concurrently, and which are sent in one batch.
"""

from collections.abc import Generator, Mapping
from typing import Any

from blueprints.local.services.appsync.data_sources import Call, Outcome
from blueprints.local.services.appsync.execution.resolvers.code import run_handler
from blueprints.local.services.appsync.execution.resolvers.context import FieldContext
from blueprints.local.services.appsync.records import GraphqlApi, Record
from blueprints.local.services.appsync.requests import GraphqlError

Steps = Generator[Call, Outcome, Any]
"""Yields calls, is sent their outcomes, and returns the field's value. Raises GraphqlError."""

_BATCH_INVOKE = "BatchInvoke"
_DEFAULT_BATCH = 5
"""How many BatchInvoke operations are sent together if the resolver has no maxBatchSize."""
_ENVELOPE = frozenset({"data", "errorMessage", "errorType", "errorInfo"})


def begin(field: FieldContext, resolver: Record) -> Steps:
    """The steps of a resolver for one field."""
    if resolver.get("requestMappingTemplate") or resolver.get("responseMappingTemplate"):
        raise GraphqlError("Mapping templates (VTL) are not emulated.", "MappingTemplate")
    if resolver.get("kind") == "PIPELINE":
        return _pipeline(field, resolver)
    return _unit(field, resolver)


def _unit(field: FieldContext, resolver: Record) -> Steps:
    name = f"{resolver['typeName']}.{resolver['fieldName']}"
    value, _ = yield from _function(field, resolver, name, None)
    return value


def _pipeline(field: FieldContext, resolver: Record) -> Steps:
    code = resolver.get("code")
    prev, is_over = None, False
    if code:
        before = run_handler(field, code, "request", None)
        prev, is_over = before.result, before.early_return
    for each in (resolver.get("pipelineConfig") or {}).get("functions") or ():
        if is_over:
            break
        function = field.request.api.functions.get(each)
        if function is None:
            raise GraphqlError(f"No function found with id {each}.", "BadRequestException")
        prev, is_over = yield from _function(field, function, f"function {each}", {"result": prev})
    if code:
        return run_handler(field, code, "response", {"result": prev}, Outcome(prev)).result
    return prev


def _function(
    field: FieldContext, function: Record, name: str, prev: Mapping[str, Any] | None
) -> Generator[Call, Outcome, tuple[Any, bool]]:
    """The steps of a unit resolver or of a function of a pipeline; returns its value, and whether the pipeline ends."""
    source = _data_source(field.request.api, function)
    maximum = int(function.get("maxBatchSize") or 0)
    code = function.get("code")
    if not code:
        return (yield from _direct(field, source, name, maximum, prev)), False
    asked = run_handler(field, code, "request", prev)
    if asked.early_return:
        return asked.result, asked.skip_to == "END"
    if not isinstance(asked.result, Mapping):
        raise GraphqlError("The request function must return an object.", "MappingTemplate")
    outcome = yield _call(source, asked.result, name, maximum)
    answered = run_handler(field, code, "response", prev, outcome)
    return answered.result, answered.early_return and answered.skip_to == "END"


def _direct(
    field: FieldContext, source: Record, name: str, maximum: int, prev: Mapping[str, Any] | None
) -> Generator[Call, Outcome, Any]:
    if source["type"] != "AWS_LAMBDA":
        raise GraphqlError(f"The resolver of data source {source['name']} has no code.", "BadRequestException")
    operation = {"operation": _BATCH_INVOKE if maximum else "Invoke", "payload": field.event(prev)}
    outcome = yield _call(source, operation, name, maximum)
    if outcome.error:
        raise GraphqlError(outcome.error.message, outcome.error.type, data=outcome.result)
    result = outcome.result
    if maximum and isinstance(result, Mapping) and result and result.keys() <= _ENVELOPE:
        return _unwrapped(result)
    return result


def _unwrapped(item: Mapping[str, Any]) -> Any:
    """The value of an item of a batch that has the form `{data, errorMessage, errorType}`. Raises its error."""
    if item.get("errorMessage") is not None or item.get("errorType") is not None:
        raise GraphqlError(
            str(item.get("errorMessage") or ""), item.get("errorType"), item.get("data"), item.get("errorInfo")
        )
    return item.get("data")


def _call(source: Record, operation: Mapping[str, Any], name: str, maximum: int) -> Call:
    if operation.get("operation") == _BATCH_INVOKE and source["type"] == "AWS_LAMBDA":
        return Call(source, operation, name, maximum or _DEFAULT_BATCH)
    return Call(source, operation)


def _data_source(api: GraphqlApi, function: Record) -> Record:
    name = function.get("dataSourceName")
    source = api.data_sources.get(str(name))
    if source is None:
        raise GraphqlError(f"No data source found named {name}.", "BadRequestException")
    return source
