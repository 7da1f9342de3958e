"""Aliases with weights: the version of each invocation is chosen once, by the weights that hold when it begins.

Source: AWS Lambda Developer Guide, "Implement Lambda canary deployments using a weighted alias".
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any

from blueprints.local.base.internals import Internal

INVOKE = Internal("services.lambda_svc", "_invoke", ("name", "event", "headers", "path_qualifier", "query_params"))
CREATE_ALIAS = Internal("services.lambda_svc", "_create_alias", ("func_name", "data"))
UPDATE_ALIAS = Internal("services.lambda_svc", "_update_alias", ("func_name", "alias_name", "data"))
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)
FUNCTIONS = Internal("services.lambda_svc", "_functions")

_HEADER = "X-Amz-Executed-Version"
_LATEST = "$LATEST"

_executed: ContextVar[dict[str, str] | None] = ContextVar("executed_version", default=None)


def install() -> None:
    """Check weights when aliases are created and updated, and report the version that a request executed."""
    INVOKE.replace(_reporting(INVOKE.current()))
    CREATE_ALIAS.replace(_checking_creation(CREATE_ALIAS.current()))
    UPDATE_ALIAS.replace(_checking_update(UPDATE_ALIAS.current()))


def weights_of(alias: Mapping[str, Any]) -> dict[str, float]:
    """The share of each additional version of an alias, from 0 to 1."""
    written = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {str(version): float(weight) for version, weight in written.items()}


def chosen_version(alias: Mapping[str, Any], draw: Callable[[], float] = random.random) -> str:
    """The version for one invocation; `draw` gives a number from 0 up to 1."""
    drawn = draw()
    for version, weight in weights_of(alias).items():
        if drawn < weight:
            return version
        drawn -= weight
    return str(alias.get("FunctionVersion", _LATEST))


def routed(func: dict[str, Any]) -> dict[str, Any]:
    """The record of the version that an invocation executes; the record itself unless it is of a weighted alias.

    The base emulator has put the ARN that was invoked, and the code of the alias's first version, into `func`.
    """
    config = func.get("config") or func
    base = FUNCTIONS.current().get(config["FunctionName"]) or {}
    alias = (base.get("aliases") or {}).get(_qualifier(str(config["FunctionArn"])))
    version = chosen_version(alias) if alias and weights_of(alias) else str(config.get("Version", _LATEST))
    report = _executed.get()
    if report is not None:
        report[_HEADER] = version
    found = (base.get("versions") or {}).get(version)
    if not found or version == config.get("Version"):
        return func
    return {**found, "config": {**found["config"], "FunctionArn": config["FunctionArn"]}}


def _qualifier(arn: str) -> str:
    return arn.split(":")[7] if arn.count(":") >= 7 else ""


def _reporting(original: Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]) -> Callable[..., Any]:
    async def invoke(
        name: str,
        event: Any,
        headers: dict[str, str],
        path_qualifier: str | None = None,
        query_params: dict[str, Any] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        report: dict[str, str] = {}
        token = _executed.set(report)
        try:
            status, answered, body = await original(name, event, headers, path_qualifier, query_params)
        finally:
            _executed.reset(token)
        return status, {**answered, **report}, body

    return invoke


def _checking_creation(original: Callable[..., Any]) -> Callable[..., Any]:
    def create(func_name: str, data: dict[str, Any]) -> Any:
        return _refusal(func_name, data, data.get("FunctionVersion", _LATEST)) or original(func_name, data)

    return create


def _checking_update(original: Callable[..., Any]) -> Callable[..., Any]:
    def update(func_name: str, alias_name: str, data: dict[str, Any]) -> Any:
        alias = ((FUNCTIONS.current().get(func_name) or {}).get("aliases") or {}).get(alias_name)
        version = data.get("FunctionVersion") or (alias or {}).get("FunctionVersion", _LATEST)
        return _refusal(func_name, data, version) or original(func_name, alias_name, data)

    return update


def _refusal(func_name: str, data: dict[str, Any], version: str) -> Any:
    """Lambda's answer to a routing configuration that it refuses, or None."""
    func = FUNCTIONS.current().get(func_name)
    if func is None:
        return None
    known = (func.get("versions") or {}).keys()
    if version != _LATEST and version not in known:
        return ERROR.current()("ResourceNotFoundException", f"Function not found: {_arn(func)}:{version}", 404)
    weights = weights_of(data)
    if not weights:
        return None
    for each in weights:
        if each not in known:
            return ERROR.current()("ResourceNotFoundException", f"Function not found: {_arn(func)}:{each}", 404)
    reason = _defect(weights, version) or _difference(func["versions"], version, *weights)
    return ERROR.current()("InvalidParameterValueException", reason, 400) if reason else None


def _defect(weights: dict[str, float], version: str) -> str | None:
    if version == _LATEST:
        return "Alias with weights can not be used with $LATEST version"
    if len(weights) > 1:
        return "Number of items in AdditionalVersionWeights cannot be greater than 1"
    if version in weights:
        return (
            f"Invalid function version {version}. Function version {version} is already included in routing "
            "configuration."
        )
    if not all(0 <= weight <= 1 for weight in weights.values()):
        return "Weights must be between 0.0 and 1.0"
    return None


def _difference(versions: Mapping[str, Any], first: str, second: str) -> str | None:
    """Why two versions cannot share an alias; they need the same role, and the same dead-letter queue or none."""
    one, other = ((versions[each].get("config") or {}) for each in (first, second))
    for name, what in (("Role", "execution role"), ("DeadLetterConfig", "dead-letter queue configuration")):
        if (one.get(name) or None) != (other.get(name) or None):
            return f"The versions {first} and {second} of an alias with weights must have the same {what}"
    return None


def _arn(func: dict[str, Any]) -> str:
    return str(func["config"]["FunctionArn"])
