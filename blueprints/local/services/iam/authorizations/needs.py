"""Tables from an operation to the permissions that it needs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from blueprints.local.services.iam.authorizations.call import NO_KEYS, Authorization, Call

Resources = Callable[[Call], str | Iterable[str]]
"""From a call to the ARN of the resource that it is about, or to several; `*` for none."""


def any_resource(call: Call) -> str:  # noqa: ARG001 - the same for every call
    """The resource of an action without resource-level permissions."""
    return "*"


def always(call: Call) -> bool:  # noqa: ARG001 - the same for every call
    """The condition of a permission that every call of the operation needs."""
    return True


def no_keys(call: Call) -> Mapping[str, Any]:  # noqa: ARG001 - the same for every call
    """No condition keys."""
    return NO_KEYS


@dataclass(frozen=True)
class Needs:
    """A permission that an operation needs: an action on each of its resources."""

    action: str
    """Such as `SendMessage`, an action of the call's service; or `iam:PassRole`, one of another."""
    resources: Resources
    when: Callable[[Call], bool] = always
    keys: Callable[[Call], Mapping[str, Any]] = no_keys


Operations = Mapping[str, tuple[Needs, ...]]


def by_operation(
    prefix: str, operations: Operations, default: Resources, keys: Callable[[Call], Mapping[str, Any]] = no_keys
) -> Callable[[Call], list[Authorization]]:
    """The permissions of a service's calls.

    An operation without an entry in `operations` needs the action of its own name on the `default` resource, with
    `keys`. `prefix` is the service's prefix in actions, such as `cloudwatch`.
    """

    @lru_cache(maxsize=256)
    def needs_of(operation: str) -> tuple[Needs, ...]:
        needed = operations.get(operation, (Needs(operation, default, keys=keys),))
        return tuple(replace(each, action=_with_prefix(each.action, prefix)) for each in needed)

    def authorizations(call: Call) -> list[Authorization]:
        found: list[Authorization] = []
        for need in needs_of(call.operation):
            if need.when(call):
                found += _each_resource(need, call)
        return found

    return authorizations


def _with_prefix(action: str, prefix: str) -> str:
    return action if ":" in action else f"{prefix}:{action}"


def _each_resource(need: Needs, call: Call) -> list[Authorization]:
    resources, keys = need.resources(call), need.keys(call)
    if isinstance(resources, str):
        return [Authorization(need.action, resources, keys)]
    return [Authorization(need.action, each, keys) for each in resources]
