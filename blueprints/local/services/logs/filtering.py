"""Uses filter patterns as AWS does, in every operation of CloudWatch Logs that takes one."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.services.logs.filter_patterns import InvalidPattern, compile_pattern

COMPILE = Internal("services.cloudwatch_logs", "_compile_filter_pattern", ("raw",))
MATCHES = Internal("services.cloudwatch_logs", "_subscription_pattern_matches", ("pattern", "message"))
ACTIONS = tuple(
    Internal("services.cloudwatch_logs", name, ("data",))
    for name in ("_filter_log_events", "_put_subscription_filter", "_put_metric_filter")
)
ERROR = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)

_compiled = lru_cache(maxsize=256)(compile_pattern)


def install() -> None:
    """Replace the base emulator's filter patterns, for which every condition on JSON is true."""
    for action in ACTIONS:
        action.replace(_refusing_invalid(action.current()))
    COMPILE.replace(_compiled)
    MATCHES.replace(lambda pattern, message: _compiled(pattern or "")(message or ""))


def _refusing_invalid(act: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def act_on_valid(data: dict[str, Any]) -> Any:
        try:
            _compiled(data.get("filterPattern") or "")
        except InvalidPattern as error:
            return ERROR.current()("InvalidParameterException", f"Invalid filter pattern: {error}", 400)
        return act(data)

    return act_on_valid
