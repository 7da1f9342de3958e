"""Updates resources of a stack at the same time if their updates take long, as AWS does.

The base emulator updates the resources of a stack one after the other. Most updates take no time, but that of an alias
takes as long as its deployment. So gradual updates come last. When the first one begins, each of the others begins on a
thread, if everything that it depends on has been updated. When the base emulator gets to it, it waits for its end.
If an update fails, those under way are stopped. The base emulator rolls them back together with what it has updated.

Source: AWS CloudFormation User Guide, "DependsOn attribute" (resources that do not depend on each other are updated in
parallel) and "Troubleshooting CloudFormation" (updates that are cancelled because another resource failed).
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import Made, Properties
from blueprints.local.services.cloudformation.failed_rollbacks import ROLLBACKS
from blueprints.local.services.cloudformation.operation_under_way import (
    DEPLOYS,
    STACKS,
    Operation,
    current_operation,
)
from blueprints.local.services.cloudformation.resource_updates import ADD_EVENT, NOW, ResourceUpdate
from blueprints.local.services.cloudformation.stack_operations import is_rolling_back

EVENTS = Internal("services.cloudformation", "_stack_events")
SORTS = tuple(
    Internal(f"services.cloudformation.{module}", "_topological_sort", ("resources", "conditions"))
    for module in ("engine", "stacks")
)
DEPENDENCIES = Internal("services.cloudformation.engine", "_extract_deps", ("resource_def", "all_resource_names"))
NO_VALUE = Internal("services.cloudformation.engine", "_NO_VALUE")
UPDATES = tuple(
    Internal(
        f"services.cloudformation.{module}",
        "_update_resource",
        ("resource_type", "physical_id", "old_props", "new_props", "stack_name", "logical_id", "old_attrs"),
    )
    for module in ("provisioners", "stacks")
)
ON_A_THREAD = Internal("core.concurrency", "run_reentrant", ("fn", "args", "thread_name"))

log = logging.getLogger(__name__)

_Definition = Mapping[str, Any]
_Record = dict[str, Any]


@dataclass(frozen=True)
class GradualType:
    """A resource type with updates that take long. The base emulator runs them on threads."""

    is_gradual: Callable[[_Definition], bool]
    """Whether a resource with this definition in a template is updated gradually."""
    moves: Callable[[Properties, Properties], bool]
    """Whether an update from old to new properties takes long, and changes the resource in place."""


_gradual_types: dict[str, GradualType] = {}


def update_in_parallel(resource_type: str, gradual: GradualType) -> None:
    """Update gradual resources of this type at the same time as others."""
    _gradual_types[resource_type] = gradual


_Updates = dict[tuple[str, str], ResourceUpdate]
"""By the stack and the logical id."""

_under_way: ContextVar[_Updates | None] = ContextVar("updates_under_way", default=None)
"""The gradual updates of the present operation that have begun."""


def install() -> None:
    """Extend updates of stacks, of resources, and rollbacks."""
    for deploy in DEPLOYS:
        deploy.replace(_ending_all(deploy.current()))
    roll_back = _ending_first(ROLLBACKS[0].current())
    for rollback in ROLLBACKS:
        rollback.replace(roll_back)
    for sort in SORTS:
        sort.replace(_with_gradual_ones_late(sort.current()))
    for update in UPDATES:
        update.replace(_in_parallel(update.current()))
    ADD_EVENT.replace(_once(ADD_EVENT.current()))


def _with_gradual_ones_late(original: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """In an update, a gradual update comes when no other is possible, and what depends on it directly after it."""

    def sort(resources: Mapping[str, _Definition], conditions: Mapping[str, bool]) -> list[str]:
        order = original(resources, conditions)
        operation = current_operation()
        gradual = {each for each in order if _is_gradual(resources[each])}
        if operation is None or not operation.is_update or not gradual:
            return order
        place, names = {each: number for number, each in enumerate(order)}, set(order)
        sorter = TopologicalSorter({each: DEPENDENCIES.current()(resources[each], names) - {each} for each in order})
        sorter.prepare()
        changed: list[str] = []
        possible: list[tuple[bool, int, str]] = []
        while sorter.is_active():
            for each in sorter.get_ready():
                heappush(possible, (each in gradual, place[each], each))
            changed.append(heappop(possible)[-1])
            sorter.done(changed[-1])
        return changed

    return sort


def _is_gradual(definition: _Definition) -> bool:
    gradual = _gradual_types.get(str(definition.get("Type")))
    return gradual is not None and gradual.is_gradual(definition)


def _in_parallel(original: Callable[..., Made]) -> Callable[..., Made]:
    """Begin every gradual update that can begin together with the present one; wait for one that has begun before."""

    def update(
        resource_type: str,
        physical_id: str,
        old_props: Properties,
        new_props: Properties,
        stack_name: str,
        logical_id: str | None = None,
        old_attrs: dict[str, Any] | None = None,
    ) -> Made:
        operation, updates = current_operation(), _under_way.get()
        if (
            operation is None
            or updates is None
            or logical_id is None
            or resource_type not in _gradual_types
            or not _is_gradual(operation.definitions(stack_name).get(logical_id) or {})
            or is_rolling_back(stack_name)
        ):
            return original(resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs)
        own = updates.get((stack_name, logical_id))
        is_started = own is not None
        if own is None:
            own = updates[stack_name, logical_id] = ResourceUpdate(
                operation, stack_name, logical_id, resource_type, physical_id, old_props, new_props, old_attrs
            )
        for each in _ready(operation, stack_name, logical_id, updates):
            updates[each.stack_name, each.logical_id] = each
            each.start(original)
        if is_started:
            own.wait()
        else:
            own.run(original)
        if own.error is not None and stack_name != operation.stack_name:
            _name_first_failure(own, operation, updates)
        return own.result()

    return update


def _name_first_failure(own: ResourceUpdate, operation: Operation, updates: _Updates) -> None:
    """The parent of a nested stack gives the error of its resource as reason: it must not be one that was stopped."""
    first = updates.get(operation.first_failure) if operation.first_failure else None
    if first is not None and first is not own:
        first.wait()
        own.announce_failure()
        own.error = first.error


def _ready(operation: Operation, stack_name: str, present: str, begun: _Updates) -> Iterator[ResourceUpdate]:
    """The gradual updates still to come that depend only on resources before the present one."""
    definitions = operation.definitions(stack_name)
    order = SORTS[0].current()(definitions, operation.conditions(stack_name))
    done, names = set(order[: order.index(present)]), set(order)
    for each in order[order.index(present) + 1 :]:
        definition = definitions[each]
        if (stack_name, each) in begun or not _is_gradual(definition):
            continue
        if DEPENDENCIES.current()(definition, names) - {each} <= done:
            update = _update_of(operation, stack_name, each, definition)
            if update is not None:
                yield update


def _update_of(
    operation: Operation, stack_name: str, logical_id: str, definition: _Definition
) -> ResourceUpdate | None:
    """The update of a resource that exists, or None if it does not take long or its properties are not known yet."""
    resource_type = str(definition["Type"])
    record = STACKS.current()[stack_name]["_resources"].get(logical_id)
    if record is None or record["ResourceType"] != resource_type:
        return None
    try:
        resolved = operation.resolved(stack_name, definition.get("Properties") or {})
        new = {name: value for name, value in resolved.items() if value is not NO_VALUE.current()}
    except Exception as error:  # noqa: BLE001 - the base emulator reports it when it comes to this resource
        log.debug("the properties of %s are not known yet: %s", logical_id, error)
        return None
    if "{{resolve:" in str(new) or not _gradual_types[resource_type].moves(record["Properties"], new):
        return None
    return ResourceUpdate(
        operation,
        stack_name,
        logical_id,
        resource_type,
        record["PhysicalResourceId"],
        record["Properties"],
        new,
        record.get("Attributes"),
    )


def _once(original: Callable[..., None]) -> Callable[..., None]:
    """Leave out events of the base emulator that were added when they happened."""

    def add_event(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        resource_type: str,
        status: str,
        reason: str = "",
        physical_id: str = "",
        detailed_status: str = "",
    ) -> None:
        update = (_under_way.get() or {}).get((stack_name, logical_id))
        if update is not None and status in update.announced:
            update.announced.remove(status)
            return
        original(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)

    return add_event


def _ending_first(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Before a rollback, stop the updates that are still under way."""

    async def roll_back(
        stack_name: str, stack_id: str, stack: _Record, operation: _Record, reason_override: str = ""
    ) -> None:
        await _end(stack, operation)
        await original(stack_name, stack_id, stack, operation, reason_override)

    return roll_back


