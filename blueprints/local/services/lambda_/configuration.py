"""Refuses functions that Lambda refuses: a role it cannot assume, reserved variables, settings out of range.

The base emulator accepts them; they would not work on AWS.
Sources: AWS Lambda API Reference, CreateFunction; AWS Lambda Developer Guide, "Defined runtime environment variables".
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.iam import role_of, trusts
from blueprints.local.services.lambda_.environment_keys import refusal_at_creation

CREATE = Internal("services.lambda_svc", "_create_function", ("data",))
UPDATE = Internal("services.lambda_svc", "_update_config", ("name", "data"))
PUBLISH = Internal("services.lambda_svc", "_publish_version", ("name", "data"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_TYPE = "AWS::Lambda::Function"
_LAMBDA = "lambda.amazonaws.com"
_VARIABLES_BYTES = 4096
_RESERVED = {
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
}
_LONGEST_DESCRIPTION = 256
_RANGES = {"Timeout": (1, 900), "MemorySize": (128, 10_240)}

_Settings = dict[str, Any]


def install() -> None:
    """Check functions that the API and templates make or change, and versions that they publish."""
    create: Callable[[_Settings], Any] = CREATE.current()
    update: Callable[[str, _Settings], Any] = UPDATE.current()
    publish: Callable[[str, _Settings], Any] = PUBLISH.current()

    def create_checked(data: _Settings) -> Any:
        return _answer(data) or create(data)

    def update_checked(name: str, data: _Settings) -> Any:
        return _answer(data) or update(name, data)

    def publish_checked(name: str, data: _Settings) -> Any:
        return _answer({"Description": data.get("Description")}) or publish(name, data)

    CREATE.replace(create_checked)
    UPDATE.replace(update_checked)
    PUBLISH.replace(publish_checked)
    handlers = REGISTRY.current()[_TYPE]
    REGISTRY.current()[_TYPE] = {
        **handlers,
        "create": _checked(handlers["create"], properties=1),
        "update": _checked(handlers["update"], properties=2),
    }


def _checked(provision: Callable[..., Any], properties: int) -> Callable[..., Any]:
    """Wrap a handler of templates so that it first checks the properties, its argument of that number."""

    def checked(*arguments: Any) -> Any:
        fault = next(faults(arguments[properties]), None)
        if fault:
            raise ResourceFailed(fault)
        return provision(*arguments)

    return checked


def _answer(data: _Settings) -> Any:
    fault = next(faults(data), None)
    return ERROR.current()("InvalidParameterValueException", fault, 400) if fault else None


def faults(settings: _Settings) -> Iterator[str]:
    """Lambda's error message for a function's settings, or None; missing settings are not checked."""
    role = settings.get("Role")
    if role and not _can_assume(str(role)):
        yield "The role defined for the function cannot be assumed by Lambda."
    for name, (least, most) in _RANGES.items():
        value = settings.get(name)
        if value is not None and not least <= int(value) <= most:
            yield f"Value '{value}' at '{name}' failed to satisfy constraint: it must be between {least} and {most}"
    description = str(settings.get("Description") or "")
    if len(description) > _LONGEST_DESCRIPTION:
        yield (
            f"Value '{description}' at 'description' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LONGEST_DESCRIPTION}"
        )
    variables = (settings.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(set(variables) & _RESERVED)
    if reserved:
        yield (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    key_refused = refusal_at_creation(settings)
    if key_refused:
        yield key_refused
    if len(json.dumps(variables, separators=(",", ":"), ensure_ascii=False).encode()) > _VARIABLES_BYTES:
        yield (
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit."
        )


def _can_assume(role_arn: str) -> bool:
    role = role_of(role_arn)
    return role is not None and trusts(role, _LAMBDA)
