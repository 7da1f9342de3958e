"""Rules of templates: their event patterns are checked, and the physical id on a custom event bus is `bus|rule`.

The base emulator checks no patterns of new rules, and gives the name of the rule as its id, which identifies rules of
the default bus only.
"""

import json
from collections.abc import Callable
from typing import Any

from blueprints.local.base.internals import Internal
from blueprints.local.base.resource_types import REGISTRY, ResourceFailed
from blueprints.local.services.eventbridge.event_patterns import rule_refusal

BUS_NAME = Internal("services.cloudformation.provisioners", "_eb_rule_bus_name", ("props",))
BUSES = Internal("services.eventbridge", "_event_buses")

_RULE, _DEFAULT = "AWS::Events::Rule", "default"

_Made = tuple[str, dict[str, Any]]


def install() -> None:
    """Replace the base emulator's provisioning of rules."""
    registry = REGISTRY.current()
    stock = registry[_RULE]
    registry[_RULE] = {
        **stock,
        "create": _create(stock["create"]),
        "update": _update(stock["update"]),
        "delete": _delete(stock["delete"]),
    }


def _create(create: Callable[..., _Made]) -> Callable[..., _Made]:
    def on_its_bus(logical_id: str, props: dict[str, Any], stack_name: str) -> _Made:
        bus = _existing_bus(props)
        name, attributes = create(logical_id, with_valid_pattern(props), stack_name)
        return _physical_id(bus, name), attributes

    return on_its_bus


def _update(update: Callable[..., _Made]) -> Callable[..., _Made]:
    def on_its_bus(physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any, **more: Any) -> _Made:
        bus = _existing_bus(new)
        name, attributes = update(_rule_name(physical_id), old, with_valid_pattern(new), *rest, **more)
        return _physical_id(bus, name), attributes

    return on_its_bus


def _delete(delete: Callable[..., None]) -> Callable[..., None]:
    def on_its_bus(physical_id: str, props: dict[str, Any], *rest: Any, **more: Any) -> None:
        delete(_rule_name(physical_id), props, *rest, **more)

    return on_its_bus


def _existing_bus(props: dict[str, Any]) -> str:
    """The bus of a rule."""
    bus = str(BUS_NAME.current()(props))
    if bus != _DEFAULT and bus not in BUSES.current():
        raise ResourceFailed(f"Event bus {bus} does not exist.")
    return bus


def with_valid_pattern(props: dict[str, Any]) -> dict[str, Any]:
    """The properties with the event pattern as a text, without spaces that count against its longest length."""
    pattern = props.get("EventPattern")
    if not pattern:
        return props
    text = pattern if isinstance(pattern, str) else json.dumps(pattern, ensure_ascii=False, separators=(",", ":"))
    refused = rule_refusal(text)
    if refused:
        raise ResourceFailed(refused)
    return {**props, "EventPattern": text}


def _physical_id(bus: str, name: str) -> str:
    return name if bus == _DEFAULT else f"{bus}|{name}"


def _rule_name(physical_id: str) -> str:
    return physical_id.rpartition("|")[2]