def _ending_all(original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Without a rollback (DisableRollback), an operation fails only when no update is under way any more."""

    async def deploy(stack_name: str, stack_id: str, *rest: Any, **more: Any) -> None:
        updates: _Updates = {}
        _under_way.set(updates)
        stack = STACKS.current()[stack_name]
        await original(stack_name, stack_id, *rest, **more)
        failed = stack.get("_failed_operation")
        if STACKS.current().get(stack_name) is not stack:  # the account was emptied meanwhile
            return
        if failed is None or all(each.is_known for each in updates.values()):
            return
        status, event = stack["StackStatus"], EVENTS.current()[stack_id].pop()
        stack["StackStatus"] = "UPDATE_IN_PROGRESS"
        await _end(stack, failed)
        stack["StackStatus"] = status
        EVENTS.current()[stack_id].append(
            {**event, "Timestamp": NOW.current()(), "ResourceStatusReason": stack["StackStatusReason"]}
        )

    return deploy


async def _end(stack: _Record, failed: _Record) -> None:
    """Stop the updates under way, wait for their end, and add to the failed operation what happened.

    `failed` is what a rollback needs to know: the base emulator has left out the updates that it did not come to.
    """
    operation, updates = current_operation(), _under_way.get()
    if operation is None or not updates:
        return
    operation.stop()
    await ON_A_THREAD.current()(_wait_for, updates)
    first = updates.get(operation.first_failure) if operation.first_failure else None
    if first is not None and first.stack_name == operation.stack_name:
        _blame(first, updates, stack, failed)
    for each in updates.values():
        each.announced.clear()
        is_blamed = (each.stack_name, each.logical_id) == (operation.stack_name, failed["failed_logical_id"])
        if is_blamed or (each.made and each.is_known):
            continue
        holder = STACKS.current().get(each.stack_name)
        if holder is not None:
            each.record(stack if each.stack_name == operation.stack_name else holder)
        if each.stack_name == operation.stack_name:
            failed["created"].append(each.logical_id)


def _blame(first: ResourceUpdate, updates: _Updates, stack: _Record, failed: _Record) -> None:
    """Name the update that failed first, if the base emulator has seen only another one that was stopped for it."""
    seen = updates.get((first.stack_name, failed["failed_logical_id"]))
    if seen is None or seen is first:
        return
    failed["failed_logical_id"] = first.logical_id
    failed["failed_update"] = [
        first.logical_id,
        first.resource_type,
        first.physical_id,
        first.new,
        first.old,
        first.attributes,
    ]
    stack["StackStatusReason"] = f"Resource {first.logical_id} failed: {first.error}"


def _wait_for(updates: _Updates) -> None:
    for each in updates.values():
        each.wait()
