"""CloudWatch Logs invokes subscribed functions asynchronously, if their policy allows it.

The base emulator runs a subscribed function once, with or without permission, and an alias as its newest code.
Source: Amazon CloudWatch Logs User Guide, "Log group-level subscription filters".
"""

import base64
import gzip
import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from blueprints.local.base.delivery import Delivery
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam import may_invoke
from blueprints.local.services.lambda_ import AsynchronousInvocations, FunctionAsInvoked

FAN_OUT = Internal(
    "services.cloudwatch_logs", "_fanout_to_subscription_filters", ("group_name", "stream_name", "events")
)
PUT_FILTER = Internal("services.cloudwatch_logs", "_put_subscription_filter", ("data",))
MATCHES = Internal("services.cloudwatch_logs", "_subscription_pattern_matches", ("pattern", "message"))
GROUPS = Internal("services.cloudwatch_logs", "_log_groups")
REFUSAL = Internal(
    "core.responses", "error_response_json", ("code", "message", "status", "extra", "message_key", "content_type")
)
ACCOUNT = Internal("core.responses", "get_account_id", ())
REGION = Internal("core.responses", "get_region", ())

_FUNCTION = ":function:"

log = logging.getLogger(__name__)


def install(invocations: AsynchronousInvocations) -> None:
    """Replace the base emulator's delivery, and refuse filters that could never deliver."""
    put_filter: Callable[[dict[str, Any]], Any] = PUT_FILTER.current()

    def put_filter_that_delivers(data: dict[str, Any]) -> Any:
        function_arn = str(data.get("destinationArn", ""))
        if _FUNCTION in function_arn and not _may_deliver(str(data.get("logGroupName")), function_arn):
            return REFUSAL.current()(
                "InvalidParameterException",
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to "
                "execute your function.",
                400,
            )
        return put_filter(data)

    def fan_out(group_name: str, stream_name: str, events: list[dict[str, Any]]) -> None:
        filters = (GROUPS.current().get(group_name) or {}).get("subscriptionFilters") or {}
        for each in filters.values():
            function_arn = each.get("destinationArn", "")
            if _FUNCTION not in function_arn or _is_log_of(group_name, function_arn):
                continue
            pattern = each.get("filterPattern", "")
            matching = [event for event in events if MATCHES.current()(pattern, event.get("message", ""))]
            if not matching:
                continue
            if _may_deliver(group_name, function_arn):
                payload = _payload(group_name, stream_name, each["filterName"], matching)
                invocations.enqueue(Delivery.of(function_arn, payload))
            else:
                log.error("log group %s could not deliver: the policy of %s", group_name, function_arn)

    PUT_FILTER.replace(put_filter_that_delivers)
    FAN_OUT.replace(fan_out)


def _is_log_of(group_name: str, function_arn: str) -> bool:
    """A function that receives its own log would write to it again, in an endless loop."""
    return group_name == f"/aws/lambda/{function_arn.split(':')[6]}"


def _may_deliver(group_name: str, function_arn: str) -> bool:
    account, region = ACCOUNT.current()(), REGION.current()()
    group_arn = f"arn:aws:logs:{region}:{account}:log-group:{group_name}:*"
    services = ("logs.amazonaws.com", f"logs.{region}.amazonaws.com")
    return FunctionAsInvoked.named(function_arn) is not None and any(
        may_invoke(function_arn, service, group_arn, account) for service in services
    )


def _payload(group_name: str, stream_name: str, filter_name: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT.current()(),
        "logGroup": group_name,
        "logStream": stream_name,
        "subscriptionFilters": [filter_name],
        "logEvents": [
            {"id": uuid.uuid4().hex, "timestamp": each["timestamp"], "message": each.get("message", "")}
            for each in events
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()}}
