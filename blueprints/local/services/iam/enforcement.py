"""Judges a call by everything that it needs permission for.

The base emulator asks its evaluator about one action on one resource, which it reads from the request, and then about
some more. Here `authorizations` says what a call needs; the evaluator is asked about each.
"""

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from blueprints.local.base.extension import IamResource
from blueprints.local.base.internals import Internal
from blueprints.local.services.iam.authorizations import (
    Authorization,
    Authorize,
    Call,
    authorizers,
    creation_tags,
    passed_roles,
    superseded_checks,
)

ACTION = Internal(
    "core.iam_actions", "extract_iam_action", ("service", "method", "path", "headers", "body", "query_params")
)
RESOURCE = Internal(
    "core.iam_actions",
    "extract_resource_arn",
    ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
)
ENFORCE = Internal(
    "core.iam_evaluator",
    "enforce",
    ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
)
ACCESS_KEY = Internal("core.router", "extract_access_key_id", ("headers", "query_params"))
IS_OWNER = Internal("core.iam_evaluator", "is_root_access_key", ("access_key_id",))

_PLANNED_AS = {"sesv2": "ses"}
"""Services that the evaluator is asked for under another name than the call was read under."""


@dataclass(frozen=True)
class _Plan:
    """What the evaluator is to be asked instead of one action on one resource."""

    service: str
    resource: str
    """The resource that the base emulator will ask about."""
    authorizations: list[Authorization]


_action: ContextVar[str] = ContextVar("iam_action", default="")
_plan: ContextVar[_Plan | None] = ContextVar("iam_plan", default=None)
_judged: ContextVar[str] = ContextVar("iam_judged", default="")
"""The service for whose call everything was allowed."""
_denied: ContextVar[Authorization | None] = ContextVar("iam_denied", default=None)


def install(resources: Mapping[str, IamResource]) -> None:
    """Replace how the base emulator judges requests. `resources` are those of the extensions, by service."""
    known = authorizers()
    for internal, instead in superseded_checks().items():
        internal.replace(instead)
    _remember_action()
    _plan_by_resource(known, resources)
    _judge_plan()


def denied_authorization() -> Authorization | None:
    """What the evaluator denied last in the present request, once; None if it was asked what the emulator asked."""
    denied = _denied.get()
    if denied is not None:
        _denied.set(None)
    return denied


def was_judged(service: str) -> bool:
    """Whether the present request is a call of a service that was judged, by the policies of its resources too."""
    return _judged.get() == service


def _remember_action() -> None:
    original: Callable[..., str | None] = ACTION.current()

    def action(
        service: str, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> str | None:
        found = original(service, method, path, headers, body, query_params)
        _action.set(found or "")
        return found

    ACTION.replace(action)


def _plan_by_resource(known: Mapping[str, Authorize], resources: Mapping[str, IamResource]) -> None:
    original: Callable[..., str] = RESOURCE.current()

    def resource(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        region: str,
        account_id: str,
    ) -> str:
        action = _action.get()
        _action.set("")
        _judged.set("")
        access_key = ACCESS_KEY.current()(headers, query_params)
        if access_key and IS_OWNER.current()(access_key):
            return "*"  # the owner may do everything
        operation = action.partition(":")[2]
        call = Call(service, operation, method, path, headers, body, query_params, region, account_id)
        if service in known:
            return _planned(service, _completed(call, known[service](call)))
        found = resources[service](call.request, query_params) if service in resources else None
        if found and not found.startswith("arn:"):
            found = f"arn:aws:{service}:{region}:{account_id}:{found}"
        found = found or original(service, method, path, headers, body, query_params, region, account_id)
        needed = _completed(call, [Authorization(action, found)])
        return _planned(service, needed) if len(needed) > 1 else found

    RESOURCE.replace(resource)


def _completed(call: Call, authorizations: list[Authorization]) -> list[Authorization]:
    """What a call needs, with what any service asks for: roles handed over, and tags of what is created."""
    return [*authorizations, *creation_tags(call, authorizations), *passed_roles(call)]


def _planned(service: str, authorizations: list[Authorization]) -> str:
    """Keep what a call needs; the resource for which the base emulator then asks the evaluator."""
    resource = authorizations[0].resource if authorizations else "*"
    _plan.set(_Plan(service, resource, authorizations) if authorizations else None)
    return resource


def _judge_plan() -> None:
    original: Callable[..., Any] = ENFORCE.current()

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The first denial of what a call needs, in the base emulator's form, or None."""
        plan = _plan.get()
        if plan is None or plan.service != _PLANNED_AS.get(service, service) or plan.resource != resource_arn:
            return original(access_key_id, iam_action, service, region, resource_arn, service_context)
        _plan.set(None)
        own_prefix = plan.authorizations[0].action.partition(":")[0]
        for needed in _distinct(plan.authorizations):
            prefix = needed.action.partition(":")[0]
            asked_of = service if prefix == own_prefix else prefix
            keys = {**(service_context or {}), **needed.keys}
            denied = original(access_key_id, needed.action, asked_of, region, needed.resource, keys)
            if denied:
                _denied.set(needed)
                return denied
        _judged.set(service)
        return None

    ENFORCE.replace(enforce)


def _distinct(authorizations: list[Authorization]) -> Iterable[Authorization]:
    """Each once: the entries of a batch often need the same."""
    if len(authorizations) == 1:
        return authorizations
    return {(each.action, each.resource, repr(each.keys)): each for each in authorizations}.values()
