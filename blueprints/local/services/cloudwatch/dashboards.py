"""Dashboards: stored, as on AWS, if their body is JSON. No console draws them here.

The base emulator stores any text.
Source: Amazon CloudWatch API Reference, PutDashboard.
"""

import json
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, ResourceFailed, wrap

PUT = Internal("services.cloudwatch", "_put_dashboard", ("params", "cbor_data", "is_cbor", "is_json"))
ERROR = Internal("services.cloudwatch", "_error", ("code", "message", "status", "use_json", "use_cbor"))

_TYPE = "AWS::CloudWatch::Dashboard"
_INVALID = "The field DashboardBody must be a valid JSON object"


def install() -> None:
    """Refuse dashboards that CloudWatch refuses, in templates and in requests."""
    put: Callable[..., Any] = PUT.current()

    def put_valid(params: dict[str, Any], cbor_data: dict[str, Any], is_cbor: bool, is_json: bool = False) -> Any:
        written = cbor_data if is_cbor or is_json else {name: values[0] for name, values in params.items()}
        if not _is_object(written.get("DashboardBody")):
            return ERROR.current()("InvalidParameterInput", _INVALID, 400, use_json=is_json, use_cbor=is_cbor)
        return put(params, cbor_data, is_cbor, is_json)

    PUT.replace(put_valid)
    wrap(_TYPE, create=_checking(place=1), update=_checking(place=2))


def _checking(place: int) -> Callable[[Handler], Handler]:
    """A wrapper that checks the properties, the handler's argument of that number."""

    def checked(handler: Handler) -> Handler:
        def handled(*args: Any, **more: Any) -> Any:
            if not _is_object(args[place].get("DashboardBody")):
                raise ResourceFailed(_INVALID)
            return handler(*args, **more)

        return handled

    return checked


def _is_object(body: Any) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (TypeError, ValueError):
        return False
