"""Creates mappings, by API and by template: refuses those that cannot work, and completes the rest."""

import json
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.base.stream_source import StreamSource, service_of
from blueprints.local.services.kinesis import is_consumer
from blueprints.local.services.lambda_.asynchronous import FunctionAsInvoked
from blueprints.local.services.lambda_.event_source_mappings.permission import denied
from blueprints.local.services.lambda_.event_source_mappings.poller import Poller, source_of
from blueprints.local.services.lambda_.event_source_mappings.queue_refusals import VALIDATION, queue_refusal
from blueprints.local.services.lambda_.event_source_mappings.refusals import refusal, starting_position_refusal
from blueprints.local.services.lambda_.event_source_mappings.stored_settings import (
    complete_queue_settings,
    complete_stream_settings,
    forget_cleared_settings,
)

CREATE = Internal("services.lambda_svc", "_create_esm", ("data",))
UPDATE = Internal("services.lambda_svc", "_update_esm", ("esm_id", "data"))
ANCHOR = Internal("services.lambda_svc", "_init_stream_position", ("esm_id", "source_arn", "starting"))
RELEASE = Internal("services.lambda_svc", "_release_esm_poll_state", ("esm_id",))
AS_ANSWERED = Internal("services.lambda_svc", "_esm_response", ("esm",))
MAPPINGS = Internal("services.lambda_svc", "_esms")
FUNCTION = Internal("services.lambda_svc", "_resolve_existing_esm_function", ("function_ref",))
FUNCTION_ARN = Internal("services.lambda_svc", "_func_arn", ("name",))
JSON = Internal("core.responses", "json_response", ("data", "status", "content_type"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_TYPE = "AWS::Lambda::EventSourceMapping"
_REPLACING = ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp")
_Response = tuple[int, dict[str, str], bytes]
_Properties = dict[str, Any]


class Registration:
    """Wraps the base emulator's operations on mappings."""

    def __init__(self, poller: Poller) -> None:
        self._poller = poller

    def install(self) -> None:
        """Check every mapping that is created, changed or deleted."""
        ANCHOR.replace(self._poller.anchor)
        RELEASE.replace(self._poller.remove)
        CREATE.replace(self._creating(CREATE.current()))
        UPDATE.replace(self._updating(UPDATE.current()))
        handlers = REGISTRY.current()[_TYPE]
        REGISTRY.current()[_TYPE] = {
            **handlers,
            "create": self._provisioning(handlers["create"]),
            "update": self._reprovisioning(handlers["update"]),
        }

    def _creating(self, create: Callable[[_Properties], _Response]) -> Callable[[_Properties], _Response]:
        def checked(data: _Properties) -> _Response:
            problem = refusal_of_new(data)
            if problem:
                return _refused(problem)
            conflict = conflict_of_new(data)
            if conflict:
                return _refused(conflict, "ResourceConflictException", 409)
            with self._poller.paused():
                status, headers, body = create(data)
                if status != 202:
                    return status, headers, body
                stored = MAPPINGS.current()[json.loads(body)["UUID"]]
                _complete(stored, data)
                self._begin(stored, data)
            return self._answered(stored, "Creating")

        return checked

    def _updating(self, update: Callable[[str, _Properties], _Response]) -> Callable[[str, _Properties], _Response]:
        def checked(mapping_id: str, data: _Properties) -> _Response:
            stored = MAPPINGS.current().get(mapping_id)
            problem = refusal_of_change(stored, data) if stored else None
            if not stored or problem:
                return _refused(problem) if problem else update(mapping_id, data)
            was_enabled = stored["Enabled"]
            status, headers, body = update(mapping_id, data)
            if status != 200:
                return status, headers, body
            forget_cleared_settings(stored)
            if stored["Enabled"] == was_enabled:
                return self._answered(stored, "Updating")
            return self._answered(stored, "Enabling" if stored["Enabled"] else "Disabling")

        return checked

    def _answered(self, stored: _Properties, state: str) -> _Response:
        """Return the transitional state, such as Creating, which lasts until the poller has seen the change."""
        stored["State"] = state
        response: _Response = JSON.current()(AS_ANSWERED.current()(stored), 202)
        self._poller.look()
        return response

    def _provisioning(self, create: Callable[..., tuple[str, _Properties]]) -> Callable[..., tuple[str, _Properties]]:
        def checked(logical_id: str, props: _Properties, stack_name: str) -> tuple[str, _Properties]:
            _raise_if(refusal_of_new(props) or conflict_of_new(props) or _missing_function(props))
            with self._poller.paused():
                mapping_id, attributes = create(logical_id, props, stack_name)
                self._provisioned(mapping_id, props, new=True)
            return mapping_id, attributes

        return checked

    def _reprovisioning(self, update: Callable[..., tuple[str, _Properties]]) -> Callable[..., tuple[str, _Properties]]:
        def checked(physical_id: str, old: _Properties, new: _Properties, *rest: Any) -> tuple[str, _Properties]:
            replaced = any(old.get(name) != new.get(name) for name in _REPLACING)
            if replaced:
                # The new mapping is created before the old one is deleted.
                _raise_if(refusal_of_new(new) or conflict_of_new(new))
            else:
                _raise_if(_refusal(new, str(new.get("EventSourceArn", ""))))
            with self._poller.paused():
                mapping_id, attributes = update(physical_id, old, new, *rest)
                self._provisioned(mapping_id, new, new=replaced)
            return mapping_id, attributes

        return checked

    def _begin(self, stored: _Properties, given: _Properties) -> None:
        """Set the start of a mapping whose StartingPosition is a timestamp."""
        if given.get("StartingPosition") == "AT_TIMESTAMP":
            stored["StartingPositionTimestamp"] = float(given["StartingPositionTimestamp"])
            self._poller.anchor_at(stored["UUID"], stored["EventSourceArn"], stored["StartingPositionTimestamp"])

    def _provisioned(self, mapping_id: str, props: _Properties, *, new: bool) -> None:
        stored = MAPPINGS.current()[mapping_id]
        _complete(stored, props)
        if new:
            self._begin(stored, props)
        stored["FunctionArn"] = _function_arn(props) or stored["FunctionArn"]
        # CloudFormation waits until the change of a mapping is complete.
        stored["State"] = "Enabled" if stored["Enabled"] else "Disabled"
        self._poller.look()


def refusal_of_new(properties: _Properties) -> str | None:
    """Why a mapping cannot be created; None if it can, or if the base emulator refuses it itself."""
    arn = str(properties.get("EventSourceArn") or "")
    problem = _refusal(properties, arn)
    source = None if problem else source_of(arn)
    if source is None:
        return problem
    function_arn = _function_arn(properties)
    function = FunctionAsInvoked.named(function_arn) if function_arn else None
    return starting_position_refusal(properties) or (_unreadable(function, source) if function else None)


def refusal_of_change(stored: _Properties, changes: _Properties) -> str | None:
    """Why a mapping cannot be changed so; None if it can."""
    arn = stored["EventSourceArn"]
    if service_of(arn) != "sqs":
        return refusal(changes, arn)
    batching = {name: stored.get(name) for name in ("BatchSize", "MaximumBatchingWindowInSeconds")}
    return _refusal({**batching, "FunctionName": stored["FunctionArn"], **changes}, arn)


def _refusal(properties: _Properties, arn: str) -> str | None:
    """Why these properties are refused for an event source."""
    if service_of(arn) == "sqs":
        return queue_refusal(properties, arn, _function_arn(properties))
    return refusal(properties, arn)


def conflict_of_new(properties: _Properties) -> str | None:
    """Why an existing mapping excludes a new one: it has the same source and function, or the same consumer."""
    source_arn, function_arn = str(properties.get("EventSourceArn") or ""), _function_arn(properties)
    for stored in MAPPINGS.current().values():
        if (stored["EventSourceArn"], stored["FunctionArn"]) == (source_arn, function_arn):
            return _same_mapping(stored)
        if stored["EventSourceArn"] == source_arn and is_consumer(source_arn):
            return (
                f"Consumer {source_arn} is read by the mapping with UUID {stored['UUID']}, and has one subscription a "
                "shard. Register another consumer."
            )
    return None


def _same_mapping(stored: _Properties) -> str:
    """Lambda's words for a source and a function that have a mapping already, which differ for queues."""
    source, function = stored["EventSourceArn"], str(stored["FunctionArn"]).split(":", 6)[6]
    if service_of(source) == "sqs":
        found = f'An event source mapping with SQS arn (" {source} ") and function (" {function} ") already exists.'
    else:
        found = f'The event source arn (" {source} ") and function (" {function} ") provided mapping already exists.'
    return f"{found} Please update or delete the existing mapping with UUID {stored['UUID']}"


def _unreadable(function: FunctionAsInvoked, source: StreamSource) -> str | None:
    if source.shards() is None:
        return f"Stream not found: {source.arn}"
    if denied(function.record["config"], source.permissions) is None:
        return None
    *actions, last = [action.partition(":")[2] for action, _ in source.permissions]
    return (
        f"Cannot access stream {source.arn}. Please ensure the role can perform the {', '.join(actions)}, and {last} "
        "Actions on your stream in IAM."
    )


def _complete(stored: _Properties, given: _Properties) -> None:
    if service_of(stored["EventSourceArn"]) == "sqs":
        complete_queue_settings(stored, given)
    else:
        complete_stream_settings(stored, given)


def _function_arn(properties: _Properties) -> str | None:
    name, qualifier, error = FUNCTION.current()(str(properties.get("FunctionName") or ""))
    if error:
        return None
    return str(FUNCTION_ARN.current()(name)) + (f":{qualifier}" if qualifier else "")


def _missing_function(properties: _Properties) -> str | None:
    """Whether the function does not exist; the base emulator would create the mapping all the same."""
    return None if _function_arn(properties) else f"Function not found: {properties.get('FunctionName')}"


def _refused(problem: str, code: str | None = None, status: int = 400) -> _Response:
    named = "ValidationException" if problem.startswith(VALIDATION) else "InvalidParameterValueException"
    response: _Response = ERROR.current()(code or named, problem, status)
    return response


def _raise_if(problem: str | None) -> None:
    if problem:
        raise ResourceFailed(problem)
