"""Refuses a key policy that would lock its maker out: KMS asks whether the caller could still change the policy.

Source: AWS KMS API Reference, CreateKey and PutKeyPolicy, BypassPolicyLockoutSafetyCheck.
"""

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Handler, Properties, ResourceFailed, wrap
from blueprints.local.services.kms.keys import ACCOUNT, CREATE
from blueprints.local.services.kms.permissions import caller_may_change

PUT = Internal("services.kms", "_put_key_policy", ("data",))
ERROR = Internal("core.responses", "error_response_json")

BYPASS = "BypassPolicyLockoutSafetyCheck"
"""The parameter and the property that leave the check out."""
_CODE = "MalformedPolicyDocumentException"
_LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."

_bypassed: ContextVar[bool] = ContextVar("lockout_check_bypassed", default=False)

_Operation = Callable[[dict[str, Any]], Any]


def install() -> None:
    """Check every new key policy, of the API and of templates."""
    for internal in (CREATE, PUT):
        internal.replace(_checking(internal.current()))
    wrap("AWS::KMS::Key", create=_checking_create, update=_checking_update)


def _checking(operation: _Operation) -> _Operation:
    def checking(data: dict[str, Any]) -> Any:
        refused = None if data.get(BYPASS) or _bypassed.get() else refusal(data.get("Policy"))
        return ERROR.current()(_CODE, refused, 400) if refused else operation(data)

    return checking


def refusal(policy: object) -> str | None:
    """KMS's message if the policy would lock the caller out, or is no JSON; None for a good one, or without one."""
    if policy is None:
        return None
    text = policy if isinstance(policy, str) else json.dumps(policy)
    try:
        json.loads(text)
    except ValueError:
        return "Policy contains invalid JSON"
    return None if caller_may_change(text, ACCOUNT.current()()) else _LOCKED_OUT


def _checking_create(create: Handler) -> Handler:
    """The base emulator creates the key by the API's operation, and forgets the bypass."""

    def creating(logical_id: str, props: Properties, *rest: Any) -> Any:
        token = _bypassed.set(_bypasses(props))
        try:
            return create(logical_id, props, *rest)
        finally:
            _bypassed.reset(token)

    return creating


def _checking_update(update: Handler) -> Handler:
    def updating(physical_id: str, old: Properties, new: Properties, *rest: Any, **options: Any) -> Any:
        changed = old.get("KeyPolicy") != new.get("KeyPolicy")
        refused = refusal(new.get("KeyPolicy")) if changed and not _bypasses(new) else None
        if refused:
            raise ResourceFailed(refused)
        return update(physical_id, old, new, *rest, **options)

    return updating


def _bypasses(props: Properties) -> bool:
    return str(props.get(BYPASS)).lower() == "true"
